import asyncio
import hashlib
import os
import resource
import shutil
import signal
import time
import uuid
from pathlib import Path
from typing import Any

import anyio
import pytest

from citewell.core.blobs.encryption import DamagedFileError, Purpose, key_id_of
from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from citewell.core.errors import StorageReservedError
from tests.core.blobs.conftest import Keys

TENANT = uuid.UUID(int=1)
SESSION: Any = None
"""These keys are in no database."""
CONTENT = b"some content" * 1_000
DIGEST = hashlib.sha256(CONTENT).digest()


def open_store(tmp_path: Path, **more: Any) -> BlobStore:
    folder = tmp_path / "files"
    return BlobStore(FolderStorage(folder), Keys(), folder / "staging", **more)


@pytest.fixture
def folder_store(tmp_path: Path) -> BlobStore:
    return open_store(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


class TestReserve:
    async def test_what_would_take_of_it_is_refused_before_a_byte_is_written(
        self, tmp_path: Path, source: Path
    ) -> None:
        async def taken(reserve_bytes: int) -> bytes:
            store = open_store(tmp_path, reserve_bytes=reserve_bytes)
            async with store.staged(TENANT, source) as content:
                return content.sha256

        async def opened(reserve_bytes: int) -> bytes:
            store = open_store(tmp_path, reserve_bytes=reserve_bytes)
            with source.open("rb") as file:
                async with store.staged(TENANT, file) as content:
                    return content.sha256

        free = shutil.disk_usage(tmp_path).free
        for take in (taken, opened):
            assert await take(0) == await take(1) == DIGEST
            with pytest.raises(StorageReservedError):
                await take(free * 2)
        assert stored(tmp_path) == []


class TestKeep:
    async def test_content_is_kept_under_its_hash_and_read_again(
        self, store: BlobStore, source: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            assert (content.sha256, content.size_bytes) == (DIGEST, len(CONTENT))
            await store.put(content, content.key, is_new=False)
        await anyio.Path(source).unlink()
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.read_bytes() == CONTENT

    async def test_staged_content_that_is_not_kept_leaves_nothing(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source):
            pass
        assert stored(tmp_path) == []

    async def test_source_that_changes_meanwhile_does_not_change_what_is_kept(
        self, store: BlobStore, source: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await anyio.Path(source).write_bytes(b"other" * 5_000)
            await store.put(content, content.key, is_new=False)
        async with store.local_file(TENANT, DIGEST) as path:
            assert hashlib.sha256(path.read_bytes()).digest() == DIGEST

    async def test_same_content_at_once_is_kept_once(
        self, folder_store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async def take_in() -> None:
            async with folder_store.staged(TENANT, source) as content:
                await folder_store.put(content, content.key, is_new=False)

        await asyncio.gather(*(take_in() for _ in range(8)))
        assert len(stored(tmp_path)) == 1

    async def test_torn_file_of_an_earlier_time_is_replaced(
        self, folder_store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with folder_store.staged(TENANT, source) as content:
            await folder_store.put(content, content.key, is_new=False)
        [path] = stored(tmp_path)
        path.write_bytes(CONTENT[:100])
        async with folder_store.staged(TENANT, source) as content:
            await folder_store.put(content, content.key, is_new=False)
        async with folder_store.local_file(TENANT, DIGEST) as plain:
            assert plain.read_bytes() == CONTENT

    async def test_full_disk_is_told_and_leaves_nothing(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        """A limit on the size of files stands in for the end of the disk."""
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, old[1]))
        try:
            with pytest.raises(OSError, match="large"):
                await enter(store, source)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, previous)
        assert stored(tmp_path) == []

    async def test_missing_source_is_told(self, store: BlobStore, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            await enter(store, tmp_path / "not-there")
        assert stored(tmp_path) == []

    def test_store_is_for_its_owner_only(self, tmp_path: Path) -> None:
        open_store(tmp_path)
        assert (tmp_path / "files").stat().st_mode & 0o077 == 0


async def enter(store: BlobStore, source: Path) -> None:
    async with store.staged(TENANT, source):
        pass


class TestDelete:
    async def test_content_of_one_tenant_goes_and_of_the_other_stays(
        self, store: BlobStore, source: Path
    ) -> None:
        other = uuid.UUID(int=2)
        for tenant in (TENANT, other):
            async with store.staged(tenant, source) as content:
                await store.put(content, content.key, is_new=False)
        remove = await store.remover(TENANT)
        await remove(DIGEST)
        await remove(DIGEST)  # nothing left to do
        with pytest.raises(FileNotFoundError):
            async with store.local_file(TENANT, DIGEST):
                pass
        async with store.local_file(other, DIGEST) as path:
            assert path.read_bytes() == CONTENT
        await store.delete_all(other)
        with pytest.raises(FileNotFoundError):
            async with store.local_file(other, DIGEST):
                pass


class TestStaging:
    def test_what_a_killed_process_left_goes_in_time(self, tmp_path: Path) -> None:
        open_store(tmp_path)
        old, fresh = (tmp_path / "files" / "staging" / name for name in ("old", "fresh"))
        for path in (old, fresh):
            path.write_bytes(b"x")
        os.utime(old, (time.time() - 100_000,) * 2)
        open_store(tmp_path)
        assert not old.exists()
        assert fresh.exists(), "another process may be at it"


class TestSecrecy:
    async def test_stored_files_show_neither_content_nor_its_hash(
        self, folder_store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with folder_store.staged(TENANT, source) as content:
            assert b"content" not in content.path.read_bytes()
            await folder_store.put(content, content.key, is_new=False)
        [path] = stored(tmp_path)
        assert b"content" not in path.read_bytes()
        assert DIGEST.hex() not in path.as_posix()

    async def test_plain_copy_is_gone_after_the_block(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=False)
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.stat().st_mode & 0o077 == 0
        assert list((tmp_path / "files" / "staging").iterdir()) == []

    async def test_files_of_an_earlier_key_stay_readable(
        self, source: Path, tmp_path: Path
    ) -> None:
        keys = Keys()
        folder = tmp_path / "files"
        store = BlobStore(FolderStorage(folder), keys, folder / "staging")
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=False)
        keys.generation = 2
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.read_bytes() == CONTENT


class TestExchangedKey:
    """A process may remember a key that another one has exchanged."""

    @pytest.fixture
    def keys(self) -> Keys:
        return Keys()

    @pytest.fixture
    def store(self, keys: Keys, tmp_path: Path) -> BlobStore:
        return BlobStore(FolderStorage(tmp_path / "files"), keys, tmp_path / "files" / "staging")

    def key_of(self, tmp_path: Path) -> int:
        [path] = stored(tmp_path)
        return key_id_of(path).int

    async def test_what_was_staged_before_is_kept_under_the_new_key(
        self, store: BlobStore, keys: Keys, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            keys.held = 2
            held = await keys.hold(SESSION, TENANT, Purpose.FILES)
            assert await store.put(content, held, is_new=True)
        assert self.key_of(tmp_path) == 2
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.read_bytes() == CONTENT

    async def test_file_a_failed_transaction_left_is_replaced(
        self, store: BlobStore, keys: Keys, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=True)
            keys.generation = 2
            active = await keys.active(TENANT, Purpose.FILES)
            assert not await store.put(content, active, is_new=False)
            assert await store.put(content, active, is_new=True)
        assert self.key_of(tmp_path) == 2

    async def test_resealed_content_takes_the_place_and_is_never_plain(
        self, store: BlobStore, keys: Keys, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=True)
        keys.generation = 2
        async with store.resealed(TENANT, DIGEST) as (key_id, content):
            assert content is not None
            assert b"content" not in content.path.read_bytes()
            assert await store.replace(SESSION, content)
        assert key_id == uuid.UUID(int=2)
        assert self.key_of(tmp_path) == 2
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.read_bytes() == CONTENT
        async with store.resealed(TENANT, DIGEST) as (_, content):
            assert content is None, "it is under that key already"

    async def test_resealed_content_whose_key_was_exchanged_again_is_not_put(
        self, store: BlobStore, keys: Keys, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=True)
        keys.generation = 2
        async with store.resealed(TENANT, DIGEST) as (_, content):
            assert content is not None
            keys.held = 3
            assert not await store.replace(SESSION, content)
        assert self.key_of(tmp_path) == 1

    async def test_damaged_file_is_not_resealed(
        self, store: BlobStore, keys: Keys, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=True)
        [path] = stored(tmp_path)
        kept = path.read_bytes()
        path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        keys.generation = 2
        with pytest.raises(DamagedFileError):
            async with store.resealed(TENANT, DIGEST):
                pass
        assert list((tmp_path / "files" / "staging").iterdir()) == []

    async def test_readers_find_the_content_while_it_is_replaced_all_the_time(
        self, store: BlobStore, keys: Keys, source: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.put(content, content.key, is_new=True)

        async def read() -> None:
            for _ in range(60):
                async with store.local_file(TENANT, DIGEST) as path:
                    assert path.read_bytes() == CONTENT

        async def replace() -> None:
            for generation in range(2, 40):
                keys.generation = generation
                async with store.resealed(TENANT, DIGEST) as (_, content):
                    assert content is not None
                    await store.replace(SESSION, content)

        await asyncio.gather(read(), read(), replace())


class TestSweep:
    async def test_old_plain_copies_go_unless_somebody_reads_them(
        self, source: Path, tmp_path: Path
    ) -> None:
        folder_store = open_store(tmp_path, sweep_seconds=0)
        async with folder_store.staged(TENANT, source) as content:
            await folder_store.put(content, content.key, is_new=False)
        old, young = (tmp_path / "files" / "staging" / f"{n}.plain" for n in ("old", "young"))
        long_ago = time.time() - 3_600
        for path in (old, young):
            path.write_bytes(CONTENT)
        os.utime(old, (long_ago, long_ago))
        async with folder_store.local_file(TENANT, DIGEST) as plain:
            os.utime(plain, (long_ago, long_ago))
            await folder_store.sweep()
            assert plain.read_bytes() == CONTENT
        assert not old.exists()
        assert young.exists()
