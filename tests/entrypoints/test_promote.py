"""An embedded installation moves to another PostgreSQL, whole or not at all."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewell.core.database.migrations import migrate
from citewell.core.settings import Settings
from citewell.entrypoints.installation import running_database
from tests.entrypoints.conftest import Installation
from tests.entrypoints.small_installations import drift, make_installation, rows_in
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


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not in pytest's own folder: each run of root closes that to the database's user."""
    made = Path(tempfile.mkdtemp(prefix="citewell-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def installation(folder: Path, prepared: Path) -> Installation:
    """A small installation that nobody uses."""
    return make_installation(folder / "small", prepared, documents=4, sections=12)


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
        self, folder: Path, prepared: Path, target: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        installation = make_installation(folder / "large", prepared, documents=125, sections=80)
        report = installation.json("promote", "--to", target)
        with capsys.disabled():
            sys.stdout.write(f"{report['tables']['chunk']} passages: {report['seconds']}\n")
        assert report["tables"]["chunk"] >= 10_000
        assert report["searches"] == {"asked": 100, "same": 100, "different": []}
        assert asyncio.run(drift(target, installation.home)) == []
