"""Imports beside uploads of the same contents, on a slow store, killed, and many at a time."""

import asyncio
import io
import random
import time
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from citewell.core.blobs.store import BlobStore
from citewell.core.compute import BusyError
from citewell.core.context import Caller, unit_of_work
from citewell.features.documents import registering
from citewell.features.documents.schemas import NewFile
from citewell.features.transfers import importing
from citewell.features.transfers.errors import DamagedExportError
from citewell.features.trash import service as trash
from citewell.features.usage import service as usage
from tests.features.documents.test_slow_store import HangingStorage, hanging, open_transactions
from tests.features.transfers.conftest import PASSPHRASE, exported, imported
from tests.quiet import Shelf
from tests.waiting import PATIENCE

DOCUMENTS = 60


def text_of(number: int) -> str:
    return f"Rule {number} of the library says what is done on day {number}. " * 20


@pytest.fixture
async def content(shelf: Shelf) -> bytes:
    """A collection of many small documents as a file."""
    for number in range(DOCUMENTS):
        await shelf.add(f"{number}.txt", text_of(number))
    return await exported(shelf.platform, shelf.caller)


def files(folder: Path, numbers: list[int]) -> list[NewFile]:
    made: list[NewFile] = []
    for number in numbers:
        path = folder / f"upload-{number}.txt"
        path.write_text(text_of(number))
        made.append(NewFile(path=path, filename=path.name, source=f"file:{path.name}"))
    return made


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
            for _ in range(40):
                group.create_task(upload())
        report = task.result()
        assert report.documents == DOCUMENTS
        await assert_counted_right(shelf, target)
        with psycopg.connect(own_url) as connection:
            query = "SELECT count(*), count(DISTINCT sha256) FROM blob WHERE tenant_id = %s"
            assert connection.execute(query, (target.tenant_id,)).fetchone() == (
                DOCUMENTS, DOCUMENTS,
            )  # fmt: skip
            query = "SELECT count(*) FROM blob_claim WHERE tenant_id = %s"
            assert connection.execute(query, (target.tenant_id,)).fetchone() == (0,)


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


class TestManyPassphrases:
    async def test_guesses_are_few_at_a_time_and_cost_this_process_nothing(
        self, shelf: Shelf, target: Caller
    ) -> None:
        await shelf.add("a.txt", text_of(1))
        content = await exported(shelf.platform, shelf.caller)
        small = psutil.Process().memory_info().rss

        async def guess() -> None:
            await importing.import_collection(
                shelf.platform, target, io.BytesIO(content), f"not {PASSPHRASE}"
            )

        said = await asyncio.gather(*(guess() for _ in range(30)), return_exceptions=True)
        assert {type(error) for error in said} == {DamagedExportError, BusyError}
        assert psutil.Process().memory_info().rss - small < 50 << 20
