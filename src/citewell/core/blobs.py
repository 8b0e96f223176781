"""Original files, by content hash, in a folder of each tenant."""

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

READ_SIZE = 1024 * 1024

STAGED_AT_MOST_SECONDS = 24 * 3600
"""What lies in the staging area for longer was left there by a process that was killed."""


@dataclass(frozen=True, slots=True)
class StagedContent:
    """A file's content as it was read once, on its way into the store."""

    sha256: bytes
    size_bytes: int
    path: Path


class BlobStore:
    """Content-addressed files.

    A content is read exactly once, into a temporary file that is hashed while it is written; what
    is kept is what was hashed, even if the source changes meanwhile. It is there whole (written,
    flushed, renamed, the folder flushed) or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = folder / "staging"
        # Its owner's alone: others may pass through the home to the database's socket.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._staging.mkdir(exist_ok=True, mode=0o700)
        _sweep(self._staging)

    @asynccontextmanager
    async def staged(self, source: Path) -> AsyncGenerator[StagedContent, None]:
        """Read a file into the store's staging area for as long as the block lasts.

        Raises:
            OSError: The file cannot be read, or the store's disk is full.
        """
        target = self._staging / uuid.uuid4().hex
        try:
            yield await anyio.to_thread.run_sync(_copy, source, target)
        finally:
            await anyio.to_thread.run_sync(_unlink, target)

    async def keep(self, tenant_id: uuid.UUID, content: StagedContent) -> None:
        """Put a staged content in its place; nothing happens if it is there already.

        Raises:
            OSError: The store cannot be written.
        """
        await anyio.to_thread.run_sync(_link, content, self._path(tenant_id, content.sha256))

    @asynccontextmanager
    async def local_file(self, tenant_id: uuid.UUID, sha256: bytes) -> AsyncGenerator[Path, None]:
        """A readable local file with the content, for as long as the block lasts.

        Raises:
            FileNotFoundError: The store has lost the content.
        """
        path = self._path(tenant_id, sha256)
        if not await anyio.Path(path).is_file():
            raise FileNotFoundError(f"the stored file {sha256.hex()} is missing")
        yield path

    async def delete(self, tenant_id: uuid.UUID, sha256: bytes) -> None:
        """Remove a content; nothing happens if it is not there."""
        await anyio.to_thread.run_sync(_unlink, self._path(tenant_id, sha256))

    async def delete_all(self, tenant_id: uuid.UUID) -> None:
        """Remove everything a tenant has stored."""
        await anyio.to_thread.run_sync(_remove_folder, self._folder / str(tenant_id))

    def _path(self, tenant_id: uuid.UUID, sha256: bytes) -> Path:
        digest = sha256.hex()
        return self._folder / str(tenant_id) / digest[:2] / digest


def _sweep(staging: Path) -> None:
    oldest = time.time() - STAGED_AT_MOST_SECONDS
    for path in staging.iterdir():
        with suppress(FileNotFoundError):  # its process has just taken it away
            if path.stat().st_mtime < oldest:
                path.unlink()


def _copy(source: Path, target: Path) -> StagedContent:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("xb") as writer:
        while part := reader.read(READ_SIZE):
            digest.update(part)
            size += writer.write(part)
        writer.flush()
        os.fsync(writer.fileno())
    return StagedContent(digest.digest(), size, target)


def _link(content: StagedContent, target: Path) -> None:
    if target.is_file() and target.stat().st_size == content.size_bytes:
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content.path.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
