"""Backups: whole, encrypted, restored whole or not at all."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from citewell.core.backups import manifest as manifests
from citewell.core.backups import opening
from citewell.core.backups.keys import Unlocking
from citewell.core.backups.restoring import Opened, restore
from citewell.core.blobs.folder import FolderStorage
from citewell.core.context import OPERATOR, Caller
from citewell.core.database.connecting import connect
from citewell.core.database.dumping import backup_lock, files_to_come
from citewell.core.errors import StartupError
from citewell.core.platform import Platform
from citewell.core.secrets import load_master_keys
from citewell.core.settings import Settings
from citewell.engine.parsing.testing import TextParser
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_database
from citewell.features.identity import service as identity
from tests.entrypoints.conftest import Installation
from tests.entrypoints.small_installations import (
    drift,
    embedder,
    make_installation,
    rows_in,
    text,
)
from tests.quiet import Shelf
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

PASSPHRASE = "four words that nobody guesses"

KILLED_CREATE = """
import asyncio, os, resource, signal, sys
from functools import partial
from pathlib import Path
from citewell.core.backups import opening
from citewell.core.backups.creating import BackupSource, create
from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from citewell.core.database.dumping import as_superuser
from citewell.core.database.keyring import KeyRing
from citewell.core.database.sessions import Database
from citewell.core.errors import StartupError
from citewell.core.secrets import load_master_keys
from citewell.core.settings import Settings

home, url, place, *points = sys.argv[1:]
settings = Settings(_env_file=None, home=Path(home))

async def back_up(point):
    database = Database(url, pool_size=2)
    masters = partial(load_master_keys, settings)
    files = FolderStorage(settings.home / "files")
    blobs = BlobStore(files, KeyRing(database, masters), settings.home / "files" / "staging")
    def at(step):
        if step == point:
            os.kill(os.getpid(), signal.SIGKILL)
    target = opening.open_target(settings, place, is_written=True)
    await create(BackupSource(as_superuser(url), blobs, masters, {}), target, None, at)

for point in points:
    if not (child := os.fork()):
        if point == "full":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            asyncio.run(back_up(point))
        except StartupError as error:
            print(point, error, flush=True)
            os._exit(3)
        os._exit(0)
    print(point, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

KILLED_RESTORE = """
import asyncio, os, signal, sys
from pathlib import Path
from citewell.core.backups import opening
from citewell.core.backups.keys import Unlocking
from citewell.core.backups.restoring import Opened, restore
from citewell.core.blobs.folder import FolderStorage
from citewell.core.settings import Settings

home, url, place, passphrase, *points = sys.argv[1:]
settings = Settings(_env_file=None, home=Path(home))

async def put_back(point):
    target = opening.open_target(settings, place)
    opened = await Opened.of(target, (await target.whole())[0], Unlocking(None, passphrase))
    def at(step):
        if step == point:
            os.kill(os.getpid(), signal.SIGKILL)
    await restore(opened, url, FolderStorage(settings.home / "files"), at)

for point in points:
    if not (child := os.fork()):
        asyncio.run(put_back(point))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(point, code, flush=True)
    sys.stdin.readline()
"""

CREATE_POINTS = ("prepare", "files before", "file", "rows", "files after", "store rows",
                 "manifest", "finish")  # fmt: skip
RESTORE_POINTS = ("fetch", "schema", "files", "file", "rows", "table tenant", "table audit_event",
                  "table collection", "table document", "table document_version", "table chunk",
                  "commit")  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not in pytest's own folder: each run of root closes that to the database's user."""
    made = Path(tempfile.mkdtemp(prefix="citewell-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def installation(folder: Path, prepared: Path) -> Iterator[Installation]:
    """A small installation that runs; its backups are in `kept`, made with a passphrase."""
    made = make_installation(folder / "small", prepared, documents=3, sections=8)
    settings = Settings(_env_file=None, home=made.home, log_level="error")
    with running_database(settings):
        yield replace(made, variables=variables(folder / "kept"))


@pytest.fixture(scope="module")
def first_keys(installation: Installation) -> Unlocking:
    """A key that opens the backup too, without the quarter of a second that a passphrase takes."""
    return Unlocking(load_master_keys(Settings(_env_file=None, home=installation.home)))


@pytest.fixture(scope="module")
def backup(installation: Installation, first_keys: Unlocking) -> str:
    """Id of a whole backup."""
    assert first_keys.masters  # read before a test exchanges them
    return installation.json("backup", "create")["id"]


def variables(place: Path) -> dict[str, str]:
    return {"CITEWELL_BACKUP_URL": str(place), "CITEWELL_BACKUP_PASSPHRASE": PASSPHRASE}


def without_passphrase(place: Path) -> dict[str, str]:
    """A key for tests of other things: deriving one from a passphrase takes a third of a second."""
    return {"CITEWELL_BACKUP_URL": str(place)}


def fresh(folder: Path, **more: str) -> Installation:
    """An installation that was never started."""
    (place := folder / uuid.uuid4().hex[:8]).mkdir()
    return Installation(place, variables(folder / "kept") | more)


def note_of_database(url: str, note: str | None = None) -> str:
    """The comment on a database, after a new one is written if it is given."""
    with connect(url) as connection:
        name = sql.Identifier(connection.info.dbname)
        if note is not None:
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            connection.execute(comment.format(name, sql.Literal(note)))
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
    assert found is not None
    return found[0]


def said(installation: Installation, *arguments: str, code: int = 3) -> str:
    """The one line of a refused command."""
    result = installation.call(*arguments)
    assert result.exit_code == code, result.stdout
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr


class TestCreateAndRestore:
    def test_restored_installation_is_the_same_with_the_passphrase_alone(
        self, installation: Installation, backup: str, folder: Path
    ) -> None:
        again = installation.json("backup", "create")
        assert (again["new_files"], again["files"] > 0) == (0, True)
        assert again["has_passphrase"]
        listed = installation.json("backup", "list")["backups"]
        assert [each["id"] for each in listed] == sorted([backup, again["id"]], reverse=True)
        checked = installation.json("backup", "verify", backup, "--searches", "20")
        assert (checked["ok"], checked["different"]) == (True, [])
        assert checked["searches"] == checked["found"] == 20
        assert checked["files"] == again["files"]
        assert checked["decrypted"] == again["files"]

        other = fresh(folder, CITEWELL_ANSWER_DAYS="7")
        restored = other.json("backup", "restore", backup)
        assert restored["rows"] == checked["rows"]
        assert (other.home / "secret.key").read_text() == (
            installation.home / "secret.key"
        ).read_text()
        assert not (other.home / "secret.key.next").exists()
        assert not (other.home / "backups.unfinished").exists()
        settings = Settings(_env_file=None, home=other.home, log_level="error")
        with running_database(settings) as database:
            assert asyncio.run(drift(database.url, other.home)) == []
        assert "holds tenants already" in said(other, "backup", "restore", backup)
        # The originals get another key, which the backup does not have.
        other.json("keys", "rotate")
        assert other.json("backup", "restore", backup, "--replace")["rows"] == restored["rows"]
        with running_database(settings) as database:
            assert asyncio.run(drift(database.url, other.home)) == []

    def test_backup_under_writes_is_one_moment(self, folder: Path, prepared: Path) -> None:
        busy = make_installation(folder / "busy", prepared, documents=1, sections=4)
        settings = Settings(
            _env_file=None, home=busy.home, threads=1, log_level="error", trash_minutes=0,
            backup_url=str(folder / "busy-kept"),
        )  # fmt: skip

        async def inside(url: str) -> list[str]:
            async with open_platform(settings, DatabaseHandle(url, is_first_user=True)) as opened:
                platform = replace(opened, embedder=embedder(), parser=TextParser())
                writing = asyncio.ensure_future(_write(platform, busy.folder))
                target = opening.open_target(settings, is_written=True)
                made = [(await opening.back_up(platform, target)).id for _ in range(2)]
                writing.cancel()
                await asyncio.wait([writing])
                assert writing.cancelled()  # it wrote to the end
                return made

        with running_database(settings) as database:
            made = asyncio.run(inside(database.url))
        checking = replace(busy, variables={"CITEWELL_BACKUP_URL": str(folder / "busy-kept")})
        counts = {facts(folder / "busy-kept", each, checking)["document"][0] for each in made}
        assert max(counts) > 1
        assert checking.json("backup", "verify", made[-1], "--searches", "3")["ok"]

    def test_keys_that_were_exchanged_meanwhile_open_both_backups(
        self, installation: Installation, backup: str
    ) -> None:
        installation.json("keys", "rotate")
        installation.json("keys", "rotate", "--master")
        after = installation.json("backup", "create")
        assert after["new_files"] == after["files"] > 0
        for backup_id in (backup, after["id"]):
            done = installation.json("backup", "verify", backup_id, "--searches", "1")
            assert (done["ok"], done["decrypted"]) == (True, after["files"])

    def test_server_of_an_ordinary_owner_gives_and_takes_the_same_rows(
        self, backup: str, folder: Path, target: str
    ) -> None:
        other = fresh(folder, CITEWELL_DATABASE_URL=target)
        restored = other.json("backup", "restore", backup)
        assert restored["rows"] > 0
        second = replace(other, variables=other.variables | variables(folder / "second"))
        made = second.json("backup", "create")
        first_facts, second_facts = (
            facts(place, backup_id)
            for place, backup_id in ((folder / "kept", backup), (folder / "second", made["id"]))
        )
        differing = {name for name in first_facts if first_facts[name] != second_facts.get(name)}
        # The start of a process writes these about itself.
        assert differing <= {"procrastinate_workers", "schedule", "usage_record"}, differing
        assert "holds an installation already" in said(other, "backup", "restore", backup)


async def _write(platform: Platform, folder: Path) -> None:
    """Add and remove documents until cancelled."""
    tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    shelf = Shelf(platform, Caller(tenant_id, OPERATOR), folder)
    number = 0
    while True:
        number += 1
        added = await shelf.add(f"busy-{number % 5}.txt", text(number, 2))
        if number % 3 == 0:
            await shelf.delete(added)


def facts(
    place: Path, backup_id: str, owner: Installation | None = None
) -> dict[str, tuple[int, int]]:
    """Number and hashes of the rows of each table."""
    content = (place / "backups" / backup_id / "manifest.json").read_bytes()
    given = Unlocking(None, PASSPHRASE)
    if owner is not None:
        given = opening.unlocking(Settings(_env_file=None, home=owner.home))
    return manifests.read(backup_id, content, given)[0].tables


class TestRefusals:
    def test_wrong_keys_are_one_line(self, backup: str, folder: Path) -> None:
        wrong = fresh(folder, CITEWELL_BACKUP_PASSPHRASE="another one of some length")
        assert "do not open the backup" in said(wrong, "backup", "restore", backup)
        keyed = fresh(folder, CITEWELL_SECRET_KEY="0123456789abcdef" * 3)
        assert "CITEWELL_SECRET_KEY is not the one" in said(keyed, "backup", "restore", backup)

    def test_one_byte_altered_or_cut_anywhere_is_refused(
        self, backup: str, first_keys: Unlocking, folder: Path
    ) -> None:
        place = folder / "kept" / "backups" / backup
        target = fresh(folder)
        settings = Settings(_env_file=None, home=target.home, backup_url=str(folder / "kept"))

        async def name() -> str:
            opened = await Opened.of(opening.open_target(settings), backup, first_keys)
            async with aclosing(opened.entries()) as entries:
                return Path((await anext(entries)).kept_as).name

        # Of this backup: contents of others are beside it.
        a_file = next((folder / "kept" / "contents").rglob(asyncio.run(name())))

        def refused(keys: Unlocking) -> str:
            async def check() -> None:
                opened = await Opened.of(opening.open_target(settings), backup, keys)
                await opened.fetch(opened.manifest.rows, place)
                await opened.check_files()

            with pytest.raises(StartupError) as error:
                asyncio.run(check())
            assert "\n" not in str(error.value)
            return str(error.value)

        for path in (place / "manifest.json", place / "rows.cwb", place / "contents.cwb", a_file):
            is_read_first = path.name == "manifest.json"
            keys = Unlocking(None, PASSPHRASE) if is_read_first else first_keys
            whole = path.read_bytes()
            for at in {0, 5, len(whole) // 3, len(whole) // 2, len(whole) - 2}:
                altered = bytearray(whole)
                altered[at] ^= 1
                path.write_bytes(altered)
                told = refused(keys)
                assert re.search(r"damaged|newer|do not open|no whole", told), (path.name, at, told)
            path.write_bytes(whole[:-1])
            assert "damaged" in refused(keys), path.name
            path.unlink()
            assert re.search("missing|no whole", refused(keys)), path.name
            path.write_bytes(whole)
        # The rows are read to their end under the same authentication when they are restored.
        rows = place / "rows.cwb"
        whole = rows.read_bytes()
        rows.write_bytes(whole[: len(whole) // 2])
        assert "damaged" in said(target, "backup", "restore", backup)
        rows.write_bytes(whole)
        assert target.json("backup", "restore", backup)["rows"] > 0

    def test_newer_schema_or_format_is_refused(self, backup: str, folder: Path) -> None:
        settings = Settings(_env_file=None, home=fresh(folder).home)
        place = opening.open_target(settings, str(folder / "kept"))

        async def newer() -> None:
            opened = await Opened.of(place, backup, Unlocking(None, PASSPHRASE))
            head = replace(opened.head, schema="9999", version="99.0")
            await restore(replace(opened, head=head), "postgresql://nobody@127.0.0.1:9/x", None)

        with pytest.raises(StartupError, match="made by a newer Citewell"):
            asyncio.run(newer())
        content = json.loads((folder / "kept" / "backups" / backup / "manifest.json").read_bytes())
        with pytest.raises(StartupError, match="newer Citewell"):
            manifests.head_of(backup, json.dumps(content | {"format": 2}).encode())

    def test_running_installation_and_second_backup_are_refused(
        self, installation: Installation, backup: str
    ) -> None:
        settings = Settings(_env_file=None, home=installation.home, log_level="error")
        with running_database(settings) as database:
            url = opening.source_url(settings, database.url)
            refused = said(installation, "backup", "restore", backup, "--replace")
            assert "is running in" in refused
            with backup_lock(url):
                assert "under way" in said(installation, "backup", "create")

    def test_nothing_there_is_one_line(self, folder: Path) -> None:
        (folder / "kept").mkdir(exist_ok=True)
        empty = fresh(folder)
        assert "no whole backup 2" in said(empty, "backup", "restore", "2")
        unset = replace(empty, variables={})
        assert "CITEWELL_BACKUP_URL" in said(unset, "backup", "list")
        assert "There is no folder" in said(unset, "backup", "list", "--at", "/nowhere/at/all")


class TestKilled:
    def test_killed_creation_leaves_nothing_that_claims_to_be_whole(
        self, installation: Installation, folder: Path
    ) -> None:
        place = folder / "killed"
        settings = Settings(_env_file=None, home=installation.home, log_level="error")
        with running_database(settings) as database:
            points = [*CREATE_POINTS, "full"]
            child = subprocess.run(
                [sys.executable, "-c", KILLED_CREATE, str(installation.home), database.url,
                 str(place), *points],
                capture_output=True, text=True, timeout=PATIENCE, check=True,
            )  # fmt: skip
        told = child.stdout.splitlines()
        assert [line for line in told if line.endswith(" -9")] == [f"{p} -9" for p in CREATE_POINTS]
        assert "could not be written" in child.stdout
        assert told[-1] == "full 3"
        assert not list(place.rglob("manifest.json"))
        other = replace(installation, variables=without_passphrase(place))
        assert other.json("backup", "list")["backups"] == []
        made = other.json("backup", "create")
        assert made["new_files"] < made["files"]  # it went on with what was copied
        assert other.json("backup", "verify", "--searches", "1")["ok"]
        assert not (place / ".unfinished").exists() or not os.listdir(place / ".unfinished")

    @pytest.mark.usefixtures("backup")
    def test_killed_restore_leaves_nothing_half_restored(self, folder: Path, target: str) -> None:
        other = fresh(folder)
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED_RESTORE, str(other.home), target, str(folder / "kept"),
             PASSPHRASE, *RESTORE_POINTS, "none"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        for point in RESTORE_POINTS:
            assert child.stdout.readline() == f"{point} -9\n"
            if point not in ("fetch", "schema"):  # before, there is no table yet
                assert {rows_in(target, name) for name in ("tenant", "chunk", "job")} == {0}, point
            child.stdin.write("\n")
            child.stdin.flush()
        assert child.stdout.readline() == "none 0\n"
        child.communicate("\n", timeout=PATIENCE)
        assert rows_in(target, "tenant") == 2
        assert rows_in(target, "chunk") > 0

    @pytest.mark.usefixtures("backup")
    async def test_failed_restore_leaves_originals_that_are_there_as_they_are(
        self, folder: Path, target: str
    ) -> None:
        """The rows that stay need them, with a key that the backup does not have."""
        settings = Settings(_env_file=None, home=fresh(folder).home)
        place = opening.open_target(settings, str(folder / "kept"))
        opened = await Opened.of(place, (await place.whole())[0], Unlocking(None, PASSPHRASE))
        names = [each.name async for each in opened.entries()]
        files = settings.home / "files"
        store = FolderStorage(files)
        there = files / names[0]
        there.parent.mkdir(parents=True)
        there.write_bytes(b"of another key")

        def fail(step: str) -> None:
            if step == "rows":
                raise OSError(28, "No space left on device")

        with pytest.raises(StartupError, match="No space left"):
            await restore(opened, target, store, fail)
        assert there.read_bytes() == b"of another key"
        assert all((files / name).is_file() for name in names)
        done = await restore(opened, target, store)
        assert done.present == set(names)
        assert there.read_bytes() == b"of another key"
        replaced: list[str] = []
        await opened.replace_files(store, done.present, replaced.append)
        assert replaced == ["file replaced"]
        assert await opened.put_new_files(store) == set(names)
        entries = {each.name: each async for each in opened.entries()}
        assert there.stat().st_size == entries[names[0]].size

    async def test_restore_that_was_killed_at_its_files_is_gone_on_with(
        self, backup: str, folder: Path, target: str
    ) -> None:
        other = fresh(folder)
        own = replace(other, variables={**other.variables, "CITEWELL_DATABASE_URL": target})
        settings = Settings(_env_file=None, home=other.home)
        place = opening.open_target(settings, str(folder / "kept"))
        opened = await Opened.of(place, backup, Unlocking(None, PASSPHRASE))
        entries = [each async for each in opened.entries()]
        files = settings.home / "files"
        store = FolderStorage(files)
        there = files / entries[0].name
        there.parent.mkdir(parents=True)
        there.write_bytes(b"of another key")
        note_of_database(target, "of the operator")
        await restore(opened, target, store)  # and killed before it exchanges the file
        (files / entries[1].name).unlink()
        assert files_to_come(target) == backup
        refused = await asyncio.to_thread(said, own, "backup", "restore")
        assert "--files-only" in refused
        done = await asyncio.to_thread(own.json, "backup", "restore", "--files-only")
        assert done == {"id": backup, "files": len(entries)}
        for each in entries:
            assert (files / each.name).stat().st_size == each.size
        assert files_to_come(target) is None
        assert note_of_database(target) == "of the operator"
        again = await asyncio.to_thread(said, own, "backup", "restore", "--files-only")
        assert "nothing was changed" in again

    async def test_without_a_note_another_restore_is_advised(
        self, backup: str, folder: Path
    ) -> None:
        other = fresh(folder)
        place = opening.open_target(Settings(_env_file=None, home=other.home), str(folder / "kept"))
        opened = await Opened.of(place, backup, Unlocking(None, PASSPHRASE))
        names = {each.name async for each in opened.entries()}
        store = FolderStorage(other.home / "files")
        for name in names:
            # A folder stands in the place of each file.
            (other.home / "files" / name / "inside").mkdir(parents=True)
        for is_noted, advice in ((True, "--files-only"), (False, "into an empty database")):
            with pytest.raises(StartupError, match=advice):
                await opened.replace_files(store, names, is_noted=is_noted)


class TestTwoInstallations:
    def test_neither_removes_nor_restores_what_is_the_other_s(
        self, installation: Installation, backup: str, folder: Path, prepared: Path
    ) -> None:
        other = make_installation(folder / "neighbour", prepared, documents=1, sections=1)
        other = replace(other, variables=variables(folder / "kept"))
        before = sorted(path for path in (folder / "kept").rglob("*") if path.is_file())
        with running_database(Settings(_env_file=None, home=other.home, log_level="error")):
            for action in (["create"], ["prune", "--keep-days", "0"]):
                assert "are another installation's" in said(other, "backup", *action)
        assert "of another installation" in said(other, "backup", "restore", backup, "--replace")
        assert sorted(path for path in (folder / "kept").rglob("*") if path.is_file()) == before
        assert other.json("documents", "list")["documents"]
        taken = ["backup", "restore", backup, "--replace", "--from-another"]
        assert other.json(*taken)["rows"] > 0
        # It has taken the other's place, so the backups are its own.
        made = other.json("backup", "create")["id"]
        # Two of one second are in no order.
        assert installation.json("backup", "create")["id"] not in (backup, made)

    def test_a_place_can_be_taken_over(self, installation: Installation, folder: Path) -> None:
        place = folder / "taken"
        mine = replace(installation, variables=without_passphrase(place))
        mine.json("backup", "create")
        noted = place / "installation.json"
        noted.write_text('{"tenants": ["0123"]}')
        assert "--take-over" in said(mine, "backup", "create")
        mine.json("backup", "create", "--take-over")
        mine.json("backup", "create")
        # Backups from before the note say themselves whose they are.
        noted.unlink()
        mine.json("backup", "create")
        noted.write_text("[]")
        assert "is damaged" in said(mine, "backup", "create")


class TestPrune:
    def test_old_ones_go_with_what_only_they_had(
        self, installation: Installation, folder: Path
    ) -> None:
        place = folder / "pruned"
        other = replace(installation, variables=without_passphrase(place))
        first = other.json("backup", "create")
        assert other.json("backup", "prune")["removed"] == []
        other.json("keys", "rotate")
        second = other.json("backup", "create")
        files = [path for path in (place / "contents").rglob("*") if path.is_file()]
        assert len(files) == first["files"] + second["files"]
        assert other.json("backup", "prune", "--keep-days", "0")["removed"] == [first["id"]]
        files = [path for path in (place / "contents").rglob("*") if path.is_file()]
        assert len(files) == second["files"]
        assert other.json("backup", "verify", "--searches", "1")["ok"]

    def test_schedule_says_what_is_done(self, installation: Installation, backup: str) -> None:
        shown = installation.json("backup", "schedule")
        assert (shown["hours"], shown["keep_days"], shown["has_passphrase"]) == (24, 30, True)
        assert shown["newest"] >= backup
        checks = {each["name"]: each for each in installation.json("doctor")["checks"]}
        assert checks["backups"]["problems"] == 0
        unset = replace(installation, variables={})
        assert "set CITEWELL_BACKUP_URL" in unset.call("backup", "schedule").stdout
