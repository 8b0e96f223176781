"""How connections behave at their ends: told of a stop, cut when nobody reads."""

import asyncio
import socket
import uuid
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from citewell.core.errors import Problem
from citewell.entrypoints.http.connections import Connections, Place
from citewell.entrypoints.http.problems import MEDIA_TYPE, problem_body
from citewell.entrypoints.http.protocol import CONNECTIONS, PLACE, ProblemProtocol

CLOSING = "closing"
"""Where the application's lifespan state has what to call when the server stops."""

MAX_FRAME_BYTES = 4096
"""Of what clients send: a token and a few words."""

PING_SECONDS = 20.0

STUCK_SECONDS = 20.0
"""A connection that takes nothing for so long is cut; closing it would wait for it."""

WRITE_BUFFER_BYTES = 16 * 1024
"""Held for a reader beside its bounded queue, before its queue grows."""

KERNEL_BUFFER_BYTES = 64 * 1024
"""Held by the system, which would let it grow to megabytes."""

GOING_AWAY = 1001


def _announce(app_state: dict[str, Any]) -> None:
    close: Callable[[], None] | None = app_state.get(CLOSING)
    if close is not None:
        close()


class HttpProtocol(ProblemProtocol):
    """HTTP whose open streams are told when the server stops; it waits for them otherwise."""

    def shutdown(self) -> None:
        _announce(self.app_state)
        if not self._connections.is_draining or self.is_unused:
            super().shutdown()
        elif not self.await_last_request():
            self.close_with_reply()


class ProblemHandshake(ServerProtocol):
    """Refuses what is no handshake of a WebSocket by a problem, not by plain text."""

    def reject(self, status: StatusLike, text: str) -> Response:
        """The reply to a handshake that failed."""
        response = super().reject(status, text)
        request_id, is_ours = str(uuid.uuid4()), response.status_code >= 500
        problem = Problem(
            "internal_error" if is_ours else "bad_request",
            "Something went wrong on our side" if is_ours else "The request cannot be read",
            text.strip() or "This is no handshake of a WebSocket.",
            response.status_code,
        )
        response.body = problem_body(problem, request_id)
        del response.headers["Content-Type"], response.headers["Content-Length"]
        response.headers["Content-Type"] = MEDIA_TYPE
        response.headers["Content-Length"] = str(len(response.body))
        response.headers["X-Request-ID"] = request_id
        return response


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that holds little for a reader and cuts one who takes nothing."""

    _stuck: asyncio.TimerHandle | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._place: Place | None = app_state.get(PLACE)
        self.conn = ProblemHandshake(max_size=config.ws_max_size, logger=self.logger)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(STUCK_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._unstick()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unstick()
        if self._place is not None:
            connections: Connections = self.app_state[CONNECTIONS]
            connections.leave(self._place)
            self._place = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        _announce(self.app_state)
        if not self.handshake_complete or self.close_sent or self.disconnected:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
        self.conn.send_close(GOING_AWAY)
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self._stuck is not None:  # it would never take the rest
            self.transport.abort()
        self.transport.close()

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


SERVER_OPTIONS: dict[str, Any] = {
    "http": HttpProtocol,
    "ws": SocketProtocol,
    "ws_max_size": MAX_FRAME_BYTES,
    "ws_per_message_deflate": False,  # its windows would be most of what a socket costs
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
}
"""For `uvicorn.Config`."""
