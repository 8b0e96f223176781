"""A server whose model is a vendor on loopback, on a database of the module's own."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from citewell.core.settings import Settings
from tests.conftest import Library, LiveServer, Servers, serving
from tests.office import Office, open_office
from tests.quiet import quiet_database
from tests.vendor import Received, Reply, VendorServer
from tests.waiting import PATIENCE

API = "/api/v1"
RESEARCHER = "researcher"
MODEL = "openai-compatible:m-1"

PARKING = "# Parking\n\nVisitors park in bay 4 behind the mill. Parking costs 3 euros a day."
LEAVE = "# Leave\n\nEmployees get 25 days of annual leave."


def calling(*calls: tuple[str, dict[str, Any]], text: str = "") -> Reply:
    """A reply that asks for tools."""
    asked = [(f"v{n}", name, [json.dumps(args)]) for n, (name, args) in enumerate(calls)]
    return Reply([text] if text else [], calls=asked)


def saying(text: str) -> Reply:
    """A reply in words."""
    return Reply([text])


async def until(met: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while True:
        if met():
            return
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.02)


@dataclass
class Scripted:
    """The vendor, which plays what a test tells it to."""

    server: VendorServer

    def play(self, *replies: Reply) -> None:
        """Give these replies to the next requests."""
        self.server.received.clear()
        self.server.dropped.clear()
        self.server.answering = None
        self.server.script[:] = replies

    def gated(self, *replies: Reply, shut: int) -> threading.Event:
        """Give these replies; the one of that number waits until the event is set."""
        gate, left = threading.Event(), list(replies)

        def by(_: Received) -> Reply:
            if len(left) == len(replies) - shut:
                assert gate.wait(PATIENCE)
            return left.pop(0)

        self.answer(by)
        return gate

    def answer(self, by: Callable[[Received], Reply]) -> None:
        """Make each reply from its request."""
        self.server.received.clear()
        self.server.script.clear()
        self.server.answering = by

    @property
    def results(self) -> list[str]:
        """Contents of all results of tools in the last request."""
        messages = self.server.received[-1].body["messages"]
        return [one["content"] for one in messages if one["role"] == "tool"]


class Outside:
    """A host that notes what it is sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, str, str | None]] = []
        self.gate = threading.Event()
        """Requests are noted at once, and answered while it is set."""
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                key = self.headers.get("idempotency-key")
                outer.received.append((self.command, self.path, body, key))
                assert outer.gate.wait(PATIENCE)
                told = b"The rate is 1.25."
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = _answer  # noqa: N815 - as the library names them

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    made = Outside()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def vendor() -> Iterator[Scripted]:
    """A vendor in a loop of its own."""
    loop, server = asyncio.new_event_loop(), VendorServer()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(PATIENCE)
        yield Scripted(server)
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


@pytest.fixture(scope="module")
def agent_url(servers: Servers, template: str) -> Iterator[str]:
    """A database that no other worker looks at."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture(scope="module")
def agent_server(settings: Settings, agent_url: str, vendor: Scripted) -> Iterator[LiveServer]:
    """The server."""
    changed = {
        "llm": MODEL, "llm_base_url": f"{vendor.server.url}/v1", "database_url": agent_url,
        "worker_agent_concurrency": 2,
    }  # fmt: skip
    with serving(settings.model_copy(update=changed), agent_url) as server:
        yield server


@dataclass(frozen=True)
class Desk:
    """An organisation with agents at work."""

    office: Office
    vendor: Scripted

    @property
    def client(self) -> httpx.AsyncClient:
        """The client of the organisation's own key."""
        return self.office.service

    @property
    def documents(self) -> Library:
        """The organisation's documents."""
        return Library(self.client)

    async def sent(
        self,
        method: str,
        path: str,
        status: int,
        body: object = None,
        client: httpx.AsyncClient | None = None,
    ) -> Any:
        """The reply to a request that must have this status."""
        reply = await (client or self.client).request(method, f"{API}{path}", json=body)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None

    async def agent_id(self, slug: str) -> str:
        """The id of an agent."""
        listed = await self.sent("GET", "/agents?limit=100", 200)
        return next(each["id"] for each in listed["data"] if each["slug"] == slug)

    async def new_agent(self, *tools: str, **more: object) -> str:
        """A new agent; its id."""
        body = {
            "slug": f"agent-{time.monotonic_ns()}", "name": "Agent", "instructions": "Help.",
            "tools": tools, **more,
        }  # fmt: skip
        return (await self.sent("POST", "/agents", 201, body))["id"]

    async def begun(
        self,
        agent_id: str,
        task: str = "Where do visitors park?",
        client: httpx.AsyncClient | None = None,
    ) -> dict[str, Any]:
        """A run that was started."""
        path = f"/agents/{agent_id}/execute"
        return await self.sent("POST", path, 202, {"input": task}, client)

    async def reached(
        self, run_id: str, *statuses: str, client: httpx.AsyncClient | None = None
    ) -> dict[str, Any]:
        """The run once it has one of these statuses."""
        wanted = statuses or ("succeeded", "failed", "cancelled", "waiting")
        deadline = time.monotonic() + PATIENCE
        while True:
            run = await self.sent("GET", f"/agent-runs/{run_id}", 200, client=client)
            if run["status"] in wanted:
                return run
            assert time.monotonic() < deadline, run
            await asyncio.sleep(0.03)

    async def ran(
        self,
        agent_id: str,
        task: str = "Where do visitors park?",
        client: httpx.AsyncClient | None = None,
    ) -> dict[str, Any]:
        """A run once it has ended, or waits."""
        begun = await self.begun(agent_id, task, client)
        return await self.reached(begun["id"], client=client)


@pytest.fixture
async def desk(agent_server: LiveServer, vendor: Scripted) -> AsyncIterator[Desk]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield Desk(await open_office(agent_server, stack), vendor)
