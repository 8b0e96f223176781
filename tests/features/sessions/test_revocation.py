"""The end of a session or a key takes effect within a second, in open streams too."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.core.settings import Settings
from citewell.features.identity import service as identity
from citewell.features.users import service as users
from citewell.features.users.schemas import UserUpdate
from citewell.kit.sse import encode_event
from citewell.models.tenancy import Tenant
from tests.conftest import LiveServer, serving
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, Person, bearer, sign_in
from tests.isolation.report import record
from tests.waiting import PATIENCE

SILENT, TALKING = "/api/v1/silent", "/api/v1/talking"
EXPORT = "/api/v1/endless-export"
LIMIT_SECONDS = 1.0


def with_streams(app: FastAPI) -> None:
    """Routes whose streams last until somebody cuts them."""

    async def silent() -> AsyncIterator[bytes]:
        yield encode_event("step", {})
        await asyncio.sleep(60)

    async def talking() -> AsyncIterator[bytes]:
        while True:
            yield encode_event("step", {})
            await asyncio.sleep(0.05)

    for path, body in ((SILENT, silent), (TALKING, talking)):
        app.add_api_route(
            path, lambda body=body: StreamingResponse(body(), media_type="text/event-stream")
        )
    app.add_api_route(EXPORT, lambda: StreamingResponse(talking(), media_type="text/csv"))


@pytest.fixture(scope="module")
def streaming(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """A second server of the same installation: what happens on the first must reach it."""
    with serving(settings, database_url, has_worker=False, extend=with_streams) as server:
        yield server


@dataclass
class Watched:
    """A credential in use on three channels."""

    server: LiveServer
    header: dict[str, str]
    slowest_reply: float = 0.0
    """Seconds; on a busy machine whatever is done is late by some of these."""

    async def refused_after(self, end: Callable[[], Awaitable[None]]) -> float:
        """Seconds from the end of `end` until every channel was refused."""
        opened = [asyncio.Event() for _ in range(3)]
        ended: list[float] = []
        async with self.server.client() as client, asyncio.TaskGroup() as group:
            channels = [
                group.create_task(self._asks(client, opened[0])),
                group.create_task(self._listens(client, SILENT, opened[1])),
                group.create_task(self._listens(client, TALKING, opened[2])),
            ]
            async with asyncio.timeout(PATIENCE):
                for event in opened:
                    await event.wait()
            await end()
            ended.append(time.monotonic())
        taken = max(channel.result() for channel in channels) - ended[0]
        assert taken <= LIMIT_SECONDS + 5 * self.slowest_reply
        return taken

    async def _asks(self, client: httpx.AsyncClient, opened: asyncio.Event) -> float:
        async with asyncio.timeout(PATIENCE):
            while True:
                asked = time.monotonic()
                reply = await client.get(ME, headers=self.header)
                self.slowest_reply = max(self.slowest_reply, time.monotonic() - asked)
                if reply.status_code != 200:
                    return time.monotonic()
                opened.set()
                await asyncio.sleep(0.05)

    async def _listens(self, client: httpx.AsyncClient, path: str, opened: asyncio.Event) -> float:
        last = ""
        async with (
            asyncio.timeout(PATIENCE),
            client.stream("GET", path, headers=self.header) as reply,
        ):
            assert reply.status_code == 200
            async for line in reply.aiter_lines():
                opened.set()
                last = line or last
        problem = json.loads(last.removeprefix("data: "))
        assert (problem["code"], problem["status"]) == ("unauthorized", 401)
        return time.monotonic()


Way = Callable[[Person, dict[str, str]], Awaitable[None]]


class TestRevocation:
    async def test_every_way_out_is_known_everywhere_within_a_second(
        self, people: People, streaming: LiveServer, anonymous: httpx.AsyncClient
    ) -> None:
        others = people.new(is_admin=True)

        def new() -> Person:
            return people.new((others.tenant_id, others.slug))

        async def within(person: Person, work: Callable[[Context], Awaitable[object]]) -> None:
            await asyncio.to_thread(people.within, person.tenant_id, work)

        def updated(**values: object) -> Callable[[Person, dict[str, str]], Awaitable[None]]:
            data = UserUpdate.model_validate(values)
            return lambda person, _: within(person, lambda ctx: users.update(ctx, person.id, data))

        async def removed(person: Person, _: dict[str, str]) -> None:
            await within(person, lambda ctx: users.remove(ctx, person.id))

        async def signed_out(_: Person, tokens: dict[str, str]) -> None:
            reply = await anonymous.post(f"{AUTH}/logout", headers=bearer(tokens))
            assert reply.status_code == 204

        async def signed_out_everywhere(person: Person, _: dict[str, str]) -> None:
            other = await sign_in(anonymous, person, tenant=person.slug)
            body = {"everywhere": True}
            reply = await anonymous.post(f"{AUTH}/logout", json=body, headers=bearer(other))
            assert reply.status_code == 204

        async def changed_password(person: Person, _: dict[str, str]) -> None:
            other = await sign_in(anonymous, person, tenant=person.slug)
            body = {"old_password": PASSWORD, "new_password": "trombone gravel seven lamp"}
            reply = await anonymous.post(f"{AUTH}/password", json=body, headers=bearer(other))
            assert reply.status_code == 200

        async def used_twice(_: Person, tokens: dict[str, str]) -> None:
            body = {"refresh_token": tokens["refresh_token"]}
            statuses = [
                (await anonymous.post(f"{AUTH}/refresh", json=body)).status_code for _ in range(2)
            ]
            assert statuses == [200, 401]

        async def measured(way: Way) -> float:
            person = new()
            tokens = await sign_in(anonymous, person, tenant=person.slug)
            watched = Watched(streaming, bearer(tokens))
            return await watched.refused_after(lambda: way(person, tokens))

        ways: dict[str, Way] = {
            "role changed": updated(role="manager"),
            "made administrator": updated(is_admin=True),
            "deactivated": updated(status="deactivated"),
            "removed": removed,
            "signed out": signed_out,
            "signed out everywhere": signed_out_everywhere,
            "password changed": changed_password,
            "token used twice": used_twice,
        }
        taken = await asyncio.gather(*(measured(way) for way in ways.values()))
        record("revocation", seconds=max(taken))

    async def test_keys_and_tenants_end_as_fast(
        self, people: People, streaming: LiveServer, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()

        async def revoked_key() -> float:
            key = await asyncio.to_thread(
                people.within,
                person.tenant_id,
                lambda ctx: identity.create_api_key(ctx, name="second"),
            )

            async def revoked() -> None:
                await asyncio.to_thread(
                    people.within,
                    person.tenant_id,
                    lambda ctx: identity.revoke_api_key(ctx, key.id),
                )

            return await Watched(streaming, bearer(key.secret)).refused_after(revoked)

        async def suspended(ctx: Context) -> None:
            (await ctx.session.get_one(Tenant, ctx.tenant_id)).status = "suspended"

        async def suspended_tenant() -> float:
            other = people.new()
            tokens = await sign_in(anonymous, other)
            return await Watched(streaming, bearer(tokens)).refused_after(
                lambda: asyncio.to_thread(people.within, other.tenant_id, suspended)
            )

        record("revocation", seconds=max(await revoked_key(), await suspended_tenant()))

    async def test_streams_of_a_valid_credential_go_on(
        self, people: People, streaming: LiveServer, anonymous: httpx.AsyncClient
    ) -> None:
        tokens = await sign_in(anonymous, people.new(role=Role.GUEST))
        heard = 0
        async with (
            streaming.client() as client,
            client.stream("GET", TALKING, headers=bearer(tokens)) as reply,
        ):
            started = time.monotonic()
            async for line in reply.aiter_lines():
                heard += line.startswith("event: step")
                if time.monotonic() - started > 1.5:
                    break
        assert heard > 10

    async def test_exports_are_cut_off_too(
        self, people: People, streaming: LiveServer, anonymous: httpx.AsyncClient
    ) -> None:
        tokens = await sign_in(anonymous, people.new())

        async def read_all() -> None:
            async with client.stream("GET", EXPORT, headers=bearer(tokens)) as reply:
                assert reply.status_code == 200
                await anonymous.post(f"{AUTH}/logout", headers=bearer(tokens))
                async for _ in reply.aiter_bytes():
                    pass

        async with streaming.client() as client, asyncio.timeout(PATIENCE):
            with pytest.raises(httpx.RemoteProtocolError):
                await read_all()
