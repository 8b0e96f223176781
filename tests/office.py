"""An organisation in the server under test: its people, each with a client of their own."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from sqlalchemy import select

from citewell.access.policy import Role, Scope
from citewell.core.context import OPERATOR, TENANT_SCOPES, Caller, Context, unit_of_work
from citewell.features.identity import service as identity
from citewell.kit.ids import uuid7
from citewell.models.records import AuditEvent
from citewell.models.tenancy import User, UserStatus
from tests.conftest import LiveServer

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A user and a client with a key of theirs."""

    id: uuid.UUID
    email: str
    client: httpx.AsyncClient
    key_id: uuid.UUID
    key: str


@dataclass(frozen=True)
class Office:
    """One tenant."""

    server: LiveServer
    stack: AsyncExitStack
    slug: str
    tenant_id: uuid.UUID
    service: httpx.AsyncClient
    """With the tenant's first key."""

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what runs in the server's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.server.loop))

    async def within(self, work: Callable[[Context], Awaitable[T]]) -> T:
        """The result of one unit of work of the operator."""

        async def done() -> T:
            async with unit_of_work(self.server.platform, Caller(self.tenant_id, OPERATOR)) as ctx:
                return await work(ctx)

        return await self.run(done())

    async def person(
        self,
        role: Role = Role.EMPLOYEE,
        *,
        is_admin: bool = False,
        status: UserStatus = UserStatus.ACTIVE,
        scopes: frozenset[Scope] = TENANT_SCOPES,
        **more: object,
    ) -> Person:
        """A new user."""
        user_id = uuid7()
        email = f"p-{user_id.hex}@example.org"

        async def add(ctx: Context) -> identity.NewApiKey:
            user = User(
                tenant_id=ctx.tenant_id, id=user_id, email=email, name="Ann Example",
                role=int(role), is_admin=is_admin, status=status, password_hash="none",
            )  # fmt: skip
            for name, value in more.items():
                setattr(user, name, value)
            ctx.session.add(user)
            await ctx.session.flush()
            return await identity.create_api_key(ctx, "theirs", scopes=scopes, user_id=user_id)

        made = await self.within(add)
        return Person(user_id, email, await self.client(made.secret), made.id, made.secret)

    async def client(self, key: str | None) -> httpx.AsyncClient:
        """A client of the API."""
        return await self.stack.enter_async_context(self.server.client(key))

    async def user(self, user_id: uuid.UUID) -> User | None:
        """The row of a user."""

        async def read(ctx: Context) -> User | None:
            return await ctx.session.scalar(select(User).where(User.id == user_id))

        return await self.within(read)

    async def trail(self, object_id: uuid.UUID | str) -> list[AuditEvent]:
        """The audit trail's records of an object, oldest first."""

        async def read(ctx: Context) -> list[AuditEvent]:
            statement = select(AuditEvent).where(AuditEvent.object_id == uuid.UUID(str(object_id)))
            return list(await ctx.session.scalars(statement.order_by(AuditEvent.id)))

        return await self.within(read)


async def open_office(server: LiveServer, stack: AsyncExitStack) -> Office:
    """A new tenant; `stack` closes its clients."""
    slug = f"t-{uuid.uuid4().hex}"

    async def found() -> tuple[str, uuid.UUID]:
        made = await identity.create_tenant(server.platform, slug, "Test")
        return made.secret, await identity.find_tenant(server.platform, slug)

    making = asyncio.run_coroutine_threadsafe(found(), server.loop)
    key, tenant_id = await asyncio.wrap_future(making)
    client = await stack.enter_async_context(server.client(key))
    return Office(server, stack, slug, tenant_id, client)
