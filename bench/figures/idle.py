"""Statements an idle installation sends to its database."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil
import psycopg

from bench.report import Row
from citewell.core.context import OPERATOR, Caller
from citewell.core.database.embedded import EmbeddedServer
from citewell.core.platform import Platform
from citewell.core.settings import load_settings
from citewell.entrypoints import logs
from citewell.entrypoints.installation import open_platform, running_database, running_worker
from citewell.features.documents import registering
from citewell.features.documents.schemas import NewFile
from citewell.features.identity import service as identity
from citewell.indexes.contract import index_of

MANY_TENANTS = 200
SETTLE_SECONDS = 110.0
"""Until nothing is looked at any more because it changed (`looked_at` of the index's upkeep)."""
COUNTED_SECONDS = 30.0
LARGE = 20_000
"""Passages each tenant is said to have, so that upkeep of large libraries looks at it."""

STATEMENTS_A_SECOND = 5.0
"""Budget: heartbeat, polls and schedules of one worker, whatever the number of tenants."""


def measure(work: Path) -> tuple[list[Row], list[str]]:
    """Count statements of an idle server with its worker, with one tenant and with many."""
    rows = list[Row]()
    for tenants in (1, MANY_TENANTS):
        counted, processor = _count(work / f"home-{tenants}", tenants)
        a_second = sum(counted.values()) / COUNTED_SECONDS
        rows.append(
            Row(
                f"idle, {tenants} large tenants",
                f"{a_second:.1f} statements/s",
                f"{counted['BEGIN'] / COUNTED_SECONDS:.1f} transactions/s, "
                f"{processor / COUNTED_SECONDS:.1%} of a core",
                "",
                f"<= {STATEMENTS_A_SECOND:.0f}/s",
                a_second <= STATEMENTS_A_SECOND,
            )
        )
    return rows, ["Idle: one process with its worker, every tenant's library indexed."]


def _count(home: Path, tenants: int) -> tuple[Counter[str], float]:
    settings = load_settings(home=home, log_level="error", threads=1)
    logs.configure(settings)
    with running_database(settings) as database:
        server = EmbeddedServer(home / "database")

        async def inside() -> tuple[Counter[str], float]:
            async with (
                open_platform(settings, database) as platform,
                running_worker(platform, adopt_all=True),
            ):
                await _fill(platform, server, tenants)
                await asyncio.sleep(SETTLE_SECONDS)
                _log_statements(server, "all")
                before, spent = _lines(home), psutil.Process().cpu_times()
                await asyncio.sleep(COUNTED_SECONDS)
                counted, now = _lines(home) - before, psutil.Process().cpu_times()
                _log_statements(server, "none")
                return counted, now.user + now.system - spent.user - spent.system

        return asyncio.run(inside())


async def _fill(platform: Platform, server: EmbeddedServer, tenants: int) -> None:
    """Give each tenant one document, and have it taken for a large library that is indexed."""
    ids = list[uuid.UUID]()
    for number in range(tenants):
        slug = f"tenant-{number}"
        await identity.create_tenant(platform, slug, slug)
        tenant_id = await identity.find_tenant(platform, slug)
        file = platform.settings.home / f"{slug}.txt"
        file.write_text(f"The library of {slug} opens at nine.", encoding="utf-8")
        new = NewFile(path=file, filename=file.name, source=f"file:{file.name}")
        await registering.register_file(platform, Caller(tenant_id, OPERATOR), new)
        ids.append(tenant_id)
    await _until_ready(server, tenants)
    with _superuser(server) as connection:
        connection.execute("UPDATE index_generation SET chunk_count = %s", (LARGE,))
    for tenant_id in ids:
        await index_of(platform).maintenance.build_indexes(tenant_id, at_once=True)


async def _until_ready(server: EmbeddedServer, documents: int) -> None:
    query = "SELECT count(*) FROM index_generation WHERE chunk_count > 0"
    while True:
        with _superuser(server) as connection:
            if connection.execute(query).fetchone() == (documents,):
                return
        await asyncio.sleep(0.5)


def _superuser(server: EmbeddedServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.url("postgres", "citewell"), autocommit=True)


def _log_statements(server: EmbeddedServer, which: str) -> None:
    with _superuser(server) as connection:
        connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
        connection.execute("SELECT pg_reload_conf()")


def _lines(home: Path) -> Counter[str]:
    """Statements in the server's logs by their first word."""
    counted = Counter[str]()
    for path in (home / "database").rglob("postgresql-*.log"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            for mark in ("LOG:  statement: ", "LOG:  execute "):
                _, found, rest = line.partition(mark)
                if found:
                    counted[
                        _first_word(rest if "statement" in mark else rest.partition(": ")[2])
                    ] += 1
    return counted


def _first_word(statement: str) -> str:
    words: Sequence[str] = statement.split(maxsplit=1)
    return words[0].upper() if words else ""
