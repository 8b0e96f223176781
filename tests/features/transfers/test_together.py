"""Imports beside uploads of the same contents, on a slow store, killed, and many at a time."""

import asyncio
import io
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import func, select

from citewell.core.blobs.store import BlobStore
from citewell.core.compute import BusyError, ComputePool
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.features.collections import service as collections
from citewell.features.documents import registering
from citewell.features.documents.schemas import NewFile
from citewell.features.transfers import importing
from citewell.features.transfers.errors import DamagedExportError, ImportInterruptedError
from citewell.features.transfers.framing import ByteSource
from citewell.features.transfers.pace import ImportPace
from citewell.features.transfers.schemas import ImportReport
from citewell.features.trash import service as trash
from citewell.features.usage import service as usage
from citewell.indexes.contract import index_of
from citewell.kit.pagination import PageRequest
from citewell.models.documents import Document
from tests.acting import act_for
from tests.conftest import new_caller
from tests.features.documents.test_slow_store import HangingStorage, hanging, open_transactions
from tests.features.transfers.conftest import PASSPHRASE, exported, hits, imported
from tests.features.transfers.large import large_export
from tests.lasting import PATIENT_COMPUTING
from tests.quiet import Shelf, quiet_platform
from tests.waiting import PATIENCE

DOCUMENTS = 24
SMALL = 20_000
"""Bytes of a batch: two or three documents."""


def text_of(number: int) -> str:
    return f"Rule {number} of the library says what is done on day {number}. " * 20


@pytest.fixture(scope="module")
def content(own_url: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A collection of many small documents as a file."""

    async def made() -> bytes:
        async with quiet_platform(settings, own_url) as platform:
            shelf = Shelf(platform, await new_caller(platform), tmp_path_factory.mktemp("shelf"))
            for number in range(DOCUMENTS):
                await shelf.add(f"{number}.txt", text_of(number))
            return await exported(platform, shelf.caller)

    return asyncio.run(made())


def files(folder: Path, numbers: list[int]) -> list[NewFile]:
    made: list[NewFile] = []
    for number in numbers:
        path = folder / f"upload-{number}.txt"
        path.write_text(text_of(number))
        made.append(NewFile(path=path, filename=path.name, source=f"file:{path.name}"))
    return made


async def visible(shelf: Shelf, caller: Caller) -> tuple[int, int]:
    """Collections and documents that are there, at one moment."""
    async with unit_of_work(shelf.platform, caller, is_snapshot=True) as ctx:
        return (
            (await collections.page(ctx, PageRequest())).total,
            await ctx.session.scalar(select(func.count(Document.id))) or 0,
        )


def kept(url: str, caller: Caller, table: str) -> int:
    """Rows of a tenant, whoever sees them."""
    statement = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s")
    with psycopg.connect(url) as connection:
        act_for(connection, caller.tenant_id)
        row = connection.execute(
            statement.format(sql.Identifier(table)), (caller.tenant_id,)
        ).fetchone()
    assert row is not None
    return row[0]


async def assert_counted_right(shelf: Shelf, caller: Caller) -> None:
    async with unit_of_work(shelf.platform, caller) as ctx:
        assert await usage.differences(ctx) == {}


class TestSameContents:
    async def test_uploads_and_import_do_not_wait_for_each_other(
        self, shelf: Shelf, target: Caller, content: bytes, own_url: str
    ) -> None:
        """Each upload locks several contents; the import needs all of them in another order."""
        draw = random.Random(3)

        async def upload() -> None:
            numbers = draw.sample(range(DOCUMENTS), 5)
            await registering.register_all(shelf.platform, target, files(shelf.folder, numbers))

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            task = group.create_task(imported(shelf.platform, target, content, name="arrived"))
            for _ in range(20):
                group.create_task(upload())
        report = task.result()
        assert report.documents == DOCUMENTS
        await assert_counted_right(shelf, target)
        with psycopg.connect(own_url) as connection:
            act_for(connection, target.tenant_id)
            query = "SELECT count(*), count(DISTINCT sha256) FROM blob WHERE tenant_id = %s"
            assert connection.execute(query, (target.tenant_id,)).fetchone() == (
                DOCUMENTS, DOCUMENTS,
            )  # fmt: skip
            query = "SELECT count(*) FROM blob_claim WHERE tenant_id = %s"
            assert connection.execute(query, (target.tenant_id,)).fetchone() == (0,)


async def arrived(platform: Platform, caller: Caller, plain: bytes, name: str) -> ImportReport:
    """The result of importing a plain stream."""
    return await importing.import_frames(
        platform, caller, lambda: cast(ByteSource, io.BytesIO(plain)), name=name, restrict=False
    )


@dataclass
class LongestTransaction:
    """Of the database's other sessions, watched until the task is cancelled."""

    url: str
    seconds: float = 0.0

    async def watch(self) -> None:
        query = (
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)"
            " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            while True:
                row = await (await connection.execute(query)).fetchone()
                assert row is not None
                self.seconds = max(self.seconds, float(row[0]))
                await asyncio.sleep(0.05)


def processor_seconds(url: str) -> float:
    """Of this process and of the database's sessions: what other work on the machine changes least.

    Sessions stay in their pool, so that the difference of two moments counts all of them.
    """
    database = conninfo_to_dict(url)["dbname"]
    times = [time.process_time()]
    for process in psutil.process_iter(["cmdline"]):
        if f" {database} " in " ".join(process.info["cmdline"] or ()):
            with suppress(psutil.Error):
                spent = process.cpu_times()
                times.append(spent.user + spent.system)
    return sum(times)


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestLarge:
    @pytest.mark.parametrize("is_indexed", [False, True], ids=["alone", "into-an-index-of-vectors"])
    async def test_import_of_ten_thousand_passages_beside_two_hundred_uploads(
        self, shelf: Shelf, target: Caller, own_url: str, is_indexed: bool
    ) -> None:
        platform = shelf.platform
        if is_indexed:
            plain, _ = await large_export(200, 51)
            await arrived(platform, target, plain, "before")
            assert await index_of(platform).maintenance.build_indexes(
                target.tenant_id, at_once=True
            )
        plain, contents = await large_export(200, 50)
        draw, places = random.Random(3), asyncio.Semaphore(20)

        async def upload(number: int) -> None:
            new = list[NewFile]()
            for place in draw.sample(range(len(contents)), 3):
                path = shelf.folder / f"{number}-{place}.txt"
                path.write_text(contents[place])
                new.append(NewFile(path=path, filename=path.name, source=f"file:{path.name}"))
            async with places:
                await registering.register_all(platform, target, new)

        begun, before = time.monotonic(), processor_seconds(own_url)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task((longest := LongestTransaction(own_url)).watch())
            task = group.create_task(arrived(platform, target, plain, "arrived"))
            uploads = [group.create_task(upload(number)) for number in range(200)]
            await asyncio.wait([task, *uploads])
            seconds = time.monotonic() - begun
            spent = processor_seconds(own_url) - before
            watch.cancel()
        assert (task.result().documents, task.result().chunks) == (200, 10_000)
        await assert_counted_right(shelf, target)
        sys.stdout.write(
            f"10,000 passages beside 200 uploads{', indexed' if is_indexed else ''}: "
            f"{seconds:.1f} s ({spent:.1f} s of processors), longest transaction"
            f" {longest.seconds:.1f} s, 0 deadlocks\n"
        )


class TestSlowStore:
    async def started(
        self, shelf: Shelf, target: Caller, content: bytes
    ) -> tuple[HangingStorage, asyncio.Task[object]]:
        """An import that hangs in the store."""
        quiet = shelf.platform
        storage = HangingStorage(quiet.settings.home / "files")
        staging = quiet.settings.home / "files" / "staging"
        platform = replace(quiet, blobs=BlobStore(storage, quiet.keys, staging))
        task = asyncio.create_task(imported(platform, target, content, name="arrived"))
        await hanging(storage, 1)
        return storage, task

    async def test_no_transaction_waits_for_it(
        self, shelf: Shelf, target: Caller, content: bytes, own_url: str
    ) -> None:
        storage, task = await self.started(shelf, target, content)
        assert open_transactions(own_url) == 0
        storage.may_go_on.set()
        await task
        await assert_counted_right(shelf, target)

    async def test_killed_import_leaves_nothing_once_its_claims_expire(
        self, shelf: Shelf, target: Caller, content: bytes, own_url: str
    ) -> None:
        storage, task = await self.started(shelf, target, content)
        storage.may_go_on.set()
        with psycopg.connect(own_url, autocommit=True) as connection:
            act_for(connection, target.tenant_id)
            query = "SELECT count(*) FROM blob WHERE tenant_id = %s"
            deadline = time.monotonic() + PATIENCE
            while connection.execute(query, (target.tenant_id,)).fetchone() == (0,):
                assert time.monotonic() < deadline
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            connection.execute("UPDATE blob_claim SET expires_at = now() - interval '1 second'")
            await trash.purge_expired(shelf.platform)
            assert connection.execute(query, (target.tenant_id,)).fetchone() == (0,)
        folder = shelf.platform.settings.home / "files" / str(target.tenant_id)
        assert not [path for path in folder.rglob("*") if path.is_file()]
        await assert_counted_right(shelf, target)
        await imported(shelf.platform, target, content, name="arrived")


class TestUnseen:
    async def test_all_of_it_is_there_at_once(
        self, shelf: Shelf, target: Caller, content: bytes
    ) -> None:
        platform = shelf.platform.holding(ImportPace(batch_bytes=SMALL))
        task = asyncio.create_task(imported(platform, target, content, name="arrived"))
        seen = set[tuple[int, int]]()
        while not task.done():
            seen.add(await visible(shelf, target))
            await asyncio.sleep(0)
        assert (await task).documents == DOCUMENTS
        assert seen <= {(0, 0), (1, DOCUMENTS)}
        assert (0, 0) in seen
        assert await visible(shelf, target) == (1, DOCUMENTS)
        assert await hits(shelf.platform, target, "rule of the library")

    @pytest.mark.processes
    async def test_killed_process_leaves_nothing_that_is_seen_and_upkeep_removes_it(
        self, shelf: Shelf, target: Caller, content: bytes, own_url: str
    ) -> None:
        file = shelf.folder / "export"
        file.write_bytes(content)
        home = shelf.platform.settings.home
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.features.transfers.importing_process",
            own_url, str(home), str(target.tenant_id), str(file),
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE):
                while not kept(own_url, target, "chunk"):
                    assert process.returncode is None
                    await asyncio.sleep(0.01)
        finally:
            process.kill()
            await process.wait()
        assert kept(own_url, target, "collection") == 1
        assert 0 < kept(own_url, target, "document") < DOCUMENTS
        assert await visible(shelf, target) == (0, 0)
        assert await hits(shelf.platform, target, "rule of the library") == []
        async with unit_of_work(shelf.platform, target) as ctx:
            assert (await trash.page(ctx, PageRequest())).total == 0
        await assert_counted_right(shelf, target)

        # Another try need not wait until the first is taken for dead.
        again = await imported(shelf.platform, target, content, name="arrived")
        assert (again.documents, again.new_ids > 0) == (DOCUMENTS, True)
        assert await visible(shelf, target) == (1, DOCUMENTS)

        with psycopg.connect(own_url, autocommit=True) as connection:
            act_for(connection, target.tenant_id)
            connection.execute(
                "UPDATE collection SET discard_after = now() WHERE discard_after > now()"
            )
            connection.execute("UPDATE blob_claim SET expires_at = now() - interval '1 second'")
        await trash.purge_expired(shelf.platform)
        assert [kept(own_url, target, table) for table in ("collection", "document")] == [
            1, DOCUMENTS,
        ]  # fmt: skip
        assert await visible(shelf, target) == (1, DOCUMENTS)
        await assert_counted_right(shelf, target)

    async def test_import_that_upkeep_took_for_dead_is_refused(
        self, shelf: Shelf, target: Caller, content: bytes, own_url: str
    ) -> None:
        platform = shelf.platform.holding(ImportPace(batch_bytes=SMALL, lease_seconds=0))
        with pytest.raises(ImportInterruptedError):
            await imported(platform, target, content, name="arrived")
        assert kept(own_url, target, "collection") == kept(own_url, target, "blob") == 0
        await assert_counted_right(shelf, target)


class TestManyPassphrases:
    @pytest.mark.volume
    async def test_guesses_are_few_at_a_time_and_cost_this_process_nothing(
        self, shelf: Shelf, target: Caller
    ) -> None:
        await shelf.add("a.txt", text_of(1))
        content = await exported(shelf.platform, shelf.caller)
        platform = replace(shelf.platform, compute=ComputePool(PATIENT_COMPUTING))
        small = psutil.Process().memory_info().rss

        async def guess() -> None:
            await importing.import_collection(
                platform, target, io.BytesIO(content), f"not {PASSPHRASE}"
            )

        try:
            said = await asyncio.gather(*(guess() for _ in range(30)), return_exceptions=True)
        finally:
            await platform.compute.close()
        assert {type(error) for error in said} == {DamagedExportError, BusyError}
        # Each guess here would take 64 MiB.
        assert psutil.Process().memory_info().rss - small < 50 << 20
