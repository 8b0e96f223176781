"""The first account of an installation, over HTTP: made with the operator's token only."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import httpx
import psycopg
import pytest

from citewell.core.context import OPERATOR, Caller, Context, unit_of_work
from citewell.core.database.migrations import migrate
from citewell.core.settings import Settings
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantNotFoundError
from citewell.features.sessions import setting_up
from citewell.features.users import service as users
from citewell.features.users.schemas import UserCreate
from citewell.kit.clock import utc_now
from citewell.models.tenancy import Tenant
from tests.conftest import LiveServer, Servers, serving
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, bearer
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]
SETUP = f"{AUTH}/setup"


@dataclass(frozen=True)
class Fresh:
    """A default tenant that nobody has used."""

    people: People
    tenant_id: uuid.UUID
    key: str

    def offer(self, known: str | None = None) -> setting_up.SetupOffer | None:
        return self.people.within(self.tenant_id, lambda ctx: setting_up.offer(ctx, known))

    def token(self) -> str:
        offer = self.offer()
        assert offer is not None
        assert offer.token is not None
        return offer.token

    def expire(self) -> None:
        async def expired(ctx: Context) -> None:
            tenant = await ctx.session.get_one(Tenant, self.tenant_id)
            tenant.setup_expires_at = utc_now() - timedelta(seconds=1)

        self.people.within(self.tenant_id, expired)

    async def add_document(self) -> None:
        async with self.people.server.client(self.key) as client:
            body = {"title": f"Leave {uuid.uuid4()}", "content": "Twenty-six days."}
            reply = await client.post("/api/v1/documents", json=body)
            assert reply.status_code == 202, reply.text


@pytest.fixture(scope="module")
def server(settings: Settings, servers: Servers, template: str) -> Iterator[LiveServer]:
    """A server of an installation of this module's own: the default tenant is the tests'."""
    name = f"{template.removesuffix('_template')}_fresh_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242)")
        url = servers.create(name, template)
    migrate(url)
    try:
        with serving(settings, url, has_worker=False) as running:
            yield running
    finally:
        servers.drop(name)


@pytest.fixture
def fresh(server: LiveServer, password_hash: str) -> Fresh:
    """A new default tenant."""
    people = People(server, password_hash)

    async def made() -> tuple[uuid.UUID, str]:
        with suppress(TenantNotFoundError):
            old = await identity.find_tenant(server.platform, "default")
            await identity.delete_tenant(server.platform, old)
        key = await identity.ensure_default_tenant(server.platform)
        assert key is not None
        return await identity.find_tenant(server.platform, "default"), key.secret

    return Fresh(people, *people.run(made()))


def body_of(token: str) -> dict[str, str]:
    email = f"n-{uuid.uuid4().hex}@example.org"
    return {"token": token, "email": email, "password": PASSWORD, "name": " Ann "}


def wait_for_locks(url: str) -> None:
    """Wait until a transaction in this database waits for a lock."""
    waiting = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)


class TestSetup:
    async def test_the_token_makes_the_first_administrator_once(
        self, fresh: Fresh, server: LiveServer, refused: Refused
    ) -> None:
        body = body_of(fresh.token())
        async with server.client() as client:
            reply = await client.post(SETUP, json=body)
            assert reply.status_code == 201, reply.text
            me = (await client.get(ME, headers=bearer(reply.json()))).json()["user"]
            assert (me["role"], me["is_admin"], me["name"], me["email"]) == (
                "director", True, "Ann", body["email"],
            )  # fmt: skip
            again = await client.post(SETUP, json=body_of(body["token"]))
            refused(again, 403, "invalid_setup_token")
        assert fresh.offer() is None

    async def test_of_two_at_once_one_wins(
        self, fresh: Fresh, server: LiveServer, refused: Refused
    ) -> None:
        token = fresh.token()
        async with server.client() as client, asyncio.TaskGroup() as group:
            with psycopg.connect(server.platform.database.url) as connection:
                # No account is made before all of them have been found to have the right token.
                connection.execute("LOCK TABLE user_account IN SHARE MODE")
                racing = [
                    group.create_task(client.post(SETUP, json=body_of(token))) for _ in range(4)
                ]
                await asyncio.to_thread(wait_for_locks, server.platform.database.url)
            replies = [await one for one in racing]
        assert sorted(reply.status_code for reply in replies) == [201, 403, 403, 403]
        for reply in replies:
            if reply.status_code != 201:
                refused(reply, 403, "invalid_setup_token")

    @pytest.mark.usefixtures("fresh")
    async def test_an_anonymous_registration_never_makes_an_account(
        self, server: LiveServer, refused: Refused
    ) -> None:
        body = {"email": "mallory@example.org", "password": PASSWORD}
        async with server.client() as client:
            refused(await client.post(f"{AUTH}/register", json=body), 403, "registration_closed")

    async def test_wrong_tokens_change_nothing(
        self, fresh: Fresh, server: LiveServer, refused: Refused
    ) -> None:
        token = fresh.token()
        async with server.client() as client:
            for wrong in ("", "null", token[:-1], token + "A", token.swapcase(), fresh.key):
                refused(await client.post(SETUP, json=body_of(wrong)), 403, "invalid_setup_token")
            weak = body_of(token) | {"password": "short"}
            assert (await client.post(SETUP, json=weak)).status_code == 422
            assert (await client.post(SETUP, json=body_of(token))).status_code == 201

    @pytest.mark.usefixtures("fresh")
    async def test_where_no_token_was_made_none_works(
        self, server: LiveServer, refused: Refused
    ) -> None:
        async with server.client() as client:
            refused(await client.post(SETUP, json=body_of("")), 403, "invalid_setup_token")

    async def test_an_expired_token_does_not_work_and_a_new_one_does(
        self, fresh: Fresh, server: LiveServer, refused: Refused
    ) -> None:
        token = fresh.token()
        fresh.expire()
        async with server.client() as client:
            refused(await client.post(SETUP, json=body_of(token)), 403, "invalid_setup_token")
            newer = fresh.offer(token)
            assert newer is not None
            assert newer.token not in (None, token)
            assert (await client.post(SETUP, json=body_of(newer.token or ""))).status_code == 201


class TestInUse:
    """Closed for good, for the right token too."""

    async def closed(self, fresh: Fresh, token: str, refused: Refused) -> None:
        async with fresh.people.server.client() as client:
            refused(await client.post(SETUP, json=body_of(token)), 403, "invalid_setup_token")
        assert fresh.offer(token) is None
        renewed = fresh.people.within(fresh.tenant_id, setting_up.renew)
        assert renewed is None

    async def test_by_the_first_use_of_another_key(self, fresh: Fresh, refused: Refused) -> None:
        token = fresh.token()
        server = fresh.people.server
        async with server.client(fresh.key) as client:
            assert (await client.get("/api/v1/documents")).status_code == 200
            made = await client.post(
                "/api/v1/auth/api-keys", json={"name": "Robot", "service": True}
            )
        offer = fresh.offer(token)
        assert offer is not None
        assert offer.token == token, "the first key is the operator's, as the token is"
        async with server.client(made.json()["key"]) as client:
            assert (await client.get("/api/v1/documents")).status_code == 200
        await self.closed(fresh, token, refused)

    async def test_it_is_told_whether_it_is_open(self, fresh: Fresh) -> None:
        async def is_open() -> bool:
            async with fresh.people.server.client() as client:
                return (await client.get("/api/v1/auth/ways-in")).json()["sets_up"]

        assert await is_open()
        data = UserCreate.model_validate({"email": "bo@example.org", "role": "guest"})
        fresh.people.within(fresh.tenant_id, lambda ctx: users.invite(ctx, data))
        assert not await is_open()

    async def test_by_an_account_of_the_operator(self, fresh: Fresh, refused: Refused) -> None:
        token = fresh.token()
        data = UserCreate.model_validate({"email": "bo@example.org", "role": "guest"})
        fresh.people.within(fresh.tenant_id, lambda ctx: users.invite(ctx, data))
        await self.closed(fresh, token, refused)

    async def test_not_by_documents_of_the_operator(self, fresh: Fresh, server: LiveServer) -> None:
        token = fresh.token()
        await fresh.add_document()
        offer = fresh.offer(token)
        assert offer is not None
        assert offer.token == token, "who tries the library first keeps the link"
        async with server.client() as client:
            assert (await client.post(SETUP, json=body_of(token))).status_code == 201


class TestOffer:
    async def test_it_is_shown_where_it_is_known_and_kept_elsewhere(self, fresh: Fresh) -> None:
        token = fresh.token()
        for known, shown in ((token, token), (None, None), ("cws_other", None)):
            offer = fresh.offer(known)
            assert offer is not None
            assert offer.token == shown

    async def test_a_renewed_one_ends_the_one_before(
        self, fresh: Fresh, server: LiveServer, refused: Refused
    ) -> None:
        token = fresh.token()
        newer = fresh.people.within(fresh.tenant_id, setting_up.renew)
        assert newer is not None
        async with server.client() as client:
            refused(await client.post(SETUP, json=body_of(token)), 403, "invalid_setup_token")
            assert (await client.post(SETUP, json=body_of(newer.token or ""))).status_code == 201

    async def test_starts_at_once_make_one(self, fresh: Fresh, server: LiveServer) -> None:
        caller = Caller(fresh.tenant_id, OPERATOR)

        async def started() -> str | None:
            async with unit_of_work(server.platform, caller) as ctx:
                offer = await setting_up.offer(ctx)
                return offer and offer.token

        async def all_of_them() -> list[str | None]:
            return list(await asyncio.gather(*(started() for _ in range(4))))

        made = [one for one in fresh.people.run(all_of_them()) if one is not None]
        assert len(made) == 1
