"""Errors that no route expected become problems."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Callable

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp, Receive, Scope, Send

from citewell.engine.errors import ProviderError
from citewell.entrypoints.http import problems
from citewell.entrypoints.http.middleware import ErrorBoundary, RequestContext
from citewell.entrypoints.http.policies import Policies

Refused = Callable[[httpx.Response, int, str], None]
SECRET = "cw_secret_in_a_local_variable"


def outage() -> Exception:
    return OperationalError("SELECT 1", {}, Exception("no route to host 10.0.0.7"))


class Faulty:
    """A middleware between the two boundaries, with a fault for some paths."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/silent":
            return
        if scope["path"] == "/broken":
            raise KeyError(SECRET)
        await self.app(scope, receive, send)


def add_rarer_failures(app: FastAPI) -> None:
    @app.get("/api/v1/cancelled")
    async def cancelled() -> None:
        shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        shared.cancel()  # as a task is that several requests wait for
        await shared

    @app.get("/api/v1/group")
    async def group() -> None:
        async with asyncio.TaskGroup():
            raise outage()

    @app.get("/api/v1/surrogate")
    async def surrogate() -> None:
        raise ProviderError("the model says \ud800")

    @app.get("/api/v1/late")
    async def late() -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            yield b": begun\n\n"
            raise asyncio.CancelledError

        return StreamingResponse(events(), media_type="text/event-stream")


@pytest.fixture
async def failing() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose routes fail."""
    app = FastAPI()
    problems.install(app)

    @app.get("/api/v1/bug")
    async def bug() -> None:
        key = SECRET
        raise ZeroDivisionError(key[:2])

    @app.get("/api/v1/outage")
    async def database() -> None:
        raise outage()

    @app.get("/api/v1/full")
    async def full(where: str) -> None:
        disk = OSError(errno.ENOSPC, "No space left on device", "/secret/place")
        raise disk if where == "files" else OperationalError("COPY", {}, psycopg.errors.DiskFull())

    @app.get("/api/v1/slow")
    async def slow() -> None:
        raise OperationalError("SELECT 1", {}, psycopg.errors.QueryCanceled())

    @app.get("/api/v1/model")
    async def model() -> None:
        raise ProviderError("the model is overloaded", retryable=True)

    @app.get("/api/v1/stream")
    async def stream(error: str) -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            yield b'event: step\ndata: {"name": "search"}\n\n'
            raise outage() if error == "outage" else ZeroDivisionError(SECRET)

        return StreamingResponse(events(), media_type="text/event-stream")

    @app.get("/api/v1/file")
    async def file() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first half"
            raise ZeroDivisionError

        return StreamingResponse(parts(), media_type="application/octet-stream")

    add_rarer_failures(app)
    app.add_middleware(ErrorBoundary)
    app.add_middleware(Faulty)
    app.add_middleware(ErrorBoundary)
    app.add_middleware(RequestContext, policies=Policies(lambda: app.routes))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


class TestErrorBoundary:
    async def test_a_bug_is_500_and_tells_nothing(
        self, failing: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await failing.get("/api/v1/bug")
        refused(reply, 500, "internal_error")
        assert SECRET not in reply.text
        assert "ZeroDivision" not in reply.text

    async def test_an_outage_is_503_without_addresses(
        self, failing: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await failing.get("/api/v1/outage")
        refused(reply, 503, "database_unavailable")
        assert "10.0.0.7" not in reply.text

    @pytest.mark.parametrize("where", ["files", "database"])
    async def test_a_full_disk_is_507_without_its_place(
        self, failing: httpx.AsyncClient, refused: Refused, where: str
    ) -> None:
        reply = await failing.get("/api/v1/full", params={"where": where})
        refused(reply, 507, "storage_full")
        assert "secret" not in reply.text

    async def test_a_statement_that_takes_too_long_is_503(
        self, failing: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await failing.get("/api/v1/slow"), 503, "timeout")

    async def test_a_silent_model_is_503(
        self, failing: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await failing.get("/api/v1/model"), 503, "model_unavailable")

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/api/v1/cancelled", 503, "interrupted"),
            ("/api/v1/group", 503, "database_unavailable"),
            ("/api/v1/surrogate", 503, "model_unavailable"),
            ("/silent", 500, "internal_error"),
            ("/broken", 500, "internal_error"),
        ],
    )
    async def test_whatever_ends_a_request_it_gets_a_problem(
        self, failing: httpx.AsyncClient, refused: Refused, path: str, status: int, code: str
    ) -> None:
        reply = await failing.get(path)
        refused(reply, status, code)
        assert reply.json()["request_id"] == reply.headers["x-request-id"]
        assert SECRET not in reply.text

    async def test_a_stream_that_is_cancelled_ends_with_an_error_event(
        self, failing: httpx.AsyncClient
    ) -> None:
        reply = await failing.get("/api/v1/late")
        assert reply.text.startswith(": begun\n\nevent: error\n")
        assert '"internal_error"' in reply.text

    @pytest.mark.parametrize(
        ("error", "code"), [("outage", "database_unavailable"), ("bug", "internal_error")]
    )
    async def test_a_stream_that_breaks_ends_with_an_error_event(
        self, failing: httpx.AsyncClient, error: str, code: str
    ) -> None:
        reply = await failing.get("/api/v1/stream", params={"error": error})
        assert reply.status_code == 200
        first, last, rest = reply.text.split("\n\n")
        assert first.startswith("event: step\n")
        name, _, data = last.partition("\ndata: ")
        assert name == "event: error"
        problem = json.loads(data)
        assert problem["code"] == code
        assert problem["request_id"] == reply.headers["x-request-id"]
        assert rest == ""
        assert SECRET not in reply.text

    async def test_a_file_that_breaks_is_cut_off_not_ended(
        self, failing: httpx.AsyncClient
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            await failing.get("/api/v1/file")
