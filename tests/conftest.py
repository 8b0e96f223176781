"""Real parts for every test: one PostgreSQL for the run, one migrated database per worker.

The server is the embedded one, or that of the environment variable DATABASE_URL. Each test gets a
tenant of its own instead of a clean-up: row-level security keeps tests apart as it keeps tenants.
"""

import asyncio
import gc
import hashlib
import os
import shutil
import ssl
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import certifi
import httpx
import hypothesis
import psycopg
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from psycopg import sql

from citewell.core.context import OPERATOR, Caller
from citewell.core.database.embedded import EmbeddedServer
from citewell.core.database.migrations import migrate
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.protocols import SERVER_OPTIONS
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_worker
from citewell.entrypoints.work import register_work
from citewell.features.identity import service as identity
from tests import lanes
from tests.examples import examples
from tests.lasting import LastingCompute, end_children, lasting_embedder, parser_of
from tests.leftovers import Leftovers, adopt_orphans, is_worker
from tests.waiting import ORDINARY, PATIENCE

for name in [name for name in os.environ if name.startswith("CITEWELL_")]:
    del os.environ[name]  # the developer's own installation is not the tests' business


# By default an example may take 200 ms by the clock, which a busy machine takes for anything.
hypothesis.settings.register_profile("suite", deadline=None, max_examples=examples(100))
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Give each run a temporary folder of its own, removed at its end.

    In the common one every further run of the same user shuts the way to it for the accounts that
    the servers of this run have. PYTEST_DEBUG_TEMPROOT=FOLDER keeps what the tests made.
    """
    log_plain_tracebacks()
    if is_worker():
        return
    trust_one_authority(config)
    if "PYTEST_DEBUG_TEMPROOT" in os.environ:
        return
    root = tempfile.mkdtemp(prefix="citewell-pytest-")
    os.environ["PYTEST_DEBUG_TEMPROOT"] = root
    config.add_cleanup(partial(shutil.rmtree, root, ignore_errors=True))


def log_plain_tracebacks() -> None:
    """Log errors as the server does, whose commands set logging up.

    The default of the library shows the variables of all frames, which takes up to a second of
    processor time for each error that a test provokes.
    """
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def trust_one_authority(config: pytest.Config) -> None:
    """Have clients trust one authority alone, in this process, its workers and what they start.

    By default each client reads all the certificates there are, in 25 ms of processor time. What
    the tests reach is on loopback.
    """
    all_of_them = Path(certifi.where()).read_text(encoding="ascii")
    _, begin, rest = all_of_them.partition("-----BEGIN CERTIFICATE-----")
    first, end, _ = rest.partition("-----END CERTIFICATE-----")
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(f"{begin}{first}{end}\n")
    os.environ["SSL_CERT_FILE"] = file.name
    config.add_cleanup(Path(file.name).unlink)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let a test take as much longer as what it waits for may: TEST_PATIENCE is for both."""
    lanes.assign(item)
    if PATIENCE > ORDINARY:
        bound = item.get_closest_marker("timeout")
        seconds = float(bound.args[0] if bound else item.config.getini("timeout"))
        longer = pytest.mark.timeout(seconds * PATIENCE / ORDINARY)
        item.add_marker(longer, append=False)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Read the modules without looking for garbage, and leave them out of all later searches.

    What they made stays to the end anyway; the server freezes its own after its start, too.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 10, 10)
        gc.enable()


WITHOUT_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of servers on loopback: by default each reads all certificates there are, in 30 ms
of processor time, which is more than most tests' requests take."""

NOTHING_IS_KEPT = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""The tests' databases end with the run: no commit has to wait for the disk."""


@dataclass(frozen=True)
class Servers:
    """Where test databases are made."""

    admin_url: str

    def url(self, database: str) -> str:
        """The same server, another database."""
        info = psycopg.conninfo.conninfo_to_dict(self.admin_url)
        host, port = info.get("host", ""), info.get("port")
        user, password = info.get("user", "postgres"), info.get("password")
        login = f"{user}:{password}" if password else str(user)
        if str(host).startswith("/"):
            return f"postgresql://{login}@/{database}?host={host}"
        return f"postgresql://{login}@{host}:{port or 5432}/{database}"

    def execute(self, statement: sql.Composed) -> None:
        """Run an administrator's statement."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def create(self, database: str, template: str | None = None) -> str:
        """Make a database anew; returns its URL."""
        name = sql.Identifier(database)
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        statement = sql.SQL("CREATE DATABASE {}").format(name)
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self.execute(statement)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database."""
        name = sql.Identifier(database)
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def server_folder(run_folder: Path) -> Path:
    """Where the embedded server of this run is.

    Not in pytest's own folder, which it shuts to all others, the server's account among them.
    """
    name = hashlib.sha256(bytes(run_folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"citewell-tests-{os.getuid()}-{name}"


LEFTOVERS = pytest.StashKey[Leftovers]()
BEGUN = pytest.StashKey[float]()


@pytest.fixture(scope="session", autouse=True)
def no_process_stays(request: pytest.FixtureRequest, server_folder: Path) -> Iterator[None]:
    """Fails the run if a test leaves a process behind; it is set up first and so ends last."""
    adopt_orphans()
    leftovers = request.config.stash[LEFTOVERS] = Leftovers(server_folder)
    yield
    end_children()
    left = leftovers.left()
    assert left == [], "processes were left behind"


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note what runs after each test."""
    leftovers = item.config.stash.get(LEFTOVERS, None)
    if leftovers is not None:
        leftovers.note(item.nodeid, time.monotonic() - item.stash[BEGUN])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note when each test begins."""
    item.stash[BEGUN] = time.monotonic()


@pytest.fixture(scope="session")
def servers(server_folder: Path) -> Iterator[Servers]:
    """The server of this run."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield Servers(given)
        return
    server = EmbeddedServer(server_folder, options=NOTHING_IS_KEPT)
    server.start()
    try:
        yield Servers(server.url("postgres", "postgres"))
    finally:
        server.stop()
        if server.pid() is None:  # the last worker of this run
            shutil.rmtree(server_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def superuser(servers: Servers) -> None:
    """Skips tests that damage or look at what only a superuser of the database can."""
    with psycopg.connect(servers.admin_url) as connection:
        if connection.execute("SHOW is_superuser").fetchone() != ("on",):
            pytest.skip("needs a superuser of the database; DATABASE_URL names another user")


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    """Name of a migrated database to clone; made by whichever worker comes first."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]
    name = f"citewell_test_{run}_template"
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242)")
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(query, (name,)).fetchone():
            migrate(servers.create(name))
    return name


@pytest.fixture(scope="session")
def database_url(servers: Servers, template: str) -> Iterator[str]:
    """This worker's database."""
    name = f"{template.removesuffix('_template')}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242)")
        url = servers.create(name, template)
    yield url
    servers.drop(name)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This worker's CITEWELL_HOME."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def settings(home: Path, database_url: str) -> Settings:
    """Settings of this worker's installation."""
    return Settings(
        _env_file=None, home=home, database_url=database_url, log_level="error", threads=1,
        rate_limit_queries=0, rate_limit_requests=0,  # sweeps ask thousands of times
        trash_minutes=60,  # longer than any run: purging is a test's own business
    )  # fmt: skip


@asynccontextmanager
async def open_patient(settings: Settings, url: str) -> AsyncIterator[Platform]:
    """Everything a process holds open, with limits of time that only what hangs reaches."""
    handle = DatabaseHandle(url, is_first_user=False)
    embedder = await lasting_embedder(settings)
    async with open_platform(settings, handle, embedder=embedder) as platform:
        folders = platform.blobs.plain_folders
        compute, parser = LastingCompute(folders), parser_of(settings, folders)
        try:
            yield replace(platform, compute=compute, parser=parser)
        finally:
            await parser.close()
            await compute.close()


@pytest.fixture
async def platform(settings: Settings, database_url: str) -> AsyncIterator[Platform]:
    """Everything a process holds open."""
    async with open_patient(settings, database_url) as opened:
        yield opened


SHORTEST_REST = 120.0
"""Seconds that a test whose figures are told by the day may take, on whatever machine."""


@pytest.fixture
async def one_day() -> None:
    """Let the test begin in a day (UTC) that does not end under it, and so in a month neither."""
    left = 86_400 - time.time() % 86_400
    if left < SHORTEST_REST:
        await asyncio.sleep(left + 0.1)


@pytest.fixture
async def caller(platform: Platform) -> Caller:
    """The operator in a tenant of this test's own."""
    return await new_caller(platform)


async def new_caller(platform: Platform) -> Caller:
    """The operator in a new tenant."""
    slug = f"t-{uuid.uuid4().hex}"
    await identity.create_tenant(platform, slug, "Test")
    return Caller(await identity.find_tenant(platform, slug), OPERATOR)


@pytest.fixture
async def worker(platform: Platform) -> AsyncIterator[None]:
    """A job worker for the time of the test."""
    async with running_worker(platform, adopt_all=False):
        yield


@dataclass(frozen=True)
class LiveServer:
    """A server that listens on loopback, with its job worker."""

    address: str
    platform: Platform
    loop: asyncio.AbstractEventLoop

    def new_key(self) -> str:
        """An API key of a new tenant, made inside the server."""
        made = identity.create_tenant(self.platform, f"t-{uuid.uuid4().hex}", "Test")
        return asyncio.run_coroutine_threadsafe(made, self.loop).result(PATIENCE).secret

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client of the API."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(
            base_url=self.address, headers=headers, timeout=PATIENCE, verify=WITHOUT_TLS
        )


@contextmanager
def serving(
    settings: Settings,
    url: str,
    *,
    has_worker: bool = True,
    poll: float | None = None,
    extend: Callable[[FastAPI], None] | None = None,
) -> Iterator[LiveServer]:
    """A real server in a thread of this process, with routes of the test if it has any.

    `poll`: Seconds between looks of its worker for jobs that were put off; they come untold.
    """

    inside: list[tuple[Platform, asyncio.AbstractEventLoop]] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[Platform]:
        async with open_patient(settings, url) as platform:
            if poll is not None:
                queue = JobQueue[Platform](url, poll=poll, supervisor=platform.supervisor)
                queue.register_later(partial(register_work, queue, platform.schedules, settings))
                platform = replace(platform, queue=queue)
            inside.append((platform, asyncio.get_running_loop()))
            if not has_worker:
                yield platform
                return
            async with running_worker(platform, adopt_all=False):
                yield platform

    app = create_app(settings, opened)
    if extend is not None:
        extend(app)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=60,  # longer than clients keep a connection they do not use
            # A client here shares its processors with all else: what does not pong is not gone.
            **{**SERVER_OPTIONS, "ws_ping_timeout": PATIENCE},
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.02)
        assert server.started, "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield LiveServer(f"http://127.0.0.1:{port}", *inside[0])
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        if not thread.is_alive():
            # FastAPI keeps the functions of the documentation's pages for good, and they keep the
            # application: tens of megabytes for each server that a worker of the suite has had.
            vars(app).clear()


@pytest.fixture(scope="session")
def live_server(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """This worker's server."""
    with serving(settings, database_url) as server:
        yield server


@pytest.fixture
def key(live_server: LiveServer) -> str:
    """An API key of a tenant of this test's own."""
    return live_server.new_key()


@pytest.fixture
async def client(live_server: LiveServer, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a valid key of this test's tenant."""
    async with live_server.client(key) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_key(live_server: LiveServer) -> str:
    """A key of one tenant for all tests that leave nothing behind."""
    return live_server.new_key()


@pytest.fixture
async def shared_client(
    live_server: LiveServer, shared_key: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that tenant."""
    async with live_server.client(shared_key) as opened:
        yield opened


@pytest.fixture
async def stranger(live_server: LiveServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a valid key of another tenant."""
    async with live_server.client(live_server.new_key()) as opened:
        yield opened


@pytest.fixture
async def anonymous(live_server: LiveServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    async with live_server.client() as opened:
        yield opened


@dataclass(frozen=True)
class Library:
    """Acts of a test on documents, over the API."""

    client: httpx.AsyncClient

    async def add(self, title: str, content: str, **more: object) -> dict[str, Any]:
        """Hand in a text; returns the document once it is ready or has failed."""
        body = {"title": title, "content": content, **more}
        reply = await self.client.post("/api/v1/documents", json=body)
        assert reply.status_code == 202, reply.text
        return await self.settled(reply.json()["documents"][0]["id"])

    async def upload(self, *files: tuple[str, bytes], **form: str) -> list[dict[str, Any]]:
        """Hand in files; returns their documents once they are ready or have failed."""
        parts = [("files", (name, content)) for name, content in files]
        reply = await self.client.post("/api/v1/documents/upload", files=parts, data=form)
        assert reply.status_code == 202, reply.text
        return [await self.settled(item["id"]) for item in reply.json()["documents"]]

    async def settled(self, document_id: str) -> dict[str, Any]:
        """The document once it is ready or has failed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = await self.client.get(f"/api/v1/documents/{document_id}")
            assert reply.status_code == 200, reply.text
            if reply.json()["status"] not in ("queued", "processing"):
                return reply.json()
            assert time.monotonic() < deadline, f"still {reply.json()['status']}"
            await asyncio.sleep(0.05)

    async def search(self, query: str, **more: object) -> list[dict[str, Any]]:
        """The passages found."""
        reply = await self.client.post("/api/v1/search", json={"query": query, **more})
        assert reply.status_code == 200, reply.text
        return reply.json()["results"]


@pytest.fixture
def library(client: httpx.AsyncClient) -> Library:
    """This test's tenant's documents."""
    return Library(client)


PROBLEM_KEYS = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(reply: httpx.Response, status: int, code: str) -> None:
    """A refusal as RFC 9457 and the house want it."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem.keys() == PROBLEM_KEYS
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]


@pytest.fixture
def refused() -> Callable[[httpx.Response, int, str], None]:
    """Asserts that a reply is a problem with this status and code."""
    return assert_problem
