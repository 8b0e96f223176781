"""Stored files in a local folder."""

import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import anyio

from citewell.core.blobs.base import KeptFile


class FolderStorage:
    """A folder in which a file exists whole or not at all: flushed, renamed, the folder flushed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Private, because other users may traverse the home to the database's socket.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def put(self, name: str, path: Path) -> None:
        await anyio.to_thread.run_sync(_put, path, self._folder / name)

    async def size(self, name: str) -> int | None:
        with suppress(FileNotFoundError):
            return (await anyio.Path(self._folder / name).stat()).st_size
        return None

    async def fetch(self, name: str, scratch: Path) -> Path:  # noqa: ARG002 - others need it
        path = self._folder / name
        if not await anyio.Path(path).is_file():
            raise FileNotFoundError(f"the stored file {path.name} is missing")
        return path

    async def delete(self, name: str) -> None:
        await anyio.Path(self._folder / name).unlink(missing_ok=True)

    async def delete_all(self, prefix: str) -> None:
        await anyio.to_thread.run_sync(_remove_folder, self._folder / prefix)

    async def names(self, prefix: str) -> list[str]:
        return await anyio.to_thread.run_sync(_files_in, self._folder, prefix)

    async def files(self, prefix: str) -> AsyncIterator[KeptFile]:
        for part in await anyio.to_thread.run_sync(_folders_in, self._folder / prefix):
            for file in await anyio.to_thread.run_sync(_kept_in, self._folder, part):
                yield file


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        os.chmod(writer.fileno(), 0o600)
        shutil.copyfileobj(reader, writer)
        writer.flush()
        os.fsync(writer.fileno())


def _put(source: Path, target: Path) -> None:
    made = not target.parent.exists()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # By a second name: the staged file stays for another try. A file system without links copies.
    second = source.with_name(f"{source.name}.{uuid.uuid4().hex}")
    try:
        try:
            os.link(source, second)
        except OSError:
            _copy(source, second)
        second.rename(target)
    finally:
        second.unlink(missing_ok=True)  # a rename to the same file does nothing
    # A rename is durable only once the folder that holds the name is on the disk.
    _flush(target.parent)
    # A new folder's own name has to reach the disk too, up to that of the tenant.
    if made:
        _flush(target.parent.parent)
        _flush(target.parent.parent.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _files_in(folder: Path, prefix: str) -> list[str]:
    found = (path for path in (folder / prefix).rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in found]


def _folders_in(folder: Path) -> list[Path]:
    """The folder and those below it."""
    return [Path(path) for path, _, _ in os.walk(folder)]


def _kept_in(root: Path, folder: Path) -> list[KeptFile]:
    kept: list[KeptFile] = []
    # A folder or file may be removed while it is listed.
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # removed since
                    stored_at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                    name = Path(entry.path).relative_to(root).as_posix()
                    kept.append(KeptFile(name, stored_at))
    return kept
