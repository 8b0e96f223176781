"""Thousands of requests that are half right: each gets an answer, and none breaks the server."""

import asyncio
import statistics
import sys
import time
from collections import Counter

import httpx
import psutil
import pytest

from tests.conftest import LiveServer
from tests.entrypoints.http.fuzzing import Fuzzed, Fuzzer

ALLOWED = {503, 507}
"""Replies above 499 that are an answer: a part is not there, or there is no room."""


class TestFuzz:
    async def test_half_right_requests_get_an_answer(self, live_server: LiveServer) -> None:
        await fuzzed(live_server, 600, seed=20261129)

    @pytest.mark.slow
    async def test_fifty_thousand_of_them(self, live_server: LiveServer) -> None:
        process = psutil.Process()
        await fuzzed(live_server, 10_000, seed=1)  # what is loaded once is loaded now
        before = process.memory_info().rss
        seconds, statuses = await fuzzed(live_server, 40_000, seed=2)
        grown = (process.memory_info().rss - before) / 2**20
        figures = {
            "statuses": dict(sorted(statuses.items())),
            "median ms": round(statistics.median(seconds) * 1000, 1),
            "longest s": round(max(seconds), 2),
            "over 2 s": sum(each > 2 for each in seconds),
            "MiB grown": round(grown),
        }
        sys.stdout.write(f"\n40,000 requests: {figures}\n")
        assert grown < 100


async def fuzzed(server: LiveServer, count: int, *, seed: int) -> tuple[list[float], Counter[int]]:
    """Send requests, eight at a time; returns their seconds and statuses."""
    seconds, statuses, broken = list[float](), Counter[int](), list[str]()
    async with server.client(server.new_key()) as client:
        fuzzer = Fuzzer((await client.get("/api/openapi.json")).json(), seed)
        made = await client.post(
            "/api/v1/documents", json={"title": "Leave", "content": "24 days."}
        )
        fuzzer.known_ids.append(made.json()["documents"][0]["id"])
        made = await client.post("/api/v1/collections", json={"name": "Rules"})
        fuzzer.known_ids.append(made.json()["id"])
        room = asyncio.Semaphore(8)

        async def send(request: Fuzzed) -> None:
            async with room:
                begun = time.perf_counter()
                reply = await sent(client, request)
                seconds.append(time.perf_counter() - begun)
            statuses[reply.status_code] += 1
            if reply.status_code >= 500 and reply.status_code not in ALLOWED:
                broken.append(f"{request} -> {reply.status_code} {reply.text[:300]}")

        async with asyncio.TaskGroup() as group:
            for request in fuzzer.requests(count):
                group.create_task(send(request))
    assert broken == []
    assert statuses[429] < count / 2, "most requests never reached a route"
    return seconds, statuses


async def sent(client: httpx.AsyncClient, request: Fuzzed) -> httpx.Response:
    """Send one; of a stream, the beginning."""
    body = {"content": request.content, "files": request.files, "data": request.data}
    kept = {name: value for name, value in body.items() if value is not None}
    async with client.stream(
        request.method, request.path, headers=request.headers, **kept
    ) as reply:
        if "event-stream" not in reply.headers.get("content-type", ""):
            await reply.aread()
        else:
            reply._content = b""
        return reply
