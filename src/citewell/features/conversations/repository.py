"""Statements of conversations and their messages."""

import json
import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, delete, exists, func, not_, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.core.context import BatchContext
from citewell.engine.answering.suggesting import DocumentHeading
from citewell.features.conversations.schemas import (
    ConversationFilter,
    NumberedEvent,
    StreamProgress,
    StreamState,
    Whose,
)
from citewell.kit.pagination import Page, PageRequest
from citewell.models.conversations import (
    AnswerStream,
    AnswerStreamEvent,
    Conversation,
    ConversationMessage,
)
from citewell.models.documents import Document

STALE_SECONDS = 10.0
"""Silence of a process that makes an answer after which it is taken for dead; it gives a sign of
life each second."""

# From a message towards the beginning, newest first. Conversations are small and the key holds
# both columns, so each step is one look at the index.
_PATH = text("""
WITH RECURSIVE path AS (
  SELECT m.id, m.parent_id, 1 AS step FROM conversation_message m
  WHERE m.tenant_id = :tenant_id AND m.conversation_id = :conversation_id AND m.id = :message_id
  UNION ALL
  SELECT m.id, m.parent_id, p.step + 1 FROM path p
  JOIN conversation_message m ON m.tenant_id = :tenant_id
    AND m.conversation_id = :conversation_id AND m.id = p.parent_id
  WHERE p.step < :at_most
)
SELECT id FROM path
""")

_FORGET = text("""
DELETE FROM conversation WHERE tenant_id = :tenant_id AND id IN (
  SELECT c.id FROM conversation c JOIN tenant t ON t.id = c.tenant_id
  WHERE c.tenant_id = :tenant_id
    AND c.updated_at < now() - make_interval(days => coalesce(t.conversation_days, :usual_days))
  ORDER BY c.updated_at LIMIT :limit)
""")

# A deleted message gets no events.
_BEAT = """
WITH stream AS (
  UPDATE answer_stream SET beat_at = now()
  WHERE tenant_id = :tenant_id AND message_id = :message_id RETURNING is_stop_wanted
), written AS (
  INSERT INTO answer_stream_event (tenant_id, message_id, last_id, events)
  SELECT :tenant_id, :message_id, CAST(:last_id AS int), CAST(:events AS jsonb) FROM stream
  WHERE CAST(:last_id AS int) IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT is_stop_wanted FROM stream
"""

NEWEST_DOCUMENTS = 2_000
"""Documents among which those within reach are looked for: a guest of a library of a million, to
whom few of them are open, waits no longer than others."""

LOOKED_AT_DOCUMENTS = 100
LOOKED_AT_CHUNKS = 30
"""Of each document, from its beginning: at most 3,000 rows by index, some milliseconds."""
MOST_HEADINGS = 360
"""Those of twelve documents with many; the reading ends with them."""

# By the newest document within reach. While an index is rebuilt a version has its chunks twice.
_HEADINGS = """
SELECT d.id, d.title, h.heading, h.language
FROM (
  SELECT d.id, d.title, d.active_version_id FROM (
    SELECT * FROM document d
    WHERE d.tenant_id = :tenant_id AND d.active_version_id IS NOT NULL AND d.deleted_at IS NULL
    ORDER BY d.id DESC LIMIT :newest
  ) AS d WHERE {reach}
  ORDER BY d.id DESC LIMIT :documents
) AS d
CROSS JOIN LATERAL (
  SELECT c.place, c.language, c.heading[array_upper(c.heading, 1)] AS heading FROM (
    SELECT c.generation_id, c.ordinal AS place, c.language, c.heading FROM chunk c
    WHERE c.tenant_id = :tenant_id AND c.version_id = d.active_version_id AND c.active
    ORDER BY c.generation_id, c.ordinal LIMIT :chunks
  ) AS c WHERE cardinality(c.heading) > 0
) AS h
ORDER BY d.id DESC, h.place LIMIT :most
"""


async def newest_headings(
    session: AsyncSession, tenant_id: uuid.UUID, reach: Reach
) -> list[DocumentHeading]:
    """Headings of the newest documents within reach that answer, as they stand in them."""
    predicate, values = reach_sql(reach, table="d", document_column="id")
    values |= {
        "tenant_id": tenant_id, "newest": NEWEST_DOCUMENTS, "documents": LOOKED_AT_DOCUMENTS,
        "chunks": LOOKED_AT_CHUNKS, "most": MOST_HEADINGS,
    }  # fmt: skip
    rows = await session.execute(text(_HEADINGS.format(reach=predicate)), values)
    return [DocumentHeading(str(each.id), each.title, each.heading, each.language) for each in rows]


async def add(session: AsyncSession, conversation: Conversation) -> None:
    """Insert a conversation."""
    session.add(conversation)
    await session.flush()
    await session.refresh(conversation)


async def find(
    session: AsyncSession, conversation_id: uuid.UUID, actor_id: uuid.UUID, *, or_shared: bool
) -> Conversation | None:
    """A conversation of the actor, or one that its owner shares."""
    is_theirs = Conversation.actor_id == actor_id
    seen = or_(is_theirs, Conversation.is_shared) if or_shared else is_theirs
    return await session.scalar(
        select(Conversation).where(Conversation.id == conversation_id, seen)
    )


async def lock(
    session: AsyncSession, conversation_id: uuid.UUID, actor_id: uuid.UUID
) -> Conversation | None:
    """A conversation of the actor, locked until the end of the transaction."""
    return await session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id, Conversation.actor_id == actor_id)
        .with_for_update()
    )


async def page(
    session: AsyncSession, actor_id: uuid.UUID, wanted: ConversationFilter, request: PageRequest
) -> Page[Conversation]:
    """Conversations, pinned ones first, then by their newest message."""
    conditions = _conditions(actor_id, wanted)
    total = await session.scalar(select(func.count(Conversation.id)).where(*conditions)) or 0
    # Pins are the owner's.
    first = [Conversation.is_pinned.desc()] if wanted.whose is Whose.OWN else []
    rows = await session.scalars(
        select(Conversation)
        .where(*conditions)
        .order_by(*first, Conversation.updated_at.desc(), Conversation.id.desc())
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


def _conditions(actor_id: uuid.UUID, wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    if wanted.whose is Whose.OWN:
        conditions = [Conversation.actor_id == actor_id]
    else:
        conditions = [Conversation.actor_id != actor_id, Conversation.is_shared.is_(True)]
    if wanted.is_pinned is not None:
        conditions.append(Conversation.is_pinned.is_(wanted.is_pinned))
    if wanted.search:
        asked = exists().where(
            ConversationMessage.tenant_id == Conversation.tenant_id,
            ConversationMessage.conversation_id == Conversation.id,
            ConversationMessage.question.icontains(wanted.search, autoescape=True),
        )
        conditions.append(or_(Conversation.title.icontains(wanted.search, autoescape=True), asked))
    return conditions


async def change(
    session: AsyncSession, conversation: Conversation, changes: Mapping[str, object]
) -> None:
    """Write changes of a conversation; by themselves they do not make it newer."""
    # Not by the unit of work: it would set the time of the change.
    await session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values({"updated_at": Conversation.updated_at, **changes})
        .execution_options(synchronize_session=False)
    )
    await session.refresh(conversation)


async def set_title(session: AsyncSession, conversation_id: uuid.UUID, title: str) -> None:
    """Name a conversation that nobody has named."""
    await session.execute(
        update(Conversation)
        .where(Conversation.id == conversation_id, Conversation.has_own_title.is_(False))
        # Not a newer conversation for that.
        .values(title=title, updated_at=Conversation.updated_at)
    )


async def remove(session: AsyncSession, conversation: Conversation) -> None:
    """Delete a conversation with its messages."""
    await session.delete(conversation)
    await session.flush()


async def counts(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many messages conversations have, by id; those without one are left out."""
    if not ids:
        return {}
    rows = await session.execute(
        select(ConversationMessage.conversation_id, func.count())
        .where(ConversationMessage.conversation_id.in_(ids))
        .group_by(ConversationMessage.conversation_id)
    )
    return {row[0]: row[1] for row in rows}


async def messages(
    session: AsyncSession, conversation_id: uuid.UUID, request: PageRequest
) -> Page[ConversationMessage]:
    """The messages of a conversation, oldest first: parents stand before their children."""
    mine = ConversationMessage.conversation_id == conversation_id
    total = await session.scalar(select(func.count(ConversationMessage.id)).where(mine)) or 0
    rows = await session.scalars(
        select(ConversationMessage)
        .where(mine)
        .order_by(ConversationMessage.created_at, ConversationMessage.id)
        .offset(request.offset)
        .limit(request.limit)
    )
    return Page(list(rows), request, total)


async def message(
    session: AsyncSession, conversation_id: uuid.UUID, message_id: uuid.UUID
) -> ConversationMessage | None:
    """One message of a conversation."""
    return await session.scalar(
        select(ConversationMessage).where(
            ConversationMessage.conversation_id == conversation_id,
            ConversationMessage.id == message_id,
        )
    )


async def newest(session: AsyncSession, conversation_id: uuid.UUID) -> ConversationMessage | None:
    """The message of a conversation that was asked last."""
    return await session.scalar(
        select(ConversationMessage)
        .where(ConversationMessage.conversation_id == conversation_id)
        .order_by(ConversationMessage.created_at.desc(), ConversationMessage.id.desc())
        .limit(1)
    )


async def path(
    session: AsyncSession, conversation_id: uuid.UUID, message_id: uuid.UUID, *, at_most: int
) -> list[ConversationMessage]:
    """The last messages up to one, oldest first: each the parent of the next."""
    values = {
        "tenant_id": session.info["tenant_id"], "conversation_id": conversation_id,
        "message_id": message_id, "at_most": at_most,
    }  # fmt: skip
    ids = list(await session.scalars(_PATH, values))
    rows = await session.scalars(
        select(ConversationMessage).where(
            ConversationMessage.conversation_id == conversation_id, ConversationMessage.id.in_(ids)
        )
    )
    by_id = {row.id: row for row in rows}
    return [by_id[each] for each in reversed(ids)]


async def add_message(session: AsyncSession, message: ConversationMessage) -> None:
    """Insert a message; its conversation must be locked."""
    session.add(message)
    await session.flush()


async def set_answer(
    session: AsyncSession, conversation_id: uuid.UUID, message_id: uuid.UUID, query_id: uuid.UUID
) -> None:
    """Give a message its answer, if it is still there."""
    await session.execute(
        update(ConversationMessage)
        .where(
            ConversationMessage.conversation_id == conversation_id,
            ConversationMessage.id == message_id,
        )
        .values(query_id=query_id)
    )


async def add_stream(
    session: AsyncSession,
    conversation_id: uuid.UUID,
    message_id: uuid.UUID,
    documents: Sequence[uuid.UUID],
) -> None:
    """Make a place for the events of a message's answer."""
    session.add(
        AnswerStream(
            tenant_id=session.info["tenant_id"],
            message_id=message_id,
            conversation_id=conversation_id,
            documents=list(documents),
        )
    )
    await session.flush()


async def add_events(
    session: AsyncSession, message_id: uuid.UUID, events: Sequence[NumberedEvent]
) -> None:
    """Write events in one row; after a write that was cut off some may be there already."""
    if not events:
        return
    values = {
        "tenant_id": session.info["tenant_id"],
        "message_id": message_id,
        "last_id": events[-1].id,
        "events": [[each.id, each.name, each.text] for each in events],
    }
    await session.execute(insert(AnswerStreamEvent).values(values).on_conflict_do_nothing())


async def beat(
    ctx: BatchContext, message_id: uuid.UUID, events: Sequence[NumberedEvent]
) -> StreamState:
    """Say that an answer is being made and write its new events, in one round trip."""
    values = {
        "tenant_id": ctx.tenant_id,
        "message_id": message_id,
        "last_id": events[-1].id if events else None,
        "events": json.dumps([[each.id, each.name, each.text] for each in events]),
    }
    ctx.batch.commit_with_next()
    rows = await ctx.batch.ask(_BEAT, values, list)
    return StreamState(is_gone=not rows, is_stop_wanted=bool(rows and rows[0][0]))


async def end_stream(session: AsyncSession, message_id: uuid.UUID) -> bool:
    """Say that an answer is over; False if nothing is known of it any more."""
    ended = await session.scalar(
        update(AnswerStream)
        .where(AnswerStream.message_id == message_id)
        .values(beat_at=func.now(), ended_at=func.now())
        .returning(AnswerStream.message_id)
    )
    return ended is not None


async def want_stop(session: AsyncSession, message_id: uuid.UUID) -> None:
    """Note that the reader has enough of an answer."""
    await session.execute(
        update(AnswerStream)
        .where(AnswerStream.message_id == message_id)
        .values(is_stop_wanted=True)
    )


async def stream_documents(
    session: AsyncSession, conversation_id: uuid.UUID, message_id: uuid.UUID, actor_id: uuid.UUID
) -> list[uuid.UUID] | None:
    """The documents that an answer of the actor's is made of; None: it has no events."""
    return await session.scalar(
        select(AnswerStream.documents)
        .join(Conversation, Conversation.id == AnswerStream.conversation_id)
        .where(
            AnswerStream.message_id == message_id,
            AnswerStream.conversation_id == conversation_id,
            Conversation.actor_id == actor_id,
        )
    )


async def are_readable(session: AsyncSession, documents: Sequence[uuid.UUID], reach: Reach) -> bool:
    """Whether all the documents are within reach now."""
    predicate, values = reach_sql(reach, table="document", document_column="id")
    found = await session.scalar(
        select(func.count(Document.id)).where(
            text(predicate).bindparams(**values), Document.id.in_(documents)
        )
    )
    return found == len(documents)


async def progress(session: AsyncSession, message_id: uuid.UUID, after: int) -> StreamProgress:
    """The events of an answer after one, as far as they are written."""
    # Before the events: what ends between the two is seen with the next look.
    is_over = await session.scalar(
        select(or_(AnswerStream.ended_at.is_not(None), _is_stale())).where(
            AnswerStream.message_id == message_id
        )
    )
    rows = await session.scalars(
        select(AnswerStreamEvent.events)
        .where(AnswerStreamEvent.message_id == message_id, AnswerStreamEvent.last_id > after)
        .order_by(AnswerStreamEvent.last_id)
    )
    found: list[NumberedEvent] = []
    for number, name, data in (event for row in rows for event in row):
        if number > after:
            found.append(NumberedEvent(number, name, data))
            after = number
    return StreamProgress(tuple(found), is_over is None or is_over)


async def running(session: AsyncSession, conversation_id: uuid.UUID) -> set[uuid.UUID]:
    """The messages of a conversation whose answers are being made."""
    return set(
        await session.scalars(
            select(AnswerStream.message_id).where(
                AnswerStream.conversation_id == conversation_id,
                AnswerStream.ended_at.is_(None),
                not_(_is_stale()),
            )
        )
    )


def _is_stale() -> ColumnElement[bool]:
    """Whether the process that makes an answer is taken for dead."""
    silence = func.make_interval(0, 0, 0, 0, 0, 0, STALE_SECONDS)
    return AnswerStream.beat_at < func.now() - silence


async def tenants_with_old_streams(session: AsyncSession, seconds: float) -> list[uuid.UUID]:
    """Tenants that have events of answers from longer ago; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_old_streams(:seconds)")
    return list(await session.scalars(statement, {"seconds": seconds}))


async def sweep_streams(session: AsyncSession, seconds: float) -> None:
    """Delete the tenant's events of answers from longer ago."""
    silence = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    await session.execute(delete(AnswerStream).where(AnswerStream.beat_at < func.now() - silence))


async def tenants_with_expired(session: AsyncSession, usual_days: int) -> list[uuid.UUID]:
    """Tenants that have conversations older than they keep them; needs no tenant set."""
    statement = text("SELECT citewell_tenants_with_old_conversations(:usual_days)")
    return list(await session.scalars(statement, {"usual_days": usual_days}))


async def forget(session: AsyncSession, usual_days: int, limit: int) -> int:
    """Delete some of the tenant's conversations that are older than it keeps them."""
    values = {
        "tenant_id": session.info["tenant_id"], "usual_days": usual_days, "limit": limit,
    }  # fmt: skip
    gone = await session.execute(_FORGET, values)
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]
