"""The operator's database stops and starts again and again under a thousand jobs.

`test_database_outage` is the short form.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.entrypoints.conftest import PATIENCE, Installation

from . import consistency
from .operators_database import OperatorsDatabase
from .report import record
from .site import LATER, Site
from .storm import SETTLED

DOCUMENTS = 1_000
KINDS = 5
SEED = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

STATES = """
SELECT d.filename, v.status, v.number, v.chunk_count, v.error_detail,
  (SELECT count(*) FROM chunk c WHERE c.document_id = d.id AND c.active),
  (SELECT min(j.status) FROM job j WHERE j.document_id = d.id)
FROM document d JOIN document_version v ON v.document_id = d.id
"""

READY = "SELECT count(*) FROM document_version WHERE status = 'ready'"


@pytest.fixture
def database(place: Path) -> Iterator[OperatorsDatabase]:
    """A server that is up."""
    database = OperatorsDatabase(place / "own")
    database.prepare()
    yield database
    database.stop("immediate")


@pytest.fixture
def site(installation: Installation, database: OperatorsDatabase) -> Iterator[Site]:
    """Processes that use it."""
    site = Site(installation, CITEWELL_DATABASE_URL=database.url)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


def text(number: int) -> str:
    """Of the same length for all of one kind, so that all have as many passages."""
    sentence = f"Shelf {number:04} holds what was brought on day {number % 28:02} of the month. "
    return "\n\n".join(sentence * 8 for _ in range(1 + 3 * (number % KINDS)))


async def hand_in(client: httpx.AsyncClient, number: int) -> int:
    """Upload a file until it is acknowledged; returns how often that was asked."""
    file = {"files": (f"shelf-{number:04}.txt", text(number).encode())}
    for attempt in range(1, 10_000):
        try:
            reply = await client.post("/documents/upload", files=file)
        except httpx.TransportError:
            reply = None
        if reply is not None and reply.status_code == 202:
            return attempt
        assert reply is None or reply.status_code in LATER, reply.text
        await asyncio.sleep(0.3)
    raise AssertionError


async def test_thousand_jobs_have_exact_results(site: Site, database: OperatorsDatabase) -> None:
    chance = random.Random(SEED)
    async with site.client(site.first_key(), seconds=PATIENCE) as client:
        for number in range(KINDS):
            await hand_in(client, number)
        await asyncio.to_thread(site.until, lambda: not site.has(SETTLED))
        expected = [
            chunks for _, _, _, chunks, *_ in sorted(await asyncio.to_thread(site.rows, STATES))
        ]
        site.embedding.delay = 0.1  # so that there is time for some restarts
        everything = asyncio.ensure_future(hand_all_in(client))
        stops = 0
        begun = time.monotonic()
        while not everything.done() or await asyncio.to_thread(site.has, SETTLED):
            before = await asyncio.to_thread(site.rows, READY)
            await asyncio.sleep(chance.uniform(4, 12))
            # A busy machine may need all that time to start: each stop has work to interrupt.
            await asyncio.to_thread(site.until, partial(goes_on, site, before))
            how = chance.choice(("fast", "immediate"))
            await asyncio.to_thread(database.stop, how)
            await asyncio.sleep(chance.uniform(0, 3))
            await asyncio.to_thread(database.start)
            stops += 1
        asked = await everything
    await asyncio.to_thread(site.until, lambda: not site.has("SELECT FROM term_delta"))
    states = sorted(site.rows(STATES))
    assert [name for name, *_ in states] == [f"shelf-{n:04}.txt" for n in range(DOCUMENTS)]
    wrong = [
        state for number, state in enumerate(states)
        if state[1:] != ("ready", 1, expected[number % KINDS], None, expected[number % KINDS],
                         "succeeded")
    ]  # fmt: skip
    twice, drift = site.duplicates(), site.drift()
    record(
        "database restarts", stops=stops, jobs=len(states), uploads_asked_again=asked - DOCUMENTS,
        seconds=round(time.monotonic() - begun), lost=len(wrong),
        duplicates=consistency.count(twice), drift=consistency.count(drift),
    )  # fmt: skip
    assert (wrong, twice, drift) == ([], {}, {})
    assert stops >= 3


def goes_on(site: Site, before: list[tuple[int]]) -> bool:
    """Whether documents have become ready since, or all are."""
    return site.rows(READY) != before or not site.has(SETTLED)


async def hand_all_in(client: httpx.AsyncClient) -> int:
    """Upload all files, four at a time; returns how often that was asked."""
    numbers = iter(range(DOCUMENTS))

    async def lane() -> int:
        return sum([await hand_in(client, number) for number in numbers])

    return sum(await asyncio.gather(*(lane() for _ in range(4))))
