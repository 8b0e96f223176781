"""Users of a cluster who go on working while its processes are exchanged, and count what fails."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.waiting import PATIENCE, PATIENT

from .cluster import SLOWLY, UNVERIFIED, Cluster

PAUSES = (1.5, 3.5)
"""Seconds between two requests of one user."""

ENDS = ("done", "error")

Act = Callable[[httpx.AsyncClient, str], Awaitable[None]]
"""Something a user does again and again, with a name for what is new about it."""


@dataclass
class Crowd:
    """Users, and what became of their requests."""

    cluster: Cluster
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0
    slowest: float = 0.0
    """Seconds of the slowest request that was no stream."""
    slowest_of: str = ""
    failures: list[str] = field(default_factory=list[str])
    accepted: set[str] = field(default_factory=set[str])
    """Jobs of acknowledged uploads."""
    told: Counter[str] = field(default_factory=Counter[str])
    """Jobs that sockets were told the success of."""
    streams: int = 0
    resumed: int = 0
    """Times a stream was taken up again after it had ended on the way."""
    reconnects: int = 0

    async def work(self, askers: int, listers: int, uploaders: int, streamers: int) -> None:
        """Work until it is over, and finish what has begun."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            for number in range(askers):
                group.create_task(self._repeat(number, self._ask))
            for number in range(listers):
                group.create_task(self._repeat(1_000 + number, self._list))
            for number in range(uploaders):
                group.create_task(self._repeat(2_000 + number, self._upload))
            for number in range(streamers):
                group.create_task(self._repeat(3_000 + number, self._stream))

    async def _repeat(self, number: int, act: Act) -> None:
        chance = random.Random(number)
        async with self.cluster.client(self.cluster.address, self.cluster.key) as client:
            round_ = 0
            while not self.is_over.is_set():
                round_ += 1
                await act(client, f"{number} round {round_}")
                with suppress(TimeoutError):
                    async with asyncio.timeout(chance.uniform(*PAUSES)):
                        await self.is_over.wait()

    async def _ask(self, client: httpx.AsyncClient, name: str) -> None:
        body = {"query": f"When does the gate close, asks visitor {name}?"}
        await self._counted(client, "POST", "/query", json=body)

    async def _list(self, client: httpx.AsyncClient, _: str) -> None:
        await self._counted(client, "GET", "/documents")

    async def _upload(self, client: httpx.AsyncClient, name: str) -> None:
        content = f"The shelf of {name} holds lamps. " * 5
        files = {"files": (f"shelf {name}.txt", content.encode())}
        reply = await self._counted(client, "POST", "/documents/upload", files=files)
        if reply is not None:
            self.accepted |= {one["job_id"] for one in reply.json()["documents"]}

    async def _stream(self, client: httpx.AsyncClient, name: str) -> None:
        made = await self._counted(client, "POST", "/conversations", json={"title": name})
        if made is None:
            return
        place = made.json()["id"]
        self.streams += 1
        question = f"When does the gate close, asks {name} {SLOWLY}?"
        request: dict[str, object] = {"json": {"query": question, "conversation_id": place}}
        method, path, last, end = "POST", "/query/stream", 0, ""
        for attempt in range(20):
            self.requests += 1
            self.resumed += attempt > 0
            async with aclosing(_events(client, method, path, request, self.failures)) as events:
                async for number, kind, data in events:
                    if number != last + 1:
                        self.failures.append(f"stream: event {number} after {last}")
                    if number == 1:
                        message = data["message_id"]
                        path = f"/conversations/{place}/messages/{message}/stream"
                    last, end = number, kind
            if end in ENDS or not last:
                break
            method, request = "GET", {"headers": {"Last-Event-ID": str(last)}}
            await asyncio.sleep(0.2)
        if end != "done":
            self.failures.append(f"stream: {last} events, the last of them {end!r}")

    async def _counted(
        self, client: httpx.AsyncClient, method: str, path: str, **more: object
    ) -> httpx.Response | None:
        self.requests += 1
        begun = time.monotonic()
        try:
            reply = await client.request(method, path, **more)  # pyright: ignore[reportArgumentType]
        except httpx.TransportError as error:
            self.failures.append(f"{method} {path}: {type(error).__name__} {error}")
            return None
        if reply.is_error:
            self.failures.append(f"{method} {path}: {reply.status_code} {reply.text[:200]}")
            return None
        spent = time.monotonic() - begun
        if spent > self.slowest:
            self.slowest, self.slowest_of = spent, f"{method} {path}"
        return reply

    async def _listen(self) -> None:
        """A socket that is told of jobs, and comes back with its last event when it is closed."""
        address = self.cluster.address.replace("https", "wss") + "/ws"
        last: int | None = None
        while not self._has_heard_all():
            try:
                async with connect(address, ssl=UNVERIFIED, compression=None, **PATIENT) as socket:
                    await socket.send(json.dumps({"type": "auth", "token": self.cluster.key}))
                    resume = {} if last is None else {"last_event_id": last}
                    await socket.send(json.dumps({"type": "subscribe", "topic": "jobs", **resume}))
                    while not self._has_heard_all():
                        with suppress(TimeoutError):
                            async with asyncio.timeout(0.5):
                                said = json.loads(await socket.recv())
                                last = self._note(said, last)
            except (ConnectionClosed, InvalidHandshake, OSError):
                self.reconnects += 1
                await asyncio.sleep(0.2)

    def _note(self, said: dict[str, object], last: int | None) -> int | None:
        if said["type"] == "resync":
            self.failures.append("socket: resync")
        job = said.get("job")
        if isinstance(job, dict) and job["status"] == "succeeded":
            self.told[job["id"]] += 1
        number = said.get("event_id")
        return number if isinstance(number, int) else last

    def _has_heard_all(self) -> bool:
        return self.is_over.is_set() and self.accepted <= self.told.keys()


async def _events(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    request: dict[str, object],
    failures: list[str],
) -> AsyncGenerator[tuple[int, str, dict[str, str]], None]:
    """Number, name and data of each event; a reply that is cut ends them."""
    with suppress(httpx.TransportError):
        async with client.stream(method, path, timeout=PATIENCE, **request) as reply:  # pyright: ignore[reportArgumentType]
            if reply.is_error:
                await reply.aread()
                failures.append(f"{method} {path}: {reply.status_code} {reply.text[:200]}")
                return
            parts: dict[str, str] = {}
            async for line in reply.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    parts[name] = value
                elif "data" in parts:
                    yield int(parts["id"]), parts["event"], json.loads(parts["data"])
                    parts = {}
