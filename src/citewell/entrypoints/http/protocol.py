"""HTTP as the server speaks it: bounded in size, in time and in number, refusals as problems."""

import asyncio
import uuid
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from citewell.core.errors import Problem
from citewell.entrypoints.http.connections import Connections, Place
from citewell.entrypoints.http.problems import MEDIA_TYPE, problem_body

CONNECTIONS = "connections"
"""Where the application's lifespan state has the `Connections` of the process."""

PLACE, SIGNED_IN = "place", "signed_in"
"""Where that of a socket has its place, and what to call when it has signed in."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a request's line and headers; the parser has no limit. Browsers send up to 16 KiB of cookies,
and other servers take 8 to 64 KiB."""

CLOSE = (b"connection", b"close")

LAST_IDLE_SECONDS = 5
"""Life of an idle connection of a server that stops: longer than the nginx of `deploy/` keeps its
own (4), which so never sends a request on one that is being closed."""

SLOWEST_BODY_BYTES = 4096
"""Of a body that is still coming, in `body_seconds`: less than the slowest modem sends."""

READER_SECONDS = 60.0
"""A reply of which nothing is taken for so long is cut; 64 KiB of it wait in memory meanwhile."""


class ProblemProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit for everything a client could make the server wait for or hold."""

    _place: Place | None = None
    _deadline: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_in_head = False
    _is_in_body = False
    _body_bytes = 0

    @property
    def _connections(self) -> Connections:
        return self.app_state[CONNECTIONS]

    @property
    def _is_between_requests(self) -> bool:
        """Whether the next thing to come is, or goes on with, the head of a request."""
        cycle: Any = self.cycle
        return self._is_in_head or (
            not self._is_in_body and (cycle is None or cycle.response_complete)
        )

    @property
    def is_unused(self) -> bool:
        """Whether nothing was asked on it yet."""
        cycle: Any = self.cycle
        return cycle is None

    def close_with_reply(self) -> None:
        """Have the reply that is being made close the connection, and tell so if it still can."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            return
        if cycle.response_started:
            # Not told: its client may send another request, which is answered once more.
            self.timeout_keep_alive = LAST_IDLE_SECONDS
        else:
            cycle.default_headers = [*cycle.default_headers, CLOSE]
            cycle.keep_alive = False

    def await_last_request(self) -> bool:
        """Give an idle connection time for a request that is on its way; False: it is not idle."""
        cycle: Any = self.cycle
        if cycle is None or not cycle.response_complete or self._is_in_head:
            return False
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            LAST_IDLE_SECONDS, self.timeout_keep_alive_handler
        )
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[override]
        super().connection_made(transport)  # pyright: ignore[reportArgumentType] - uvicorn's own
        connections = self._connections
        self._place = connections.take(self.client[0] if self.client else "")
        if self._place is None or not connections.wait(self._place):
            self._refuse(_TOO_MANY)
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        self._unstick()
        if self._place is not None:
            self._connections.leave(self._place)
            self._place = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # refused; the rest of what was sent is not read
        if self._is_in_head or not self._is_in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self._place is None:
            return  # refused, or a socket now
        if self._is_between_requests:
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(
                    Problem(
                        "head_too_large",
                        "The request cannot be read",
                        f"Its line and headers are longer than {MAX_HEAD_BYTES:,} bytes.",
                        431,
                    )
                )
            elif self._deadline is None:
                self._await_head()
        elif self._is_in_body and self._deadline is None:
            self._await_body()

    def on_message_begin(self) -> None:
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head, self._is_in_body, self._head_bytes = False, True, 0
        self._rest()
        if self._place is not None:
            self._connections.arrived(self._place)
        super().on_headers_complete()
        if self._connections.is_draining:
            self.close_with_reply()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body = False
        self._rest()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._rest()
        if self._place is None or not self._connections.begin_socket(self._place):
            self._refuse(_TOO_MANY)
            return
        # The protocol that takes over is made by the framework; both are found in its state.
        self.app_state[PLACE] = self._place
        self.app_state[SIGNED_IN] = partial(self._connections.signed_in, self._place)
        self._place = None
        try:
            super().handle_websocket_upgrade()
        finally:
            del self.app_state[PLACE], self.app_state[SIGNED_IN]

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(READER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._unstick()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP and close the connection."""
        self._refuse(Problem("bad_request", "The request cannot be read", msg, 400))

    def _await_head(self) -> None:
        place = self._place
        if place is not None and self._connections.wait(place):
            self._deadline = self.loop.call_later(self._connections.head_seconds, self._head_late)
        else:
            self.transport.close()

    def _head_late(self) -> None:
        self._deadline = None
        if self._is_in_head:
            self._refuse(_late("Its head"))
        else:
            self.transport.close()  # nothing was asked, so nothing is answered

    def _await_body(self) -> None:
        self._body_bytes = 0
        self._deadline = self.loop.call_later(self._connections.body_seconds, self._body_late)

    def _body_late(self) -> None:
        """Cut a body that made no progress, unless it is the server that does not read."""
        self._deadline = None
        if self._body_bytes >= SLOWEST_BODY_BYTES or self.flow.read_paused:
            self._await_body()
        else:
            self._refuse(_late("Its body"))

    def _rest(self) -> None:
        """Wait for nothing any more."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem and close; a connection whose reply has begun is cut off."""
        cycle: Any = self.cycle
        is_answered = (
            cycle is not None
            and cycle.response_started
            and (self._is_in_body or not cycle.response_complete)
        )
        if not is_answered:
            request_id = str(uuid.uuid4())
            body = problem_body(problem, request_id)
            head = (
                f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
                f"x-request-id: {request_id}\r\nconnection: close\r\n"
            )
            if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
                head += "retry-after: 1\r\n"
            self.transport.write(STATUS_LINE[problem.status] + head.encode() + b"\r\n" + body)
        if cycle is not None and not cycle.response_complete:
            # Nothing of the application's own reply may follow.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


_TOO_MANY = Problem(
    "too_many_connections",
    "Temporarily not available",
    "This server holds as many connections as it may, in all or from your address. Close some, "
    "or try again in a moment.",
    503,
)


def _late(what: str) -> Problem:
    return Problem(
        "request_timeout", "The request took too long", f"{what} did not arrive in time.", 408
    )
