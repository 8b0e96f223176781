"""Context of a unit of work: actor, tenant and session, shared by HTTP, jobs and commands."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import FULL_ACCESS, Access, Role, Scope, access_by, access_of
from citewell.access.statements import (
    CONVERSATIONS_WITH_FILES,
    GRANTS,
    OWN_CONVERSATION,
    UNASKED,
    grants_in,
    unasked_in,
)
from citewell.core.database.batches import AnySession, StatementBatch, batch_of
from citewell.core.database.stamps import LibraryStamp
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform

_ACCESS = "citewell.access"
"""Key in `session.info` under which a unit of work caches the access of its callers."""


class ActorKind(StrEnum):
    """Kind of caller."""

    OPERATOR = "operator"
    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"


ALL_SCOPES = frozenset(Scope)
TENANT_SCOPES = ALL_SCOPES - {Scope.OPERATOR}
"""Scopes that a tenant's own users and keys can be given."""


NOBODY = uuid.UUID(int=0)
"""Owner of what the operator has, who has no id."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting user, key or process with its rights; grants that name `user_id` come on top."""

    kind: ActorKind
    id: uuid.UUID | None = None
    """Id of the user or of the API key."""
    user_id: uuid.UUID | None = None
    """The user whose rights these are; None: the operator, the system, or an own key of the
    organisation."""
    role: Role = Role.DIRECTOR
    is_admin: bool = True
    scopes: frozenset[Scope] = TENANT_SCOPES
    credential_id: uuid.UUID | None = None
    """The API key, or the session (the family of its refresh tokens)."""
    reads_private: bool = True
    """False: sees nothing of private collections, whatever is granted; for looks as another user
    and for work whose results are shown to others."""

    @property
    def owner_id(self) -> uuid.UUID:
        """The id under which what is the actor's own is kept; the operator has that of nobody."""
        return self.user_id or self.id or NOBODY

    @property
    def administers(self) -> bool:
        """Whether this credential carries the right of administration."""
        return self.is_admin and Scope.ADMIN in self.scopes

    def require(self, scope: Scope) -> None:
        """Refuse what the credential or the right of administration does not cover.

        Raises:
            ForbiddenError: The scope is missing, or the actor is no administrator.
        """
        if scope not in self.scopes:
            raise ForbiddenError(f"Your credential does not have the scope `{scope}`.")
        if scope is Scope.ADMIN and not self.is_admin:
            raise ForbiddenError("Only administrators may do this.")

    def require_role(self, role: Role) -> None:
        """Refuse what takes a higher role; administrators are not above it.

        Raises:
            ForbiddenError: The role is lower.
        """
        if self.role < role:
            raise ForbiddenError(f"This takes the role {role.name.lower()} or higher.")


OPERATOR = Actor(ActorKind.OPERATOR, scopes=ALL_SCOPES)
SYSTEM = Actor(ActorKind.SYSTEM, scopes=ALL_SCOPES)
SYSTEM_UNPRIVATE = Actor(ActorKind.SYSTEM, scopes=ALL_SCOPES, reads_private=False)
"""The system at work whose results are shown to all who read everything that is not private."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Origin of a call, for the audit trail."""

    address: str | None = None
    request_id: str | None = None


NOWHERE = Origin()


REQUEST_STATEMENT_SECONDS = 30.0
"""Statement time-out of a request: by then its client has given up, and others need the
connection. Commands and jobs have none."""

_PATIENT = (ActorKind.OPERATOR, ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Caller:
    """An actor in their tenant, before any unit of work is open."""

    tenant_id: uuid.UUID
    actor: Actor
    origin: Origin = NOWHERE
    conversation_id: uuid.UUID | None = None
    """The conversation the actor is in; if it is theirs, its files are within their reach."""
    is_asking: bool = False
    """Whether it is for an answer that is read, by a person's question or a program that asks for
    them: then collections that the tenant has the role not ask are out of reach."""
    stamp: LibraryStamp | None = None
    """Stamp of the tenant's library that was read for the question; None: for none."""

    def asking(self) -> "Caller":
        """The same actor with the reach that questions have."""
        return replace(self, is_asking=True)

    def within(self, conversation_id: uuid.UUID | None) -> "Caller":
        """The same actor in a conversation; it need not be checked whose it is."""
        return replace(self, conversation_id=conversation_id)

    def as_of(self, stamp: LibraryStamp) -> "Caller":
        """The same actor with a question that is answered by the settings as of a stamp.

        Rights are read anew all the same, wherever they count.
        """
        return replace(self, stamp=stamp)


@dataclass(frozen=True, slots=True)
class BatchContext:
    """One unit of work of one caller whose statements are sent in batches."""

    session: AnySession
    tenant_id: uuid.UUID
    actor: Actor
    platform: Platform
    origin: Origin = NOWHERE
    conversation_id: uuid.UUID | None = None
    is_asking: bool = False
    after_commit: list[Callable[[], Awaitable[None]]] = field(
        default_factory=list[Callable[[], Awaitable[None]]]
    )
    """Actions to run after the commit; they do not run after a rollback."""

    @property
    def caller(self) -> Caller:
        """The caller, with whom another unit of work can be opened."""
        return Caller(self.tenant_id, self.actor, self.origin, self.conversation_id, self.is_asking)

    @property
    def batch(self) -> StatementBatch:
        """Sends statements together."""
        return batch_of(self.session)

    async def access(self) -> Access:
        """The actor's reach; read once per unit of work, at its first use."""
        # Not longer than the transaction: a grant that ends must hold from the next request on.
        # By actor: a session may serve contexts of several, as where a job reads as its owner; and
        # by conversation, whose files are within reach in it alone.
        known: dict[Caller, Access] = self.session.info.setdefault(_ACCESS, {})
        key = replace(self.caller, origin=NOWHERE)
        if key not in known:
            known[key] = await access_in(
                self.session,
                self.tenant_id,
                self.actor,
                self.conversation_id,
                is_asking=self.is_asking,
            )
        return known[key]


@dataclass(frozen=True, slots=True)
class Context(BatchContext):
    """One unit of work of one caller."""

    session: AsyncSession

    def within(self, conversation_id: uuid.UUID) -> "Context":
        """The same unit of work in a conversation; see `Caller.within`."""
        return replace(self, conversation_id=conversation_id)


async def access_in(
    session: AnySession,
    tenant_id: uuid.UUID,
    actor: Actor,
    conversation_id: uuid.UUID | None = None,
    *,
    is_asking: bool = False,
) -> Access:
    """Access of an actor in a tenant, as of this transaction.

    Args:
        session: A session of the tenant.
        tenant_id: The tenant.
        actor: The actor.
        conversation_id: The conversation the actor is in; one of others opens nothing.
        is_asking: Whether it is for an answer; see `Caller.is_asking`.
    """
    # No role asks where the system works for all, as in evaluations.
    asks_as = actor.role.name.lower() if is_asking and actor.kind is not ActorKind.SYSTEM else None
    if conversation_id is None:
        return await _access_beside_conversations(session, tenant_id, actor, asks_as)
    values = {
        "tenant_id": tenant_id, "conversation_id": conversation_id, "actor_id": actor.owner_id,
    }  # fmt: skip
    own = batch_of(session).ask(OWN_CONVERSATION, values, bool)  # sent together with the others
    access = await _access_beside_conversations(session, tenant_id, actor, asks_as)
    return access.in_conversation(conversation_id) if await own else access


def full_access(actor: Actor) -> Access | None:
    """The access of an actor whom no rule names; None: rules decide."""
    if actor.kind not in _PATIENT or actor.user_id is not None or not actor.reads_private:
        return None
    return FULL_ACCESS if actor.role is Role.DIRECTOR else access_of(actor.role, None, ())


async def _access_beside_conversations(
    session: AnySession, tenant_id: uuid.UUID, actor: Actor, asks_as: str | None
) -> Access:
    # An organisation's own key is named by no grant: any administrator could make one to read what
    # is private.
    full = full_access(actor)
    if full is not None:
        asked = {"tenant_id": tenant_id}
        batch = batch_of(session)
        with_files = batch.ask(CONVERSATIONS_WITH_FILES, asked, bool)
        if asks_as is not None:  # sent together
            unasked = batch.ask(UNASKED, {**asked, "asks_as": asks_as}, unasked_in)
            full = full.without(await unasked)
        has_files = await with_files
        return full.beside_conversations() if has_files else full
    values = {"tenant_id": tenant_id, "user_id": actor.user_id, "asks_as": asks_as}
    named = await batch_of(session).ask(GRANTS, values, grants_in)
    access = access_by(
        actor.role,
        actor.user_id,
        named.grants,
        named.private,
        reads_private=actor.reads_private,
        manages_private=actor.administers,
    ).without(named.unasked)
    return access.beside_conversations() if named.has_conversation_files else access


@asynccontextmanager
async def unit_of_work(
    platform: Platform,
    caller: Caller,
    *,
    is_snapshot: bool = False,
) -> AsyncGenerator[Context, None]:
    """Open a transaction for the caller; it commits when the block ends well.

    Args:
        platform: The handles of this process.
        caller: The actor and its tenant.
        is_snapshot: All statements see one snapshot (REPEATABLE READ).
    """
    async with platform.database.unit_of_work(
        caller.tenant_id, statement_seconds=_statement_seconds(caller), is_snapshot=is_snapshot
    ) as session:
        ctx = Context(
            session,
            caller.tenant_id,
            caller.actor,
            platform,
            caller.origin,
            caller.conversation_id,
            caller.is_asking,
        )
        yield ctx
    for action in ctx.after_commit:
        await action()


@asynccontextmanager
async def batched_work(
    platform: Platform, caller: Caller, *, has_kept_plans: bool
) -> AsyncGenerator[BatchContext, None]:
    """As `unit_of_work`, for statements that all go in batches; see `Database.batch`."""
    async with platform.database.batch(
        caller.tenant_id,
        statement_seconds=_statement_seconds(caller),
        has_kept_plans=has_kept_plans,
    ) as batch:
        ctx = BatchContext(
            batch,
            caller.tenant_id,
            caller.actor,
            platform,
            caller.origin,
            caller.conversation_id,
            caller.is_asking,
        )
        yield ctx
    for action in ctx.after_commit:
        await action()


def _statement_seconds(caller: Caller) -> float:
    return 0 if caller.actor.kind in _PATIENT else REQUEST_STATEMENT_SECONDS
