"""Small installations with two tenants, and what is looked for in a copy of one."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.embedding.bundled import SPEC
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.parsing.testing import TextParser
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_database
from citewell.features.audit import service as audit
from citewell.features.doctor import service as doctor
from citewell.features.identity import service as identity
from citewell.features.promotion import repository
from citewell.features.versions import service as versions
from citewell.indexes.contract import index_of
from tests.conftest import new_caller
from tests.entrypoints.conftest import Installation, installed
from tests.quiet import Shelf


def embedder() -> HashEmbedder:
    """Vectors in no time, under the name of the model that the command asks with."""
    return HashEmbedder(name=SPEC.name)


def text(number: int, sections: int) -> str:
    chance = random.Random(number)
    words = [f"word{chance.randrange(3000)}" for _ in range(sections * 40)]
    return "\n\n".join(
        f"# Section {chance.choice(words)} {chance.choice(words)}\n\n"
        + " ".join(words[at * 40 : at * 40 + 40])
        for at in range(sections)
    )


async def fill(platform: Platform, folder: Path, documents: int, sections: int) -> None:
    """Two tenants; documents with versions, a rollback, a failure and one that waits."""
    await identity.ensure_default_tenant(platform)
    default = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    first = await new_caller(platform)
    shelf = Shelf(platform, Caller(default, first.actor), folder)
    for number in range(documents):
        added = await shelf.add(f"{number}.txt", text(number, sections))
    await shelf.add(f"{number}.txt", text(number + 1, sections))
    async with unit_of_work(platform, shelf.caller) as ctx:
        await versions.rollback(ctx, added.document_id, 1)
        await audit.record(ctx, "tests.noted")
    await shelf.add("empty.txt", "")
    await shelf.register("waiting.txt", "This one waits for a worker.")
    await Shelf(platform, first, folder).add("other.txt", text(1, 3))
    await index_of(platform).maintenance.fold_statistics(default)


def make_installation(
    folder: Path, prepared: Path, *, documents: int, sections: int
) -> Installation:
    """An installation in a new folder with something in it, over a database prepared before."""
    folder.mkdir()
    installation = installed(folder, prepared)
    settings = Settings(_env_file=None, home=installation.home, threads=1, log_level="error")

    async def inside(url: str) -> None:
        async with open_platform(settings, DatabaseHandle(url, is_first_user=True)) as platform:
            light = replace(platform, embedder=embedder(), parser=TextParser())
            await fill(light, folder, documents, sections)

    with running_database(settings) as database:
        asyncio.run(inside(database.url))
    return installation


def rows_in(url: str, table: str) -> int:
    """Rows of a table, for whom no policy hides them."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(psycopg.conninfo.make_conninfo(url, user="postgres")) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        found = row.fetchone()
    assert found is not None, name
    return found[0]


async def drift(url: str, home: Path) -> list[str]:
    """Findings of the doctor in all tenants of a promoted database."""
    settings = Settings(_env_file=None, home=home, database_url=url, threads=1)
    problems: list[str] = []
    async with open_platform(settings, DatabaseHandle(url, is_first_user=False)) as platform:
        async with platform.database.unit_of_work(None) as session:
            tenants = await repository.all_tenants(session)
        for tenant_id in tenants:
            report = await doctor.check(platform, tenant_id)
            problems += [example for check in report.checks for example in check.examples]
    return problems
