"""Registers the attachments of a document as documents of their own.

This happens before the document is published: a process that ends between leaves the document's
job open, whose next attempt finds the attachments known by their sources.
"""

import hashlib
from collections import Counter
from pathlib import Path

import structlog

from citewell.core.context import Caller
from citewell.core.errors import AppError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.engine.parsing.base import AttachedFile
from citewell.features.documents import registering
from citewell.features.documents.errors import DocumentNotFoundError, InvalidFilenameError
from citewell.features.documents.names import safe_filename
from citewell.features.documents.schemas import NewFile
from citewell.features.ingestion.errors import ATTACHMENTS_REFUSED, AbandonedError, IngestionError
from citewell.features.ingestion.repository import Assignment

log = structlog.get_logger(__name__)

_PREFIX = "attachment:"

DEEPEST = 3
"""Attached mails within each other whose files become documents; it bounds what one upload can
make, and mails of people nest once or twice."""


async def take_in(
    platform: Platform, caller: Caller, work: Assignment, path: Path, title: str
) -> None:
    """Register the files within a document, which a job of their own makes ready each.

    The same files again change nothing; changed ones become new versions.

    Raises:
        AbandonedError: The document was deleted meanwhile.
        IngestionError: They may not be taken in, such as for a full plan.
        ParseError: They cannot be read out of the document.
    """
    depth = _depth(work.source) + 1
    if depth > DEEPEST:
        log.warning("attachments_too_deep", document_id=str(work.document_id))
        return
    async with platform.parser.attachments(path, work.filename) as files:
        new = _new_files(work, files, depth, title)
        if not new:
            return
        try:
            await registering.register_all(platform, caller, new)
        except DocumentNotFoundError as error:
            raise AbandonedError from error
        except AppError as error:
            detail = f"Its attachments could not be taken in: {error.detail}"
            raise IngestionError(ATTACHMENTS_REFUSED, detail) from error


def _depth(source: str | None) -> int:
    if source is None or not source.startswith(_PREFIX):
        return 0
    return int(source.removeprefix(_PREFIX)[:1])


def _new_files(
    work: Assignment, files: list[AttachedFile], depth: int, title: str
) -> list[NewFile]:
    holder = hashlib.sha256((work.source or str(work.document_id)).encode()).hexdigest()[:32]
    seen = Counter[str]()
    new: list[NewFile] = []
    for number, each in enumerate(files, 1):
        name = _usable(each.name, number)
        seen[name] += 1
        new.append(
            NewFile(
                path=each.content,
                filename=name,
                source=f"{_PREFIX}{depth}:{holder}:{seen[name]}:{name}",
                title=f"{name} ({title})",
                urgency=Urgency.BULK,
                attached_to=work.document_id,
            )
        )
    return new


def _usable(name: str, number: int) -> str:
    try:
        return safe_filename(name)
    except InvalidFilenameError:
        return f"attachment-{number}"
