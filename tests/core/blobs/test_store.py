import asyncio
import hashlib
import os
import resource
import signal
import time
import uuid
from pathlib import Path

import anyio
import pytest

from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from tests.core.blobs.conftest import Keys

TENANT = uuid.UUID(int=1)
CONTENT = b"some content" * 1_000
DIGEST = hashlib.sha256(CONTENT).digest()


def open_store(tmp_path: Path) -> BlobStore:
    folder = tmp_path / "files"
    return BlobStore(FolderStorage(folder), Keys(), folder / "staging")


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


class TestKeep:
    async def test_content_is_kept_under_its_hash_and_read_again(
        self, store: BlobStore, source: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            assert (content.sha256, content.size_bytes) == (DIGEST, len(CONTENT))
            await store.keep(content)
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
            await store.keep(content)
        async with store.local_file(TENANT, DIGEST) as path:
            assert hashlib.sha256(path.read_bytes()).digest() == DIGEST

    async def test_same_content_at_once_is_kept_once(
        self, folder_store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async def take_in() -> None:
            async with folder_store.staged(TENANT, source) as content:
                await folder_store.keep(content)

        await asyncio.gather(*(take_in() for _ in range(8)))
        assert len(stored(tmp_path)) == 1

    async def test_torn_file_of_an_earlier_time_is_replaced(
        self, folder_store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with folder_store.staged(TENANT, source) as content:
            await folder_store.keep(content)
        [path] = stored(tmp_path)
        path.write_bytes(CONTENT[:100])
        async with folder_store.staged(TENANT, source) as content:
            await folder_store.keep(content)
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
                await store.keep(content)
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
            await folder_store.keep(content)
        [path] = stored(tmp_path)
        assert b"content" not in path.read_bytes()
        assert DIGEST.hex() not in path.as_posix()

    async def test_plain_copy_is_gone_after_the_block(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(TENANT, source) as content:
            await store.keep(content)
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
            await store.keep(content)
        keys.generation = 2
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.read_bytes() == CONTENT
