"""Statements of stored answers and ratings."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, or_, select, text, true, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.core.context import NOBODY, BatchContext
from citewell.core.database.exchange import Rows
from citewell.engine.answering.base import ConfidenceLevel
from citewell.engine.parsing.formats import WORKBOOKS
from citewell.features.queries.schemas import (
    BAD_RATING,
    Logged,
    LogPrivacy,
    Only,
    QueryFilter,
    QuerySight,
    ReadablePassage,
)
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import Document, DocumentActivation
from citewell.models.queries import Feedback, QueryLog
from citewell.models.tenancy import Tenant

_PLACED = ("document_id", "version", "start", "end")
"""The parts of a passage's reference that its text is found by."""

# The stretch of the version's text that each passage is, of documents within reach alone. Texts
# are kept in stretches; the first one needed is the last that begins no later.
_TEXTS = """
SELECT w.place, d.title, min(p.start_offset) AS first,
  string_agg(p.text, '' ORDER BY p.start_offset) AS text, a.number AS active_version,
  CASE WHEN v.mime_type = ANY(CAST(:workbooks AS text[])) THEN (
    SELECT c.heading[1] FROM chunk c
    WHERE c.tenant_id = :tenant_id AND c.document_id = d.id AND c.version_id = v.id
      AND c.start_offset <= w."start" AND c.end_offset > w."start"
      AND c.page_breaks = '{{}}' LIMIT 1) END AS sheet
FROM jsonb_to_recordset(CAST(:wanted AS jsonb))
  AS w (place int, document_id uuid, version int, "start" bigint, "end" bigint)
JOIN document d ON d.tenant_id = :tenant_id AND d.id = w.document_id AND {reach}
LEFT JOIN document_version a ON a.tenant_id = :tenant_id AND a.id = d.active_version_id
JOIN document_version v ON v.tenant_id = :tenant_id AND v.document_id = d.id
  AND v.number = w.version
JOIN document_text p ON p.tenant_id = :tenant_id AND p.version_id = v.id
  AND p.start_offset < w."end" AND p.start_offset >= (
    SELECT max(s.start_offset) FROM document_text s
    WHERE s.tenant_id = :tenant_id AND s.version_id = v.id AND s.start_offset <= w."start")
GROUP BY w.place, w."start", d.id, d.title, a.number, v.id, v.mime_type
"""

_FORGET = text("""
DELETE FROM query_log WHERE tenant_id = :tenant_id AND id IN (
  SELECT q.id FROM query_log q JOIN tenant t ON t.id = q.tenant_id
  WHERE q.tenant_id = :tenant_id
    AND q.at < now() - make_interval(days => coalesce(t.answer_days, :usual_days))
  ORDER BY q.at LIMIT :limit)
""")


def _own(sight: QuerySight) -> ColumnElement[bool]:
    return func.coalesce(QueryLog.actor_id, NOBODY) == sight.actor_id


def seen(sight: QuerySight) -> ColumnElement[bool]:
    """Stored answers that are there for the caller."""
    if sight.sees_all:
        return or_(QueryLog.privacy != LogPrivacy.OFF, _own(sight))
    return _own(sight)


def _asker_seen(sight: QuerySight) -> ColumnElement[bool]:
    if sight.sees_askers:
        return or_(QueryLog.privacy == LogPrivacy.FULL, _own(sight))
    return _own(sight)


async def log_privacy(session: AsyncSession) -> LogPrivacy:
    """Privacy of the log: what the tenant lets managers see of others' questions at present."""
    statement = select(Tenant.question_log).where(Tenant.id == session.info["tenant_id"])
    return LogPrivacy((await session.scalars(statement)).one())


async def find(session: AsyncSession, query_id: uuid.UUID, sight: QuerySight) -> QueryLog | None:
    """A stored answer that is there for the caller."""
    return await session.scalar(select(QueryLog).where(QueryLog.id == query_id, seen(sight)))


async def find_all(ctx: BatchContext, query_ids: Collection[uuid.UUID]) -> list[QueryLog]:
    """Stored answers by their ids, whoever asked, in one round trip; no session has them."""
    if not query_ids:
        return []
    values = {"tenant_id": ctx.tenant_id, "ids": list(query_ids)}
    return await ctx.batch.ask(_logs(), values, _logs_in)


@cache
def _logs() -> str:
    names = ", ".join(QueryLog.__table__.columns.keys())
    return f"SELECT {names} FROM query_log WHERE tenant_id = :tenant_id AND id = ANY(:ids)"  # noqa: S608 - names of our own columns


def _logs_in(rows: Rows) -> list[QueryLog]:
    names = QueryLog.__table__.columns.keys()
    return [QueryLog(**dict(zip(names, row, strict=True))) for row in rows]


def _conditions(sight: QuerySight, wanted: QueryFilter) -> list[ColumnElement[bool]]:
    found = [seen(sight)]
    match wanted.only:
        case Only.OWN:
            found.append(_own(sight))
        case Only.UNANSWERED:
            found.append(QueryLog.is_abstained.is_(True))
        case Only.LOW_CONFIDENCE:
            found.append(QueryLog.confidence_level == ConfidenceLevel.LOW)
            found.append(QueryLog.is_abstained.is_(False))
        case Only.REFUSED:
            found.append(QueryLog.refusal.is_not(None))
        case Only.BADLY_RATED:
            bad = select(Feedback.query_id).where(Feedback.rating <= BAD_RATING)
            found.append(QueryLog.id.in_(bad))
        case None:
            pass
    if wanted.user_id is not None:
        # By nobody whose name the caller may not see: the filter would tell it.
        found += [QueryLog.user_id == wanted.user_id, _asker_seen(sight)]
    if wanted.since is not None:
        found.append(QueryLog.at >= wanted.since)
    if wanted.until is not None:
        found.append(QueryLog.at < wanted.until)
    return found


_RATING = (
    select(func.avg(Feedback.rating))
    .where(Feedback.tenant_id == QueryLog.tenant_id, Feedback.query_id == QueryLog.id)
    .correlate(QueryLog)
    .scalar_subquery()
)

_BATCH = 500
"""Questions that an export holds in memory at a time."""


async def page(
    session: AsyncSession, sight: QuerySight, wanted: QueryFilter, request: PageRequest
) -> Page[Logged]:
    """Questions, newest first, with the mean of their ratings."""
    conditions = _conditions(sight, wanted)
    total = await session.scalar(select(func.count(QueryLog.id)).where(*conditions)) or 0
    rows = await session.execute(
        select(QueryLog, _RATING, _asker_seen(sight))
        .where(*conditions)
        .order_by(QueryLog.at.desc(), QueryLog.id.desc())
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page([_logged(row) for row in rows], request, total)


async def part(
    session: AsyncSession, sight: QuerySight, wanted: QueryFilter, after: QueryLog | None
) -> list[Logged]:
    """The next `_BATCH` questions, oldest first; none once all have been read."""
    conditions = _conditions(sight, wanted)
    if after is not None:
        conditions.append(tuple_(QueryLog.at, QueryLog.id) > (after.at, after.id))
    rows = await session.execute(
        select(QueryLog, _RATING, _asker_seen(sight))
        .where(*conditions)
        .order_by(QueryLog.at, QueryLog.id)
        .limit(_BATCH)
    )
    return [_logged(row) for row in rows]


def _logged(row: Row[QueryLog, Any, bool]) -> Logged:
    log, rating, shows_asker = row
    return Logged(log, None if rating is None else round(float(rating), 2), shows_asker)


async def moment(session: AsyncSession) -> datetime:
    """Start of the transaction."""
    return (await session.scalars(select(func.now()))).one()


async def readable(
    ctx: BatchContext, passages: Sequence[Mapping[str, Any]], reach: Reach
) -> dict[int, ReadablePassage]:
    """Those of the passages that are within reach now, with their texts, by their place."""
    if not passages:
        return {}
    predicate, values = reach_sql(reach, table="d", document_column="id")
    wanted = [
        {name: passage[name] for name in _PLACED} | {"place": place}
        for place, passage in enumerate(passages)
    ]
    values |= {
        "tenant_id": ctx.tenant_id,
        "wanted": json.dumps(wanted),
        "workbooks": list(WORKBOOKS),
    }
    rows = await ctx.batch.ask(_TEXTS.format(reach=predicate), values, list)
    found: dict[int, ReadablePassage] = {}
    place: int
    for place, title, first, text_from_first, active_version, sheet in rows:
        passage = passages[place]
        stretch = text_from_first[passage["start"] - first : passage["end"] - first]
        found[place] = ReadablePassage(title, stretch, active_version, sheet)
    return found


async def published_since(session: AsyncSession, moment: datetime, reach: Reach) -> int:
    """Number of documents within reach of which a version was published after a moment."""
    predicate, values = reach_sql(reach, table="document", document_column="id")
    found = await session.scalar(
        select(func.count(Document.id)).where(
            text(predicate).bindparams(**values),
            exists().where(
                DocumentActivation.tenant_id == Document.tenant_id,
                DocumentActivation.document_id == Document.id,
                DocumentActivation.active_from > moment,
            ),
        )
    )
    return found or 0


async def rate(session: AsyncSession, feedback: Mapping[str, object]) -> Feedback:
    """Insert a rating, or replace the one the same actor gave before."""
    changed = {name: feedback[name] for name in ("rating", "comment")}
    statement = (
        insert(Feedback)
        .values(**feedback)
        .on_conflict_do_update(
            index_elements=[Feedback.tenant_id, Feedback.query_id, Feedback.actor_id],
            set_={**changed, "updated_at": func.now()},
        )
        .returning(Feedback)
    )
    return (await session.scalars(statement, execution_options={"populate_existing": True})).one()


async def ratings(
    session: AsyncSession, query_ids: Collection[uuid.UUID], sight: QuerySight
) -> list[Feedback]:
    """The ratings of answers: the caller's own, or all."""
    rows = await session.scalars(
        select(Feedback)
        .where(
            Feedback.query_id.in_(query_ids),
            or_(true() if sight.sees_all else Feedback.actor_id == sight.actor_id),
        )
        .order_by(Feedback.created_at, Feedback.actor_id)
    )
    return list(rows)


async def tenants_with_expired(session: AsyncSession, usual_days: int) -> list[uuid.UUID]:
    """Tenants that have answers older than they keep them; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_old_answers(:usual_days)")
    return list(await session.scalars(statement, {"usual_days": usual_days}))


async def forget(session: AsyncSession, usual_days: int, limit: int) -> int:
    """Delete some of the tenant's answers that are older than it keeps them; returns how many."""
    values = {
        "tenant_id": session.info["tenant_id"], "usual_days": usual_days, "limit": limit,
    }  # fmt: skip
    gone = await session.execute(_FORGET, values)
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]
