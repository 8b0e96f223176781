"""Stopping a server behind a proxy without failing a request.

A proxy learns late that a server stops. A request may be on its way over an idle connection that
is just being closed, or wait in the queue of a listener that is; and a POST that has been sent is
repeated by nobody. So a server that is stopped by SIGTERM

1. says so (`health/ready`) and goes on answering for `CITEWELL_DRAIN_SECONDS`, every reply on a
   connection that closes with it;
2. takes no new connections while those in its queue are accepted and their requests read;
3. closes the listener, upon which a proxy asks the next server, and finishes what it has begun.
"""

import asyncio
import ctypes
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from citewell.core.errors import StartupError
from citewell.entrypoints.http.connections import Connections
from citewell.entrypoints.http.protocol import CONNECTIONS
from citewell.entrypoints.http.protocols import CLOSING, HttpProtocol

log = structlog.get_logger(__name__)

GRACE_SECONDS = 10
"""Time for requests under way after the listener is closed."""

DRAINED_GRACE_SECONDS = 30
"""The same where stops are drained: other servers answer meanwhile, so nobody waits for it."""

HANDSHAKE_SECONDS = 0.25
"""Time for handshakes that have begun, many round trips of a local network."""

FIRST_REQUEST_SECONDS = 2.0
"""Longest wait for the requests of connections that were accepted last."""

SO_ATTACH_FILTER = 26
"""Of Linux (asm-generic/socket.h); `socket` has no name for it."""

_NO_HANDSHAKES = (
    (0x30, 0, 0, 13),  # load byte 13 of the TCP header: its flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # let everything else through
)
"""A filter (classic BPF) that drops the first packet of new connections and nothing else. Its
sender tries again after a second, finds the listener closed and goes elsewhere."""


def drop_handshakes(listener: socket.socket) -> bool:
    """Let no further connection begin; False where the system knows no such filter.

    Without it those that begin between the last `accept` and `close` are reset, some microseconds
    of a stop.
    """
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *each) for each in _NO_HANDSHAKES)
    )
    program = struct.pack("HL", len(_NO_HANDSHAKES), ctypes.addressof(code))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError:
        return False
    return True


class ServerConfig(uvicorn.Config):
    """Options of a server, with how long it drains."""

    drain_seconds: float = 0.0

    def drain(self, seconds: float) -> None:
        """Go on answering for so long after SIGTERM; 0: stop at once."""
        self.drain_seconds = seconds
        self.timeout_graceful_shutdown = grace_seconds(seconds)


def grace_seconds(drain_seconds: float) -> int:
    """Time for work under way once a server that drains for so long is closed."""
    return DRAINED_GRACE_SECONDS if drain_seconds else GRACE_SECONDS


class DrainingServer(uvicorn.Server):
    """A server that stops as the module says; by Ctrl-C, at once."""

    config: ServerConfig

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self._is_to_drain = False
        self._until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal; a second one ends the draining."""
        self._is_to_drain = sig == signal.SIGTERM and not self.should_exit
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen and to answer.

        Raises:
            StartupError: Another server has begun to listen on the port since it was bound.
            SystemExit: The same in one of several processes, whose parent stops then.
        """
        try:
            await super().startup(sockets)
        except OSError as error:
            await self.lifespan.shutdown()
            where = " and ".join(f"port {each.getsockname()[1]}" for each in sockets or [])
            reason = f"Citewell cannot listen on {where}: {error.strerror or error}."
            if self.config.workers == 1:
                raise StartupError(
                    f"{reason} Choose another one with --port or CITEWELL_PORT."
                ) from error
            log.error("not_listening", reason=reason)
            raise SystemExit(STARTUP_FAILURE) from error

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to stop."""
        is_over = await super().on_tick(counter)
        if not is_over or not self._is_to_drain or not self.config.drain_seconds:
            return is_over
        if self._until is None:
            self._until = time.monotonic() + self.config.drain_seconds
            self._announce()
        return time.monotonic() >= self._until

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener once its queue is empty, and finish what has begun."""
        if self._until is not None and not self.force_exit:
            await self._empty_queue(sockets or [])
        # Connections announce it too, but there may be none: answers whose readers have left.
        close: Callable[[], None] = self.lifespan.state[CLOSING]
        close()
        await super().shutdown(sockets)

    def _announce(self) -> None:
        log.info("draining", seconds=self.config.drain_seconds)
        connections: Connections = self.lifespan.state[CONNECTIONS]
        connections.is_draining = True
        for each in self._http():
            each.close_with_reply()

    async def _empty_queue(self, listeners: Sequence[socket.socket]) -> None:
        # The filter is one of the socket, which several processes share: one of them that stops
        # alone must not make the others deaf. Their parent sets it when all stop.
        if self.config.workers == 1:
            for listener in listeners:
                drop_handshakes(listener)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        ends = time.monotonic() + FIRST_REQUEST_SECONDS
        # Polled: connections have no event for it.
        while time.monotonic() < ends and any(each.is_unused for each in self._http()):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)

    def _http(self) -> list[HttpProtocol]:
        connections: list[object] = list(self.server_state.connections)
        return [each for each in connections if isinstance(each, HttpProtocol)]


class DrainingProcess(Process):
    """One of several processes that answer."""

    config: ServerConfig

    @property
    def server(self) -> uvicorn.Server:
        """The server of this process."""
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


class DrainingProcesses(Multiprocess):
    """Several processes that answer; one that replaces a crashed one stops without draining."""

    config: ServerConfig

    def init_processes(self) -> None:
        """Start them."""
        for _ in range(self.processes_num):
            process = DrainingProcess(self.config, self.sockets)
            process.start()
            self.processes.append(process)

    def terminate_all(self) -> None:
        """Stop them, and close the port here too when they have drained; it is open until then."""
        super().terminate_all()
        ends = time.monotonic() + self.config.drain_seconds
        for each in self.processes:
            each.process.join(max(0.0, ends - time.monotonic()))
        for listener in self.sockets:
            if self.config.drain_seconds:
                drop_handshakes(listener)
            listener.close()
