"""A client for load, in a process of its own so that it does not share the server's interpreter.

    python -m bench.load_client < ORDER.json
    {"port", "key", "queries", "users", "seconds", "interval", "path", "cache"}

`interval` null: each user asks again as soon as it is answered. Otherwise each asks on a schedule
and the time is taken from when it should have asked, so that a slow server cannot hide behind
questions that were never put. Written on bare sockets: a client library would take more of the
processor than the server.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator

TIMEOUT = 10.0
TOP_K = 5


class _User:
    """One connection that asks one question at a time."""

    def __init__(self, port: int, key: str, path: str, *, uses_cache: bool) -> None:
        self._port = port
        self._uses_cache = uses_cache
        self._head = (
            f"POST /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, query: str) -> bool:
        """Whether the question was answered well."""
        body = json.dumps({"query": query, "top_k": TOP_K, "cache": self._uses_cache}).encode()
        head = f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode()
        try:
            async with asyncio.timeout(TIMEOUT):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(head + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                fields = answer.decode("latin-1").lower().split("\r\n")
                length = next(f for f in fields if f.startswith("content-length:"))
                content = await reader.readexactly(int(length.partition(":")[2]))
        except (OSError, EOFError, TimeoutError, StopIteration, asyncio.LimitOverrunError):
            self.close()
            return False
        return fields[0].split()[1] == "200" and b'"chunk_id":"' in content

    def close(self) -> None:
        """Let go of the connection; the next question opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class _Load:
    """Many users over a stretch of time."""

    def __init__(self, order: dict[str, object]) -> None:
        self.port, self.key = int(str(order["port"])), str(order["key"])
        self.path, self.uses_cache = str(order["path"]), bool(order["cache"])
        self.seconds = float(str(order["seconds"]))
        interval = order["interval"]
        self.interval = None if interval is None else float(str(interval))
        queries = order["queries"]
        assert isinstance(queries, list)
        self.queries: Iterator[str] = itertools.cycle(map(str, queries))
        self.users = int(str(order["users"]))
        self.times: list[float] = []
        self.errors = 0

    async def run(self) -> dict[str, object]:
        chance = random.Random(5)
        begun = time.perf_counter() + 0.2
        async with asyncio.TaskGroup() as group:
            for _ in range(self.users):
                group.create_task(self._user(begun, chance.random()))
        return {
            "ms": self.times,
            "errors": self.errors,
            "seconds": time.perf_counter() - begun,
        }

    async def _user(self, begun: float, phase: float) -> None:
        user = _User(self.port, self.key, self.path, uses_cache=self.uses_cache)
        due = begun + phase * (self.interval or 0.0)
        while due < begun + self.seconds:
            await asyncio.sleep(due - time.perf_counter())
            is_answered = await user.ask(next(self.queries))
            now = time.perf_counter()
            self.errors += not is_answered
            self.times.append((now - due) * 1_000)
            due = now if self.interval is None else due + self.interval
        user.close()


def main() -> None:
    """Do what the order on standard input says; print what came of it."""
    print(json.dumps(asyncio.run(_Load(json.load(sys.stdin)).run())))


if __name__ == "__main__":
    main()
