"""The cost of an idle socket, and how soon a change reaches a socket of another process."""

import asyncio
import json
import os
import statistics
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect

from bench.report import Row, percentile
from bench.server import CITEWELL, Server, serving

SOCKETS = 500
WARM = 20
"""Opened and closed before: what the first ones load is not the others' cost."""

CHANGES = 50
SETTLE_SECONDS = 3.0
KIB = 1024


def measure(work: Path) -> tuple[list[Row], list[str]]:
    """Two servers over one database: sockets on the second, changes through the first."""
    home = work / "home"
    with serving(home) as first, serving(home, "--no-worker") as second:
        key = _new_key(home)
        each, seconds = asyncio.run(_measure(first, second, key))
    middle, worst = statistics.median(seconds) * 1000, percentile(seconds, 0.95) * 1000
    rows = [
        Row(
            f"idle socket, of {SOCKETS}",
            f"{each / KIB:.1f} KiB",
            "",
            "",
            "<= 100 KiB",
            each <= 100 * KIB,
        ),
        Row(
            "event to another process, p50 (p95)",
            f"{middle:.0f} ms ({worst:.0f} ms)",
            "",
            "",
            "<= 1 s",
            worst <= 1000,
        ),
    ]
    return rows, [
        "Idle sockets are signed in and subscribed to `jobs` and one document; the figure is the "
        "server process's own memory (PSS) beside that with none, by their number. An event's time "
        "begins when the change is sent, so it holds the request."
    ]


async def _measure(first: Server, second: Server, key: str) -> tuple[float, list[float]]:
    header = {"Authorization": f"Bearer {key}"}
    address = f"http://127.0.0.1:{first.port}"
    async with httpx.AsyncClient(base_url=address, headers=header, timeout=60) as client:
        body = {"title": "Lamp", "content": "The lamp is green."}
        reply = (await client.post("/api/v1/documents", json=body)).json()
        document = reply["documents"][0]["id"]
        await _sockets(second, key, document, WARM, 0.5)
        before = _memory(second)
        after = await _sockets(second, key, document, SOCKETS, SETTLE_SECONDS)
        async with AsyncExitStack() as stack:
            [watcher] = [await _opened(stack, second, key, document)]
            seconds: list[float] = []
            for number in range(CHANGES):
                title = f"Lamp {number}"
                begun = time.perf_counter()
                await client.patch(f"/api/v1/documents/{document}", json={"title": title})
                while title not in str(await watcher.recv()):
                    pass
                seconds.append(time.perf_counter() - begun)
    return (after - before) / SOCKETS, seconds


async def _sockets(server: Server, key: str, document: str, count: int, pause: float) -> float:
    """Bytes that the server holds while so many sockets are open."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await _opened(stack, server, key, document)
        await asyncio.sleep(pause)
        return _memory(server)


async def _opened(
    stack: AsyncExitStack, server: Server, key: str, document: str
) -> ClientConnection:
    address = f"ws://127.0.0.1:{server.port}/ws"
    opened = connect(address, compression=None, close_timeout=1)
    connection = await stack.enter_async_context(opened)
    await connection.send(json.dumps({"type": "auth", "token": key}))
    for topic in ("jobs", f"document:{document}"):
        await connection.send(json.dumps({"type": "subscribe", "topic": topic}))
    for _ in range(3):
        await connection.recv()
    return connection


def _memory(server: Server) -> float:
    held = psutil.Process(server.process.pid).memory_full_info()
    return float(getattr(held, "pss", held.uss))


def _new_key(home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if "CITEWELL_" not in name}
    made = subprocess.run(
        [*CITEWELL, "key", "create", "--name", "bench", "--json"],
        env={**environment, "CITEWELL_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return str(json.loads(made.stdout)["key"])
