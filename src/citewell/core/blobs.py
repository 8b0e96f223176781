"""Original files, by content hash, in a folder of each tenant."""

import hashlib
import os
import shutil
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import obstore
from obstore.store import LocalStore

READ_SIZE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What the store knows of a content."""

    sha256: bytes
    size_bytes: int


class BlobStore:
    """Content-addressed files. Writing is atomic: a content is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._store = LocalStore(folder)

    async def measure(self, path: Path) -> StoredContent:
        """Size and hash of a file, read in pieces.

        Raises:
            OSError: It cannot be read.
        """
        return await anyio.to_thread.run_sync(_measure, path)

    async def put(self, tenant_id: uuid.UUID, path: Path, content: StoredContent) -> None:
        """Store a measured file; nothing happens if the content is there already.

        Raises:
            OSError: The file cannot be read or the store not be written.
        """
        key = _key(tenant_id, content.sha256)
        if not await self._has(key, content.size_bytes):
            await obstore.put_async(self._store, key, path)

    @asynccontextmanager
    async def local_file(self, tenant_id: uuid.UUID, sha256: bytes) -> AsyncGenerator[Path, None]:
        """A readable local file with the content, for as long as the block lasts.

        Raises:
            FileNotFoundError: The store has lost the content.
        """
        path = self._folder / _key(tenant_id, sha256)
        if not path.is_file():
            raise FileNotFoundError(f"the stored file {sha256.hex()} is missing")
        yield path

    async def delete(self, tenant_id: uuid.UUID, sha256: bytes) -> None:
        """Remove a content; nothing happens if it is not there."""
        await anyio.to_thread.run_sync(_unlink, self._folder / _key(tenant_id, sha256))

    async def delete_all(self, tenant_id: uuid.UUID) -> None:
        """Remove everything a tenant has stored."""
        await anyio.to_thread.run_sync(_remove_folder, self._folder / str(tenant_id))

    async def _has(self, key: str, size: int) -> bool:
        try:
            return (await obstore.head_async(self._store, key))["size"] == size
        except FileNotFoundError:
            return False


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _key(tenant_id: uuid.UUID, sha256: bytes) -> str:
    digest = sha256.hex()
    return f"{tenant_id}/{digest[:2]}/{digest}"


def _measure(path: Path) -> StoredContent:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(READ_SIZE):
            digest.update(part)
        size = os.fstat(file.fileno()).st_size
    return StoredContent(digest.digest(), size)
