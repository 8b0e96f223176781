"""Bodies that are too large, cut short or not what they say: refused, and the server goes on."""

import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from citewell.core.settings import Settings
from tests.conftest import Library, LiveServer, serving
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

LIMIT = 50_000
ORIGIN = "https://intranet.example"


@pytest.fixture(scope="module")
def small_server(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """A server that takes small files only, and calls from one other origin."""
    changed = settings.model_copy(update={"max_upload_bytes": LIMIT, "cors_origins": (ORIGIN,)})
    with serving(changed, database_url) as server:
        yield server


@pytest.fixture
async def small(small_server: LiveServer) -> AsyncIterator[httpx.AsyncClient]:
    async with small_server.client(small_server.new_key()) as opened:
        yield opened


def raw_exchange(address: str, sent: bytes, *, half_close: bool = True) -> bytes:
    """Send bytes as they are; returns all that comes back until the server closes."""
    target = urlsplit(address)
    with socket.create_connection((target.hostname, target.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def form(*parts: bytes) -> bytes:
    return b"".join(b"--line\r\n" + part + b"\r\n" for part in parts) + b"--line--\r\n"


def upload_head(key: str, *more: str) -> bytes:
    lines = [
        "POST /api/v1/documents/upload HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {key}",
        "Content-Type: multipart/form-data; boundary=line",
        "Connection: close",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


FILE_PART = b'Content-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nSome words.'


class TestTooLarge:
    async def test_file_over_the_limit_is_413_and_leaves_nothing(
        self, small: httpx.AsyncClient, refused: Refused
    ) -> None:
        parts = [("files", ("ok.txt", b"Fine.")), ("files", ("big.txt", b"a" * (LIMIT + 1)))]
        reply = await small.post("/api/v1/documents/upload", files=parts)
        refused(reply, 413, "file_too_large")
        assert "big.txt" in reply.json()["detail"]
        listed = (await small.get("/api/v1/documents")).json()
        assert listed["pagination"]["total"] == 0

    async def test_file_of_exactly_the_limit_is_taken(self, small: httpx.AsyncClient) -> None:
        content = (b"The canteen opens at noon. " * LIMIT)[:LIMIT]
        [document] = await Library(small).upload(("full.txt", content))
        assert document["status"] == "ready"

    async def test_declared_length_over_the_limit_is_413_at_once(
        self, small_server: LiveServer
    ) -> None:
        head = upload_head(small_server.new_key(), "Content-Length: 99999999999")
        reply = raw_exchange(small_server.address, head, half_close=False)
        assert reply.startswith(b"HTTP/1.1 413")
        assert b'"code":"too_large"' in reply

    async def test_chunked_body_over_the_limit_is_413(
        self, small: httpx.AsyncClient, refused: Refused
    ) -> None:
        async def endless() -> AsyncIterator[bytes]:
            yield b"--line\r\n" + FILE_PART
            for _ in range(100):
                yield b"a" * 65536

        reply = await small.post(
            "/api/v1/documents/upload",
            content=endless(),
            headers={"Content-Type": "multipart/form-data; boundary=line"},
        )
        refused(reply, 413, "too_large")

    async def test_question_in_a_huge_body_is_413(
        self, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        body = json.dumps({"query": "a" * 2_000_000})
        reply = await shared_client.post("/api/v1/search", content=body)
        refused(reply, 413, "too_large")

    async def test_text_over_the_upload_limit_is_413(
        self, small: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await small.post(
            "/api/v1/documents", json={"title": "Long", "content": "a" * LIMIT}
        )
        refused(reply, 413, "too_large")


class TestBrokenTransfers:
    @pytest.mark.parametrize(
        ("length", "body"),
        [
            pytest.param("Content-Length: 500", form(FILE_PART), id="shorter-than-said"),
            pytest.param("Content-Length: 120", form(FILE_PART), id="longer-than-said"),
            pytest.param("Content-Length: abc", form(FILE_PART), id="length-no-number"),
            pytest.param("Content-Length: -5", form(FILE_PART), id="negative-length"),
            pytest.param("Transfer-Encoding: chunked", b"5\r\nab", id="chunk-cut"),
            pytest.param("Transfer-Encoding: chunked", b"zz\r\nab", id="chunk-size-no-number"),
            pytest.param("Content-Length: 0", b"", id="no-body"),
        ],
    )
    def test_wrong_lengths_are_4xx_or_cut_off(
        self, length: str, body: bytes, live_server: LiveServer, shared_key: str
    ) -> None:
        reply = raw_exchange(live_server.address, upload_head(shared_key, length) + body)
        assert reply == b"" or reply.startswith(b"HTTP/1.1 4"), reply[:200]
        listed = httpx.get(
            f"{live_server.address}/api/v1/documents",
            headers={"Authorization": f"Bearer {shared_key}"},
            timeout=PATIENCE,
        )
        assert listed.json()["pagination"]["total"] == 0

    # The form parser leaves the file of a form without an end to the garbage collector.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(form(*[FILE_PART] * 10_000), id="ten-thousand-files"),
            pytest.param(
                form(*[b'Content-Disposition: form-data; name="x"\r\n\r\n1'] * 10_000),
                id="ten-thousand-fields",
            ),
            pytest.param(form(b"Content-Disposition: form-data\r\n\r\nx"), id="part-without-name"),
            pytest.param(form(b"\r\n\r\nx"), id="part-without-headers"),
            pytest.param(form(b"a" * 100_000), id="endless-header"),
            pytest.param(FILE_PART, id="no-boundary"),
            pytest.param(b"--line\r\n" + FILE_PART, id="no-end"),
            pytest.param(b"--line--\r\n", id="no-parts"),
            pytest.param(
                form(b'Content-Disposition: form-data; name="files"\r\n\r\ntext'),
                id="text-for-a-file",
            ),
            pytest.param(
                form(FILE_PART, b'Content-Disposition: form-data; name="metadata"\r\n\r\n\xff'),
                id="field-no-utf-8",
            ),
        ],
    )
    async def test_malformed_forms_are_4xx(
        self, body: bytes, shared_client: httpx.AsyncClient
    ) -> None:
        reply = await shared_client.post(
            "/api/v1/documents/upload",
            content=body,
            headers={"Content-Type": "multipart/form-data; boundary=line"},
        )
        assert 400 <= reply.status_code < 500, reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["code"]
        listed = (await shared_client.get("/api/v1/documents")).json()
        assert listed["pagination"]["total"] == 0

    @pytest.mark.parametrize(
        "kind",
        ["multipart/form-data", "application/json", "multipart/form-data; boundary=" + "x" * 5000],
    )
    async def test_other_encodings_are_4xx(
        self, kind: str, shared_client: httpx.AsyncClient
    ) -> None:
        reply = await shared_client.post(
            "/api/v1/documents/upload", content=form(FILE_PART), headers={"Content-Type": kind}
        )
        assert 400 <= reply.status_code < 500, reply.text
        assert reply.json()["code"]


class TestOtherOrigins:
    async def test_preflight_of_a_known_origin_is_allowed(self, small: httpx.AsyncClient) -> None:
        reply = await small.options(
            "/api/v1/search",
            headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"},
        )
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == ORIGIN
        assert reply.headers["x-request-id"]

    async def test_a_refusal_can_be_read_by_a_known_origin(
        self, small_server: LiveServer, refused: Refused
    ) -> None:
        async with small_server.client() as nobody:
            reply = await nobody.get("/api/v1/documents", headers={"Origin": ORIGIN})
        refused(reply, 401, "unauthorized")
        assert reply.headers["access-control-allow-origin"] == ORIGIN

    async def test_an_unknown_origin_gets_no_permission(self, small: httpx.AsyncClient) -> None:
        reply = await small.get("/api/v1/documents", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in reply.headers

    async def test_by_default_no_origin_gets_permission(
        self, shared_client: httpx.AsyncClient
    ) -> None:
        reply = await shared_client.get("/api/v1/documents", headers={"Origin": ORIGIN})
        assert "access-control-allow-origin" not in reply.headers
