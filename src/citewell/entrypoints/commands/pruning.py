"""Removes documents whose files have gone from the folders that they were taken in from."""

import asyncio
import os
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
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


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """A folder whose documents stay, since nothing can be seen in it: it may not be mounted."""

    folder: str
    document_ids: list[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Gone:
    """Documents whose files were looked for in vain."""

    files: list[GoneFile]
    kept: list[KeptFolder]

    def as_json(self) -> dict[str, object]:
        """Both, as `--json` prints them."""
        return {
            "removed": [asdict(each) for each in self.files],
            "kept": [asdict(each) for each in self.kept],
        }


async def gone_files(
    platform: Platform, caller: Caller, paths: Iterable[Path], collection: str | None
) -> Gone:
    """Documents of a collection that came from these folders, and whose files are there no more."""
    roots = await asyncio.to_thread(
        lambda: sorted({realpath(path) for path in paths if os.path.isdir(path)})
    )
    async with unit_of_work(platform, caller) as ctx:
        try:
            wanted = await collections.find(ctx, collection or collections.DEFAULT_COLLECTION)
        except CollectionNotFoundError:
            return Gone([], [])
        below = [f"file:{_shown(root).rstrip(os.sep)}{os.sep}" for root in roots]
        found = await documents.taken_from(ctx, wanted.id, below)
    taken = [
        GoneFile((shown_source(each) or "").removeprefix("file:"), each.id, each.title)
        for each in found
    ]
    return await asyncio.to_thread(looked_for, roots, taken)


def looked_for(roots: Iterable[str], taken: Iterable[GoneFile]) -> Gone:
    """Those of the documents whose files are certain to have gone, and the folders in doubt.

    A file has gone if the folder that it lay in is there and holds something visible, which a mount
    point without its disk does not. Each is looked for twice: a disk may go in between.

    Args:
        roots: Real paths of folders that the documents were taken in from.
        taken: The documents, with the paths of their files as they are shown.
    """
    roots = list(roots)
    first, doubted = _sorted_out(roots, taken)
    files, later = _sorted_out(roots, first)
    kept: dict[str, list[uuid.UUID]] = {}
    for each in [*doubted, *later]:
        kept.setdefault(os.path.dirname(each.path), []).append(each.document_id)
    return Gone(files, [KeptFolder(folder, kept[folder]) for folder in sorted(kept)])


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


def _sorted_out(
    roots: list[str], taken: Iterable[GoneFile]
) -> tuple[list[GoneFile], list[GoneFile]]:
    """Documents whose files have gone, and those of which it cannot be told."""
    look, gone, doubted = _Look(roots), list[GoneFile](), list[GoneFile]()
    for each in taken:
        if any(look.is_there(path) for path in {each.path, _COPY.sub("", each.path)}):
            continue
        is_certain = look.shows_something(os.path.dirname(each.path))
        (gone if is_certain else doubted).append(each)
    return gone, doubted


class _Look:
    """One look at folders, each of which is listed once.

    Paths are as they are shown and stored: what is no UTF-8 is escaped there and found by
    comparison only, as the escaped text names no file.
    """

    def __init__(self, roots: list[str]) -> None:
        self._places: dict[str, list[str]] = {}
        for root in roots:
            self._places.setdefault(_shown(root), []).append(root)
        self._names: dict[str, dict[str, list[str]]] = {}
        """Names in each real folder by what they are shown as."""

    def is_there(self, path: str) -> bool:
        """Whether something is at a path, or may be."""
        folder, name = os.path.split(path)
        return any(
            name in self._listed(place) or _may_exist(os.path.join(place, name))
            for place in self._places_of(folder)
        )

    def shows_something(self, folder: str) -> bool:
        """Whether the folder is there and all that is shown so hold something visible."""
        places = self._places_of(folder)
        return bool(places) and all(
            any(not name.startswith(".") for name in self._listed(place)) for place in places
        )

    def _places_of(self, folder: str) -> list[str]:
        """Real folders that are shown so, found from a root downwards; none: it is not there."""
        if folder not in self._places:
            above, name = os.path.split(folder)
            found = set[str]()
            for place in self._places_of(above) if name else ():
                # The name itself, too: file systems that ignore case list another spelling.
                alike = [name, *self._listed(place).get(name, ())]
                found |= {os.path.join(place, each) for each in alike}
            self._places[folder] = sorted(each for each in found if os.path.isdir(each))
        return self._places[folder]

    def _listed(self, place: str) -> dict[str, list[str]]:
        if place not in self._names:
            names = self._names[place] = {}
            # A folder that cannot be read shows nothing, so that its documents stay.
            with suppress(OSError):
                for name in os.listdir(place):
                    names.setdefault(_shown(name), []).append(name)
        return self._names[place]


def _shown(path: str) -> str:
    return shown_path(Path(path))


def _may_exist(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # a folder above cannot be entered: the file may be there
    return True
