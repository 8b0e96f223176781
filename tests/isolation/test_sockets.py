"""The socket, for every kind of caller: nobody hears of what is not theirs."""

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.isolation.actors import foreigners, insiders, nobodies
from tests.isolation.conftest import World
from tests.isolation.probes import missing_id, spelled
from tests.isolation.report import record
from tests.waiting import PATIENCE, PATIENT


def address(world: World) -> str:
    return world.server.address.replace("http://", "ws://") + "/ws"


async def said(connection: ClientConnection, **message: str) -> dict[str, object]:
    """The answer to a message."""
    await connection.send(json.dumps(message))
    async with asyncio.timeout(PATIENCE):
        return json.loads(await connection.recv())


class TestNobody:
    async def test_without_a_valid_credential_nothing_is_told(self, world: World) -> None:
        found = nobodies(world.ours, world.theirs)
        for actor in found:
            token = actor.headers.get("Authorization", "").partition(" ")[2]
            async with connect(
                address(world), compression=None, additional_headers=actor.headers, **PATIENT
            ) as connection:
                with pytest.raises(ConnectionClosed):
                    await said(connection, type="auth", token=token)
                # Longer than a message may be, or refused: nothing was said before.
                assert connection.close_code in (4401, 1009), actor.name
        record("probes", probes=len(found), leaks=0)

    async def test_a_subscription_before_signing_in_is_refused(self, world: World) -> None:
        topic = f"document:{world.ours.ids['document']}"
        async with connect(address(world), compression=None, **PATIENT) as connection:
            with pytest.raises(ConnectionClosed):
                await said(connection, type="subscribe", topic=topic)
            assert connection.close_code == 4401


class TestHidden:
    async def test_hidden_documents_look_like_nothing_and_are_silent(self, world: World) -> None:
        wanted = world.ours.ids["document"]
        marks = (world.ours.hidden, *world.ours.secrets)
        watchers: list[ClientConnection] = []
        probes = 0
        actors = [*foreigners(world.theirs), *insiders(world.ours)]
        try:
            for actor in actors:
                connection = await connect(address(world), compression=None, **PATIENT).__aenter__()
                watchers.append(connection)
                token = actor.headers["Authorization"].partition(" ")[2]
                assert (await said(connection, type="auth", token=token))["type"] == "ready"
                for theirs, missing in zip(spelled(wanted), spelled(missing_id()), strict=True):
                    replies = [
                        await said(connection, type="subscribe", topic=f"document:{name}")
                        for name in (theirs, missing)
                    ]
                    assert {reply["code"] for reply in replies} == {"document_not_found"}
                    assert len({len(str(reply)) for reply in replies}) == 1
                    probes += 2
                reply = await said(connection, type="subscribe", topic="jobs", last_event_id="x")
                assert reply["code"] == "validation_error"
                for topic in ("jobs", "user:me"):
                    await said(connection, type="subscribe", topic=topic)
            async with world.server.client(world.ours.tokens["service"]) as owner:
                await _change(owner, wanted)
                shown = world.ours.ids["document:internal"]
                await _change(owner, shown)
            await asyncio.sleep(0.3)
            for connection in watchers:
                heard = ""
                await connection.send(json.dumps({"type": "ping"}))
                while '"pong"' not in heard:
                    heard += str(await connection.recv())
                assert wanted not in heard
                assert not any(mark in heard for mark in marks)
        finally:
            for connection in watchers:
                await connection.close()
        record("probes", probes=probes, leaks=0)


async def _change(owner: httpx.AsyncClient, document_id: str) -> None:
    reply = await owner.get(f"/api/v1/documents/{document_id}")
    title = reply.json()["title"]
    for name in (f"{title} anew", title):
        path = f"/api/v1/documents/{document_id}"
        assert (await owner.patch(path, json={"title": name})).status_code == 200
