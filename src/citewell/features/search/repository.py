"""Statements of search that are not the index's."""

import json
import uuid
from collections.abc import Collection, Sequence
from datetime import date

from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from citewell.access.statements import reach_sql
from citewell.core.context import REQUEST_STATEMENT_SECONDS, Actor, BatchContext
from citewell.core.database.batches import StatementResult
from citewell.core.database.exchange import Rows
from citewell.core.database.sessions import Database, is_outage
from citewell.core.database.stamps import NO_TENANT, STAMPS, LibraryStamp, stamps_in
from citewell.engine.text.hiding import masked_in
from citewell.features.search.errors import AnswerNotKeptError
from citewell.features.search.schemas import AnswerRecord, PassageReference, TenantWriting
from citewell.models.documents import OPEN_STATUSES

DATE_KEYS = ("date", "valid_from", "effective_date", "published", "modified")
"""Metadata that says of when a document is, most telling first."""

_HAS_KEY = """
SELECT 1 FROM document d WHERE d.tenant_id = :tenant_id AND {reach} AND d.metadata ? :key LIMIT 1
"""

_DATES = """
SELECT v.document_id, v.number, v.created_at, d.metadata
FROM unnest(CAST(:documents AS uuid[]), CAST(:numbers AS int[])) AS w (document_id, number)
JOIN document_version v ON v.tenant_id = :tenant_id AND v.document_id = w.document_id
  AND v.number = w.number
JOIN document d ON d.tenant_id = :tenant_id AND d.id = v.document_id
"""

_WRITING = "SELECT verifier, query_rewriting, prompts FROM tenant WHERE id = :tenant_id"

_OPEN = [status.value for status in OPEN_STATUSES]

_IS_ANY_UNREAD = """
SELECT 1 FROM document_version WHERE tenant_id = :tenant_id AND status = ANY(:open) LIMIT 1
"""

# Bounded: while a library of many thousands is read, nobody needs their number to the last.
_UNREAD = """
SELECT count(*) FROM (
  SELECT FROM document_version v
  JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
  WHERE v.tenant_id = :tenant_id AND v.status = ANY(:open) AND d.deleted_at IS NULL
    AND {reach} {within} LIMIT :most
) AS unread
"""

# Written with the reply, so its commit does not wait for the disk: a crash of the database's
# machine loses the answers of the last half second, which nobody can miss but in the log.
_WITHOUT_WAITING = "SET LOCAL synchronous_commit TO off"

# A user who was removed, a document that was purged while the answer was made: nothing of them
# stays. What a tenant does not keep is not written at all. Where its log is told no personal data,
# texts that hold some are replaced by their masked ones.
_KEEP = """
WITH kept AS (
  INSERT INTO query_log (tenant_id, id, at, actor_kind, actor_id, user_id, question,
    standalone, request, language, answer, sentences, is_abstained, confidence_level,
    confidence_score, reasons, passages, citations, model, prompt_version, embedding, release,
    settings, input_tokens, output_tokens, timings_ms, degraded, is_cached, privacy,
    erased_at, refusal)
  SELECT :tenant_id, :id, :at, :actor_kind, :actor_id, :user_id,
    coalesce(m.masked ->> 'question', :question),
    CASE WHEN whole THEN coalesce(m.masked ->> 'standalone', :standalone) END,
    coalesce(m.masked -> 'request', CAST(:request AS jsonb)), :language,
    CASE WHEN whole THEN coalesce(m.masked ->> 'answer', :answer) END,
    CASE WHEN whole THEN coalesce(m.masked -> 'sentences', CAST(:sentences AS jsonb)) END,
    :is_abstained, :confidence_level,
    :confidence_score, CAST(:reasons AS jsonb), CAST(:passages AS jsonb),
    CAST(:citations AS jsonb), :model, :prompt_version,
    :embedding, :release, CAST(:settings AS jsonb), :input_tokens, :output_tokens,
    CAST(:timings_ms AS jsonb), CAST(:degraded AS jsonb), :is_cached, t.question_log,
    CASE WHEN NOT whole THEN now() END, :refusal
  FROM tenant t, LATERAL (
    SELECT count(*) = cardinality(CAST(:documents AS uuid[])) AS whole FROM document d
    WHERE d.tenant_id = :tenant_id AND d.id = ANY (CAST(:documents AS uuid[]))) AS sources,
  LATERAL (
    SELECT CASE WHEN t.log_redaction = 'personal' THEN CAST(:masked AS jsonb) END AS masked) AS m
  WHERE t.id = :tenant_id AND coalesce(t.answer_days, :usual_days) > 0
    AND (CAST(:user_id AS uuid) IS NULL OR EXISTS (
      SELECT FROM user_account u WHERE u.tenant_id = :tenant_id AND u.id = :user_id))
  RETURNING id
)
INSERT INTO query_document (tenant_id, query_id, document_id)
SELECT :tenant_id, kept.id, d FROM kept, unnest(CAST(:documents AS uuid[])) AS d
"""


async def has_metadata_key(ctx: BatchContext, key: str) -> bool:
    """Whether any document the caller may read has this metadata key."""
    predicate, values = reach_sql((await ctx.access()).read, table="d", document_column="id")
    values |= {"tenant_id": ctx.tenant_id, "key": key}
    return await ctx.batch.ask(_HAS_KEY.format(reach=predicate), values, bool)


async def is_any_unread(database: Database, tenant_id: uuid.UUID) -> bool:
    """Whether any document of the tenant is being read; takes one round trip."""
    values = {"tenant_id": tenant_id, "open": _OPEN}
    asked = [(_IS_ANY_UNREAD, values)]
    (rows,) = await database.ask_for(tenant_id, asked, statement_seconds=REQUEST_STATEMENT_SECONDS)
    return bool(rows)


async def unread(ctx: BatchContext, collection_ids: Sequence[uuid.UUID] | None, most: int) -> int:
    """Number of documents that the caller may read and that are still being read, up to `most`.

    Args:
        ctx: A unit of work of the caller.
        collection_ids: Where they are; None: anywhere.
        most: Counting ends here.
    """
    predicate, values = reach_sql((await ctx.access()).read, table="d", document_column="id")
    values |= {
        "tenant_id": ctx.tenant_id,
        "open": _OPEN,
        "most": most,
    }
    within = ""
    if collection_ids is not None:
        within = "AND d.collection_id = ANY(CAST(:collection_ids AS uuid[]))"
        values["collection_ids"] = [str(id_) for id_ in collection_ids]
    statement = _UNREAD.format(reach=predicate, within=within)
    return await ctx.batch.ask(statement, values, lambda rows: int(rows[0][0]))


async def keep(
    ctx: BatchContext, records: Sequence[tuple[Actor, AnswerRecord]], *, usual_days: int
) -> None:
    """Insert answers of one tenant and commit, in one round trip.

    Args:
        ctx: A unit of work of the tenant.
        records: At least one, each with who asked.
        usual_days: How long they are kept where the tenant does not say.

    Raises:
        AnswerNotKeptError: The database does not answer, or is full.
    """
    batch = ctx.batch
    batch.ask(_WITHOUT_WAITING, {}, len)
    for actor, record in records[:-1]:
        batch.ask(_KEEP, _values(ctx.tenant_id, actor, record, usual_days), len)
    batch.commit_with_next()
    try:
        await batch.ask(_KEEP, _values(ctx.tenant_id, *records[-1], usual_days), len)
    except (DBAPIError, PoolTimeoutError) as error:
        if not is_outage(error):
            raise
        raise AnswerNotKeptError("The database does not answer.") from error


_PASSAGES = TypeAdapter(list[PassageReference])


def _values(
    tenant_id: uuid.UUID, actor: Actor, record: AnswerRecord, usual_days: int
) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "actor_kind": actor.kind.value,
        "actor_id": actor.user_id or actor.id,
        "user_id": actor.user_id,
        "documents": sorted({passage.document_id for passage in record.passages}),
        "usual_days": usual_days,
        **{
            name: _written(getattr(record, name))
            for name in AnswerRecord.__slots__
            if name != "passages"
        },
        "passages": _PASSAGES.dump_json(record.passages).decode(),
        "masked": _masked(record),
    }


_TELLING = ("question", "standalone", "request", "answer", "sentences")
"""Fields of an answer that may hold personal data; of the rest, passages are references."""


def _masked(record: AnswerRecord) -> str | None:
    """Those of the fields in which there is personal data, without it; None: there is none."""
    plain = {name: getattr(record, name) for name in _TELLING}
    masked = {name: masked_in(value) for name, value in plain.items()}
    changed = {name: value for name, value in masked.items() if value != plain[name]}
    return json.dumps(changed) if changed else None


def _written(value: object) -> object:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else value


async def stamped_writing(
    database: Database, tenant_id: uuid.UUID
) -> tuple[LibraryStamp, TenantWriting]:
    """The stamp of a tenant's library, and its settings as of it or later, in one round trip."""
    # The stamp first: settings that are newer than it are read once more, older ones would stay.
    statements = [(STAMPS, {"tenants": [tenant_id]}), (_WRITING, {"tenant_id": tenant_id})]
    stamps, [row] = await database.ask_for(tenant_id, statements)
    verifier, techniques, prompts = row
    own = None if techniques is None else tuple(techniques)
    return stamps_in(stamps).get(tenant_id, NO_TENANT), TenantWriting(verifier, own, prompts)


def document_dates(
    ctx: BatchContext, versions: Collection[tuple[uuid.UUID, int]]
) -> StatementResult[dict[tuple[uuid.UUID, int], str]]:
    """The dates of versions by document and number, asked in the next round trip.

    They are of the metadata, else of their arrival.

    Args:
        ctx: Of the tenant.
        versions: Those that the caller was shown.
    """
    wanted = sorted(versions)
    values = {
        "tenant_id": ctx.tenant_id,
        "documents": [document_id for document_id, _ in wanted],
        "numbers": [number for _, number in wanted],
    }
    return ctx.batch.ask(_DATES, values, _dates_in)


def _dates_in(rows: Rows) -> dict[tuple[uuid.UUID, int], str]:
    return {
        (document_id, number): _date_in(metadata) or created_at.date().isoformat()
        for document_id, number, created_at, metadata in rows
    }


def _date_in(metadata: dict[str, object]) -> str | None:
    for key in DATE_KEYS:
        value = metadata.get(key)
        if isinstance(value, str):
            try:
                return date.fromisoformat(value[:10]).isoformat()
            except ValueError:
                continue
    return None
