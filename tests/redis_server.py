"""As much of Redis as caches use: GET and SET over its protocol (RESP2), on loopback."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class RedisServer:
    """Values of one server, which can be stopped, started again and made slow."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.lifetimes: dict[bytes, int] = {}
        """Seconds, as they were asked for; nothing expires."""
        self.delay = 0.0
        """Seconds before each reply."""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    command = await _command(reader)
                    reply = self._reply(command)
                    await asyncio.sleep(self.delay)
                    writer.write(reply)
                    await writer.drain()
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    def _reply(self, command: list[bytes]) -> bytes:
        match command:
            case [b"GET", name]:
                value = self.values.get(name)
                return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
            case [b"SET", name, value, b"EX", seconds]:
                self.values[name] = value
                self.lifetimes[name] = int(seconds)
                return b"+OK\r\n"
            case [b"HELLO" | b"CLIENT", *_]:
                return b"-ERR unknown command\r\n"
            case [b"SELECT" | b"PING", *_]:
                return b"+OK\r\n"
            case _:
                raise AssertionError(f"not a command of caches: {command}")


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    count = int((await reader.readuntil(b"\r\n"))[1:])
    parts: list[bytes] = []
    for _ in range(count):
        size = int((await reader.readuntil(b"\r\n"))[1:])
        parts.append((await reader.readexactly(size + 2))[:-2])
    return parts
