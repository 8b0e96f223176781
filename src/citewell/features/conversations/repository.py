"""Statements of conversations and their messages."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, delete, exists, func, not_, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.core.context import BatchContext
from citewell.core.database.batches import StatementResult
from citewell.core.database.exchange import Rows
from citewell.engine.answering.suggesting import DocumentHeading
from citewell.features.conversations.schemas import (
    AskedMessage,
    ConversationFilter,
    ConversationPlace,
    MessageAnswer,
    NewMessage,
    NumberedEvent,
    ParentOfMessage,
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

# From a message, or the newest, towards the beginning. Conversations are small and the key holds
# both columns, so each step is one look at the index.
_PLACE = """
WITH RECURSIVE talk AS (
  SELECT title FROM conversation
  WHERE tenant_id = :tenant_id AND id = :conversation_id AND actor_id = :actor_id
), counted AS (
  SELECT count(*) AS messages FROM conversation_message
  WHERE tenant_id = :tenant_id AND conversation_id = :conversation_id
), path AS (
  (SELECT m.id, m.parent_id, m.query_id, m.question, m.summary, 1 AS step
  FROM conversation_message m
  WHERE m.tenant_id = :tenant_id AND m.conversation_id = :conversation_id
    AND CAST(:goes_on AS boolean)
    AND (CAST(:parent_id AS uuid) IS NULL OR m.id = CAST(:parent_id AS uuid))
  ORDER BY m.created_at DESC, m.id DESC LIMIT 1)
  UNION ALL
  SELECT m.id, m.parent_id, m.query_id, m.question, m.summary, p.step + 1 FROM path p
  JOIN conversation_message m ON m.tenant_id = :tenant_id
    AND m.conversation_id = :conversation_id AND m.id = p.parent_id
  WHERE p.step < CAST(:at_most AS int)
)
SELECT t.title, c.messages, p.id, p.query_id, p.question, p.summary
FROM talk t CROSS JOIN counted c LEFT JOIN path p ON true
ORDER BY p.step DESC
"""

_LOCK = """
SELECT id FROM conversation
WHERE tenant_id = :tenant_id AND id = :conversation_id AND actor_id = :actor_id FOR UPDATE
"""

# Behind the lock, in a statement of its own: the newest message is one that was committed before.
_ADD = """
WITH talk AS (
  UPDATE conversation SET updated_at = :at,
    title = CASE WHEN title = '' THEN CAST(:title AS text) ELSE title END
  WHERE tenant_id = :tenant_id AND id = :conversation_id AND actor_id = :actor_id
  RETURNING id
), message AS (
  INSERT INTO conversation_message
    (tenant_id, conversation_id, id, parent_id, query_id, question, summary)
  SELECT :tenant_id, t.id, :message_id,
    CASE WHEN CAST(:is_at_end AS boolean) THEN (
      SELECT m.id FROM conversation_message m
      WHERE m.tenant_id = :tenant_id AND m.conversation_id = :conversation_id
      ORDER BY m.created_at DESC, m.id DESC LIMIT 1)
    ELSE CAST(:parent_id AS uuid) END,
    CAST(:query_id AS uuid), :question, :summary
  FROM talk t RETURNING parent_id
), stream AS (
  INSERT INTO answer_stream (tenant_id, message_id, conversation_id, documents)
  SELECT :tenant_id, :message_id, :conversation_id, CAST(:documents AS uuid[]) FROM message
  WHERE CAST(:documents AS uuid[]) IS NOT NULL
)
SELECT parent_id FROM message
"""

# The message before its stream, as a deletion of the conversation locks them.
_LOCK_MESSAGE = """
SELECT id FROM conversation_message
WHERE tenant_id = :tenant_id AND conversation_id = CAST(:conversation_id AS uuid)
  AND id = :message_id FOR NO KEY UPDATE
"""

# The sources of an answer may be deleted by now, and its stream with them: then nothing is written.
_END = """
WITH stream AS (
  UPDATE answer_stream SET beat_at = now(), ended_at = now()
  WHERE tenant_id = :tenant_id AND message_id = :message_id RETURNING message_id
), message AS (
  UPDATE conversation_message m SET query_id = CAST(:query_id AS uuid) FROM stream s
  WHERE m.tenant_id = :tenant_id AND m.conversation_id = CAST(:conversation_id AS uuid)
    AND m.id = s.message_id AND CAST(:query_id AS uuid) IS NOT NULL
), written AS (
  INSERT INTO answer_stream_event (tenant_id, message_id, last_id, events)
  SELECT :tenant_id, s.message_id, CAST(:last_id AS int), CAST(:events AS jsonb) FROM stream s
  WHERE CAST(:last_id AS int) IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT message_id FROM stream
"""

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


def seen(actor_id: uuid.UUID) -> ColumnElement[bool]:
    """Conversations of the actor, and those that their owners share."""
    return or_(Conversation.actor_id == actor_id, Conversation.is_shared)


async def find(
    session: AsyncSession, conversation_id: uuid.UUID, actor_id: uuid.UUID, *, or_shared: bool
) -> Conversation | None:
    """A conversation of the actor, or one that its owner shares."""
    reached = seen(actor_id) if or_shared else Conversation.actor_id == actor_id
    return await session.scalar(
        select(Conversation).where(Conversation.id == conversation_id, reached)
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


def place_of(
    ctx: BatchContext,
    conversation_id: uuid.UUID,
    parent_id: uuid.UUID | None,
    *,
    goes_on: bool,
    at_most: int,
) -> StatementResult[ConversationPlace | None]:
    """Where a question stands in a conversation of the actor's, asked in the next round trip.

    Args:
        ctx: Of the actor.
        conversation_id: The conversation; the result is None if the actor has no such.
        parent_id: The message that the question goes on from; None: the newest.
        goes_on: Whether it goes on from any.
        at_most: Most messages of the path.
    """
    values = {
        "tenant_id": ctx.tenant_id, "conversation_id": conversation_id,
        "actor_id": ctx.actor.owner_id, "parent_id": parent_id, "goes_on": goes_on,
        "at_most": at_most,
    }  # fmt: skip
    return ctx.batch.ask(_PLACE, values, _place_in)


def _place_in(rows: Rows) -> ConversationPlace | None:
    if not rows:
        return None
    title, messages = rows[0][:2]
    path = [AskedMessage(*row[2:]) for row in rows if row[2] is not None]
    return ConversationPlace(title, messages, path)


async def add_message(
    ctx: BatchContext, message: NewMessage, documents: Sequence[uuid.UUID] | None
) -> ParentOfMessage | None:
    """Add a message to a conversation of the actor's, in one round trip that commits it.

    Args:
        ctx: Of the actor.
        message: The message.
        documents: The sources of its answer, which is being made: a place is made for its events;
            None: there will be no events.

    Returns the message that it goes on from; None if the actor has no such conversation.
    """
    values = {
        "tenant_id": ctx.tenant_id, "actor_id": ctx.actor.owner_id, **asdict(message),
        "documents": None if documents is None else list(documents),
    }  # fmt: skip
    ctx.batch.ask(_LOCK, values, list)
    ctx.batch.commit_with_next()
    rows = await ctx.batch.ask(_ADD, values, list)
    return ParentOfMessage(rows[0][0]) if rows else None


def _events_of(
    ctx: BatchContext, message_id: uuid.UUID, events: Sequence[NumberedEvent]
) -> dict[str, object]:
    """Values that write events in one row; after a write that was cut off some may be there."""
    return {
        "tenant_id": ctx.tenant_id,
        "message_id": message_id,
        "last_id": events[-1].id if events else None,
        "events": json.dumps([[each.id, each.name, each.text] for each in events]),
    }


async def beat(
    ctx: BatchContext, message_id: uuid.UUID, events: Sequence[NumberedEvent]
) -> StreamState:
    """Say that an answer is being made and write its new events, in one round trip."""
    ctx.batch.commit_with_next()
    rows = await ctx.batch.ask(_BEAT, _events_of(ctx, message_id, events), list)
    return StreamState(is_gone=not rows, is_stop_wanted=bool(rows and rows[0][0]))


async def end_stream(
    ctx: BatchContext,
    message_id: uuid.UUID,
    events: Sequence[NumberedEvent],
    answer: MessageAnswer | None,
) -> bool:
    """Say that an answer is over and write its last events, in one round trip.

    Args:
        ctx: Of the actor.
        message_id: The message.
        events: Those that are not written yet.
        answer: The answer that its message gets; None: it has failed, or there is no message.

    Returns False if nothing is known of it any more: then nothing is written.
    """
    values = _events_of(ctx, message_id, events)
    values |= {"conversation_id": None, "query_id": None} if answer is None else asdict(answer)
    if answer is not None:
        ctx.batch.ask(_LOCK_MESSAGE, values, list)
    ctx.batch.commit_with_next()
    return await ctx.batch.ask(_END, values, bool)


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
