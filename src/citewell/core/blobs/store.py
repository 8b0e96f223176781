"""Original files by the hash of their content, each tenant's encrypted with its own key."""

import hashlib
import hmac
import os
import shutil
import stat
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio

from citewell.core.blobs.base import Keys, Storage
from citewell.core.blobs.encryption import (
    DataKey,
    EncryptingWriter,
    Purpose,
    decrypt,
    encrypted_size,
    key_id_of,
)

READ_SIZE = 256 * 1024

STAGED_AT_MOST_SECONDS = 24 * 3600
"""What lies in the staging area for longer was left there by a process that was killed."""


@dataclass(frozen=True, slots=True)
class StagedContent:
    """A file's content as it was read once, on its way into the store."""

    sha256: bytes
    size_bytes: int
    path: Path
    """Encrypted already."""
    name: str
    """What it is to be stored by."""


class BlobStore:
    """Content-addressed, encrypted files.

    A content is read exactly once, into a temporary file that is hashed and encrypted while it is
    written; what is kept is what was hashed, even if the source changes meanwhile. A stored file's
    name is a keyed hash: whoever sees the storage cannot tell which known files a tenant has.
    """

    def __init__(self, storage: Storage, keys: Keys, staging: Path) -> None:
        self._storage = storage
        self._keys = keys
        self._staging = staging
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(staging)
        self._memory = _memory_folder(staging)

    @asynccontextmanager
    async def staged(
        self, tenant_id: uuid.UUID, source: Path
    ) -> AsyncGenerator[StagedContent, None]:
        """Read a file into the staging area for as long as the block lasts.

        Raises:
            OSError: The file cannot be read, or the disk is full.
            MasterKeyError: The tenant's key cannot be used.
        """
        key = await self._keys.active(tenant_id, Purpose.FILES)
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        target = self._staging / uuid.uuid4().hex
        try:
            yield await anyio.to_thread.run_sync(_encrypt, source, target, key, names)
        finally:
            await anyio.to_thread.run_sync(_unlink, target)

    async def keep(self, content: StagedContent) -> None:
        """Put a staged content in its place; nothing happens if it is there already.

        Needs no database, so it may be called within a transaction.

        Raises:
            OSError: The store cannot be written.
        """
        if await self._storage.size(content.name) != encrypted_size(content.size_bytes):
            await self._storage.put(content.name, content.path)

    @asynccontextmanager
    async def local_file(self, tenant_id: uuid.UUID, sha256: bytes) -> AsyncGenerator[Path, None]:
        """A readable local file with the content, for as long as the block lasts.

        Raises:
            FileNotFoundError: The store has lost the content.
            DamagedFileError: The stored file is not what was stored.
            MasterKeyError: The tenant's key cannot be used.
        """
        name = uuid.uuid4().hex
        fetched = self._staging / f"{name}.sealed"
        plain = fetched
        try:
            names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
            sealed = await self._storage.fetch(_name(names, sha256), fetched)
            key_id = await anyio.to_thread.run_sync(key_id_of, sealed)
            key = await self._keys.by_id(tenant_id, Purpose.FILES, key_id)
            plain = self._place_for_plain(sealed) / f"{name}.plain"
            await anyio.to_thread.run_sync(_decrypt, sealed, plain, key, sha256)
            yield plain
        finally:
            for path in (fetched, plain):
                await anyio.to_thread.run_sync(_unlink, path)

    async def remover(self, tenant_id: uuid.UUID) -> Callable[[bytes], Awaitable[None]]:
        """What removes a content by its hash, if it is there.

        It needs no database, so it may be called within a transaction; getting it does.
        """
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        return lambda sha256: self._storage.delete(_name(names, sha256))

    async def delete_all(self, tenant_id: uuid.UUID) -> None:
        """Remove everything a tenant has stored."""
        await self._storage.delete_all(str(tenant_id))

    def _place_for_plain(self, sealed: Path) -> Path:
        """Memory, so that no plain content reaches the disk; the disk for what is too large."""
        if self._memory is None:
            return self._staging
        free = shutil.disk_usage(self._memory).free
        return self._memory if sealed.stat().st_size <= free // 4 else self._staging


def _memory_folder(staging: Path) -> Path | None:
    """A folder in memory for this user and installation, where the system has such."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, checked below
    if not shared.is_dir() or not os.access(shared, os.W_OK):
        return None
    place = hashlib.sha256(bytes(staging.absolute())).hexdigest()[:16]
    folder = shared / f"citewell-{os.getuid()}-{place}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
            return None  # someone else was there first
        _sweep(folder)
    except OSError:
        return None
    return folder


def _name(key: DataKey, sha256: bytes) -> str:
    digest = hmac.digest(key.secret, sha256, "sha256").hex()
    return f"{key.tenant_id}/{digest[:2]}/{digest}"


def _sweep(staging: Path) -> None:
    oldest = time.time() - STAGED_AT_MOST_SECONDS
    for path in staging.iterdir():
        with suppress(FileNotFoundError):  # its process has just taken it away
            if path.stat().st_mtime < oldest:
                path.unlink()


def _encrypt(source: Path, target: Path, key: DataKey, names: DataKey) -> StagedContent:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, _new_file(target) as file:
        writer = EncryptingWriter(file, key)
        while part := reader.read(READ_SIZE):
            digest.update(part)
            size += len(part)
            writer.write(part)
        writer.finish(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    sha256 = digest.digest()
    return StagedContent(sha256, size, target, _name(names, sha256))


def _decrypt(sealed: Path, plain: Path, key: DataKey, sha256: bytes) -> None:
    with _new_file(plain) as writer:
        for part in decrypt(sealed, key, sha256):
            writer.write(part)


def _new_file(path: Path) -> BinaryIO:
    """A file of the owner's alone, from its first byte on."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
