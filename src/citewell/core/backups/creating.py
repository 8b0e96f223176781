"""Makes a backup while the installation goes on, and removes old ones.

Original files are copied before the snapshot of the database and checked after it: what the
snapshot knows and was removed meanwhile is not there any more, and then a new one is taken. The
manifest is written last, so a backup that has one is whole.
"""

import os
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import anyio
import structlog

import citewell
from citewell.core.backups import archive, manifest
from citewell.core.backups.manifest import FOLDER, MANIFEST, ArchivePart, Head, Manifest
from citewell.core.backups.ownership import marks_of, require_own
from citewell.core.backups.target import Target, content_name
from citewell.core.blobs.encryption import DamagedFileError, encrypted_size, key_id_of
from citewell.core.blobs.store import BlobStore
from citewell.core.database.dumping import KeptContent, Snapshot, backup_lock, snapshot
from citewell.core.database.keyring import WrappedKey, in_force
from citewell.core.errors import StartupError
from citewell.core.secrets import MasterKeys
from citewell.kit.clock import utc_now

log = structlog.get_logger(__name__)

ROWS, LIST = "rows.cwb", "contents.cwb"

SNAPSHOTS = 5
"""Snapshots that are tried: each further one lacks only what was removed during the one before."""

KEY_BYTES = 32

OnStep = Callable[[str], None]
"""Called with the name of each step as it begins."""


@dataclass(frozen=True, slots=True)
class BackupSource:
    """The installation that is backed up."""

    url: str
    """Its database, as the owner or, of the embedded one, as its superuser."""
    blobs: BlobStore
    masters: Callable[[], MasterKeys]
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    id: str
    created_at: datetime
    rows: int
    files: int
    new_files: int
    """Original files that no earlier backup had."""
    bytes_written: int
    snapshots: int


@dataclass(slots=True)
class _Work:
    """A backup in the making."""

    source: BackupSource
    target: Target
    scratch: Path
    on_step: OnStep
    kept: dict[tuple[str, str], str]
    """Original files that are among the backups: (key, name) to SHA-256."""
    new_files: int = 0
    bytes_written: int = 0
    missing: dict[str, int] = field(default_factory=dict[str, int])
    """Files that were not there, and how often."""


class _SnapshotOutdatedError(Exception):
    """An original file that a snapshot knows is no longer there as it was then."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Contents of a snapshot that is over."""

    schema: str
    created_at: datetime
    facts: dict[str, tuple[int, int]]
    sequences: dict[str, tuple[int, bool]]
    tenants: list[uuid.UUID]
    contents: list[KeptContent]
    key_ids: set[uuid.UUID]
    a_key: WrappedKey | None


async def create(
    source: BackupSource,
    target: Target,
    passphrase: str | None,
    on_step: OnStep = lambda _step: None,
    *,
    takes_over: bool = False,
) -> Made:
    """Back up an installation.

    Args:
        source: The installation; it may be in use.
        target: Where the backup is put.
        passphrase: With it the backup can be restored without the installation's secret key.
        on_step: Called as each step begins.
        takes_over: Whether a place with backups of another installation becomes this one's.

    Raises:
        StartupError: It could not be made; one line says why. No backup appears then.
    """
    with backup_lock(source.url):
        try:
            await require_own(target, source.url, takes_over=takes_over)
            return await _create(source, target, passphrase, on_step)
        except OSError as error:
            raise StartupError(
                f"The backup could not be written to {target.name}: "
                f"{error.strerror or error}. Nothing that was there before was changed."
            ) from error


async def _create(
    source: BackupSource, target: Target, passphrase: str | None, on_step: OnStep
) -> Made:
    on_step("prepare")
    await anyio.to_thread.run_sync(target.forget_scratch)
    for left in await target.unfinished():
        await target.remove(left)
    with target.scratch() as scratch:
        work = _Work(source, target, scratch, on_step, await target.contents())
        on_step("files before")
        await _copy_present(work)
        for number in range(1, SNAPSHOTS + 1):
            key = os.urandom(KEY_BYTES)
            backup_id = f"{utc_now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
            try:
                return await _from_snapshot(work, backup_id, key, passphrase, number)
            except _SnapshotOutdatedError:
                log.info("backup_snapshot_repeated", number=number)
    raise StartupError(
        f"Files were removed, or their keys exchanged, during all of {SNAPSHOTS} snapshots. Run "
        "the backup again when `citewell keys rotate` has ended."
    )


async def _from_snapshot(
    work: _Work, backup_id: str, key: bytes, passphrase: str | None, number: int
) -> Made:
    archive_id = archive_id_of(backup_id)
    rows_path, list_path = work.scratch / f"{number}-{ROWS}", work.scratch / f"{number}-{LIST}"
    before = work.source.masters()
    work.on_step("rows")
    taken = await anyio.to_thread.run_sync(_dump, work.source.url, rows_path, key, archive_id)
    masters = in_force(_united(work.source.masters(), before), taken.a_key)
    work.on_step("files after")
    entries = await _copy_known(work, taken)
    await anyio.to_thread.run_sync(_list, list_path, key, archive_id, entries)
    work.on_step("store rows")
    folder = f"{FOLDER}/{backup_id}"
    parts = [await _store(work, path, f"{folder}/{name}") for path, name in
             ((rows_path, ROWS), (list_path, LIST))]  # fmt: skip
    work.on_step("manifest")
    head = Head(
        backup_id, taken.created_at, citewell.__version__, taken.schema, bool(passphrase),
        marks_of(taken.tenants),
    )  # fmt: skip
    inside = Manifest(
        rows=parts[0], contents=parts[1], tables=taken.facts, sequences=taken.sequences,
        tenants=len(taken.tenants), files=len(entries), file_bytes=sum(each[3] for each in entries),
        settings=work.source.settings,
    )  # fmt: skip
    path = work.scratch / MANIFEST
    await anyio.Path(path).write_bytes(manifest.write(head, inside, key, masters, passphrase))
    await anyio.to_thread.run_sync(_flush, path)
    work.on_step("finish")
    await work.target.storage.put(f"{folder}/{MANIFEST}", path)
    work.on_step("done")
    return Made(
        id=backup_id,
        created_at=taken.created_at,
        rows=sum(rows for rows, _ in taken.facts.values()),
        files=len(entries),
        new_files=work.new_files,
        bytes_written=work.bytes_written,
        snapshots=number,
    )


def archive_id_of(backup_id: str) -> uuid.UUID:
    """Id that binds the files of a backup to it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"citewell-backup:{backup_id}")


def _united(present: MasterKeys, before: MasterKeys) -> MasterKeys:
    """Master keys of the moments before and after the snapshot: they may have been exchanged."""
    others = [key for key in (*present.others, *before.all) if key != present.primary]
    return MasterKeys(present.primary, tuple(dict.fromkeys(others)))


def _dump(url: str, path: Path, key: bytes, archive_id: uuid.UUID) -> _Taken:
    with snapshot(url) as taken, archive.writing(path, key, archive_id) as writer:
        created_at = utc_now()
        last = ""
        for table, block in taken.rows():
            if table.name != last:
                last = table.name
                writer.head({"table": table.name, "columns": table.columns})
            writer.block(block)
        return _taken(taken, created_at)


def _taken(taken: Snapshot, created_at: datetime) -> _Taken:
    return _Taken(
        schema=taken.schema,
        created_at=created_at,
        facts={name: (each.rows, each.hash_sum) for name, each in taken.facts.items()},
        sequences=taken.sequences(),
        tenants=taken.tenants,
        contents=list(taken.contents()),
        key_ids=taken.key_ids(),
        a_key=taken.a_key(),
    )


Entry = tuple[str, str, str, int]
"""Key, name in the store, SHA-256 and size of an original file."""


async def _copy_present(work: _Work) -> None:
    """Copy what is there now; most of what the snapshot will know."""
    contents = await anyio.to_thread.run_sync(_contents, work.source.url)
    for name, content in await _named(work, contents):
        if content.key_id is None or (str(content.key_id), name) not in work.kept:
            try:
                await _copy(work, name)
            except FileNotFoundError:
                continue  # removed meanwhile; the snapshot decides


def _contents(url: str) -> list[KeptContent]:
    with snapshot(url) as taken:
        return list(taken.contents())


async def _copy_known(work: _Work, taken: _Taken) -> list[Entry]:
    """Copy what a snapshot knows and is not among the backups; all its files."""
    entries: list[Entry] = []
    for name, content in await _named(work, taken.contents):
        key_id = str(content.key_id)
        if (key_id, name) not in work.kept:
            try:
                key_id = await _copy(work, name)
            except FileNotFoundError as error:
                # Of a file that is lost for good all snapshots say the same.
                work.missing[name] = work.missing.get(name, 0) + 1
                if work.missing[name] >= SNAPSHOTS:
                    raise StartupError(
                        f"The original file {name} is missing in the store; `citewell doctor` "
                        "says whose it is. Repair that, then make the backup."
                    ) from error
                raise _SnapshotOutdatedError from error
            if uuid.UUID(key_id) not in taken.key_ids:
                raise _SnapshotOutdatedError
        size = encrypted_size(content.size_bytes)
        entries.append((key_id, name, work.kept[key_id, name], size))
    return entries


async def _named(work: _Work, contents: list[KeptContent]) -> list[tuple[str, KeptContent]]:
    named: list[tuple[str, KeptContent]] = []
    namers: dict[uuid.UUID, Callable[[bytes], str]] = {}
    for content in contents:
        namer = namers.get(content.tenant_id)
        if namer is None:
            namer = namers[content.tenant_id] = await work.source.blobs.namer(content.tenant_id)
        named.append((namer(content.sha256), content))
    return named


async def _copy(work: _Work, name: str) -> str:
    """Copy a file of the store, encrypted as it is; returns the id of its key."""
    fetched, copied = work.scratch / f"{uuid.uuid4().hex}.in", work.scratch / "file.out"
    try:
        source = await work.source.blobs.sealed(name, fetched)
        key_id, digest, size = await anyio.to_thread.run_sync(_copy_file, source, copied)
        if (key_id, name) not in work.kept:
            await work.target.storage.put(content_name(key_id, name, digest), copied)
            work.kept[key_id, name] = digest
            work.new_files += 1
            work.bytes_written += size
            work.on_step("file")
        return key_id
    except DamagedFileError as error:
        raise StartupError(
            f"The original file {name} is damaged ({error}); `citewell doctor --deep` says whose "
            "it is. Repair that, then make the backup."
        ) from error
    finally:
        fetched.unlink(missing_ok=True)
        copied.unlink(missing_ok=True)


def _copy_file(source: Path, copied: Path) -> tuple[str, str, int]:
    with copied.open("xb") as file:
        digest, size = archive.copy_hashed(source, file)
        file.flush()
        os.fsync(file.fileno())
    # Of the copy: the file may have been replaced meanwhile.
    return str(key_id_of(copied)), digest, size


def _list(path: Path, key: bytes, archive_id: uuid.UUID, entries: list[Entry]) -> None:
    with archive.writing(path, key, archive_id) as writer:
        for key_id, name, sha256, size in entries:
            writer.head({"key": key_id, "name": name, "sha256": sha256, "size": size})


async def _store(work: _Work, path: Path, name: str) -> ArchivePart:
    digest = await anyio.to_thread.run_sync(archive.sha256_of, path)
    size = (await anyio.Path(path).stat()).st_size
    await work.target.storage.put(name, path)
    work.bytes_written += size
    return ArchivePart(name.rpartition("/")[2], size, digest)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
