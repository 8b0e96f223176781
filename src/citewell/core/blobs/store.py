"""Original files by the hash of their content, each tenant's encrypted with its own key."""

import hashlib
import hmac
import os
import shutil
import stat
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import anyio
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.blobs.base import KeptFile, Keys, Storage
from citewell.core.blobs.encryption import (
    DamagedFileError,
    DataKey,
    EncryptingWriter,
    Purpose,
    decrypt,
    encrypted_size,
    key_id_of,
)
from citewell.core.blobs.holding import Hold, is_held
from citewell.core.errors import StorageReservedError, UnavailableError

# A segment of the encryption: each read seals one.
READ_SIZE = 256 * 1024

STAGED_AT_MOST_SECONDS = 24 * 3600
"""Age from which a staged file counts as left behind by a killed process.

A day is far longer than any upload takes.
"""

PLAIN_AT_MOST_SECONDS = 600
"""Age from which an unlocked plain copy counts as left behind by a killed process.

The lock decides; the age covers file systems without locks and the moment before a lock is taken.
"""

# The purge of the trash asks every five seconds; files go when they are ten minutes old at the
# earliest, so the folders need not be listed each time.
SWEEP_SECONDS = 60.0
PLAIN = ".plain"
"""Suffix of the names of plain copies."""


@dataclass(frozen=True, slots=True)
class StagedContent:
    """A file's content in the staging area, hashed and encrypted."""

    sha256: bytes
    size_bytes: int
    path: Path
    """The encrypted file."""
    name: str
    """Its name in the storage."""
    key: DataKey = field(repr=False)
    """The key it is encrypted with."""


class BlobStore:
    """Content-addressed, encrypted files.

    A content is read exactly once, into a temporary file that is hashed and encrypted while it is
    written, so the stored bytes are those that were hashed even if the source changes meanwhile. A
    stored file's name is a keyed hash: readers of the storage cannot test whether a tenant has a
    certain known file.
    """

    def __init__(
        self,
        storage: Storage,
        keys: Keys,
        staging: Path,
        *,
        sweep_seconds: float = SWEEP_SECONDS,
        reserve_bytes: int = 0,
    ) -> None:
        self._sweep_seconds = sweep_seconds
        self._reserve_bytes = reserve_bytes
        self._storage = storage
        self._keys = keys
        self._staging = staging
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(staging)
        self._memory = _memory_folder(staging)
        self._swept_at = time.monotonic()

    @property
    def plain_folders(self) -> tuple[Path, ...]:
        """Folders that may hold the plain copies of `local_file`, under names nobody guesses."""
        return tuple({self._staging, self._memory or self._staging})

    def scratch(self) -> BinaryIO:
        """A file without a name in the staging area: a killed process leaves nothing of it.

        Raises:
            OSError: The disk is full.
        """
        return TemporaryFile(dir=self._staging)

    @asynccontextmanager
    async def staged(
        self, tenant_id: uuid.UUID, source: Path | BinaryIO
    ) -> AsyncGenerator[StagedContent, None]:
        """Read a file, or one that is open from its begin, into the staging area for the block.

        Raises:
            OSError: The file cannot be read, or the disk is full.
            StorageReservedError: It would take of the space that is kept free.
            MasterKeyError: The tenant's key cannot be used.
        """
        await anyio.to_thread.run_sync(self._require_space, source)
        key = await self._keys.active(tenant_id, Purpose.FILES)
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        target = self._staging / uuid.uuid4().hex
        try:
            yield await anyio.to_thread.run_sync(_encrypt, source, target, key, names)
        finally:
            await anyio.to_thread.run_sync(_unlink, target)

    async def put(self, content: StagedContent, key: DataKey, *, is_new: bool) -> bool:
        """Store a staged content under a key; False if it is stored already.

        It needs no transaction: the caller's claim protects content and key from removal.

        Args:
            content: The content; its staged file stays for another try.
            key: The key to encrypt the file with.
            is_new: No row knows the content: a file in its place was left by a failed upload, under
                a key that may have been removed since, and is replaced.

        Raises:
            OSError: The store cannot be written.
        """
        # By size alone: reading it would cost as much as putting it. A write that was cut off
        # differs.
        is_there = await self._storage.size(content.name) == encrypted_size(content.size_bytes)
        if is_there and not is_new:
            return False
        if key.id == content.key.id:
            await self._storage.put(content.name, content.path)
        else:
            await self._put_anew(content, key)
        return True

    async def _put_anew(self, content: StagedContent, key: DataKey) -> None:
        target = self._staging / uuid.uuid4().hex
        try:
            await anyio.to_thread.run_sync(
                _reseal, content.path, target, content.key, key, content.sha256
            )
            await self._storage.put(content.name, target)
        finally:
            await anyio.to_thread.run_sync(_unlink, target)

    @asynccontextmanager
    async def resealed(
        self, tenant_id: uuid.UUID, sha256: bytes
    ) -> AsyncGenerator[tuple[uuid.UUID, StagedContent | None], None]:
        """The active key's id, and the content encrypted anew with it; None if it has that key.

        The content is never plain on a disk. `replace` puts the new file in the old one's place.

        Raises:
            FileNotFoundError: The store has lost the content.
            DamagedFileError: The stored file is not what was stored.
            MasterKeyError: The tenant's key cannot be used.
        """
        key = await self._keys.active(tenant_id, Purpose.FILES)
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        fetched, target = (self._staging / uuid.uuid4().hex for _ in range(2))
        try:
            sealed = await self._storage.fetch(_name(names, sha256), fetched)
            former_id = await anyio.to_thread.run_sync(key_id_of, sealed)
            if former_id == key.id:
                yield key.id, None
                return
            former = await self._keys.by_id(tenant_id, Purpose.FILES, former_id)
            size = await anyio.to_thread.run_sync(_reseal, sealed, target, former, key, sha256)
            yield key.id, StagedContent(sha256, size, target, _name(names, sha256), key)
        finally:
            for path in (fetched, target):
                await anyio.to_thread.run_sync(_unlink, path)

    async def replace(self, session: AsyncSession, content: StagedContent) -> bool:
        """Put a resealed content in the place of the stored one; False if its key is former again.

        Args:
            session: The transaction that holds the content's row.
            content: Result of `resealed`.

        Raises:
            OSError: The store cannot be written.
        """
        key = await self._keys.hold(session, content.key.tenant_id, Purpose.FILES)
        if key.id != content.key.id:
            return False
        await self._storage.put(content.name, content.path)
        return True

    @asynccontextmanager
    async def local_file(self, tenant_id: uuid.UUID, sha256: bytes) -> AsyncGenerator[Path, None]:
        """A readable local file with the content, for as long as the block lasts.

        Raises:
            FileNotFoundError: The store has lost the content.
            DamagedFileError: The stored file is not what was stored.
            MasterKeyError: The tenant's key cannot be used.
        """
        made: list[Path] = []
        hold = Hold()
        try:
            plain = await self._opened(tenant_id, sha256, made)
            # A parser may read for longer than `PLAIN_AT_MOST_SECONDS`: the lock tells sweeps that
            # it does.
            await anyio.to_thread.run_sync(hold.take, plain)
            yield plain
        finally:
            hold.end()
            for path in made:
                await anyio.to_thread.run_sync(_unlink, path)

    async def _opened(
        self, tenant_id: uuid.UUID, sha256: bytes, made: list[Path], tried: uuid.UUID | None = None
    ) -> Path:
        """A plain copy; its files are added to `made`, for removal, before they are created.

        A file that could not be read with the key `tried` is fetched once more, because a change of
        the key may have replaced it in between.
        """
        name = uuid.uuid4().hex
        fetched = self._staging / f"{name}.sealed"
        made.append(fetched)
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        sealed = await self._storage.fetch(_name(names, sha256), fetched)
        key_id = await anyio.to_thread.run_sync(key_id_of, sealed)
        plain = self._place_for_plain(sealed) / f"{name}{PLAIN}"
        made.append(plain)
        try:
            key = await self._keys.by_id(tenant_id, Purpose.FILES, key_id)
            await anyio.to_thread.run_sync(_decrypt, sealed, plain, key, sha256)
        except (DamagedFileError, UnavailableError):
            if key_id == tried:
                raise
        else:
            return plain
        return await self._opened(tenant_id, sha256, made, key_id)

    async def remover(self, tenant_id: uuid.UUID) -> Callable[[bytes], Awaitable[None]]:
        """A function that removes a content by its hash, if it exists.

        The function needs no database, so it may be called inside a transaction; obtaining it
        reads the tenant's key.
        """
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        return lambda sha256: self._storage.delete(_name(names, sha256))

    async def is_kept(self, tenant_id: uuid.UUID, sha256: bytes, size_bytes: int) -> bool:
        """Whether the file of a content exists and has the right length.

        Raises:
            OSError: The store does not answer.
        """
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        return await self._storage.size(_name(names, sha256)) == encrypted_size(size_bytes)

    async def namer(self, tenant_id: uuid.UUID) -> Callable[[bytes], str]:
        """A function from content hash to file name; obtaining it reads the tenant's key."""
        names = await self._keys.active(tenant_id, Purpose.FILE_NAMES)
        return lambda sha256: _name(names, sha256)

    def kept_files(self, tenant_id: uuid.UUID) -> AsyncIterator[KeptFile]:
        """All files of a tenant.

        Raises:
            OSError: The store does not answer.
        """
        return self._storage.files(str(tenant_id))

    async def ping(self) -> None:
        """Check that the store answers.

        Raises:
            OSError: It does not.
        """
        await self._storage.size("health")  # of a file that need not be there

    async def sealed(self, name: str, scratch: Path) -> Path:
        """The file of that name as it is stored, encrypted: itself, or a copy at `scratch`.

        Raises:
            FileNotFoundError: There is none.
            OSError: The store does not answer.
        """
        return await self._storage.fetch(name, scratch)

    async def put_sealed(self, name: str, path: Path) -> None:
        """Store a file as `sealed` gave it, under the same name.

        Raises:
            OSError: The store does not take it.
        """
        await self._storage.put(name, path)

    async def remove(self, name: str) -> None:
        """Remove a file by its name; the caller makes sure that nothing needs it."""
        await self._storage.delete(name)

    async def sweep(self) -> None:
        """Remove files left behind by killed processes; does nothing if it ran a moment ago."""
        if time.monotonic() - self._swept_at < self._sweep_seconds:
            return
        self._swept_at = time.monotonic()
        for folder in filter(None, (self._staging, self._memory)):
            with suppress(OSError):
                await anyio.to_thread.run_sync(_sweep, folder)

    async def delete_all(self, tenant_id: uuid.UUID) -> None:
        """Remove everything a tenant has stored."""
        await self._storage.delete_all(str(tenant_id))

    def _require_space(self, source: Path | BinaryIO) -> None:
        """Refuse a file before its first byte is written, not when there is no room for its rows.

        The reserve is for all that cannot be refused: the database's log, indexes, jobs. A source
        that cannot be sought to its end counts as empty.
        """
        if self._reserve_bytes == 0:
            return
        size = source.stat().st_size if isinstance(source, Path) else source.seek(0, os.SEEK_END)
        if shutil.disk_usage(self._staging).free - size < self._reserve_bytes:
            raise StorageReservedError

    def _place_for_plain(self, sealed: Path) -> Path:
        """Folder for a plain copy: in memory, so that it never reaches a disk, if it fits.

        A copy takes at most a quarter of the memory that is free, so that four fit side by side.
        """
        if self._memory is None:
            return self._staging
        # Asked each time, as other processes share this memory.
        free = shutil.disk_usage(self._memory).free
        return self._memory if sealed.stat().st_size <= free // 4 else self._staging


def _memory_folder(staging: Path) -> Path | None:
    """A folder in memory for this user and installation, where the system has such."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, checked below
    if not shared.is_dir() or not os.access(shared, os.W_OK):
        return None
    # By user and installation: two installations must not sweep each other's copies.
    place = hashlib.sha256(bytes(staging.absolute())).hexdigest()[:16]
    folder = shared / f"citewell-{os.getuid()}-{place}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
            return None  # another user made it: not to be trusted with plain content
        _sweep(folder)
    except OSError:
        return None
    return folder


def _name(key: DataKey, sha256: bytes) -> str:
    digest = hmac.digest(key.secret, sha256, "sha256").hex()
    # 256 folders, so that a million files do not lie in one.
    return f"{key.tenant_id}/{digest[:2]}/{digest}"


def _sweep(staging: Path) -> None:
    now = time.time()
    for path in staging.iterdir():
        with suppress(FileNotFoundError):  # its process has just removed it
            age = now - path.stat().st_mtime
            is_plain = path.suffix == PLAIN
            if age > STAGED_AT_MOST_SECONDS or (
                is_plain and age > PLAIN_AT_MOST_SECONDS and not is_held(path)
            ):
                path.unlink()


def _encrypt(source: Path | BinaryIO, target: Path, key: DataKey, names: DataKey) -> StagedContent:
    digest, size = hashlib.sha256(), 0
    with _reading(source) as reader, _new_file(target) as file:
        writer = EncryptingWriter(file, key)
        while part := reader.read(READ_SIZE):
            digest.update(part)
            size += len(part)
            writer.write(part)
        writer.finish(digest.digest())
        file.flush()
        # Before it gets its name in the store, which would otherwise survive a loss of power
        # without its bytes.
        os.fsync(file.fileno())
    sha256 = digest.digest()
    return StagedContent(sha256, size, target, _name(names, sha256), key)


def _reseal(sealed: Path, target: Path, former: DataKey, key: DataKey, sha256: bytes) -> int:
    """Encrypt a stored file with another key, segment by segment; returns its plain bytes."""
    size = 0
    with _new_file(target) as file:
        writer = EncryptingWriter(file, key)
        for part in decrypt(sealed, former, sha256):
            size += len(part)
            writer.write(part)
        writer.finish(sha256)
        file.flush()
        os.fsync(file.fileno())
    return size


def _reading(source: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, Path):
        return source.open("rb")
    source.seek(0)
    return nullcontext(source)


def _decrypt(sealed: Path, plain: Path, key: DataKey, sha256: bytes) -> None:
    with _new_file(plain) as writer:
        for part in decrypt(sealed, key, sha256):
            writer.write(part)


def _new_file(path: Path) -> BinaryIO:
    """Create a file that only its owner may read, from its first byte on."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
