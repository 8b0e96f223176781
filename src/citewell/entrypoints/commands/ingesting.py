"""Taking files and folders in, and waiting until they answer."""

import asyncio
import errno
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from os.path import realpath
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from citewell.access.policy import AccessLevel
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.engine.parsing.formats import PICTURE_EXTENSIONS, SUPPORTED_EXTENSIONS
from citewell.engine.parsing.recognition import find_program
from citewell.entrypoints.commands.likeness import like_documents
from citewell.entrypoints.commands.running import err
from citewell.features.collections import service as collections
from citewell.features.documents import recognition, registering
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import Change, KnownBy, NewFile, OnDuplicate
from citewell.indexes.contract import index_of
from citewell.models.documents import OPEN_STATUSES, VersionStatus

# One statement a poll for up to `POLL_BATCH` files; short, so that a small file is told to be ready
# about when it is.
POLL_SECONDS = 0.2
POLL_BATCH = 200

# Files of the first batch: few, so that a worker begins while the rest of a folder is registered.
FIRST_BATCH = 4
REGISTER_BATCH = 25
"""Files registered in one transaction, which takes some 50 ms; other writers may wait for it."""

MOST_LOOKED_AT = 100
"""New documents of one call of which it is told whom they resemble: each takes about as long as
three searches, and more lines are not read."""

MAX_SOURCE_BYTES = 2000
"""Longest source kept as a path: it is indexed, and PostgreSQL refuses index rows beyond 2,704
bytes. Longer ones are replaced by a hash."""


@dataclass(slots=True)
class FileResult:
    """Result of one file, as `ingest --json` prints it."""

    path: str
    document_id: uuid.UUID | None = None
    version: int | None = None
    status: str = VersionStatus.FAILED
    chunks: int = 0
    pages: int | None = None
    error: str | None = None
    warnings: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    change: Change | None = None
    """None: it was not taken in, or is an attachment."""
    known_by: KnownBy | None = None
    """How its document was recognised; None: it is a new one."""
    resembles: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Other documents that hold the same file, or nearly its text: `OtherDocument`, `likeness`."""

    def is_told_of(self, other: "FileResult") -> None:
        """Take over what became of the version that another file has as well."""
        self.status, self.error, self.warnings = other.status, other.error, other.warnings
        self.chunks, self.pages = other.chunks, other.pages

    def as_json(self) -> dict[str, object]:
        """The result as `--json` prints it."""
        return asdict(self)

    @property
    def has_failed(self) -> bool:
        """Whether the version failed or was cancelled."""
        return self.status in (VersionStatus.FAILED, VersionStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class _Manner:
    """Options that apply to all files of a call."""

    access_level: AccessLevel | None
    on_duplicate: OnDuplicate
    urgency: Urgency
    named: tuple[Path, ...]
    """Files and folders that were named."""


def walk(paths: Iterable[Path], skipped: list[str] | None = None) -> Iterator[Path | OSError]:
    """Files to take in, each once: those named, and in folders those of a supported kind.

    In place of a folder that cannot be read comes the error, which names it.

    Args:
        paths: Files and folders.
        skipped: Gets the paths of files in folders that are of no supported kind; hidden ones are
            not named.
    """
    seen = set[str]()
    for found in _walk(paths, [] if skipped is None else skipped):
        if isinstance(found, OSError):
            yield found
            continue
        # By path, not by inode: a file that is named and lies in a named folder is taken in once.
        place = os.path.abspath(found)
        if place not in seen:
            seen.add(place)
            yield found


def _walk(paths: Iterable[Path], skipped: list[str]) -> Iterator[Path | OSError]:
    # Pictures of a folder are worth a look only where their text can be recognised.
    wanted = SUPPORTED_EXTENSIONS.keys()
    if find_program() is None:
        wanted = wanted - PICTURE_EXTENSIONS
    for path in paths:
        # Not Path.is_dir: it raises where a folder above cannot be entered.
        if not os.path.isdir(path):
            yield path
            continue
        errors: list[OSError] = []
        root = realpath(path)
        for folder, subfolders, names in os.walk(path, onerror=errors.append):
            # In place, which is how `os.walk` learns what to leave out: `.git` and the like.
            # Sorted, so that a second run meets the files in the same order.
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            for name in sorted(names):
                file = Path(folder) / name
                if name.startswith("."):
                    continue
                if file.suffix.lower() not in wanted:
                    skipped.append(shown_path(file))
                    continue
                # Else those who may write there could have any file of ours taken in.
                yield file if _is_below(root, realpath(file)) else OutsideError(file)
        yield from errors


async def ingest_paths(
    platform: Platform,
    caller: Caller,
    paths: Iterable[Path],
    *,
    collection: str | None = None,
    access_level: AccessLevel | None = None,
    on_duplicate: OnDuplicate = OnDuplicate.VERSION,
    wait: bool = True,
    show_progress: bool = False,
    skipped: list[str] | None = None,
) -> list[FileResult]:
    """Take files in; with `wait` return when each is searchable or has failed.

    `skipped` gets the paths of files of no supported kind, as `walk` finds them.
    """
    async with unit_of_work(platform, caller) as ctx:
        target = await collections.get_or_create(ctx, collection or collections.DEFAULT_COLLECTION)
    named = list(paths)
    manner = _Manner(access_level, on_duplicate, _urgency(named), tuple(named))
    results: list[FileResult] = []
    waiting: dict[uuid.UUID, FileResult] = {}
    by_version: dict[uuid.UUID, list[FileResult]] = {}
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not (show_progress and err.is_terminal),
    ) as progress:
        bar = progress.add_task("Reading", total=None)
        for batch in _batches(walk(named, skipped)):
            found = await asyncio.to_thread(_open_batch, batch, results, manner)
            waiting |= await _register(platform, caller, target.id, found, by_version)
            # Now and then while registering, so that the progress of a large folder is shown early.
            if len(waiting) >= POLL_BATCH and wait:
                await _collect(platform, caller, waiting)
            progress.update(bar, completed=len(results) - len(waiting))
        progress.update(bar, total=len(results), description="Ingesting")
        while waiting and wait:
            stage = await _collect(platform, caller, waiting)
            progress.update(
                bar, completed=len(results) - len(waiting), description=stage or "Ingesting"
            )
            if waiting:
                await asyncio.sleep(POLL_SECONDS)
            else:
                waiting = await _attached(platform, caller, results)
    for first, *others in by_version.values():
        for each in others:
            each.is_told_of(first)
    await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
    return results


async def _attached(
    platform: Platform, caller: Caller, results: list[FileResult]
) -> dict[uuid.UUID, FileResult]:
    """Attachments of what was taken in that are not ready yet; their results are added."""
    known = {each.document_id: each for each in results if each.document_id}
    waiting: dict[uuid.UUID, FileResult] = {}
    ids = list(known)
    for start in range(0, len(ids), POLL_BATCH):
        async with unit_of_work(platform, caller) as ctx:
            found = await documents.attached(ctx, ids[start : start + POLL_BATCH])
        for document, version in found:
            holder = known.get(document.attached_to) if document.attached_to else None
            if document.id in known or holder is None:
                continue
            path = f"{holder.path}: {document.filename}"
            result = FileResult(path, document.id, version.number, version.status)
            results.append(result)
            waiting[version.id] = result
    return waiting


async def name_like_documents(
    platform: Platform, caller: Caller, results: Iterable[FileResult]
) -> None:
    """Note whose text that of the new documents is nearly, for as many as `MOST_LOOKED_AT`.

    The files are taken in whatever becomes of it: where it fails, nothing is noted.
    """
    new = [
        each
        for each in results
        if each.status == VersionStatus.READY and each.known_by is None and each.version == 1
    ]
    for result in new[:MOST_LOOKED_AT]:
        assert result.document_id is not None
        like = await like_documents(platform, caller, result.document_id)
        if like is None:
            return
        told = {each["document_id"] for each in like}
        named = [each for each in result.resembles if each["document_id"] not in told]
        result.resembles = named + like


def _urgency(paths: Iterable[Path]) -> Urgency:
    """Priority: folders yield to files named one by one, for which somebody waits."""
    has_folder = any(os.path.isdir(path) for path in paths)
    return Urgency.BULK if has_folder else Urgency.INTERACTIVE


def _batches(paths: Iterable[Path | OSError]) -> Iterator[list[Path | OSError]]:
    """Batches to register together: a small first one, so that work begins, then larger ones."""
    batch: list[Path | OSError] = []
    most = FIRST_BATCH
    for path in paths:
        batch.append(path)
        if len(batch) >= most:
            yield batch
            batch, most = [], REGISTER_BATCH
    if batch:
        yield batch


def _open_batch(
    paths: Iterable[Path | OSError],
    results: list[FileResult],
    manner: _Manner,
) -> list[tuple[FileResult, NewFile]]:
    """Find the files behind paths; errors of the others are written into their results."""
    found: list[tuple[FileResult, NewFile]] = []
    for path in paths:
        if isinstance(path, OSError):
            results.append(_unread_folder(path))
            continue
        result = FileResult(shown_path(path))
        results.append(result)
        try:
            # Not Path.resolve: before Python 3.13 it raises RuntimeError on a loop of links.
            absolute = Path(realpath(path, strict=True))
            if not absolute.is_file():
                result.error = "This is not a regular file."
                continue
        except OSError as error:
            is_there = os.path.lexists(path)  # a link that leads nowhere is
            is_missing = isinstance(error, FileNotFoundError | NotADirectoryError) and not is_there
            result.error = "There is no such file or folder." if is_missing else _unreadable(error)
            continue
        new = NewFile(
            path=absolute,
            filename=shown_path(Path(path.name)),
            source=_source(absolute),
            access_level=manner.access_level,
            on_duplicate=manner.on_duplicate,
            urgency=manner.urgency,
            folders=_folders(path, manner.named),
        )
        found.append((result, new))
    return found


def _folders(path: Path, named: Iterable[Path]) -> tuple[str, ...]:
    """Folders between a file and the folder that was named for it; none for a file named itself."""
    inner = [path.relative_to(each).parts[:-1] for each in named if path.is_relative_to(each)]
    return min(inner, key=len, default=())


class OutsideError(OSError):
    """A link in a folder leads out of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.ELOOP, "it is a link that leads out of the folder", str(path))


def _is_below(root: str, place: str) -> bool:
    """Whether a resolved path is the root or in it."""
    return place == root or place.startswith(root.rstrip(os.sep) + os.sep)


def _unread_folder(error: OSError) -> FileResult:
    shown = shown_path(Path(os.fsdecode(error.filename)))
    if isinstance(error, OutsideError):
        return FileResult(shown, error="A link out of the folder; name it to take it in.")
    return FileResult(shown, error=f"The folder cannot be read: {error.strerror or error}.")


async def _register(
    platform: Platform,
    caller: Caller,
    collection_id: uuid.UUID,
    found: Sequence[tuple[FileResult, NewFile]],
    by_version: dict[uuid.UUID, list[FileResult]],
) -> dict[uuid.UUID, FileResult]:
    """Take files in; returns those that are to be made ready, by the id of their version.

    A file that is named twice has one version: it is waited for once, by the first in `by_version`.
    """
    waiting: dict[uuid.UUID, FileResult] = {}
    done: dict[uuid.UUID, FileResult] = {}
    outcomes = await registering.register_files(
        platform, caller, collection_id, [new for _, new in found]
    )
    for (result, _), outcome in zip(found, outcomes, strict=True):
        if isinstance(outcome, OSError):
            result.error = _unreadable(outcome)
        elif isinstance(outcome, AppError):
            result.error = outcome.detail
        else:
            result.document_id = outcome.document_id
            result.version, result.status = outcome.number, outcome.status
            result.change, result.known_by = outcome.change, outcome.known_by
            theirs = by_version.setdefault(outcome.version_id, [])
            theirs.append(result)
            if len(theirs) == 1:
                listed = waiting if outcome.status in OPEN_STATUSES else done
                listed[outcome.version_id] = result
    await _name_others(platform, caller, [result for result, _ in found])
    await _collect(platform, caller, done)
    return waiting


async def _name_others(platform: Platform, caller: Caller, results: Iterable[FileResult]) -> None:
    """Note which other documents hold the same file as the new ones."""
    new = {each.document_id: each for each in results if each.document_id and each.known_by is None}
    others = await recognition.others_beside(platform, caller, list(new))
    for document_id, found in others.items():
        new[document_id].resembles = [
            {**each.model_dump(mode="json"), "likeness": 1.0 if each.same == "content" else None}
            for each in found
        ]


def _unreadable(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror or error}."


async def _collect(
    platform: Platform, caller: Caller, waiting: dict[uuid.UUID, FileResult]
) -> str | None:
    """Record finished versions and remove them from `waiting`; returns the work now in progress."""
    stage = None
    ids = list(waiting)
    for start in range(0, len(ids), POLL_BATCH):
        part = ids[start : start + POLL_BATCH]
        async with unit_of_work(platform, caller) as ctx:
            found = {each.version_id: each for each in await documents.progress(ctx, part)}
        for version_id in part:
            # Removed for good while it was waited for.
            if version_id not in found:
                waiting.pop(version_id).status = VersionStatus.CANCELLED
                continue
            now, result = found[version_id], waiting[version_id]
            result.status, result.error = now.status, now.error_detail
            result.chunks, result.pages = now.chunk_count, now.page_count
            result.warnings = now.warnings
            if now.status not in OPEN_STATUSES:
                del waiting[version_id]
            elif now.job_status == "running":
                stage = f"{Path(result.path).name}: {now.job or 'begun'}"
    return stage


def _source(path: Path) -> str:
    """Source of a file: its path, or a hash where the path is very long."""
    shown = shown_path(path)
    if len(shown.encode()) > MAX_SOURCE_BYTES:
        return f"file-sha256:{hashlib.sha256(shown.encode()).hexdigest()}"
    return f"file:{shown}"


def shown_path(path: Path) -> str:
    """A path as text that can be printed and stored, whatever bytes it holds."""
    return str(path).encode("utf-8", "backslashreplace").decode()
