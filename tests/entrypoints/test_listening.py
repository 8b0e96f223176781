"""The listening socket of `citewell serve`."""

import asyncio
import socket

from citewell.core.settings import Settings
from citewell.entrypoints.commands.server import _listening
from tests.waiting import PATIENCE


class TestListening:
    async def test_accepted_connections_send_without_delay(self, settings: Settings) -> None:
        free = settings.model_copy(update={"port": 0})
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def on_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sock = writer.get_extra_info("socket")
            accepted.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with _listening(free) as listener:
            server = await asyncio.start_server(on_connection, sock=listener)
            port = listener.getsockname()[1]
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await asyncio.wait_for(accepted, PATIENCE) != 0
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
