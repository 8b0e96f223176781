"""A listener that takes no new connections, and loses none of those it has."""

import select
import socket
import sys

import pytest

from citewell.entrypoints.http.draining import drop_handshakes
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter is one of Linux")


@pytest.fixture
def listener() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


class TestDropHandshakes:
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
