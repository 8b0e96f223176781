"""An embedded installation moves to another PostgreSQL, whole or not at all."""

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from citewell.core.context import Caller, unit_of_work
from citewell.core.database.migrations import migrate
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
from tests.conftest import Servers, new_caller
from tests.entrypoints.conftest import Installation
from tests.quiet import Shelf
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

KILLED = """
import os, signal, sys
from citewell.features.promotion.copying import Promotion
def kill(table, done):
    if table == "chunk" and done:
        os.kill(os.getpid(), signal.SIGKILL)
with Promotion(sys.argv[1], sys.argv[2]) as promotion:
    promotion.copy(kill)
"""


def embedder() -> HashEmbedder:
    """Vectors in no time, under the name of the model that the command asks with."""
    return HashEmbedder(name=SPEC.name)


@pytest.fixture
def target(servers: Servers, template: str, superuser: None) -> Iterator[str]:
    """An empty database of an owner who is nobody special."""
    name, role = f"citewell_test_{uuid.uuid4().hex[:12]}", f"owner_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(servers.create(name), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    owner = sql.Identifier(role)
    servers.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(owner))
    servers.execute(sql.SQL("GRANT citewell_app TO {}").format(owner))
    servers.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), owner))
    parts = psycopg.conninfo.conninfo_to_dict(servers.url(name))
    place = f"host={parts['host']}" + (f"&port={parts['port']}" if "port" in parts else "")
    yield f"postgresql://{role}:secret@/{name}?{place}"
    servers.drop(name)
    servers.execute(sql.SQL("DROP ROLE {}").format(owner))


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


def make_installation(folder: Path, *, documents: int, sections: int) -> Installation:
    installation = Installation(folder)
    settings = Settings(_env_file=None, home=installation.home, threads=1, log_level="error")

    async def inside(url: str) -> None:
        async with open_platform(settings, DatabaseHandle(url, is_first_user=True)) as platform:
            light = replace(platform, embedder=embedder(), parser=TextParser())
            await fill(light, folder, documents, sections)

    with running_database(settings) as database:
        asyncio.run(inside(database.url))
    return installation


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not in pytest's own folder: each run of root closes that to the database's user."""
    made = Path(tempfile.mkdtemp(prefix="citewell-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def installation(folder: Path) -> Installation:
    """A small installation that nobody uses."""
    (folder / "small").mkdir()
    return make_installation(folder / "small", documents=4, sections=12)


def rows_in(url: str, table: str) -> int:
    """Rows of a table, for whom no policy hides them."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(psycopg.conninfo.make_conninfo(url, user="postgres")) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        found = row.fetchone()
    assert found is not None, name
    return found[0]


async def drift(url: str, home: Path) -> list[str]:
    """What the doctor finds in all tenants of a promoted database."""
    settings = Settings(_env_file=None, home=home, database_url=url, threads=1)
    problems: list[str] = []
    async with open_platform(settings, DatabaseHandle(url, is_first_user=False)) as platform:
        async with platform.database.unit_of_work(None) as session:
            tenants = await repository.all_tenants(session)
        for tenant_id in tenants:
            report = await doctor.check(platform, tenant_id)
            problems += [example for check in report.checks for example in check.examples]
    return problems


class TestPromote:
    def test_everything_is_there_and_found_alike(
        self, installation: Installation, target: str
    ) -> None:
        report = installation.json("promote", "--to", target, "--searches", "40")
        assert report["searches"]["asked"] == report["searches"]["same"] >= 20
        assert report["setting"] == f"CITEWELL_DATABASE_URL={target}"
        assert report["checked_rows"] == report["rows"]  # a small library is compared whole
        for table in ("tenant", "chunk", "document_version", "term_stat", "audit_event"):
            assert report["tables"][table] == rows_in(target, table) > 0
        assert asyncio.run(drift(target, installation.home)) == []

    def test_promoted_library_goes_on(self, installation: Installation, target: str) -> None:
        shown = installation.call("promote", "--to", target)
        assert shown.exit_code == 0, shown.stderr
        assert f"\n  CITEWELL_DATABASE_URL={target}\n" in shown.stdout
        note = installation.folder / "note.md"
        note.write_text("# Note\n\nThe note of the promoted library.\n")
        added = installation.run("ingest", str(note), "--json", CITEWELL_DATABASE_URL=target)
        assert added.returncode == 0, added.stderr
        assert asyncio.run(drift(target, installation.home)) == []

    def test_target_with_a_library_is_refused_and_unchanged(
        self, installation: Installation, target: str
    ) -> None:
        installation.json("promote", "--to", target, "--searches", "0")
        before = rows_in(target, "chunk")
        again = installation.call("promote", "--to", target)
        assert again.exit_code == 3
        assert "holds a Citewell library already" in again.stderr
        assert rows_in(target, "chunk") == before

    def test_killed_promotion_leaves_an_empty_target_that_can_be_filled(
        self, installation: Installation, target: str
    ) -> None:
        settings = Settings(_env_file=None, home=installation.home, log_level="error")
        migrate(target)
        with running_database(settings) as database:
            command = [sys.executable, "-c", KILLED, database.url, target]
            killed = subprocess.run(command, check=False, timeout=PATIENCE)
        assert killed.returncode == -signal.SIGKILL
        assert {rows_in(target, table) for table in ("tenant", "chunk", "job")} == {0}
        report = installation.json("promote", "--to", target)
        assert report["searches"]["asked"] == report["searches"]["same"] > 0

    def test_installation_in_use_is_refused(self, installation: Installation, target: str) -> None:
        running = installation.start("worker")
        try:
            deadline = time.monotonic() + PATIENCE
            while not installation.database_processes() and time.monotonic() < deadline:
                time.sleep(0.05)
            refused = installation.call("promote", "--to", target)
        finally:
            running.end()
        assert refused.exit_code == 3
        assert "stop `citewell serve` and every `citewell worker`" in " ".join(
            refused.stderr.split()
        )

    @pytest.mark.parametrize(
        ("to", "code", "said"),
        [
            ("mysql://somewhere/db", 2, "--to must look like"),
            ("postgresql://nobody@127.0.0.1:9/nothing", 3, "The target: The database does not"),
        ],
    )
    def test_target_that_cannot_be_used_is_one_line(
        self, installation: Installation, to: str, code: int, said: str,
    ) -> None:  # fmt: skip
        refused = installation.call("promote", "--to", to)
        assert refused.exit_code == code
        assert said in refused.stderr
        assert "CITEWELL_DATABASE_URL" not in refused.stderr

    def test_installation_on_a_server_is_refused(
        self, installation: Installation, target: str
    ) -> None:
        refused = installation.run("promote", "--to", target, CITEWELL_DATABASE_URL=target)
        assert refused.returncode == 2
        assert "on a server already" in refused.stderr


@pytest.mark.slow
class TestLargePromotion:
    @pytest.mark.timeout(600)
    def test_ten_thousand_passages_answer_a_hundred_searches_alike(
        self, folder: Path, target: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / "large").mkdir()
        installation = make_installation(folder / "large", documents=125, sections=80)
        report = installation.json("promote", "--to", target)
        with capsys.disabled():
            sys.stdout.write(f"{report['tables']['chunk']} passages: {report['seconds']}\n")
        assert report["tables"]["chunk"] >= 10_000
        assert report["searches"] == {"asked": 100, "same": 100, "different": []}
        assert asyncio.run(drift(target, installation.home)) == []
