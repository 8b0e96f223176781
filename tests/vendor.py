"""A vendor on loopback: real HTTP in OpenAI's and Anthropic's wire formats, with faults."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

DEFAULT_REPLY = ["Annual leave is ", "20 days ", "[1]."]


@dataclass
class Reply:
    """The server's way with one request."""

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
    calls: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Tool calls after the text: id, name, and the arguments' JSON in pieces."""
    is_cut_in_call: bool = False
    """Whether the connection is dropped before the last piece of the last call."""

    def call_pieces(self) -> Iterator[tuple[int, str, str, str | None]]:
        """Place, id, name and each piece of the calls; None where the connection is dropped."""
        for place, (call_id, name, pieces) in enumerate(self.calls):
            for number, piece in enumerate(pieces):
                is_last = place == len(self.calls) - 1 and number == len(pieces) - 1
                yield place, call_id, name, None if self.is_cut_in_call and is_last else piece


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class VendorServer:
    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.answering: Callable[[Received], Reply] | None = None
        """Makes the reply to each request once the script is through."""
        self.received: list[Received] = []
        self.gate: asyncio.Event | None = None
        """No reply begins before it is set."""
        self.models = ["m-1", "m-2"]
        self.compresses = False
        """Whether the list of models comes as gzip, asked for or not."""
        """The models it lists; no reply of the script is used for that."""
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
                if self.gate is not None:
                    await self.gate.wait()
                is_scripted = bool(self.script and request.body)
                reply = self.script.pop(0) if is_scripted else self._usual(request)
                if not await self._answer(request, reply, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped.set()
        finally:
            self._tasks.discard(task)
            writer.close()

    def _list_models(self, writer: asyncio.StreamWriter) -> None:
        body = json.dumps({"data": [{"id": name} for name in self.models]}).encode()
        head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        if self.compresses:
            body, head = gzip.compress(body), head + "content-encoding: gzip\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    def _usual(self, request: Received) -> Reply:
        return Reply() if self.answering is None else self.answering(request)

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
        return Received(path, headers, json.loads(body or b"{}"))

    async def _answer(
        self,
        request: Received,
        reply: Reply,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        if request.path.partition("?")[0].endswith("/models"):
            self._list_models(writer)
            await writer.drain()
            return True
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
    opened: set[int] = set()
    for place, call_id, name, piece in reply.call_pieces():
        if piece is None:
            yield None
            return
        call: dict[str, Any] = {"index": place, "function": {"arguments": piece}}
        if place not in opened:
            opened.add(place)
            call |= {"id": call_id, "type": "function"}
            call["function"]["name"] = name
        yield delta({"tool_calls": [call]})
    yield delta({}, "tool_calls" if reply.calls and reply.stop == "stop" else reply.stop)
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
    begun = 0
    for place, call_id, name, piece in reply.call_pieces():
        if place + 1 > begun:
            if begun:
                yield event("content_block_stop", index=begun)
            begun = place + 1
            block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
            yield event("content_block_start", index=begun, content_block=block)
        if piece is None:
            yield None
            return
        delta = {"type": "input_json_delta", "partial_json": piece}
        yield event("content_block_delta", index=begun, delta=delta)
    if begun:
        yield event("content_block_stop", index=begun)
    yield event(
        "message_delta",
        delta={
            "stop_reason": (
                "tool_use" if reply.calls and reply.stop == "stop" else _ANTHROPIC_STOPS[reply.stop]
            ),
            "stop_sequence": None,
        },
        usage={"output_tokens": 7},
    )
    yield event("message_stop")


@asynccontextmanager
async def running_vendor() -> AsyncGenerator[VendorServer, None]:
    """A vendor for as long as the block lasts."""
    server = VendorServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
