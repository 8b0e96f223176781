"""Statements that find one person's rows, in parts by id."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, exists, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from citewell.access.policy import AccessLevel
from citewell.models.agents import AgentRun
from citewell.models.conversations import Conversation, ConversationMessage
from citewell.models.documents import Document
from citewell.models.factors import Passkey, ProviderAccount
from citewell.models.notices import Notice
from citewell.models.queries import Feedback, QueryLog
from citewell.models.records import AuditEvent
from citewell.models.tenancy import ApiKey, Group, GroupMember, RefreshToken, User
from citewell.models.webhooks import Webhook
from citewell.models.workflows import WorkflowRun, WorkflowTrigger

BATCH = 100
"""Rows that an export holds in memory at a time."""

Ids = Sequence[uuid.UUID]


class NextIds(Protocol):
    """The next `BATCH` ids of a person's rows after one, in their order."""

    def __call__(
        self, session: AsyncSession, user_id: uuid.UUID, after: uuid.UUID | None
    ) -> Awaitable[Ids]:
        """None once all have been read."""
        ...


async def user(session: AsyncSession, user_id: uuid.UUID) -> User | None:
    """The person's account."""
    return await session.scalar(select(User).where(User.id == user_id))


async def groups(session: AsyncSession, user_id: uuid.UUID) -> Sequence[Group]:
    """Groups that the person is in, by name."""
    theirs = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    return (
        await session.scalars(select(Group).where(Group.id.in_(theirs)).order_by(Group.name))
    ).all()


async def keys(session: AsyncSession, user_id: uuid.UUID) -> Sequence[ApiKey]:
    """The person's API keys."""
    found = select(ApiKey).where(ApiKey.user_id == user_id).order_by(ApiKey.id)
    return (await session.scalars(found)).all()


async def passkeys(session: AsyncSession, user_id: uuid.UUID) -> Sequence[Passkey]:
    """The person's passkeys."""
    found = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    return (await session.scalars(found)).all()


async def provider_accounts(session: AsyncSession, user_id: uuid.UUID) -> Sequence[ProviderAccount]:
    """Accounts at providers of single sign-on that are the person's."""
    found = select(ProviderAccount).where(ProviderAccount.user_id == user_id)
    return (await session.scalars(found.order_by(ProviderAccount.issuer))).all()


async def sessions(session: AsyncSession, user_id: uuid.UUID) -> Sequence[RefreshToken]:
    """The first token of each session that is still kept."""
    found = select(RefreshToken).where(
        RefreshToken.user_id == user_id, RefreshToken.id == RefreshToken.family_id
    )
    return (await session.scalars(found.order_by(RefreshToken.id))).all()


async def webhooks(session: AsyncSession, user_id: uuid.UUID) -> Sequence[Webhook]:
    """Webhooks that the person has made."""
    found = select(Webhook).where(Webhook.user_id == user_id).order_by(Webhook.id)
    return (await session.scalars(found)).all()


async def notices(session: AsyncSession, user_id: uuid.UUID) -> Sequence[Notice]:
    """Mails to the person that are still noted."""
    found = select(Notice).where(Notice.user_id == user_id).order_by(Notice.id)
    return (await session.scalars(found)).all()


async def triggers(session: AsyncSession, user_id: uuid.UUID) -> Sequence[WorkflowTrigger]:
    """Triggers of workflows that run as the person."""
    found = select(WorkflowTrigger).where(WorkflowTrigger.user_id == user_id)
    return (await session.scalars(found.order_by(WorkflowTrigger.id))).all()


def _after(
    found: Select[uuid.UUID], id_: InstrumentedAttribute[uuid.UUID], after: uuid.UUID | None
) -> Select[uuid.UUID]:
    if after is not None:
        found = found.where(id_ > after)
    return found.order_by(id_).limit(BATCH)


def _part(
    id_: InstrumentedAttribute[uuid.UUID], *conditions: Callable[[uuid.UUID], Any]
) -> NextIds:
    async def part(session: AsyncSession, user_id: uuid.UUID, after: uuid.UUID | None) -> Ids:
        found: Select[uuid.UUID] = select(id_).where(*(each(user_id) for each in conditions))
        return (await session.scalars(_after(found, id_, after))).all()

    return part


def _is_single(_: uuid.UUID) -> ColumnElement[bool]:
    """Whether a question was asked outside of conversations, which tell of theirs."""
    return ~exists().where(
        ConversationMessage.tenant_id == QueryLog.tenant_id,
        ConversationMessage.query_id == QueryLog.id,
    )


questions = _part(QueryLog.id, lambda user_id: QueryLog.user_id == user_id, _is_single)
conversations = _part(Conversation.id, lambda user_id: Conversation.user_id == user_id)
ratings = _part(Feedback.query_id, lambda user_id: Feedback.user_id == user_id)
documents = _part(
    Document.id,
    lambda user_id: Document.created_by == user_id,
    # Files of conversations are of a level of their own, and told with these.
    lambda _: Document.access_level <= max(AccessLevel),
)
agent_runs = _part(
    AgentRun.id,
    lambda user_id: AgentRun.actor_id == user_id,
    lambda _: AgentRun.parent_call.is_(None),
)
workflow_runs = _part(
    WorkflowRun.id,
    lambda user_id: WorkflowRun.actor_id == user_id,
    lambda _: WorkflowRun.parent_id.is_(None),
)


async def traces(session: AsyncSession, user_id: uuid.UUID, after: uuid.UUID | None) -> Ids:
    """The next ids of events that the person caused, or that happened to their account."""
    halves = [
        _after(select(AuditEvent.id).where(column == user_id), AuditEvent.id, after)
        for column in (AuditEvent.actor_id, AuditEvent.object_id)
    ]
    # Each half by its index; together they would be sorted anew for each part.
    both = union(*(select(half.subquery().c.id) for half in halves)).subquery()
    return (await session.scalars(select(both.c.id).order_by(both.c.id).limit(BATCH))).all()


async def feedback(session: AsyncSession, user_id: uuid.UUID, ids: Ids) -> Sequence[Feedback]:
    """The person's ratings of answers."""
    found = select(Feedback).where(Feedback.user_id == user_id, Feedback.query_id.in_(ids))
    return (await session.scalars(found.order_by(Feedback.query_id))).all()


async def events(session: AsyncSession, ids: Ids) -> Sequence[AuditEvent]:
    """Events of the audit trail."""
    found = select(AuditEvent).where(AuditEvent.id.in_(ids)).order_by(AuditEvent.id)
    return (await session.scalars(found)).all()


async def added(session: AsyncSession, ids: Ids) -> Sequence[Document]:
    """Documents by their ids, whoever may read them: for when they were added, no more."""
    found = select(Document).where(Document.id.in_(ids)).order_by(Document.id)
    return (await session.scalars(found)).all()
