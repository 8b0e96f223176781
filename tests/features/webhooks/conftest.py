"""A server, and light parts, whose operator allows loopback; a receiver of messages there."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.features.webhooks import jobs as webhook_jobs
from tests.conftest import LiveServer, Servers, serving
from tests.office import Office, open_office
from tests.quiet import quiet_database, quiet_platform


class Receiver:
    """Takes messages and answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.messages: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.messages.append((headers, self.rfile.read(length)))
                self.send_response(outer.status)
                self.send_header("location", "http://127.0.0.1:1/")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_server(settings: Settings, servers: Servers, template: str) -> Iterator[LiveServer]:
    """A server that may reach loopback, over a database whose jobs no other server takes."""
    with quiet_database(servers, template) as url:
        allowed = {"private_hosts": ("127.0.0.1",), "database_url": url}
        with serving(settings.model_copy(update=allowed), url) as server:
            yield server


@pytest.fixture
async def office(open_server: LiveServer) -> AsyncIterator[Office]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield await open_office(open_server, stack)


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database for one module."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def quiet(own_url: str, settings: Settings) -> AsyncIterator[Platform]:
    """Light parts that may reach loopback; jobs run when a test runs them."""
    allowed = settings.model_copy(update={"private_hosts": ("127.0.0.1",)})
    async with quiet_platform(allowed, own_url) as platform:
        webhook_jobs.register(platform.queue, platform.schedules)
        yield platform
