"""Opens a backup, and puts it into an empty installation, whole or not at all.

Original files whose names are free go first: without rows nothing refers to them, and another try
finds them there. Then all rows go in with one transaction, whose commit is the restore. Files that
are there already may be needed by the rows that are replaced, under a key that the backup does not
have: they are replaced last, when nothing needs them any more.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from citewell.core.backups import archive, manifest
from citewell.core.backups.creating import archive_id_of
from citewell.core.backups.keys import Unlocking
from citewell.core.backups.manifest import FOLDER, ArchivePart, DamagedBackupError, Head, Manifest
from citewell.core.backups.target import Target, content_name
from citewell.core.blobs.base import Storage
from citewell.core.blobs.encryption import DamagedFileError
from citewell.core.database import migrations
from citewell.core.database.dumping import loading, prepare_empty
from citewell.core.errors import StartupError

OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """An original file of a backup."""

    key_id: str
    name: str
    """In the store of the installation."""
    sha256: str
    size: int

    @property
    def kept_as(self) -> str:
        """Its name among the backups."""
        return content_name(self.key_id, self.name, self.sha256)


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that its key has opened."""

    target: Target
    head: Head
    manifest: Manifest
    key: bytes = field(repr=False)
    masters: tuple[bytes, ...] = field(repr=False)
    """The installation's master keys, the one in use first."""

    @classmethod
    async def of(cls, target: Target, backup_id: str, given: Unlocking) -> "Opened":
        """Open a backup.

        Raises:
            StartupError: There is none of that id, it is damaged, newer, or has another key.
        """
        content = await target.manifest(backup_id)
        head = manifest.head_of(backup_id, content)
        inside, key, masters = manifest.read(backup_id, content, given)
        return cls(target, head, inside, key, masters)

    async def fetch(self, part: ArchivePart, folder: Path) -> Path:
        """An encrypted file of the backup, proven to be the one that was written.

        Raises:
            DamagedBackupError: It is missing or was changed.
            OSError: The place does not answer.
        """
        name = f"{FOLDER}/{self.head.id}/{part.name}"
        try:
            path = await self.target.storage.fetch(name, folder / part.name)
        except FileNotFoundError:
            raise DamagedBackupError(self.head.id, f"{part.name} is missing") from None
        is_right = path.stat().st_size == part.size and part.sha256 == (
            await anyio.to_thread.run_sync(archive.sha256_of, path)
        )
        if not is_right:
            raise DamagedBackupError(self.head.id, f"{part.name} was changed")
        return path

    async def entries(self) -> AsyncIterator[Entry]:
        """The original files it needs."""
        with self.target.scratch() as folder:
            path = await self.fetch(self.manifest.contents, folder)
            for head, _ in self.records(path):
                yield Entry(head["key"], head["name"], head["sha256"], head["size"])

    def records(self, path: Path) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
        """The records of one of its files."""
        return archive.records(path, self.key, archive_id_of(self.head.id))

    async def check_files(self, on_file: Callable[[], None] = lambda: None) -> int:
        """Read all its original files; returns their number.

        Raises:
            DamagedBackupError: One is missing or was changed.
        """
        count = 0
        async for entry in self.entries():
            with self.target.scratch() as folder:
                await self._fetch_entry(entry, folder)
            count += 1
            on_file()
        return count

    async def put_new_files(
        self, storage: Storage, on_step: OnStep = lambda _step: None
    ) -> set[str]:
        """Store its original files whose names are free; returns the names of the others.

        All are read, so that none is found to be missing or changed when the rows are in.

        Raises:
            DamagedBackupError: One is missing or was changed.
        """
        present: set[str] = set()
        async for entry in self.entries():
            is_there = await storage.size(entry.name) is not None
            with self.target.scratch() as folder:
                path = await self._fetch_entry(entry, folder)
                if is_there:
                    present.add(entry.name)
                else:
                    await _put(storage, entry.name, path, folder)
            on_step("file")
        return present

    async def replace_files(
        self,
        storage: Storage,
        names: set[str],
        on_step: OnStep = lambda _step: None,
        *,
        is_noted: bool = True,
    ) -> None:
        """Store those of its original files in the place of what is there, where that differs.

        Args:
            storage: The store of original files.
            names: Those files.
            on_step: Called as each is replaced.
            is_noted: Whether the database knows that they are to come.

        Raises:
            StartupError: One could not be stored; another try goes on.
        """
        try:
            async for entry in self.entries():
                if entry.name in names:
                    with self.target.scratch() as folder:
                        if await _is_kept(storage, entry, folder / "kept"):
                            continue
                        path = await self._fetch_entry(entry, folder)
                        await _put(storage, entry.name, path, folder)
                    on_step("file replaced")
        except OSError as error:
            advice = (
                "go on with `citewell backup restore --files-only` before you start it"
                if is_noted
                else "restore again, into an empty database"
            )
            raise StartupError(
                "The rows are restored, but not all original files could be put in their place "
                f"({error.strerror or error}): {advice}."
            ) from error

    async def _fetch_entry(self, entry: Entry, folder: Path) -> Path:
        try:
            path = await self.target.storage.fetch(entry.kept_as, folder / "content")
        except FileNotFoundError:
            raise DamagedBackupError(self.head.id, f"the file {entry.name} is missing") from None
        if await anyio.to_thread.run_sync(archive.sha256_of, path) != entry.sha256:
            raise DamagedBackupError(self.head.id, f"the file {entry.name} was changed")
        return path


@dataclass(frozen=True, slots=True)
class Restored:
    """Outcome of a restore."""

    rows: int
    present: set[str]
    """Original files that were there before; `Opened.replace_files` puts those of the backup."""
    is_noted: bool
    """Whether the database knows that those files are to come."""


async def restore(
    opened: Opened, url: str, storage: Storage | None, on_step: OnStep = lambda _step: None
) -> Restored:
    """Put a backup into an empty database, and what is not there yet into a store.

    Args:
        opened: The backup.
        url: The database, as its owner.
        storage: The store of original files; without it only rows are restored.
        on_step: Called as each step begins.

    Raises:
        StartupError: It cannot be; one line says why, and the database is as empty as before.
    """
    refuse_newer(opened)
    try:
        with opened.target.scratch() as folder:
            on_step("fetch")
            rows = await opened.fetch(opened.manifest.rows, folder)
            on_step("schema")
            await anyio.to_thread.run_sync(prepare_empty, url, opened.head.schema)
            present: set[str] = set()
            if storage is not None:
                on_step("files")
                present = await opened.put_new_files(storage, on_step)
            on_step("rows")
            count, is_noted = await anyio.to_thread.run_sync(
                _load, opened, rows, url, on_step, bool(present)
            )
            return Restored(count, present, is_noted)
    except OSError as error:
        raise StartupError(f"The restore has stopped: {error.strerror or error}.") from error


def refuse_newer(opened: Opened) -> None:
    """Refuse a backup of a schema that this version does not know.

    Raises:
        StartupError: It does not.
    """
    known = migrations.revisions()
    if opened.head.schema not in known:
        raise StartupError(
            f"The backup {opened.head.id} was made by a newer Citewell ({opened.head.version}, "
            f"schema {opened.head.schema}; this one knows {known[-1]}). Install that version or a "
            "newer one."
        )


def _load(
    opened: Opened, path: Path, url: str, on_step: OnStep, has_files_to_come: bool
) -> tuple[int, bool]:
    """Number of rows, and whether the database knows of files to come."""
    is_noted = False
    try:
        with loading(url) as load:
            for head, blocks in opened.records(path):
                on_step(f"table {head['table']}")
                load.put(head["table"], tuple(head["columns"]), blocks)
            load.set_sequences(opened.manifest.sequences)
            loaded = {name: (facts.rows, facts.hash_sum) for name, facts in load.facts.items()}
            expected = {name: facts for name, facts in opened.manifest.tables.items() if facts[0]}
            if loaded != expected:
                raise DamagedBackupError(opened.head.id, "its rows are not those it was made of")
            if has_files_to_come:
                is_noted = load.note_files_to_come(opened.head.id)
            on_step("commit")
        on_step("committed")
    except DamagedFileError as error:
        raise DamagedBackupError(opened.head.id, str(error)) from error
    return sum(rows for rows, _ in loaded.values()), is_noted


async def _put(storage: Storage, name: str, path: Path, folder: Path) -> None:
    # A copy: the store may keep the file it is given, and that of the backup has to stay one of its
    # own.
    copy = folder / "copy"
    await anyio.to_thread.run_sync(_copy, path, copy)
    await storage.put(name, copy)


async def _is_kept(storage: Storage, entry: Entry, scratch: Path) -> bool:
    """Whether a store has an original file as the backup has it."""
    try:
        if await storage.size(entry.name) != entry.size:
            return False
        path = await storage.fetch(entry.name, scratch)
        return await anyio.to_thread.run_sync(archive.sha256_of, path) == entry.sha256
    except FileNotFoundError:
        return False


def _copy(source: Path, target: Path) -> None:
    with target.open("xb") as file:
        target.chmod(0o600)
        archive.copy_hashed(source, file)
        file.flush()
