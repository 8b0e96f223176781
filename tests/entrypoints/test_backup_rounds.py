"""Backups taken again and again while documents come and go, each restored and compared."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from citewell.core.backups import opening
from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.parsing.testing import TextParser
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_database
from citewell.features.identity import service as identity
from tests.entrypoints.small_installations import drift, embedder, make_installation, text
from tests.quiet import Shelf

pytestmark = pytest.mark.usefixtures("logging_put_back")

ROUNDS = int(os.environ.get("BACKUP_ROUNDS", "50"))
PASSPHRASE = "four words that nobody guesses"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not in pytest's own folder: each run of root closes that to the database's user."""
    made = Path(tempfile.mkdtemp(prefix="citewell-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


class Writer:
    """Adds and removes documents until it is cancelled, and counts what it has done."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.writes = 0
        self._platform, self._folder = platform, folder

    async def run(self) -> None:
        tenant_id = await identity.find_tenant(self._platform, identity.DEFAULT_TENANT)
        shelf = Shelf(self._platform, Caller(tenant_id, OPERATOR), self._folder)
        while True:
            self.writes += 1
            added = await shelf.add(f"busy-{self.writes % 7}.txt", text(self.writes, 2))
            if self.writes % 3 == 0:
                await shelf.delete(added)


@pytest.mark.slow
class TestRounds:
    def test_each_backup_under_load_is_restored_equal_also_after_new_keys(
        self, folder: Path, prepared: Path
    ) -> None:
        """Every fifth round exchanges the tenants' keys, every tenth the master key."""
        place = folder / "kept"
        variables = {"CITEWELL_BACKUP_URL": str(place), "CITEWELL_BACKUP_PASSPHRASE": PASSPHRASE}
        busy = replace(
            make_installation(folder / "busy", prepared, documents=2, sections=4),
            variables=variables,
        )
        settings = Settings(
            _env_file=None, home=busy.home, threads=1, log_level="error", trash_minutes=0,
            backup_url=str(place), backup_passphrase=PASSPHRASE,
        )  # fmt: skip
        made: list[str] = []
        documents: set[int] = set()

        async def verified(backup: str) -> int:
            command = ("backup", "verify", backup, "--searches", "10")
            checked = await asyncio.to_thread(busy.json, *command)
            assert (checked["ok"], checked["different"]) == (True, []), (backup, checked)
            assert checked["searches"] == checked["found"]
            return checked["rows"]

        async def inside(url: str) -> None:
            async with open_platform(settings, DatabaseHandle(url, is_first_user=True)) as opened:
                platform = replace(opened, embedder=embedder(), parser=TextParser())
                writer = Writer(platform, busy.folder)
                writing = asyncio.ensure_future(writer.run())
                target = opening.open_target(settings, is_written=True)
                for number in range(1, ROUNDS + 1):
                    before = writer.writes
                    made.append((await opening.back_up(platform, target)).id)
                    documents.add(await verified(made[-1]))
                    assert not writing.done(), writing
                    assert writer.writes > before
                    if number % 5 == 0:
                        await asyncio.to_thread(busy.json, "keys", "rotate")
                    if number % 10 == 0:
                        await asyncio.to_thread(busy.json, "keys", "rotate", "--master")
                writing.cancel()
                await asyncio.wait([writing])
                assert writing.cancelled()  # it wrote to the end
                await verified(made[0])  # of the first keys, by its passphrase

        with running_database(settings) as database:
            asyncio.run(inside(database.url))
        assert len(set(made)) == ROUNDS
        assert len(documents) > 1, "the installation changed between backups"
        (folder / "restored").mkdir()
        other = replace(busy, folder=folder / "restored")
        other.json("backup", "restore", made[-1])
        restored = Settings(_env_file=None, home=other.home, log_level="error")
        with running_database(restored) as database:
            assert asyncio.run(drift(database.url, other.home)) == []
