"""Servers that are not ready yet, played by a port that refuses first and then passes on."""

import multiprocessing
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy.engine import make_url

from citewell.core.database.connecting import connect

pytestmark = pytest.mark.processes

STARTING = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
"""PostgreSQL's reply while it recovers (protocol 3, ErrorResponse)."""


class Port:
    """A port of a server that is away, then starting, then ready.

    In a process of its own: libpq's ping keeps all threads of ours waiting.
    """

    def __init__(
        self, target: Callable[[], socket.socket], *, away: float, starting: float
    ) -> None:
        # Bound from the start, so that nobody else gets the port; refused until it listens.
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.number = self._listener.getsockname()[1]
        self._target = target
        self._away = away
        self._ready_at = time.monotonic() + away + starting
        self._process = multiprocessing.get_context("fork").Process(target=self._run)
        self._process.start()
        self._listener.close()

    def close(self) -> None:
        self._process.kill()
        self._process.join()

    def _run(self) -> None:
        time.sleep(self._away)
        with self._listener as listener:
            listener.listen()
            while True:
                client = listener.accept()[0]
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(ConnectionError):
            if time.monotonic() < self._ready_at:
                self._refuse(client)
                return
            with self._target() as server:
                back = threading.Thread(target=pass_on, args=(server, client))
                back.start()
                pass_on(client, server)
                back.join()

    @staticmethod
    def _refuse(client: socket.socket) -> None:
        while client.recv(8)[4:] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # TLS, GSS?
            client.sendall(b"N")
        client.sendall(b"E" + struct.pack("!i", len(STARTING) + 4) + STARTING)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def port(database_url: str) -> Iterator[Callable[..., str]]:
    """Open a port in front of the database; returns its URL."""
    url = make_url(database_url)
    folder = url.query.get("host")

    def target() -> socket.socket:
        if folder is None:
            return socket.create_connection((url.host, url.port or 5432))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{folder}/.s.PGSQL.{url.query.get('port', 5432)}")
        return server

    opened: list[Port] = []

    def make(*, away: float = 0.0, starting: float = 0.0) -> str:
        opened.append(Port(target, away=away, starting=starting))
        through = url.set(host="127.0.0.1", port=opened[-1].number, query={})
        return through.render_as_string(hide_password=False)

    yield make
    for each in opened:
        each.close()


class TestConnect:
    @pytest.mark.parametrize("state", ["away", "starting"])
    def test_server_that_is_not_ready_is_waited_for(
        self, port: Callable[..., str], state: str
    ) -> None:
        started = time.monotonic()
        with connect(port(**{state: 0.5})) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - started > 0.4

    def test_wait_for_a_starting_server_has_an_end(self, port: Callable[..., str]) -> None:
        url = port(starting=3600)
        with pytest.raises(psycopg.OperationalError, match="starting up"):
            connect(url, ready=0.5)

    def test_wait_for_an_absent_server_has_an_end(self, port: Callable[..., str]) -> None:
        url = port(away=3600)
        with pytest.raises(psycopg.OperationalError, match="refused"):
            connect(url, present=0.5)

    def test_refusal_that_does_not_pass_is_told_at_once(self, port: Callable[..., str]) -> None:
        with pytest.raises(psycopg.OperationalError, match="not_there"):
            connect(port().rpartition("/")[0] + "/not_there", ready=3600, present=3600)
