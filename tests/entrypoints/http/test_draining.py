"""A listener that takes no new connections, and loses none of those it has."""

import select
import signal
import socket
import sys
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from uvicorn.supervisors.multiprocess import SIGNALS

from citewell.core.errors import StartupError
from citewell.entrypoints.http.draining import (
    DrainingProcesses,
    DrainingServer,
    ServerConfig,
    drop_handshakes,
)
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter is one of Linux")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def config(*, workers: int, drain_seconds: float = 0.0) -> ServerConfig:
    made = ServerConfig(FastAPI(), workers=workers, lifespan="off", log_config=None)
    made.drain(drain_seconds)
    return made


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Handlers of this process, which a parent of several replaces."""
    before = {each: signal.getsignal(each) for each in SIGNALS}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def is_deaf(address: tuple[str, int]) -> bool:
    """Whether the first packet of a connection over loopback, where none is lost, is dropped."""
    with socket.socket() as late:
        late.setblocking(False)
        late.connect_ex(address)
        return select.select([], [late], [], 0)[1] == []


@pytest.fixture
def filters() -> None:
    """Skips what needs filters of sockets: some systems keep them from ordinary users."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        if not drop_handshakes(other):
            pytest.skip("needs filters of sockets, which this system refuses to this user")


class TestSeveralProcesses:
    @pytest.mark.usefixtures("filters")
    async def test_one_that_stops_alone_leaves_the_shared_port_to_the_others(
        self, listener: socket.socket
    ) -> None:
        for workers, deaf in ((2, False), (1, True)):
            await DrainingServer(config(workers=workers))._empty_queue([listener])
            assert is_deaf(listener.getsockname()) is deaf

    @pytest.mark.usefixtures("filters", "own_signals")
    def test_parent_closes_the_port_once_they_have_drained(self, listener: socket.socket) -> None:
        for seconds in (0.0, 0.01):
            address, of_child = listener.getsockname(), listener.dup()
            parent = DrainingProcesses(config(workers=2, drain_seconds=seconds), [listener])
            parent.terminate_all()
            assert listener.fileno() == -1
            assert is_deaf(address) is bool(seconds)
            listener = of_child
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


class TestStartup:
    async def test_port_that_another_server_took_meanwhile_is_told(self) -> None:
        with socket.socket() as first, socket.socket() as second:
            for each in (first, second):  # both are bound: neither listens yet
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            first.bind(("127.0.0.1", 0))
            second.bind(first.getsockname())
            first.listen()
            with pytest.raises(StartupError, match="cannot listen"):
                await DrainingServer(config(workers=1)).serve([second])
            with pytest.raises(SystemExit):
                await DrainingServer(config(workers=2)).serve([second])


class TestDropHandshakes:
    @pytest.mark.usefixtures("filters")
    def test_connections_that_wait_are_kept_and_new_ones_go_elsewhere(
        self, listener: socket.socket
    ) -> None:
        address = listener.getsockname()
        with socket.create_connection(address) as early, socket.socket() as late:
            early.sendall(b"asked before")
            assert drop_handshakes(listener)
            late.setblocking(False)
            late.connect_ex(address)
            taken, _ = listener.accept()
            with taken:
                assert taken.recv(100) == b"asked before"
            # Its first packet was dropped; the next one, a second later, meets a closed port.
            assert select.select([], [late], [], 0)[1] == []
            listener.close()
            assert select.select([], [late], [], PATIENCE)[1] == [late]
            assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def test_socket_of_the_file_system_has_no_handshakes(self) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            assert not drop_handshakes(other)
