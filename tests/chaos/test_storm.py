"""Kills without warning while documents come, change and go: each ends where it should, once."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from tests.entrypoints.conftest import Installation
from tests.waiting import PATIENCE

from . import consistency
from .ledger import Entry, Ledger
from .points import POINTS, install
from .report import record
from .site import Site
from .storm import FORGOTTEN, MOST_HITS, SETTLED, Killer, Storm

SEEDS = (2026, 2027)
"""Two installations, three hundred kills: side by side, as much of their time is waiting."""

FILES = 200
KILLS = 150


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """Real processes that run, in a database with named points."""
    site = Site(installation, CITEWELL_TRASH_MINUTES="1")
    site.start()
    site.wait_until_it_answers()
    with site.connect() as connection:
        install(connection)
    yield site
    site.stop()


async def lost(storm: Storm) -> list[str]:
    """Lists acknowledged states that do not hold once no work is left."""
    found: list[str] = []
    async with storm.site.client(storm.key) as client:
        for entry in storm.ledger.entries:
            for gone in entry.deleted:
                reply = await client.get(f"/documents/{gone}")
                if reply.status_code != 404:
                    found.append(f"{entry.name} was deleted and is there: {reply.text}")
            if entry.document_id is None:
                continue
            reply = await client.get(f"/documents/{entry.document_id}")
            if not is_final(entry, reply.json()):
                found.append(f"{entry.name}: {reply.text}")
                continue
            file = await client.get(f"/documents/{entry.document_id}/file")
            if file.content != entry.text.encode():
                found.append(f"{entry.name}: other bytes than were handed in last")
            await storm.search(client, entry)
            seen = storm.ledger.newest_seen.get(entry.document_id)
            if reply.json()["status"] == "ready" and seen != reply.json()["version"]:
                found.append(f"{entry.name} is not found")
    return found + storm.ledger.wrong


def is_final(entry: Entry, state: dict[str, object]) -> bool:
    """Whether what was acknowledged last is ready, or has failed and says why."""
    assert entry.is_acknowledged
    assert entry.document_id is not None
    if state.get("version") != max(entry.versions[entry.document_id]):
        return False
    if state["status"] == "failed":
        return bool(state["error"])
    return state["status"] == "ready" and state["active_version"] == state["version"]


async def unknown(storm: Storm) -> list[str]:
    """Documents that nobody asked for: a request was carried out twice."""
    known = {entry.document_id for entry in storm.ledger.entries}
    listed: list[str] = []
    async with storm.site.client(storm.key) as client:
        for page in range(1, 100):
            reply = await client.get("/documents", params={"page": page, "limit": 100})
            listed += [each["id"] for each in reply.json()["data"]]
            if page >= reply.json()["pagination"]["total_pages"]:
                break
    return [each for each in listed if each not in known]


def half(storm: Storm) -> list[tuple[str, int, int]]:
    """Searches that found a part of a version only."""
    counts = {
        (document_id, number): chunks
        for document_id, number, chunks in storm.site.rows(
            "SELECT document_id::text, number, chunk_count FROM document_version"
        )
    }
    return [
        (document_id, number, seen) for document_id, number, seen in storm.ledger.whole
        if (document_id, number) in counts
        and min(counts[document_id, number], MOST_HITS) != seen
    ]  # fmt: skip


async def check(storm: Storm, killer: Killer) -> None:
    """Wait until nothing is to be done any more; compare, write down and judge."""
    site = storm.site
    await asyncio.to_thread(site.wait_until_it_answers)
    await asyncio.to_thread(site.until, lambda: not site.has(SETTLED))
    await asyncio.to_thread(site.until, lambda: not site.has("SELECT FROM term_delta"))
    await asyncio.to_thread(site.until, lambda: not site.has(FORGOTTEN))
    missing = await lost(storm)
    parts = half(storm)
    extra = await unknown(storm)
    [(failed,)] = site.rows("SELECT count(*) FROM document_version WHERE status = 'failed'")
    twice, drift = site.duplicates(), site.drift()
    record(
        "storm", kills=site.kills, at_named_points=sum(killer.at_points.values()),
        named_points=len(killer.at_points), acknowledged=storm.operations,
        asked_again=storm.retries, restored=storm.restored,
        searches=storm.ledger.searches, hits_checked=storm.ledger.hits,
        failed_with_reason=failed, lost=len(missing) + len(parts),
        duplicates=consistency.count(twice) + len(extra), drift=consistency.count(drift),
    )  # fmt: skip
    assert (missing, parts, extra, twice, drift) == ([], [], [], {}, {}), site.last_words()


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_hundred_and_fifty_kills_lose_nothing(site: Site, seed: int) -> None:
    chance = random.Random(seed)
    storm = Storm(site, Ledger.of(FILES), site.first_key(), seed)
    killer = Killer(site, chance)

    async def kill() -> None:
        while site.kills < KILLS:
            for point in chance.sample(POINTS, len(POINTS)):
                if site.kills >= KILLS:
                    break
                await killer.at_point(point)
                await killer.at_random(most_seconds=1)
            await killer.of_database()
        # To some nobody comes for a while, such as the removal of files that wait in the trash.
        for point in POINTS:
            while point.name not in killer.at_points:
                await killer.at_point(point, PATIENCE)

    await storm.rage(kill)
    await asyncio.to_thread(site.start_over)
    await check(storm, killer)
