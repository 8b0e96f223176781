"""Removes documents whose files have gone from the folders that they were taken in from."""

import asyncio
import os
import re
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from os.path import realpath
from pathlib import Path

from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.entrypoints.commands.ingesting import shown_path
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import shown_source
from citewell.features.trash import service as trash
from citewell.indexes.contract import index_of

_COPY = re.compile(r" \(\d+\)$")
"""End of the source of a copy that was kept beside its original. A file of its own may be called
so, too: a document stays while a file of either name is there."""


@dataclass(frozen=True, slots=True)
class GoneFile:
    """A document whose file has gone."""

    path: str
    document_id: uuid.UUID
    title: str
    error: str | None = None
    """Reason why it was not removed; None: it was, or is to be."""

    def as_json(self) -> dict[str, object]:
        """It, as `--json` prints it."""
        return asdict(self)


async def gone_files(
    platform: Platform, caller: Caller, paths: Iterable[Path], collection: str | None
) -> list[GoneFile]:
    """Documents of a collection that came from these folders, and whose files are there no more.

    A folder in which nothing is, is left out: more likely it is not mounted than that all went.
    """
    full = await asyncio.to_thread(_full_folders, list(paths))
    async with unit_of_work(platform, caller) as ctx:
        try:
            wanted = await collections.find(ctx, collection or collections.DEFAULT_COLLECTION)
        except CollectionNotFoundError:
            return []
        below = [f"file:{shown_path(Path(root)).rstrip(os.sep)}{os.sep}" for root in full]
        found = await documents.taken_from(ctx, wanted.id, below)
    taken = [
        GoneFile((shown_source(each) or "").removeprefix("file:"), each.id, each.title)
        for each in found
    ]
    return await asyncio.to_thread(lambda: [each for each in taken if _is_gone(each.path)])


async def prune(platform: Platform, caller: Caller, gone: Iterable[GoneFile]) -> list[GoneFile]:
    """Move these documents into the trash, each for itself; those that may not be say why."""
    done: list[GoneFile] = []
    for each in gone:
        error = None
        try:
            async with unit_of_work(platform, caller) as ctx:
                await trash.delete(ctx, each.document_id, {"file_gone": each.path})
        except AppError as refused:
            error = refused.detail
        done.append(GoneFile(each.path, each.document_id, each.title, error))
    await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
    return done


def _full_folders(paths: Iterable[Path]) -> list[str]:
    roots = {realpath(path) for path in paths if os.path.isdir(path)}
    return sorted(root for root in roots if _holds_something(root))


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entries)
    except OSError:
        return False


def _is_gone(path: str) -> bool:
    """Whether it is certain that nothing is at a path, nor at that of the copy's original."""
    for each in {path, _COPY.sub("", path)}:
        try:
            os.lstat(each)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass  # a folder above cannot be entered: the file may be there
        return False
    return True
