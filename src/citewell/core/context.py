"""Context of a unit of work: actor, tenant and session, shared by HTTP, jobs and commands."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import FULL_ACCESS, Access, Role, Scope, access_by, access_of
from citewell.access.statements import GRANTS, grants_in
from citewell.core.database.batches import AnySession, StatementBatch, batch_of
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform

_ACCESS = "citewell.access"
"""Key in `session.info` under which a unit of work caches its caller's access."""


class ActorKind(StrEnum):
    """Kind of caller."""

    OPERATOR = "operator"
    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"


ALL_SCOPES = frozenset(Scope)
TENANT_SCOPES = ALL_SCOPES - {Scope.OPERATOR}
"""Scopes that a tenant's own users and keys can be given."""


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


@dataclass(frozen=True, slots=True)
class BatchContext:
    """One unit of work of one caller whose statements are sent in batches."""

    session: AnySession
    tenant_id: uuid.UUID
    actor: Actor
    platform: Platform
    origin: Origin = NOWHERE

    @property
    def caller(self) -> Caller:
        """The caller, with whom another unit of work can be opened."""
        return Caller(self.tenant_id, self.actor, self.origin)

    @property
    def batch(self) -> StatementBatch:
        """Sends statements together."""
        return batch_of(self.session)

    async def access(self) -> Access:
        """The actor's reach; read once per unit of work, at its first use."""
        # Not longer than the transaction: a grant that ends must hold from the next request on.
        known = self.session.info.get(_ACCESS)
        if known is None:
            known = await access_in(self.session, self.tenant_id, self.actor)
            self.session.info[_ACCESS] = known
        return known


@dataclass(frozen=True, slots=True)
class Context(BatchContext):
    """One unit of work of one caller."""

    session: AsyncSession
    after_commit: list[Callable[[], Awaitable[None]]] = field(
        default_factory=list[Callable[[], Awaitable[None]]]
    )
    """Actions to run after the commit; they do not run after a rollback."""


async def access_in(session: AnySession, tenant_id: uuid.UUID, actor: Actor) -> Access:
    """Access of an actor in a tenant, as of this transaction."""
    if actor.user_id is None:
        return FULL_ACCESS if actor.role is Role.DIRECTOR else access_of(actor.role, None, ())
    values = {"tenant_id": tenant_id, "user_id": actor.user_id}
    named = await batch_of(session).ask(GRANTS, values, grants_in)
    return access_by(actor.role, actor.user_id, named)


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
        ctx = Context(session, caller.tenant_id, caller.actor, platform, caller.origin)
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
        yield BatchContext(batch, caller.tenant_id, caller.actor, platform, caller.origin)


def _statement_seconds(caller: Caller) -> float:
    return 0 if caller.actor.kind in _PATIENT else REQUEST_STATEMENT_SECONDS
