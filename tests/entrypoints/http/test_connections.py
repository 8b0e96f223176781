"""Connections that are silent, slow or too many: others are answered all the same."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from citewell.core.settings import Settings
from citewell.entrypoints.http.connections import (
    SILENT_SOCKETS_PER_ADDRESS,
    WAITING_PER_ADDRESS,
    Connections,
    raise_file_limit,
)
from citewell.entrypoints.http.protocol import MAX_HEAD_BYTES
from tests.conftest import LiveServer, serving
from tests.waiting import PATIENCE

HEAD_SECONDS, BODY_SECONDS = 1.0, 1.0
SHARE = 300
HALF = b"GET /api/v1/health/ready HTTP/1.1\r\nHost: localhost\r\nX-"
READY = b"GET /api/v1/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOCKET = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

Start = Callable[..., LiveServer]


@pytest.fixture(scope="module")
def impatient(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """A server that waits a second, and holds 300 connections of an address."""
    changed = settings.model_copy(
        update={
            "request_head_seconds": HEAD_SECONDS, "request_body_seconds": BODY_SECONDS,
            "max_connections_per_address": SHARE,
        }
    )  # fmt: skip
    with serving(changed, database_url, has_worker=False) as server:
        yield server


def connected(server: LiveServer, sent: bytes) -> socket.socket:
    target = urlsplit(server.address)
    connection = socket.create_connection((target.hostname, target.port), timeout=PATIENCE)
    connection.sendall(sent)
    return connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes; closed with something unread it is reset."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def assert_problem(reply: bytes, status: int, code: str) -> None:
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), reply
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == code
    assert json.loads(body)["request_id"].encode() in head


class TestHeads:
    def test_hundreds_of_half_sent_ones_keep_nobody_out(self, impatient: LiveServer) -> None:
        with ExitStack() as stack, capture_logs() as lines:
            begun = time.monotonic()
            half = [stack.enter_context(connected(impatient, HALF)) for _ in range(600)]
            replies = [rest(one) for one in half]
            # Those that were held are let go when their second is over; then others have the room.
            held = [reply for reply in replies if b"request_timeout" in reply]
            seconds = (time.monotonic() - begun) / HEAD_SECONDS
            assert 0 < len(held) <= WAITING_PER_ADDRESS * (seconds + 1)
            assert_problem(held[0], 408, "request_timeout")
            with httpx.Client(base_url=impatient.address, timeout=PATIENCE) as client:
                assert client.get("/api/v1/health/ready").status_code == 200
        assert len(lines) < 20

    def test_one_that_drips_is_given_no_more_time(self, impatient: LiveServer) -> None:
        with connected(impatient, HALF) as connection:
            begun = time.monotonic()
            while not closes_within(connection, 0.1):
                try:
                    connection.sendall(b"a")
                except OSError:
                    break
                assert time.monotonic() - begun < PATIENCE
            assert time.monotonic() - begun >= HEAD_SECONDS * 0.8

    def test_one_that_begins_after_an_answer_is_timed_too(self, impatient: LiveServer) -> None:
        for more in (HALF, b"\r\n"):
            with connected(impatient, READY) as connection:
                assert is_ready(connection)
                connection.sendall(more)
                rest(connection)

    def test_one_that_is_too_long_is_431(self, impatient: LiveServer) -> None:
        with connected(impatient, HALF + b"a" * MAX_HEAD_BYTES) as connection:
            assert_problem(rest(connection), 431, "head_too_large")


class TestBodies:
    def test_one_that_stops_is_408(self, impatient: LiveServer) -> None:
        key = impatient.new_key()
        head = (
            "POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: 900\r\n\r\n"
        )
        with connected(impatient, head.encode() + b'{"query": "') as connection:
            assert_problem(rest(connection), 408, "request_timeout")


class TestShares:
    def test_an_address_has_a_share_and_gets_it_back(self, impatient: LiveServer) -> None:
        with ExitStack() as stack:
            for _ in range(SHARE):
                one = stack.enter_context(connected(impatient, READY))
                assert is_ready(one)
            over = stack.enter_context(connected(impatient, READY))
            assert_problem(rest(over), 503, "too_many_connections")
        deadline = time.monotonic() + PATIENCE
        while True:
            with connected(impatient, READY) as again:
                if is_ready(again):
                    return
            assert time.monotonic() < deadline

    def test_sockets_that_have_not_signed_in_have_their_own_places(
        self, impatient: LiveServer
    ) -> None:
        key = impatient.new_key()
        with ExitStack() as stack:
            for _ in range(SILENT_SOCKETS_PER_ADDRESS):
                one = stack.enter_context(connected(impatient, SOCKET))
                assert one.recv(65536).startswith(b"HTTP/1.1 101")
            over = stack.enter_context(connected(impatient, SOCKET))
            assert_problem(rest(over), 503, "too_many_connections")
            one.sendall(frame({"type": "auth", "token": key}))
            assert b"ready" in one.recv(65536)
            more = stack.enter_context(connected(impatient, SOCKET))
            assert more.recv(65536).startswith(b"HTTP/1.1 101")


class TestConnections:
    async def test_a_trusted_proxy_is_not_held_to_the_share_of_one(self) -> None:
        connections = Connections(100, 1, 1.0, 1.0, trusted=("10.0.0.0/8",))
        assert all(connections.take("10.0.0.5") for _ in range(50))
        assert connections.take("192.0.2.1") is not None
        assert connections.take("192.0.2.1") is None

    async def test_in_all_there_are_no_more_than_the_process_can_hold(self) -> None:
        connections = Connections(10, 100, 1.0, 1.0)
        places = [connections.take(f"192.0.2.{number}") for number in range(10)]
        assert connections.take("192.0.2.99") is None
        assert places[0] is not None
        connections.leave(places[0])
        assert connections.take("192.0.2.99") is not None

    async def test_a_thousand_failures_to_accept_are_one_line(self) -> None:
        loop = asyncio.get_running_loop()
        connections = Connections(10, 10, 1.0, 1.0)
        connections.watch_accepting()
        failure = {
            "message": "socket.accept() out of system resource",
            "exception": OSError(24, "Too many open files"),
        }
        try:
            with capture_logs() as lines:
                for _ in range(1000):
                    loop.call_exception_handler(failure)
        finally:
            loop.set_exception_handler(None)
        assert [line["event"] for line in lines] == ["connections_not_accepted"]

    def test_the_limit_of_files_is_raised_and_never_lowered(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        low = min(soft, hard, 1024) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
        try:
            raised = raise_file_limit()
            assert low < raised == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            assert raise_file_limit() == raised
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def closes_within(connection: socket.socket, seconds: float) -> bool:
    """Whether the server closes it, or has answered, so soon."""
    connection.settimeout(max(seconds, 0.001))
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(PATIENCE)
    return True


def is_ready(connection: socket.socket) -> bool:
    """Whether the reply says so; it may come in parts, or not at all."""
    reply = b""
    while b"}" not in reply and (part := connection.recv(65536)):
        reply += part
    return b'"status":"ok"' in reply


def frame(document: dict[str, str]) -> bytes:
    """A text frame as clients send it (RFC 6455, section 5.2), masked by zeros."""
    text = json.dumps(document).encode()
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
