"""Uploads to a store that hangs or fails: no connection waits for it, and nothing stays behind."""

import asyncio
import hashlib
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import psycopg
import pytest

from citewell.core.blobs.encryption import key_id_of
from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from citewell.core.context import unit_of_work
from citewell.core.platform import Platform
from citewell.features.documents import originals
from citewell.features.documents import service as documents
from citewell.features.documents.errors import UploadTooSlowError
from citewell.features.documents.schemas import OnDuplicate
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.features.trash import service as trash
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from tests.acting import act_for
from tests.features.ingestion.conftest import Rows
from tests.quiet import Shelf
from tests.waiting import PATIENCE

POOL = 10
"""Connections of the platform that tests have."""

USERS = 50
STORE_SECONDS = 30.0


class HangingStorage(FolderStorage):
    """A folder whose files are put only when the test says so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.waiting = 0
        self.may_go_on = asyncio.Event()
        self.error: OSError | None = None

    async def put(self, name: str, path: Path) -> None:
        self.waiting += 1
        await self.may_go_on.wait()
        self.waiting -= 1
        if self.error is not None:
            raise self.error
        await super().put(name, path)


@pytest.fixture
def storage(quiet: Platform) -> HangingStorage:
    return HangingStorage(quiet.settings.home / "files")


@pytest.fixture
async def slow(shelf: Shelf, quiet: Platform, storage: HangingStorage) -> AsyncIterator[Shelf]:
    """The shelf's documents, kept in that folder."""
    await shelf.register("first.txt", "so that the tenant has its keys")
    staging = quiet.settings.home / "files" / "staging"
    yield replace(shelf, platform=replace(quiet, blobs=BlobStore(storage, quiet.keys, staging)))
    storage.may_go_on.set()


async def hanging(storage: HangingStorage, count: int) -> None:
    """Wait until so many uploads hang in the store."""
    deadline = time.monotonic() + PATIENCE
    while storage.waiting < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def open_transactions(url: str) -> int:
    """How many sessions are within a transaction and wait for their client."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%'"
        ).fetchone()
    assert row is not None
    return row[0]


def stored(shelf: Shelf, text: str) -> bool:
    """Whether the store has a file of this size, which is the test's own."""
    folder = shelf.platform.settings.home / "files" / str(shelf.caller.tenant_id)
    sizes = {path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return any(len(text) <= size < len(text) + 200 for size in sizes)


async def content_of(shelf: Shelf, document_id: object) -> bytes:
    async with documents.original_file(shelf.platform, shelf.caller, document_id) as original:  # pyright: ignore[reportArgumentType]
        return await anyio.Path(original.path).read_bytes()


LONG = "a text of a size of its own. " * 1000


class TestHangingStore:
    async def test_more_uploads_than_connections_stall_nobody(
        self, slow: Shelf, storage: HangingStorage, own_url: str
    ) -> None:
        tasks = [
            asyncio.create_task(slow.register(f"{n}.txt", f"text {n}")) for n in range(POOL + 5)
        ]
        await hanging(storage, POOL + 5)
        assert open_transactions(own_url) == 0
        async with asyncio.timeout(PATIENCE):
            async with unit_of_work(slow.platform, slow.caller) as ctx:
                standing = await usage.standing(ctx)
        used = {item.metric: item.used for item in standing.usage}
        assert used[Metric.DOCUMENTS] == 1  # nothing is there before it is whole
        storage.may_go_on.set()
        made = await asyncio.gather(*tasks)
        assert {each.status for each in made} == {"queued"}
        assert await content_of(slow, made[3].document_id) == b"text 3"

    async def test_same_new_content_at_once_is_stored_and_counted_once(
        self, slow: Shelf, storage: HangingStorage, rows: Rows
    ) -> None:
        tasks = [asyncio.create_task(slow.register(f"{n}.txt", LONG)) for n in range(4)]
        await hanging(storage, 4)
        storage.may_go_on.set()
        await asyncio.gather(*tasks)
        assert len(rows.select("SELECT 1 FROM blob WHERE {t}")) == 2
        assert rows.select("SELECT 1 FROM blob_claim WHERE {t}") == []
        async with unit_of_work(slow.platform, slow.caller) as ctx:
            assert await usage.differences(ctx) == {}

    async def test_refused_upload_leaves_what_another_puts(
        self, slow: Shelf, shelf: Shelf, storage: HangingStorage, rows: Rows
    ) -> None:
        """One upload fails in the store while another has just put the same content."""
        failing = asyncio.create_task(slow.register("a.txt", LONG))
        await hanging(storage, 1)
        registered = await shelf.register("b.txt", LONG)
        storage.error = OSError(5, "the store broke down")
        storage.may_go_on.set()
        with pytest.raises(OSError, match="broke down"):
            await failing
        await trash.purge_expired(shelf.platform)
        assert await content_of(shelf, registered.document_id) == LONG.encode()
        assert rows.select("SELECT 1 FROM blob_claim WHERE {t}") == []

    async def test_refused_upload_of_a_content_that_nobody_needs_leaves_nothing(
        self, slow: Shelf, storage: HangingStorage, rows: Rows
    ) -> None:
        storage.error = OSError(5, "the store broke down")
        storage.may_go_on.set()
        with pytest.raises(OSError, match="broke down"):
            await slow.register("a.txt", LONG)
        await trash.purge_expired(slow.platform)
        assert not stored(slow, LONG)
        assert len(rows.select("SELECT 1 FROM blob WHERE {t}")) == 1
        assert rows.select("SELECT 1 FROM blob_claim WHERE {t}") == []

    async def test_purge_meanwhile_does_not_take_the_content_away(
        self, slow: Shelf, shelf: Shelf, storage: HangingStorage
    ) -> None:
        former = await shelf.register("a.txt", LONG)
        # The store has lost it, so that the next upload puts it again.
        await storage.delete((await shelf.platform.blobs.namer(shelf.caller.tenant_id))(
            hashlib.sha256(LONG.encode()).digest()
        ))  # fmt: skip
        copy = slow.register("b.txt", LONG, on_duplicate=OnDuplicate.KEEP_BOTH)
        task = asyncio.create_task(copy)
        await hanging(storage, 1)
        await shelf.delete(former)
        await shelf.purge()
        storage.may_go_on.set()
        registered = await task
        await shelf.purge()
        assert await content_of(slow, registered.document_id) == LONG.encode()

    async def test_key_that_is_exchanged_meanwhile_stays_until_the_file_is_under_the_new_one(
        self, slow: Shelf, shelf: Shelf, storage: HangingStorage
    ) -> None:
        task = asyncio.create_task(slow.register("a.txt", LONG))
        await hanging(storage, 1)
        await originals.replace_key(shelf.platform, shelf.caller)
        during = await originals.reencrypt(shelf.platform, shelf.caller)
        assert during is not None
        assert (during.waiting, during.removed_keys) == (1, 0)
        storage.may_go_on.set()
        registered = await task
        after = await originals.reencrypt(shelf.platform, shelf.caller)
        assert after is not None
        assert (after.files, after.waiting, after.removed_keys) == (1, 0, 1)
        folder = shelf.platform.settings.home / "files" / str(shelf.caller.tenant_id)
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {key_id_of(path) for path in files} == {after.key_id}
        assert await content_of(slow, registered.document_id) == LONG.encode()


class TestKilledUpload:
    async def killed(self, slow: Shelf, storage: HangingStorage, *, is_put: bool) -> None:
        """An upload whose process ends between its transactions, as a cancelled task does."""
        task = asyncio.create_task(slow.register("a.txt", LONG))
        await hanging(storage, 1)
        if is_put:
            name = (await slow.platform.blobs.namer(slow.caller.tenant_id))(
                hashlib.sha256(LONG.encode()).digest()
            )
            async with slow.platform.blobs.staged(slow.caller.tenant_id, slow.folder / "x") as each:
                await FolderStorage.put(storage, name, each.path)
        task.cancel()
        await asyncio.wait([task])

    @pytest.mark.parametrize("is_put", [False, True])
    async def test_what_it_left_is_swept_once_its_claim_expires(
        self, slow: Shelf, storage: HangingStorage, rows: Rows, own_url: str, is_put: bool
    ) -> None:
        (slow.folder / "x").write_bytes(LONG.encode())
        await self.killed(slow, storage, is_put=is_put)
        assert stored(slow, LONG) is is_put
        await trash.purge_expired(slow.platform)
        assert len(rows.select("SELECT 1 FROM blob_claim WHERE {t}")) == 1  # it may still be at it
        with psycopg.connect(own_url) as connection:
            act_for(connection, slow.caller.tenant_id)
            connection.execute("UPDATE blob_claim SET expires_at = now() - interval '1 second'")
        await trash.purge_expired(slow.platform)
        assert rows.select("SELECT 1 FROM blob_claim WHERE {t}") == []
        assert not stored(slow, LONG)
        storage.may_go_on.set()
        registered = await slow.register("a.txt", LONG)
        assert await content_of(slow, registered.document_id) == LONG.encode()

    async def test_upload_that_outlives_its_claim_is_refused_and_nothing_is_there(
        self, slow: Shelf, storage: HangingStorage, rows: Rows, own_url: str
    ) -> None:
        task = asyncio.create_task(slow.register("a.txt", LONG))
        await hanging(storage, 1)
        with psycopg.connect(own_url) as connection:
            act_for(connection, slow.caller.tenant_id)
            connection.execute("UPDATE blob_claim SET expires_at = now() - interval '1 second'")
        await trash.purge_expired(slow.platform)
        storage.may_go_on.set()
        with pytest.raises(UploadTooSlowError):
            await task
        assert not stored(slow, LONG)
        assert len(rows.select("SELECT 1 FROM document WHERE {t}")) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestThirtySeconds:
    async def test_ten_uploads_do_not_slow_fifty_users_down(
        self, slow: Shelf, shelf: Shelf, storage: HangingStorage
    ) -> None:
        """One after the other in one run: searches alone, beside the uploads, and alone again."""
        for number in range(20):
            await shelf.add(f"{number}.md", f"# Rule {number}\n\nThere are {number} days of leave.")

        async def phase() -> float:
            taken = list[float]()
            until = time.monotonic() + STORE_SECONDS / 3

            async def user(number: int) -> None:
                await asyncio.sleep(number / USERS)
                while time.monotonic() < until:
                    begun = time.perf_counter()
                    request = SearchRequest(query=f"days of leave rule {number % 20}")
                    assert (await search.search(shelf.platform, shelf.caller, request)).results
                    taken.append(time.perf_counter() - begun)
                    await asyncio.sleep(1.5)

            await asyncio.gather(*(user(number) for number in range(USERS)))
            return statistics.quantiles(taken, n=20)[-1]

        await phase()
        before = await phase()
        uploads = [
            asyncio.create_task(slow.register(f"slow-{n}.txt", f"slow text {n}"))
            for n in range(POOL)
        ]
        await hanging(storage, POOL)
        begun = time.monotonic()
        during = await phase()
        await asyncio.sleep(STORE_SECONDS - (time.monotonic() - begun))
        storage.may_go_on.set()
        assert {each.status for each in await asyncio.gather(*uploads)} == {"queued"}
        after = await phase()
        ratio = 2 * during / (before + after)
        sys.stdout.write(
            f"search p95 of {USERS} users: {before * 1000:.0f} ms, beside {POOL} uploads of"
            f" {STORE_SECONDS:.0f} s {during * 1000:.0f} ms, then {after * 1000:.0f} ms:"
            f" {ratio:.2f}x\n"
        )
