"""A vendor on loopback: real HTTP in OpenAI's and Anthropic's wire formats, with faults."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

DEFAULT_REPLY = ["Annual leave is ", "20 days ", "[1]."]


@dataclass
class Reply:
    """What the server does with one request."""

    pieces: list[str] = field(default_factory=lambda: list(DEFAULT_REPLY))
    status: int = 200
    error: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hangs_before: bool = False
    cuts_after: int | None = None
    """Pieces sent before the connection is dropped."""
    ends_early_after: int | None = None
    """Pieces sent before the body ends in good form but without the format's last events."""
    garbage: bytes | None = None
    stop: str = "stop"
    delay: float = 0.0
    error_in_stream: dict[str, Any] | None = None


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class VendorServer:
    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.received: list[Received] = []
        self.arrived = asyncio.Event()
        self.dropped = asyncio.Event()
        """Set when a client went away while its reply was being written."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while request := await self._read(reader):
                self.received.append(request)
                self.arrived.set()
                reply = self.script.pop(0) if self.script else Reply()
                if not await self._answer(request, reply, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped.set()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Received | None:
        line = await reader.readline()
        if not line:
            return None
        path = line.split()[1].decode()
        headers: dict[str, str] = {}
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Received(path, headers, json.loads(body))

    async def _answer(
        self,
        request: Received,
        reply: Reply,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        if reply.hangs_before:
            await reader.read(1)
            self.dropped.set()
            return False
        if reply.status != 200:
            body = json.dumps(reply.error or {"error": {"message": "no", "type": "t"}}).encode()
            head = f"HTTP/1.1 {reply.status} X\r\ncontent-type: application/json\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            return True
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        is_anthropic = request.path.endswith("/messages")
        events = list(_anthropic(reply) if is_anthropic else _openai(reply))
        for event in events:
            if event is None:
                return False
            if reply.delay:
                gone = asyncio.ensure_future(reader.read(1))
                done, _ = await asyncio.wait({gone}, timeout=reply.delay)
                gone.cancel()
                await asyncio.gather(gone, return_exceptions=True)
                if done:
                    self.dropped.set()
                    return False
            writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


def _sent_pieces(reply: Reply) -> Iterator[str | None]:
    for number, piece in enumerate(reply.pieces):
        if number == reply.cuts_after:
            yield None
            return
        yield piece
    if reply.cuts_after == len(reply.pieces):
        yield None


def _openai(reply: Reply) -> Iterator[bytes | None]:
    def chunk(choices: list[Any], **more: Any) -> bytes:
        data = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "m",
            "choices": choices,
            **more,
        }
        return f"data: {json.dumps(data)}\n\n".encode()

    def delta(content: dict[str, Any], finish: str | None = None) -> bytes:
        return chunk([{"index": 0, "delta": content, "finish_reason": finish}])

    if reply.garbage is not None:
        yield reply.garbage
        return
    yield delta({"role": "assistant", "content": ""})
    if reply.error_in_stream:
        yield f"data: {json.dumps(reply.error_in_stream)}\n\n".encode()
        return
    for number, piece in enumerate(_sent_pieces(reply)):
        if number == reply.ends_early_after:
            return
        yield None if piece is None else delta({"content": piece})
        if piece is None:
            return
    yield delta({}, reply.stop)
    yield chunk([], usage={"prompt_tokens": 42, "completion_tokens": 7, "total_tokens": 49})
    yield b"data: [DONE]\n\n"


_ANTHROPIC_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def _anthropic(reply: Reply) -> Iterator[bytes | None]:
    def event(kind: str, **data: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()

    if reply.garbage is not None:
        yield reply.garbage
        return
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 42, "output_tokens": 1},
    }
    yield event("message_start", message=message)
    if reply.error_in_stream:
        yield event("error", **reply.error_in_stream)
        return
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for number, piece in enumerate(_sent_pieces(reply)):
        if number == reply.ends_early_after:
            return
        if piece is None:
            yield None
            return
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    yield event(
        "message_delta",
        delta={"stop_reason": _ANTHROPIC_STOPS[reply.stop], "stop_sequence": None},
        usage={"output_tokens": 7},
    )
    yield event("message_stop")


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    server = VendorServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def reply() -> type[Reply]:
    """The `Reply` class: test modules are not importable from each other."""
    return Reply
