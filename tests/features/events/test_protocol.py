"""The socket's protocol: accepted and refused messages, and how it ends."""

import asyncio
import json
import socket as network

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from citewell.core.settings import Settings
from tests.conftest import LiveServer, serving
from tests.examples import examples
from tests.features.events.conftest import opened, watching
from tests.waiting import PATIENCE, PATIENT


class TestOrigin:
    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example", "null", "http://127.0.0.1.evil.example", "file://",
            "http://localhost:1", "https://evil.example, http://127.0.0.1", "http://evil@127.0.0.1",
        ],
    )  # fmt: skip
    async def test_pages_of_others_are_refused_before_anything(
        self, live_server: LiveServer, origin: str
    ) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(live_server, additional_headers={"Origin": origin}):
                pass
        reply = refused.value.response
        assert reply.status_code == 403
        assert reply.headers["content-type"] == "application/problem+json"
        problem = json.loads(reply.body)
        assert (problem["code"], problem["status"]) == ("foreign_origin", 403)
        assert problem["request_id"] == reply.headers["x-request-id"]

    async def test_own_pages_are_let_in(self, live_server: LiveServer, key: str) -> None:
        async with watching(
            live_server, key, "jobs", additional_headers={"Origin": live_server.address}
        ) as socket:
            assert await socket.quiet() == []

    async def test_other_names_of_the_server_are_421(self, live_server: LiveServer) -> None:
        port = int(live_server.address.rpartition(":")[2])
        raw = network.create_connection(("127.0.0.1", port))
        with raw, pytest.raises(InvalidStatus) as no:
            async with connect("ws://evil.example/ws", sock=raw, compression=None, **PATIENT):
                pass
        assert no.value.response.status_code == 421

    async def test_other_paths_have_no_socket(self, live_server: LiveServer) -> None:
        address = live_server.address.replace("http", "ws")
        for path in ("/", "/ws/", "/api/v1/events", "/api/v1/documents"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(address + path, compression=None, **PATIENT):
                    pass
            assert refused.value.response.status_code in (307, 401, 403, 404)

    async def test_paths_without_a_socket_and_broken_handshakes_get_problems(
        self, live_server: LiveServer
    ) -> None:
        host, port = live_server.address.removeprefix("http://").split(":")
        for path, version in (("/other", "13"), ("/ws", "7")):
            head = (
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Sec-WebSocket-Version: {version}\r\n\r\n"
            )
            with network.create_connection((host, int(port)), timeout=PATIENCE) as raw:
                raw.sendall(head.encode())
                reply = b"".join(iter(lambda: raw.recv(4096), b""))
            head_of_reply, _, body = reply.partition(b"\r\n\r\n")
            assert b"application/problem+json" in head_of_reply
            assert json.loads(body)["request_id"].encode() in head_of_reply


class TestSigningIn:
    @pytest.mark.parametrize(
        "first",
        [
            {"type": "auth", "token": "cw_nothing"}, {"type": "auth", "token": ""},
            {"type": "auth"}, {"type": "auth", "token": 5}, {"type": "auth", "token": "é\ud800"},
            {"type": "subscribe", "topic": "jobs"}, {"type": "ping"}, {},
            {"type": "auth", "token": "x", "more": 1},
        ],
        ids=str,
    )  # fmt: skip
    async def test_the_first_message_has_to_be_a_valid_credential(
        self, live_server: LiveServer, first: dict[str, object]
    ) -> None:
        async with opened(live_server) as socket:
            await socket.connection.send(json.dumps(first))
            code, reason = await socket.closed()
        assert code == 4401
        assert reason.startswith("unauthorized: ")

    async def test_guesses_are_slowed_down_as_those_of_requests(
        self, settings: Settings, database_url: str
    ) -> None:
        limited = settings.model_copy(update={"rate_limit_requests": 1000})
        with serving(limited, database_url, has_worker=False) as server:
            codes = []
            for _ in range(302):
                async with opened(server) as socket:
                    await socket.send("auth", token="cw_nothing")
                    codes.append((await socket.closed())[0])
        assert codes[0] == 4401
        assert codes[-1] == 4429


class TestMessages:
    async def test_what_is_wrong_is_answered_and_the_socket_goes_on(
        self, live_server: LiveServer, key: str
    ) -> None:
        wrong = {
            "unknown_type": [{"type": "shout"}, {}, {"type": None}, {"type": ["auth"]}],
            "validation_error": [
                {"type": "subscribe"}, {"type": "subscribe", "topic": 5},
                {"type": "subscribe", "topic": "jobs", "last_event_id": -1},
                {"type": "subscribe", "topic": "jobs", "last_event_id": 1e300},
                {"type": "subscribe", "topic": "jobs", "more": True},
            ],
            "unknown_topic": [
                {"type": "subscribe", "topic": topic}
                for topic in ("", "documents", "document:", "document:1", "user:other", "\ud800",
                              "document:*", "job:1", "document:" + "9" * 3000)
            ],
            "no_user": [{"type": "subscribe", "topic": "user:me"}],
        }  # fmt: skip
        async with watching(live_server, key) as socket:
            for code, messages in wrong.items():
                for message in messages:
                    await socket.connection.send(json.dumps(message))
                    answer = await socket.next()
                    assert (answer["type"], answer["code"]) == ("error", code), (message, answer)
                    assert answer["detail"]
            assert await socket.quiet() == []

    async def test_what_is_no_message_ends_the_socket(
        self, live_server: LiveServer, key: str
    ) -> None:
        for frame, code in (
            ("not json", 1007), ("[1]", 1007), ("[" * 4000, 1007), ('"auth"', 1007),
            ("1e9999", 1007), (b"\x00", 1003), (b'{"type":"ping"}', 1003), ("x" * 4097, 1009),
        ):  # fmt: skip
            async with watching(live_server, key) as socket:
                await socket.connection.send(frame)
                assert (await socket.closed())[0] == code, frame

    async def test_text_that_is_none_ends_the_socket(
        self, live_server: LiveServer, key: str
    ) -> None:
        async with watching(live_server, key) as socket:
            await socket.connection.send(b"\xff\xfe", text=True)
            assert (await socket.closed())[0] == 1007

    async def test_a_flood_of_messages_ends_the_socket(
        self, live_server: LiveServer, key: str
    ) -> None:
        async with watching(live_server, key) as socket:
            reading = asyncio.ensure_future(socket.next("never"))
            for _ in range(600):
                await socket.send("ping")
            assert (await socket.closed())[0] == 4429
            reading.cancel()

    async def test_an_unsubscribed_topic_is_silent(
        self, live_server: LiveServer, key: str, client: httpx.AsyncClient
    ) -> None:
        async with watching(live_server, key, "jobs") as socket:
            await socket.send("unsubscribe", topic="jobs")
            assert (await socket.next())["type"] == "unsubscribed"
            body = {"title": "Lamp", "content": "The lamp is green."}
            assert (await client.post("/api/v1/documents", json=body)).status_code == 202
            await asyncio.sleep(0.3)
            assert await socket.quiet() == []

    @given(frame=some.one_of(some.text(max_size=200), some.binary(max_size=200)))
    @settings(
        max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_no_frame_breaks_the_server(self, live_server: LiveServer, key: str, frame: object):
        async def sent() -> int:
            async with watching(live_server, key) as socket:
                try:
                    await socket.connection.send(frame)  # type: ignore[arg-type]
                except UnicodeEncodeError:
                    return 1007
                await socket.connection.send("{}")
                try:
                    return 0 if (await socket.next())["type"] == "error" else 1
                except ConnectionClosed:
                    return (await socket.closed())[0]

        assert asyncio.run(sent()) in (0, 1003, 1007)
