"""Uploads as no client library would send them, over bare sockets: a clear 4xx, nothing changed."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from citewell.core.settings import Settings
from tests.conftest import LiveServer, serving
from tests.waiting import PATIENCE

UPLOAD = "/api/v1/documents/upload"
LIMIT = 200_000
SLACK = 24 * 1024 * 1024
"""Room for the buffers of both sockets, a form's parts beside its files, and the bytes that are
thrown away so that a sender comes to read the refusal."""

FILE = b'Content-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nSome words.'
TYPE = "Content-Type: multipart/form-data; boundary=line"


def form(*parts: bytes) -> bytes:
    return b"".join(b"--line\r\n" + part + b"\r\n" for part in parts) + b"--line--\r\n"


def part(name: str, content: bytes) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content


def file_called(filename: bytes) -> bytes:
    return FILE.replace(b"a.txt", filename)


@dataclass(frozen=True)
class Server:
    """A server of small limits, and what it holds."""

    live: LiveServer
    key: str
    url: str
    home: Path

    def head(self, *lines: str, path: str = UPLOAD, method: str = "POST") -> bytes:
        first = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.key}",
        ]
        return "\r\n".join([*first, *lines]).encode() + b"\r\n\r\n"

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        target = urlsplit(self.live.address)
        with socket.create_connection(
            (target.hostname, target.port), timeout=PATIENCE
        ) as connection:
            yield connection

    def exchange(self, sent: bytes, *, half_close: bool = False) -> bytes:
        """Send bytes as they are; returns all that comes until the server closes."""
        with self.connected() as connection:
            connection.sendall(sent)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return received_from(connection)

    def holdings(self) -> dict[str, int]:
        """How many rows the database and how many files the store and its staging area have."""
        # A collection that was deleted is left to upkeep, and there is no worker here.
        tables = ("document", "document_version", "blob", "job", "idempotent_reply",
                  "procrastinate_jobs", "collection WHERE discard_after IS NULL")  # fmt: skip
        with psycopg.connect(self.url) as connection:
            rows = {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in tables
            }
        files = sum(len(names) for _, _, names in os.walk(self.home / "files"))
        return rows | {"files": files}


def received_from(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


@pytest.fixture(scope="module")
def server(
    settings: Settings, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("broken")
    changed = settings.model_copy(update={"max_upload_bytes": LIMIT, "home": home})
    with serving(changed, database_url, has_worker=False) as live:
        yield Server(live, live.new_key(), database_url, home)


@pytest.fixture(autouse=True)
def unchanged(server: Server) -> Iterator[None]:
    """Nothing of a refused upload is left, neither in the database nor in a folder."""
    before = server.holdings()
    yield
    deadline = time.monotonic() + PATIENCE
    while (after := server.holdings()) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert after == before
    assert not (server.home / "tmp").exists()


def problem_in(reply: bytes) -> tuple[int, str]:
    """Status and code of a refusal."""
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower(), reply[:500]
    problem = json.loads(body)
    assert problem["detail"]
    assert problem["request_id"].encode() in head
    return int(head.split()[1]), problem["code"]


class TestForms:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param(form(*[FILE] * 10_000), 400, id="ten-thousand-files"),
            pytest.param(form(*[part("x", b"1")] * 10_000), 400, id="ten-thousand-fields"),
            pytest.param(form(b"Content-Disposition: form-data\r\n\r\nx"), 400, id="no-name"),
            pytest.param(
                form(b'Content-Disposition: form-data; filename="a.txt"\r\n\r\nx'), 400,
                id="filename-without-name",
            ),
            pytest.param(form(part("files", b"words")), 422, id="no-filename"),
            pytest.param(form(file_called(b"")), 422, id="empty-filename"),
            pytest.param(form(file_called(b"../..")), 422, id="filename-a-path"),
            pytest.param(form(file_called(b"x" * 10_000)), 400, id="filename-too-long"),
            pytest.param(form(file_called(b"\x00")), 422, id="filename-nul"),
            pytest.param(form(FILE.removesuffix(b"Some words.")), 422, id="zero-bytes"),
            pytest.param(form(FILE, part("metadata", b"no json")), 422, id="metadata-no-json"),
            pytest.param(form(FILE, part("metadata", b"[1]")), 422, id="metadata-a-list"),
            pytest.param(form(FILE, part("on_duplicate", b"both")), 422, id="unknown-duplicates"),
            pytest.param(form(FILE, part("owner", b"me")), 422, id="unknown-field"),
            pytest.param(form(FILE)[:-40], 400, id="truncated"),
            pytest.param(form(FILE, file_called(b"b.txt"))[:-20], 400, id="second-truncated"),
            pytest.param(form(FILE).replace(b"--line", b"--other"), 400, id="wrong-boundary"),
            pytest.param(b"", 400, id="nothing"),
        ],
    )  # fmt: skip
    def test_malformed_form_is_a_clear_4xx(self, body: bytes, status: int, server: Server) -> None:
        head = server.head(TYPE, f"Content-Length: {len(body)}", "Connection: close")
        found, _ = problem_in(server.exchange(head + body))
        assert found == status

    @pytest.mark.parametrize(
        "kind",
        [
            [], ["Content-Type: multipart/form-data"], ["Content-Type: text/plain"],
            ["Content-Type: multipart/form-data; boundary="],
            ["Content-Type: application/json"],
        ],
        ids=["none", "no-boundary", "text", "empty-boundary", "json"],
    )  # fmt: skip
    def test_other_type_is_a_clear_4xx(self, kind: list[str], server: Server) -> None:
        body = form(FILE)
        head = server.head(*kind, f"Content-Length: {len(body)}", "Connection: close")
        status, _ = problem_in(server.exchange(head + body))
        assert 400 <= status < 500

    def test_collection_that_was_deleted_is_404(self, server: Server) -> None:
        with httpx.Client(
            base_url=server.live.address,
            headers={"Authorization": f"Bearer {server.key}"},
            timeout=PATIENCE,
        ) as client:
            made = client.post("/api/v1/collections", json={"name": "Fleeting"}).json()
            assert client.delete(f"/api/v1/collections/{made['id']}").status_code == 204
        body = form(FILE, part("collection_id", made["id"].encode()))
        head = server.head(TYPE, f"Content-Length: {len(body)}", "Connection: close")
        status, code = problem_in(server.exchange(head + body))
        assert (status, code) == (404, "collection_not_found")


class TestLengths:
    @pytest.mark.parametrize(
        "lines",
        [
            ["Content-Length: -5"],
            ["Content-Length: abc"],
            ["Content-Length: " + "9" * 5_000],
            ["Content-Length: 11", "Content-Length: 12"],
            ["Content-Length: 11", "Transfer-Encoding: gzip"],
            ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ],
        ids=["negative", "no-number", "endless-number", "two", "other-encoding", "chunked-twice"],
    )
    def test_impossible_length_is_a_4xx(self, lines: list[str], server: Server) -> None:
        reply = server.exchange(server.head(TYPE, *lines) + form(FILE))
        status, code = problem_in(reply)
        assert status in (400, 413, 501)
        assert code in ("bad_request", "too_large")

    def test_broken_chunk_is_400(self, server: Server) -> None:
        head = server.head(TYPE, "Transfer-Encoding: chunked")
        assert problem_in(server.exchange(head + b"zz\r\nab")) == (400, "bad_request")

    def test_length_that_is_too_short_cuts_the_form(self, server: Server) -> None:
        body = form(FILE)
        head = server.head(TYPE, f"Content-Length: {len(body) - 30}", "Connection: close")
        assert problem_in(server.exchange(head + body))[0] == 400

    @pytest.mark.parametrize("lines", [["Content-Length: 5000"], ["Transfer-Encoding: chunked"]])
    def test_sender_that_goes_away_midway_leaves_nothing(
        self, lines: list[str], server: Server
    ) -> None:
        body = form(FILE) if "Content" in lines[0] else b"1000\r\n" + form(FILE)
        with server.connected() as connection:
            connection.sendall(server.head(TYPE, *lines) + body)
            time.sleep(0.1)
        assert server.exchange(server.head(TYPE, *lines) + body, half_close=True) == b""


class TestTooLarge:
    def test_announced_bytes_are_refused_before_they_are_read(self, server: Server) -> None:
        head = server.head(TYPE, f"Content-Length: {5 * 1024**3}")
        sent, reply = poured(server, head, b"a" * 65536)
        assert problem_in(reply) == (413, "too_large")
        assert sent < SLACK

    def test_bytes_without_end_are_refused_at_the_limit(self, server: Server) -> None:
        head = server.head(TYPE, "Transfer-Encoding: chunked")
        begin = b"--line\r\n" + FILE
        chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
        first = f"{len(begin):x}\r\n".encode() + begin + b"\r\n"
        sent, reply = poured(server, head + first, chunk)
        assert problem_in(reply) == (413, "too_large")
        assert LIMIT < sent < LIMIT + SLACK

    def test_long_text_is_refused_before_it_is_read(self, server: Server) -> None:
        head = server.head(
            "Content-Type: application/json", f"Content-Length: {5 * 1024**3}",
            path="/api/v1/documents",
        )  # fmt: skip
        sent, reply = poured(server, head, b" " * 65536)
        assert problem_in(reply) == (413, "too_large")
        assert sent < SLACK

    def test_stranger_is_not_listened_to(self, server: Server) -> None:
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: localhost\r\n{TYPE}\r\n"
        head += f"Content-Length: {5 * 1024**3}\r\n\r\n"
        sent, reply = poured(server, head.encode(), b"a" * 65536)
        assert problem_in(reply) == (401, "unauthorized")
        assert sent < SLACK


def poured(server: Server, head: bytes, more: bytes) -> tuple[int, bytes]:
    """Send on and on until the server takes no more; how many bytes it took, and its reply."""
    sent = 0
    with server.connected() as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(head)
        try:
            while sent < 10 * SLACK:
                sent += connection.send(more)
        except (ConnectionError, TimeoutError):
            pass
        return sent, received_from(connection)
