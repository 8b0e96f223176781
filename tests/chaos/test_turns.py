"""One tenant's ten thousand files and another's single one, which does not wait for them.

`tests/features/jobs/test_turns.py` has the short form of it.
"""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.entrypoints.conftest import Installation
from tests.waiting import PATIENCE

from .report import record
from .site import Site

FILES = 10_000
AT_ONCE = 100
MOST_BEFORE = FILES // 20
"""Of the others' files; first come, first served were all of them."""

pytestmark = pytest.mark.slow


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """A server and a worker."""
    site = Site(installation, workers=1)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


def other_key(site: Site) -> str:
    """An API key of another tenant."""
    for arguments in (("tenant", "create", "other"), ("key", "create", "--tenant", "other")):
        made = site.nursery.start(site.variables, *arguments)
        site.until(lambda: not made.is_alive)  # noqa: B023
    words = made.output.read_text().split()
    return next(word for word in words if word.startswith("cw_"))


async def flood(client: httpx.AsyncClient) -> None:
    """Hand in the ten thousand."""
    for start in range(0, FILES, AT_ONCE):
        files = [
            ("files", (f"note-{number:05}.txt", f"Note {number} of the flood.".encode()))
            for number in range(start, start + AT_ONCE)
        ]
        reply = await client.post("/documents/upload", files=files)
        assert reply.status_code == 202, reply.text


def ready(site: Site) -> int:
    """Documents that can be found."""
    return site.rows("SELECT count(*) FROM document_version WHERE status = 'ready'")[0][0]


async def test_one_file_does_not_wait_for_ten_thousand(site: Site) -> None:
    mine = await asyncio.to_thread(other_key, site)
    key = site.first_key()
    async with site.client(key, PATIENCE) as many, site.client(mine, PATIENCE) as one:
        site.embedding.delay = 0.2  # so that all of them are waiting
        await flood(many)
        begun, before = time.monotonic(), await asyncio.to_thread(ready, site)
        file = {"files": ("tides.txt", b"The tide turns twice a day.")}
        reply = await one.post("/documents/upload", files=file)
        assert reply.status_code == 202, reply.text
        while True:
            reply = await one.post("/search", json={"query": "tide"})
            if reply.json()["results"]:
                break
            assert time.monotonic() - begun < PATIENCE, site.last_words()
            await asyncio.sleep(0.05)
        taken = time.monotonic() - begun
        first = await asyncio.to_thread(ready, site) - before
    [(waiting,)] = site.rows("SELECT count(*) FROM job WHERE status = 'queued'")
    record(
        "turns", files_waiting=waiting, files_before=first, seconds_to_search=round(taken, 2),
    )  # fmt: skip
    assert waiting > FILES / 2, "the others were done before it; this showed nothing"
    assert first <= MOST_BEFORE
