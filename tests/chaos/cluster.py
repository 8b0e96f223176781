"""Two servers and two workers behind nginx, on one PostgreSQL and one Redis or Valkey.

Everything is real: nginx runs the file of `deploy/`, with the ports of the test.
"""

import asyncio
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg

from tests.entrypoints.conftest import Installation
from tests.ports import free_port
from tests.vendor import Received, Reply, VendorServer
from tests.waiting import PATIENCE
from tools.deploy_check import nginx_configuration

from .embedding_service import EmbeddingService
from .nursery import Citizen, Nursery
from .operators_database import OperatorsDatabase

API = "/api/v1"
PASSWORD = "plinth umbrella glacier 27"

SECRET = "The vault of the harbour office is opened with the word marigold."
"""A sentence that the model repeats where it is shown it."""

SLOWLY = "slowly"
"""In a question: the model takes five seconds for its answer."""

DRAIN_SECONDS = "6"
"""As in `deploy/`."""

UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


def lacking() -> str | None:
    """Names the programs that this machine lacks, in a line."""
    if shutil.which("nginx") is None:
        return "nginx is not on this machine (Debian: nginx-light)"
    if store() is None:
        return "neither valkey-server nor redis-server is on this machine"
    return None


def store() -> str | None:
    """The program of the store that servers share."""
    return shutil.which("valkey-server") or shutil.which("redis-server")


class ModelThread:
    """A model on loopback, in a thread of its own."""

    def __init__(self, answering: Callable[[Received], Reply], name: str = "m-1") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = VendorServer()
        self._server.answering = answering
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(PATIENCE)
        self.variables = {
            "CITEWELL_LLM": f"openai-compatible:{name}",
            "CITEWELL_LLM_BASE_URL": f"{self._server.url}/v1",
            "CITEWELL_LLM_API_KEY": "k",
        }

    @property
    def asked(self) -> int:
        """Requests so far."""
        return len(self._server.received)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Requests that come while the block lasts are answered behind it."""
        gate = self._server.gate = asyncio.Event()
        try:
            yield
        finally:
            self._server.gate = None
            self._loop.call_soon_threadsafe(gate.set)

    def stop(self) -> None:
        """End it."""
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _answer(received: Received) -> Reply:
    if SECRET in str(received.body):
        return Reply([SECRET.removesuffix("."), " [1]."])
    if SLOWLY not in str(received.body):
        return Reply(["The gate closes at nine [1]."])
    pieces = [f"The gate closes at nine, part {number} [1]. " for number in range(20)]
    return Reply(pieces, delay=0.25)


class Cluster:
    """The processes, with what starts and stops them."""

    def __init__(self, installation: Installation, **settings: str) -> None:
        folder = installation.folder
        self.home = installation.home
        self._database = OperatorsDatabase(folder / "own")
        self._database.prepare()
        self._ports = [free_port() for _ in range(5)]
        self._servers_ports, self.port, store_port = self._ports[:2], self._ports[3], self._ports[4]
        self._embedding = EmbeddingService()
        self._model = ModelThread(_answer)
        self._nursery = Nursery(folder)
        self._variables = installation.environment(
            **self._embedding.variables, **self._model.variables,
            CITEWELL_DATABASE_URL=self._database.url,
            CITEWELL_REDIS_URL=f"redis://127.0.0.1:{store_port}/0",
            CITEWELL_TRUSTED_PROXIES="127.0.0.1", CITEWELL_DRAIN_SECONDS=DRAIN_SECONDS, **settings,
        )  # fmt: skip
        self._helpers = [self._start_store(folder, store_port), self._start_nginx(folder)]
        self.servers: list[Citizen] = [self._serve(0)]
        self.wait_until_ready(0)  # it migrates
        self.servers.append(self._serve(1))
        self.workers = [self._work(), self._work()]
        self.wait_until_ready(1)
        self.key = (self.home / "first.key").read_text().strip()

    @property
    def address(self) -> str:
        """Of nginx."""
        return f"https://127.0.0.1:{self.port}"

    def node(self, place: int) -> str:
        """Address of a server."""
        return f"http://127.0.0.1:{self._servers_ports[place]}"

    def client(self, address: str, secret: str | None = None) -> httpx.AsyncClient:
        """A client of the API at a node, or at nginx."""
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return httpx.AsyncClient(
            base_url=f"{address}{API}", headers=headers, timeout=PATIENCE, verify=UNVERIFIED
        )

    async def user(self, name: str, *, is_admin: bool = False) -> tuple[str, dict[str, str]]:
        """A new user who has signed in: the id and the tokens."""
        rights = {"role": "director" if is_admin else "employee", "is_admin": is_admin}
        body = {"email": f"{name}@example.org", "password": PASSWORD}
        async with self.client(self.node(0), self.key) as owner:
            made = await owner.post("/users", json={"email": body["email"], **rights})
            assert made.status_code == 201, made.text
            said = made.json()
            invited = {**body, "invitation": said["invitation"]}
            reply = await owner.post("/auth/register", json=invited)
            assert reply.status_code == 201, reply.text
        return said["id"], reply.json()

    def restart_server(self, place: int) -> None:
        """Stop a server as one does, and start it again when it has ended."""
        self._end(self.servers[place])
        self.servers[place] = self._serve(place)
        self.wait_until_ready(place)

    def restart_worker(self, place: int) -> None:
        """The same with a worker."""
        self._end(self.workers[place])
        self.workers[place] = self._work()

    def readiness(self, place: int) -> int | None:
        """Status of a server's own check; None: it takes no connections."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.node(place)}{API}/health/ready", timeout=30).status_code
        return None

    def wait_until_ready(self, place: int) -> None:
        """Wait for a server."""
        self._until(lambda: self.readiness(place) == 200)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of a statement."""
        with psycopg.connect(self._database.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def last_words(self) -> str:
        """The end of what each process wrote."""
        written = sorted(self.home.parent.glob("*.log"))
        return "\n".join(f"{path.name}:\n{path.read_text()[-3000:]}" for path in written)

    def complaints(self) -> str:
        """Collects the errors of nginx and the end of each process's output."""
        said = (self.home.parent / "nginx" / "error.log").read_text()
        return f"{said[-6000:]}\n{self.last_words()}"

    def stop(self) -> None:
        """End all."""
        for process in (*self.servers, *self.workers):
            process.signal(signal.SIGINT)  # without draining
        with suppress(AssertionError):
            self._until(lambda: not any(one.is_alive for one in (*self.servers, *self.workers)))
        for process in (*self.servers, *self.workers):
            process.kill()
        for helper in self._helpers:
            helper.terminate()
            helper.wait(timeout=PATIENCE)
        self._nursery.stop()
        self._embedding.stop()
        self._model.stop()
        self._database.stop("immediate")

    def _serve(self, place: int) -> Citizen:
        port = {"CITEWELL_PORT": str(self._servers_ports[place])}
        return self._nursery.start({**self._variables, **port}, "serve", "--no-worker")

    def _work(self) -> Citizen:
        return self._nursery.start(self._variables, "worker")

    def _end(self, process: Citizen) -> None:
        process.signal(signal.SIGTERM)
        self._until(lambda: not process.is_alive)

    def _start_nginx(self, folder: Path) -> subprocess.Popen[bytes]:
        program = shutil.which("nginx")
        assert program is not None
        place = folder / "nginx"
        place.mkdir()
        listens = self._ports[2:4]
        configuration = nginx_configuration(place, program, self._servers_ports, listens)
        return _started([program, "-p", place, "-c", configuration, "-g", "daemon off;"], place)

    @staticmethod
    def _start_store(folder: Path, port: int) -> subprocess.Popen[bytes]:
        program = store()
        assert program is not None
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        return _started([program, *options], folder)

    def _until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.last_words()
            time.sleep(0.05)


def _started(command: Sequence[str | Path], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(command[0]).name}.log").open("wb") as output:
        return subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            cwd=folder, start_new_session=True,
        )  # fmt: skip
