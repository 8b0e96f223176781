"""Quota counters and audit records of changes to documents."""

import uuid
from collections.abc import Mapping, Sequence

from citewell.access.policy import AccessLevel
from citewell.core.context import Context
from citewell.features.audit import service as audit
from citewell.features.documents import repository
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.models.documents import Document, DocumentVersion


async def count_registered(
    ctx: Context, versions: Sequence[DocumentVersion], new_bytes: int
) -> None:
    """Record new versions in the audit trail; count new documents and newly stored bytes.

    Call it last in the unit of work: it locks the tenant's counters, and other uploads wait.

    Raises:
        QuotaReachedError: The plan does not hold them; roll the unit of work back.
    """
    made = {v.document_id: {"size_bytes": v.size_bytes} for v in versions if v.number == 1}
    if made:
        await audit.record_all(ctx, "document.created", "document", made)
    # One call per number: details are keyed by document, which may get two versions at once.
    for number in sorted({v.number for v in versions if v.number > 1}):
        added = {v.document_id: {"version": number} for v in versions if v.number == number}
        await audit.record_all(ctx, "document.version_added", "document", added)
    await usage.consume_all(ctx, {Metric.DOCUMENTS: len(made), Metric.STORED_BYTES: new_bytes})


async def count_deleted(
    ctx: Context, document_id: uuid.UUID, details: Mapping[str, object]
) -> None:
    """Record that a document was deleted, and release its count."""
    await _record(ctx, "document.deleted", document_id, details)
    await usage.release(ctx, Metric.DOCUMENTS)


async def count_restored(ctx: Context, document_id: uuid.UUID) -> None:
    """Record that a document was restored, and count it again.

    Raises:
        QuotaReachedError: The plan does not hold it any more; roll the unit of work back.
    """
    await _record(ctx, "document.restored", document_id, {})
    await usage.consume(ctx, Metric.DOCUMENTS)


async def note_changes(ctx: Context, document: Document) -> None:
    """Record which of title and metadata have changed; called before they are written."""
    if fields := repository.changed_fields(document, ("title", "metadata_")):
        names = [field.rstrip("_") for field in fields]
        await _record(ctx, "document.updated", document.id, {"fields": names})


async def note_level(ctx: Context, document: Document, level: AccessLevel) -> None:
    """Record a change of access level; called before it is written."""
    if level != document.access_level:
        before = AccessLevel(document.access_level).name.lower()
        details = {"from": before, "to": level.name.lower()}
        await _record(ctx, "document.access_level_changed", document.id, details)


async def _record(
    ctx: Context, action: str, document_id: uuid.UUID, details: Mapping[str, object]
) -> None:
    await audit.record(ctx, action, object_kind="document", object_id=document_id, details=details)
