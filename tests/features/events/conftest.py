"""Sockets as clients open them, and people who watch documents."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from citewell.core.settings import Settings
from citewell.features.identity import service as identity
from tests.conftest import LiveServer, serving
from tests.features.sessions.conftest import People, Person, light_hash
from tests.waiting import PATIENCE, PATIENT

DOCUMENTS = "/api/v1/documents"


@dataclass
class Socket:
    """An open socket; what comes is kept in order."""

    connection: ClientConnection
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, kind: str, **values: object) -> None:
        await self.connection.send(json.dumps({"type": kind, **values}))

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds; without any, the next."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = json.loads(await self.connection.recv())
                self.seen.append(message)
                if not kinds or message["type"] in kinds:
                    return message

    async def subscribe(self, topic: str, **more: object) -> dict[str, Any]:
        await self.send("subscribe", topic=topic, **more)
        return await self.next("subscribed", "error")

    async def quiet(self) -> list[dict[str, Any]]:
        """The messages that came up to now; later ones are not waited for."""
        await self.send("ping")
        already = len(self.seen)
        await self.next("pong")
        return self.seen[already:-1]

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the end."""
        async with asyncio.timeout(PATIENCE):
            await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""


@asynccontextmanager
async def opened(server: LiveServer, **more: Any) -> AsyncIterator[Socket]:
    """A socket that has not signed in."""
    address = server.address.replace("http://", "ws://") + "/ws"
    async with connect(address, compression=None, **(PATIENT | more)) as connection:
        yield Socket(connection)


@asynccontextmanager
async def watching(
    server: LiveServer, token: str, *topics: str, **more: Any
) -> AsyncIterator[Socket]:
    """A socket that is signed in and subscribed."""
    async with opened(server, **more) as socket:
        await socket.send("auth", token=token)
        await socket.next("ready")
        for topic in topics:
            assert (await socket.subscribe(topic))["type"] == "subscribed"
        yield socket


async def rename(client: httpx.AsyncClient, document_id: object, title: str) -> None:
    """Change a document."""
    reply = await client.patch(f"{DOCUMENTS}/{document_id}", json={"title": title})
    assert reply.status_code == 200, reply.text


def key_of(people: People, person: Person) -> str:
    """A key with the rights of a user."""
    made = people.within(
        person.tenant_id,
        lambda ctx: identity.create_api_key(ctx, "of a user", user_id=person.id),
    )
    return made.secret


@pytest.fixture(scope="package")
def second_server(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """Another server over the same database."""
    with serving(settings, database_url, has_worker=False) as server:
        yield server


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Of everybody's password."""
    return light_hash()


@pytest.fixture
def people(live_server: LiveServer, password_hash: str) -> People:
    """The people of this test."""
    return People(live_server, password_hash)


@pytest.fixture
def nothing() -> str:
    """The id of a document that is not there."""
    return str(uuid.uuid4())
