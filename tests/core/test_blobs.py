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

from citewell.core.blobs import BlobStore

TENANT = uuid.UUID(int=1)
CONTENT = b"some content" * 1_000
DIGEST = hashlib.sha256(CONTENT).digest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "files")


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
        async with store.staged(source) as content:
            assert (content.sha256, content.size_bytes) == (DIGEST, len(CONTENT))
            await store.keep(TENANT, content)
        await anyio.Path(source).unlink()
        async with store.local_file(TENANT, DIGEST) as path:
            assert path.read_bytes() == CONTENT

    async def test_staged_content_that_is_not_kept_leaves_nothing(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(source):
            pass
        assert stored(tmp_path) == []

    async def test_source_that_changes_meanwhile_does_not_change_what_is_kept(
        self, store: BlobStore, source: Path
    ) -> None:
        async with store.staged(source) as content:
            await anyio.Path(source).write_bytes(b"other" * 5_000)
            await store.keep(TENANT, content)
        async with store.local_file(TENANT, DIGEST) as path:
            assert hashlib.sha256(path.read_bytes()).digest() == DIGEST

    async def test_same_content_at_once_is_kept_once(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async def take_in() -> None:
            async with store.staged(source) as content:
                await store.keep(TENANT, content)

        await asyncio.gather(*(take_in() for _ in range(8)))
        assert [path.name for path in stored(tmp_path)] == [DIGEST.hex()]

    async def test_torn_file_of_an_earlier_time_is_replaced(
        self, store: BlobStore, source: Path, tmp_path: Path
    ) -> None:
        async with store.staged(source) as content:
            await store.keep(TENANT, content)
        [path] = stored(tmp_path)
        path.write_bytes(CONTENT[:100])
        async with store.staged(source) as content:
            await store.keep(TENANT, content)
        assert path.read_bytes() == CONTENT

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
        BlobStore(tmp_path / "files")
        assert (tmp_path / "files").stat().st_mode & 0o077 == 0


async def enter(store: BlobStore, source: Path) -> None:
    async with store.staged(source):
        pass


class TestDelete:
    async def test_content_of_one_tenant_goes_and_of_the_other_stays(
        self, store: BlobStore, source: Path
    ) -> None:
        other = uuid.UUID(int=2)
        for tenant in (TENANT, other):
            async with store.staged(source) as content:
                await store.keep(tenant, content)
        await store.delete(TENANT, DIGEST)
        await store.delete(TENANT, DIGEST)  # nothing left to do
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
        BlobStore(tmp_path / "files")
        old, fresh = (tmp_path / "files" / "staging" / name for name in ("old", "fresh"))
        for path in (old, fresh):
            path.write_bytes(b"x")
        os.utime(old, (time.time() - 100_000,) * 2)
        BlobStore(tmp_path / "files")
        assert not old.exists()
        assert fresh.exists(), "another process may be at it"
