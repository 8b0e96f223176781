"""Tenants with people who sign in over HTTP."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from citewell.access.policy import Role
from citewell.core.context import OPERATOR, Caller, Context, unit_of_work
from citewell.features.identity import service as identity
from citewell.kit.ids import uuid7
from citewell.models.tenancy import Tenant, User, UserStatus
from tests.conftest import LiveServer
from tests.waiting import PATIENCE

T = TypeVar("T")

PASSWORD = "plum-anchor-violet-desk"
AUTH = "/api/v1/auth"
ME = f"{AUTH}/me"


@dataclass(frozen=True)
class Person:
    """A user of a tenant, with the password of all of them."""

    tenant_id: uuid.UUID
    slug: str
    id: uuid.UUID
    email: str


class People:
    """Makes and changes tenants and users inside the server."""

    def __init__(self, server: LiveServer, password_hash: str) -> None:
        self.server = server
        self._hash = password_hash

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what runs in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.server.loop).result(PATIENCE)

    def within(self, tenant_id: uuid.UUID, work: Callable[[Context], Awaitable[T]]) -> T:
        """The result of one unit of work of the operator."""

        async def done() -> T:
            async with unit_of_work(self.server.platform, Caller(tenant_id, OPERATOR)) as ctx:
                return await work(ctx)

        return self.run(done())

    def new_tenant(
        self, *, is_open: bool = False, slug: str | None = None
    ) -> tuple[uuid.UUID, str]:
        """Id and slug of a new tenant."""
        slug = slug or f"t-{uuid.uuid4().hex}"
        self.run(identity.create_tenant(self.server.platform, slug, "Test"))
        tenant_id = self.run(identity.find_tenant(self.server.platform, slug))

        async def opened(ctx: Context) -> None:
            tenant = await ctx.session.get_one(Tenant, tenant_id)
            tenant.has_open_registration = is_open

        self.within(tenant_id, opened)
        return tenant_id, slug

    def new(
        self,
        tenant: tuple[uuid.UUID, str] | None = None,
        *,
        email: str | None = None,
        role: Role = Role.EMPLOYEE,
        is_admin: bool = False,
        **more: object,
    ) -> Person:
        """A user, in a tenant of their own unless one is given."""
        tenant_id, slug = tenant or self.new_tenant()
        email = email or f"p-{uuid.uuid4().hex}@example.org"
        values: dict[str, object] = {"status": UserStatus.ACTIVE, "password_hash": self._hash}
        user = User(
            tenant_id=tenant_id, id=uuid7(), email=email, name="Ann Example", role=int(role),
            is_admin=is_admin, **(values | more),
        )  # fmt: skip

        async def added(ctx: Context) -> None:
            ctx.session.add(user)

        self.within(tenant_id, added)
        return Person(tenant_id, slug, user.id, email)

    def change(self, person: Person, **values: object) -> None:
        """Set columns of a user, as an administrator does: it raises their version."""

        async def changed(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            user.session_version += 1
            for name, value in values.items():
                setattr(user, name, value)

        self.within(person.tenant_id, changed)


def light_hash() -> str:
    """The hash of everybody's password, of the least cost.

    Its cost stands in it: each sign-in compares in no time, not in 70 ms.
    """
    return Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of everybody's password."""
    return light_hash()


@pytest.fixture
def people(live_server: LiveServer, password_hash: str) -> People:
    """The people of this test."""
    return People(live_server, password_hash)


async def sign_in(client: httpx.AsyncClient, person: Person, **more: object) -> dict[str, Any]:
    """The tokens of a new session."""
    body = {"email": person.email, "password": PASSWORD, **more}
    reply = await client.post(f"{AUTH}/login", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def bearer(tokens: dict[str, Any] | str) -> dict[str, str]:
    """The header of an access token."""
    token = tokens if isinstance(tokens, str) else tokens["access_token"]
    return {"Authorization": f"Bearer {token}"}
