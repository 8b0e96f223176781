"""A question's cost at the database, counted on the wire: transactions and round trips."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from citewell.access.policy import Role
from citewell.core.context import Actor, ActorKind, Caller
from citewell.core.settings import Settings
from citewell.features.search import service
from citewell.features.search.schemas import SearchRequest
from citewell.features.usage import service as usage
from citewell.features.usage.pending import PendingCounts
from citewell.kit.ids import uuid7
from tests.conftest import Servers, new_caller
from tests.quiet import Shelf, quiet_database, quiet_platform
from tests.waiting import PATIENCE

QUESTION = SearchRequest(query="Who repairs the lift?", cache=False)


class Wire:
    """Passes bytes on between the application and the server, and counts turns and BEGINs."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.ended = asyncio.Event()
        """Set when a connection has been closed on both sides."""
        self.round_trips = 0
        self.transactions = 0

    def reset(self) -> None:
        self.round_trips = self.transactions = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            socket = f"{self._host}/.s.PGSQL.{self._port}"
            there, back = await asyncio.open_unix_connection(socket)
        else:
            there, back = await asyncio.open_connection(self._host, self._port)
        is_asking = False

        async def up() -> None:
            nonlocal is_asking
            while data := await reader.read(65_536):
                self.round_trips += not is_asking
                is_asking = True
                self.transactions += data.count(b"BEGIN")
                back.write(data)
                await back.drain()
            back.close()

        async def down() -> None:
            nonlocal is_asking
            while data := await there.read(65_536):
                is_asking = False
                writer.write(data)
                await writer.drain()
            writer.close()

        try:
            await asyncio.gather(up(), down(), return_exceptions=True)
        finally:
            for each in (back, writer):
                each.close()
                with suppress(ConnectionError):
                    await each.wait_closed()
            self.ended.set()


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as url:
        yield url


@asynccontextmanager
async def on_the_wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """The database through a socket of this test's own."""
    parts = conninfo_to_dict(url)
    wire = Wire(str(parts["host"]), int(parts.get("port") or 5432))
    login, database = urlsplit(url).netloc.rpartition("@")[0], parts["dbname"]
    with tempfile.TemporaryDirectory(prefix="cw-wire-") as folder:
        server = await asyncio.start_unix_server(wire.serve, f"{folder}/.s.PGSQL.5432")
        try:
            yield wire, f"postgresql://{login}@/{database}?host={folder}&port=5432"
            await asyncio.wait_for(wire.ended.wait(), PATIENCE)
        finally:
            server.close()
            await server.wait_closed()


@pytest.fixture
async def caller(own_url: str, settings: Settings, tmp_path: Path) -> Caller:
    """The operator of a tenant that knows about a lift."""
    async with quiet_platform(settings, own_url) as platform:
        shelf = Shelf(platform, await new_caller(platform), tmp_path)
        await shelf.add("lift.txt", "# Lift\n\nThe lift is repaired by Otis Berger.")
        return shelf.caller


READERS = {
    "everything": lambda caller: caller,
    "a level": lambda caller: Caller(
        caller.tenant_id, Actor(ActorKind.API_KEY, role=Role.EMPLOYEE)
    ),
    "grants": lambda caller: Caller(
        caller.tenant_id, Actor(ActorKind.USER, uuid7(), uuid7(), role=Role.MANAGER)
    ),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
async def test_question_takes_one_transaction_and_few_round_trips(
    own_url: str, settings: Settings, caller: Caller, reader
) -> None:
    async with on_the_wire(own_url) as (wire, url), quiet_platform(settings, url) as platform:
        await platform.database.ping()  # connected, and nothing known of the tenant
        counted: list[tuple[int, int]] = []
        for _ in range(4):
            wire.reset()
            found = await service.search(platform, reader(caller), QUESTION)
            assert "Otis" in found.results[0].text
            counted.append((wire.transactions, wire.round_trips))
    # One of them is the stamp that says whether the rules still hold, with which the first reads
    # the rules; a cache would need it anyway.
    assert max(transactions for transactions, _ in counted) <= 1
    assert [round_trips for _, round_trips in counted] == [4, 4, 4, 4]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
async def test_cached_reply_takes_one_round_trip(
    own_url: str, settings: Settings, caller: Caller, reader
) -> None:
    asked, who = QUESTION.model_copy(update={"cache": True}), reader(caller)
    async with on_the_wire(own_url) as (wire, url), quiet_platform(settings, url) as platform:
        for _ in range(2):  # counts may wait once the first were written
            await service.search(platform, who, asked)
        wire.reset()
        found = await service.search(platform, who, asked)
        assert found.cached
        assert (wire.transactions, wire.round_trips) == (0, 1)


async def test_counts_after_a_pause_are_written_by_one_of_many(
    own_url: str, settings: Settings, caller: Caller
) -> None:
    """The others wait in memory meanwhile."""
    async with on_the_wire(own_url) as (wire, url), quiet_platform(settings, url) as platform:
        await usage.count_query(platform, caller)
        pending, deadline = platform.state_of(PendingCounts), time.monotonic() + PATIENCE
        while pending.add(caller.tenant_id, None):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        wire.reset()
        await asyncio.gather(*(usage.count_query(platform, caller) for _ in range(20)))
        assert wire.round_trips == 2  # the counts, and the commit


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
async def test_that_nothing_is_being_read_is_learnt_in_one_round_trip(
    own_url: str, settings: Settings, caller: Caller, reader
) -> None:
    async with on_the_wire(own_url) as (wire, url), quiet_platform(settings, url) as platform:
        await platform.database.ping()
        wire.reset()
        assert await service.unread(platform, reader(caller), None, None) == []
        assert (wire.transactions, wire.round_trips) == (0, 1)
