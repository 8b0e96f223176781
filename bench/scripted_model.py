"""A model on loopback in OpenAI's format, in a process of its own: it writes at a steady pace.

    python -m bench.scripted_model [--first SECONDS] [--pieces N] [--pace SECONDS]

Prints its port. Each request may carry a number as `(#123)`: `GET /arrivals` gives the time at
which the request with that number came, on the clock that all processes of the machine share. An
agent is told to call two tools before it is answered.
"""

import argparse
import asyncio
import json
import re
import time

NUMBER = re.compile(r"\(#(\d+)\)")
PASSAGE = re.compile(r'<passage number="(\d+)">\n\([^\n]*\)\n(.+?)\n</passage>', re.DOTALL)
QUOTE_CHARS = 300
QUOTED = 4
"""Passages that an answer quotes, a line of each."""

CALLS = (("search_documents", {"query": "memory pages and locks"}), ("current_time", {}))


class _Model:
    def __init__(self, first: float, pieces: int, pace: float) -> None:
        self._first, self._pieces, self._pace = first, pieces, pace
        self._arrivals: dict[int, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = head.decode("latin-1").lower()
                length = re.search(r"content-length: (\d+)", fields)
                body = await reader.readexactly(int(length[1]) if length else 0)
                await self._answer(fields, body.decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: str, body: str, writer: asyncio.StreamWriter) -> None:
        if head.startswith("get /arrivals"):
            _whole(writer, json.dumps(self._arrivals))
            return
        if head.startswith("get"):
            _whole(writer, '{"data": [{"id": "scripted"}]}')
            return
        if found := NUMBER.findall(body):
            self._arrivals[int(found[-1])] = time.monotonic()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        asked = json.loads(body)
        steps = sum(message["role"] == "assistant" for message in asked["messages"])
        await asyncio.sleep(self._first)
        _chunk(writer, _delta({"role": "assistant", "content": ""}))
        if asked.get("tools") and steps < len(CALLS):
            await asyncio.sleep(self._pieces * self._pace)
            name, arguments = CALLS[steps]
            call = {"name": name, "arguments": json.dumps(arguments)}
            told = {"index": 0, "id": f"c{steps}", "type": "function", "function": call}
            _chunk(writer, _delta({"tool_calls": [told]}))
            _chunk(writer, _delta({}, "tool_calls"))
        else:
            text = _answer_from(asked["messages"][-1]["content"])
            size = -(-len(text) // self._pieces)
            for place in range(self._pieces):
                _chunk(writer, _delta({"content": text[place * size : (place + 1) * size]}))
                await writer.drain()
                await asyncio.sleep(self._pace)
            _chunk(writer, _delta({}, "stop"))
        usage = {"prompt_tokens": 400, "completion_tokens": self._pieces}
        usage["total_tokens"] = sum(usage.values())
        _chunk(writer, _event({"choices": [], "usage": usage}))
        _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _answer_from(prompt: str) -> str:
    """Lines of the passages, each with its quote, in the form that the prompt asks for."""
    said: list[str] = []
    for number, text in PASSAGE.findall(prompt)[:QUOTED]:
        # A heading or a line of code is no evidence, and neither is half a word.
        lines = [line for line in text.splitlines() if line.endswith(".")] or text.splitlines()
        line = max(lines, key=len)
        if len(line) > QUOTE_CHARS:
            line = line[:QUOTE_CHARS].rpartition(" ")[0]
        said.append(f'<quote passage="{number}">{line}</quote>\n<say>{line}</say>\n')
    return "".join(said) or "I have read what the tools found."


def _whole(writer: asyncio.StreamWriter, text: str) -> None:
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(text)}\r\n\r\n{text}".encode())


def _delta(content: dict[str, object], finish: str | None = None) -> bytes:
    return _event({"choices": [{"index": 0, "delta": content, "finish_reason": finish}]})


def _event(more: dict[str, object]) -> bytes:
    data = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "scripted", **more,
    }  # fmt: skip
    return f"data: {json.dumps(data)}\n\n".encode()


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


async def _main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("first", 0.5), ("pieces", 80), ("pace", 0.05)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = parser.parse_args()
    model = _Model(given.first, given.pieces, given.pace)
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0, limit=2**22, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
