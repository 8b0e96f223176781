"""People who chat, in a process of their own: each streams one answer after the other.

    python -m bench.chat_client < ORDER.json
    {"port", "key", "queries", "users", "seconds", "think"}

Each user has a conversation. A question carries its number as `(#123)`, by which the scripted model
tells when it was asked. On bare sockets, as `bench.load_client`.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from typing import Any

TIMEOUT = 120.0
LACK_CHARS = 300
"""Characters of the reply that say why an answer is not whole."""


class _Person:
    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n"
        )

    async def begin(self) -> str:
        """The id of a new conversation."""
        reader, writer = await self._sent("conversations", {"title": "Bench"})
        reply = (await reader.read()).decode()
        writer.close()
        return str(json.loads(reply[reply.index("{") : reply.rindex("}") + 1])["id"])

    async def ask(self, query: str, conversation: str) -> dict[str, Any]:
        """Times of the question, its first token and its end; `end` says how it ended."""
        sent = time.monotonic()
        told: dict[str, Any] = {"sent": sent, "first": None, "end": "cut"}
        try:
            async with asyncio.timeout(TIMEOUT):
                body = {"query": query, "conversation_id": conversation, "parent_id": None}
                reader, writer = await self._sent("query/stream", body)
                while line := await reader.readline():
                    if line.startswith(b"event: token") and told["first"] is None:
                        told["first"] = time.monotonic()
                    elif line.startswith((b"event: done", b"event: error")):
                        told["end"] = line.split()[1].decode()
                    elif told["end"] == "done" and b"degraded" in line:
                        told["is_whole"] = b'"degraded":[]' in line.replace(b" ", b"")
                        if not told["is_whole"]:
                            place = line.index(b"degraded")
                            told["lacks"] = line[place : place + LACK_CHARS].decode()
                writer.close()
        except (OSError, TimeoutError) as error:
            told["end"] = type(error).__name__
        told["over"] = time.monotonic()
        return told

    async def _sent(
        self, path: str, body: dict[str, object]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)
        data = json.dumps(body).encode()
        head = f"POST /api/v1/{path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)
        return reader, writer


async def _chat(order: dict[str, Any]) -> list[dict[str, Any]]:
    numbers, chance = itertools.count(order.get("from", 1)), random.Random(7)
    asked: list[dict[str, Any]] = []
    end = time.monotonic() + order["seconds"]

    async def person() -> None:
        one = _Person(order["port"], order["key"])
        conversation = await one.begin()
        # They do not begin all at once, as people do not.
        await asyncio.sleep(chance.uniform(0, order["spread"]))
        while True:
            number = next(numbers)
            query = order["queries"][number % len(order["queries"])]
            told = await one.ask(f"{query} (#{number})", conversation)
            asked.append({"number": number, **told})
            if time.monotonic() + order["think"] >= end:
                return
            await asyncio.sleep(order["think"] * chance.uniform(0.5, 1.5))

    async with asyncio.TaskGroup() as group:
        for _ in range(order["users"]):
            group.create_task(person())
    return asked


def main() -> None:
    """Do what the order on standard input says; print what came of it."""
    print(json.dumps(asyncio.run(_chat(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
