"""The place of backups: a folder or a bucket."""

import shutil
import uuid
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from citewell.core.backups.manifest import CONTENTS, FOLDER, ID, MANIFEST, MOST_BYTES
from citewell.core.blobs.base import Storage
from citewell.core.errors import StartupError

SCRATCH = ".unfinished"
"""Folder of files that are being written; beside the backups, where those are in a folder."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where backups are kept."""

    name: str
    """For people."""
    storage: Storage
    scratch_root: Path
    """Folder for files that are being written."""

    @contextmanager
    def scratch(self) -> Generator[Path, None, None]:
        """A folder of its own for files that are on their way; it is removed afterwards.

        Raises:
            StartupError: It cannot be made.
        """
        folder = self.scratch_root / uuid.uuid4().hex
        try:
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise StartupError(f"{self.name} cannot be written: {error.strerror}.") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            # An empty one left behind would look as if something had failed.
            with suppress(OSError):
                self.scratch_root.rmdir()

    def forget_scratch(self) -> None:
        """Remove what killed backups have left; only for who holds the lock for backups."""
        shutil.rmtree(self.scratch_root, ignore_errors=True)

    async def whole(self) -> list[str]:
        """Ids of the backups that have a manifest, the newest first.

        Raises:
            OSError: The place does not answer.
        """
        return sorted({found async for found, is_whole in self._ids() if is_whole}, reverse=True)

    async def unfinished(self) -> list[str]:
        """Ids of backups without a manifest."""
        seen: dict[str, bool] = {}
        async for found, is_whole in self._ids():
            seen[found] = seen.get(found, False) or is_whole
        return sorted(found for found, is_whole in seen.items() if not is_whole)

    async def manifest(self, backup_id: str) -> bytes:
        """The manifest of a backup.

        Raises:
            StartupError: There is no such backup.
            OSError: The place does not answer.
        """
        with self.scratch() as folder:
            name = f"{FOLDER}/{backup_id}/{MANIFEST}"
            try:
                if (await self.storage.size(name) or 0) > MOST_BYTES:
                    raise FileNotFoundError
                path = await self.storage.fetch(name, folder / MANIFEST)
                return await anyio.Path(path).read_bytes()
            except FileNotFoundError:
                raise StartupError(
                    f"There is no whole backup {backup_id} in {self.name}; see `citewell backup "
                    "list`."
                ) from None

    async def contents(self) -> dict[tuple[str, str], str]:
        """The original files that are kept: (id of the key, name in the store) to SHA-256."""
        found: dict[tuple[str, str], str] = {}
        async for file in self.storage.files(CONTENTS):
            _, key_id, rest = file.name.split("/", 2)
            name, _, digest = rest.rpartition(".")
            found[key_id, name] = digest
        return found

    async def remove(self, backup_id: str) -> None:
        """Remove a backup, its manifest first: what is left of it never looks whole."""
        await self.storage.delete(f"{FOLDER}/{backup_id}/{MANIFEST}")
        await self.storage.delete_all(f"{FOLDER}/{backup_id}")

    async def _ids(self) -> AsyncIterator[tuple[str, bool]]:
        async for file in self.storage.files(FOLDER):
            parts = file.name.split("/")
            if len(parts) == 3 and ID.fullmatch(parts[1]):
                yield parts[1], parts[2] == MANIFEST


def content_name(key_id: str, name: str, sha256: str) -> str:
    """Name of an original file among the backups: by its key, so that a new key is a new file."""
    return f"{CONTENTS}/{key_id}/{name}.{sha256}"
