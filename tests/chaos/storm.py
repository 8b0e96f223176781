"""People who hand in, replace, delete and search, while somebody kills what serves them."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import httpx
import psycopg

from tests.waiting import PATIENCE

from . import points
from .ledger import Entry, Ledger
from .site import LATER, Site

CLIENTS = 4
POINT_SECONDS = 4.0
"""How long the killer waits for somebody to come to a point."""

MOST_HITS = 100

UPLOAD = "/documents/upload"

SETTLED = "SELECT 1 FROM document_version WHERE status IN ('queued', 'processing')"

FORGOTTEN = "SELECT 1 FROM blob WHERE released_at IS NOT NULL"
"""Contents whose files are still to be removed."""


class Insistent:
    """A client of a site whose processes are being killed."""

    site: Site
    retries: int

    async def _insist(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Ask until there is an answer that is not "later"; nothing is known of lost ones."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                reply = await ask()
                if reply.status_code not in LATER and not is_in_use(reply):
                    return reply
                said = reply.text
            except httpx.TransportError as error:
                said = type(error).__name__
            assert time.monotonic() < deadline, said + self.site.last_words()
            self.retries += 1
            await asyncio.sleep(0.1)


@dataclass
class Storm(Insistent):
    """One run: what is done is drawn from `seed`; when it happens, the machine decides."""

    site: Site
    ledger: Ledger
    key: str
    seed: int
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    operations: int = 0
    retries: int = 0
    restored: int = 0
    at_points: dict[str, int] = field(default_factory=dict[str, int])

    async def rage(self, kill: Callable[[], Awaitable[None]]) -> None:
        """Let clients and a searcher work until the killer has finished, and clients after it."""
        free = asyncio.Queue[Entry]()
        order = self.ledger.entries[:]
        random.Random(self.seed).shuffle(order)
        for entry in order:
            free.put_nowait(entry)
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(free, random.Random(self.seed * 100 + number)))
            group.create_task(self._search_on())
            group.create_task(self._supervise())
            await kill()
            self.is_over.set()

    async def _supervise(self) -> None:
        """Start what has ended, as an operator's init system does."""
        while not self.is_over.is_set():
            await asyncio.to_thread(self.site.start)
            await asyncio.sleep(0.1)

    async def _client(self, free: asyncio.Queue[Entry], chance: random.Random) -> None:
        async with self.site.client(self.key) as client:
            while not self.is_over.is_set() or any(one.serial < 0 for one in self.ledger.entries):
                entry = await free.get()
                if not self.is_over.is_set() or entry.serial < 0:
                    if entry.document_id is not None and chance.random() < 0.12:
                        await self._delete(client, entry, chance)
                    else:
                        await self._upload(client, entry, chance)
                    self.operations += 1
                free.put_nowait(entry)
                await asyncio.sleep(chance.uniform(0, 0.1))

    async def _upload(self, client: httpx.AsyncClient, entry: Entry, chance: random.Random) -> None:
        """Hand a content in: a new file, new content of a document, or a file of its name.

        The first would be there twice if a request that is sent again was carried out again.
        """
        entry.serial += 1
        entry.is_acknowledged = False
        file = (entry.name, entry.text.encode())
        headers = {"Idempotency-Key": f"{entry.number}-{entry.serial}"}
        if entry.document_id is None:
            form = {"on_duplicate": "keep_both"}
            ask = partial(client.post, UPLOAD, files={"files": file}, data=form, headers=headers)
        elif chance.random() < 0.5:
            path = f"/documents/{entry.document_id}/file"
            ask = partial(client.put, path, files={"file": file}, headers=headers)
        else:
            ask = partial(client.post, UPLOAD, files={"files": file})
        reply = await self._insist(ask)
        assert reply.status_code == 202, self.site.explained(reply)
        [accepted] = reply.json()["documents"]
        entry.acknowledge(accepted["id"], accepted["version"])

    async def _delete(self, client: httpx.AsyncClient, entry: Entry, chance: random.Random) -> None:
        document_id = entry.document_id
        assert document_id is not None
        reply = await self._insist(lambda: client.delete(f"/documents/{document_id}"))
        assert reply.status_code in (204, 404), self.site.explained(
            reply
        )  # 404: the reply before was lost
        entry.deleted.add(document_id)
        entry.document_id = None
        if chance.random() < 0.4:
            await self._restore(client, entry, document_id)

    async def _restore(self, client: httpx.AsyncClient, entry: Entry, document_id: str) -> None:
        """Take a document back out of the trash, unless it is purged already."""
        entry.deleted.discard(document_id)  # from now on it may be found again
        reply = await self._insist(partial(client.post, f"/documents/{document_id}/restore"))
        if reply.status_code == 404:
            entry.deleted.add(document_id)
            return
        # 409: it is there, the reply before was lost
        assert reply.status_code in (200, 409), self.site.explained(reply)
        entry.document_id = document_id
        self.restored += 1

    async def _search_on(self) -> None:
        chance = random.Random(self.seed)
        async with self.site.client(self.key) as client:
            while not self.is_over.is_set():
                await self.search(client, chance.choice(self.ledger.entries))
                await asyncio.sleep(0.02)

    async def search(self, client: httpx.AsyncClient, entry: Entry) -> None:
        """Search for a file, in all there is and in itself; hold what is found against the ledger.

        What is found in itself is all of it, as the search has no more to choose from.
        """
        for filters in ({}, {"filename": entry.name}):
            gone = self.ledger.gone()
            body = {"query": f"hall{entry.number}", "top_k": MOST_HITS, "filters": filters}
            try:
                reply = await client.post("/search", json=body)
            except httpx.TransportError:
                return
            if reply.status_code in LATER:
                return
            assert reply.status_code == 200, self.site.explained(reply)
            hits = reply.json()["results"]
            self.ledger.check(hits, gone & self.ledger.gone())
        if hits:
            self.ledger.whole.append((hits[0]["document_id"], hits[0]["version"], len(hits)))


def is_in_use(reply: httpx.Response) -> bool:
    """Whether the request that was sent before is still being carried out."""
    return reply.status_code == 409 and reply.json()["code"] == "idempotency_key_in_use"


@dataclass
class Killer:
    """Kills processes of a site: at random, or where they have just come to a named point."""

    site: Site
    chance: random.Random
    at_points: dict[str, int] = field(default_factory=dict[str, int])
    missed: int = 0
    """Times nobody came to a point."""

    async def at_random(self, *, most_seconds: float) -> None:
        """Kill a worker, the server, or everything."""
        await asyncio.sleep(self.chance.uniform(0, most_seconds))
        victims = self.chance.choices(("worker", "server", "both"), weights=(6, 3, 1))[0]
        self._kill(victims)

    async def at_point(self, point: points.Point, seconds: float = POINT_SECONDS) -> bool:
        """Wait for somebody to come to the point and kill them there; False if nobody comes.

        What the transaction was about to commit is, as chance will have it, rolled back or
        committed without anybody to hear of it.
        """
        try:
            came = await asyncio.to_thread(self._wait_and_kill, point, seconds)
        except psycopg.OperationalError:  # the database is just starting
            came = False
        if came:
            self.at_points[point.name] = self.at_points.get(point.name, 0) + 1
        else:
            self.missed += 1
        return came

    def _wait_and_kill(self, point: points.Point, seconds: float) -> bool:
        with self.site.connect() as connection, self.site.embedding.slow(point.embedding_seconds):
            connection.execute("SET lock_timeout = '2s'")
            try:
                with points.armed(connection, point):
                    sessions = points.wait_for_somebody(connection, point, seconds)
                    if sessions:
                        self._kill_all_of(point.who)
                    if self.chance.random() < 0.5:
                        points.roll_back(connection, sessions)
            except psycopg.errors.LockNotAvailable:
                return False
        return bool(sessions)

    async def of_database(self) -> None:
        """Kill the database under everybody who uses it."""
        self.site.kill_database(self.chance.choice((signal.SIGKILL, signal.SIGQUIT)))
        await asyncio.to_thread(self.site.wait_until_it_answers)

    def _kill(self, victims: str) -> None:
        if victims == "server":
            self.site.kill(self.site.server)
        elif victims == "worker":
            self.site.kill(self.chance.choice(self.site.workers))
        else:
            self.site.kill(*self.site.processes)

    def _kill_all_of(self, who: str) -> None:
        """All workers: the database cannot tell which of them is at the point."""
        self.site.kill(*([self.site.server] if who == "server" else self.site.workers))
