"""The contract that every storage keeps."""

from pathlib import Path

import pytest

from citewell.core.blobs.base import Storage
from tests.bucket import Bucket, object_storage


async def put(storage: Storage, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "complete"
    path.write_bytes(content)
    await storage.put(name, path)


class TestStorage:
    async def test_kept_file_is_there_whole(self, storage: Storage, tmp_path: Path) -> None:
        content = bytes(range(256)) * 50_000  # 12.8 MB: more than one part of an upload
        await put(storage, tmp_path, "t/ab/abcd", content)
        assert await storage.size("t/ab/abcd") == len(content)
        fetched = await storage.fetch("t/ab/abcd", tmp_path / "scratch")
        assert fetched.read_bytes() == content

    async def test_missing_file_is_told(self, storage: Storage, tmp_path: Path) -> None:
        assert await storage.size("t/ab/none") is None
        with pytest.raises(FileNotFoundError):
            await storage.fetch("t/ab/none", tmp_path / "scratch")
        await storage.delete("t/ab/none")

    async def test_same_name_again_replaces(self, storage: Storage, tmp_path: Path) -> None:
        await put(storage, tmp_path, "t/ab/abcd", b"first")
        await put(storage, tmp_path, "t/ab/abcd", b"second one")
        assert (await storage.fetch("t/ab/abcd", tmp_path / "s")).read_bytes() == b"second one"

    async def test_names_and_removal_stay_in_their_folder(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        for name in ("a/1/x", "a/2/y", "ab/1/z"):
            await put(storage, tmp_path, name, b"x")
        assert sorted(await storage.names("a")) == ["a/1/x", "a/2/y"]
        await storage.delete("a/1/x")
        await storage.delete_all("a")
        assert await storage.names("a") == []
        assert await storage.names("ab") == ["ab/1/z"]


class TestObjectStorage:
    async def test_refusal_is_an_error_of_files_and_shows_no_address(
        self, bucket: Bucket, tmp_path: Path
    ) -> None:
        storage = object_storage(bucket)
        bucket.is_broken = True
        for call in (storage.size("a/b"), storage.delete("a/b"), storage.names("a")):
            with pytest.raises(OSError, match="object store") as caught:
                await call
            assert "127.0.0.1" not in str(caught.value)
        with pytest.raises(OSError, match="object store"):
            await put(storage, tmp_path, "a/b", b"x")
