"""Workers that die or fall asleep over a job: another finishes it, and the sleeper does no harm.

`tests/core/test_stopped_workers.py` has the short form of it, with less patience.
"""

import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.entrypoints.conftest import Installation
from tests.waiting import PATIENCE, has_time

from . import consistency
from .report import record
from .site import Site
from .storm import SETTLED

MOST_SECONDS = 30

pytestmark = pytest.mark.slow

ATTEMPTS = "SELECT 1 FROM job WHERE status = 'running' AND attempts = 2"


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """A server and one worker; a second one is started when the first has the job."""
    site = Site(installation, workers=1)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "asleep"])
def test_job_is_taken_over_in_time(site: Site, number: signal.Signals) -> None:
    headers = {"Authorization": f"Bearer {site.first_key()}"}
    with httpx.Client(base_url=f"{site.url}/api/v1", headers=headers, timeout=PATIENCE) as client:
        with site.embedding.closed():
            file = {"files": ("hall.md", b"# Hall\n\nThe doors of the hall close at six.")}
            [accepted] = client.post("/documents/upload", files=file).json()["documents"]
            assert site.embedding.waiting.acquire(timeout=PATIENCE)
            [first] = site.workers
            assert first is not None
            site.workers.append(site.nursery.start(site.variables, "worker"))
            workers = "SELECT 1 FROM procrastinate_workers OFFSET 1"
            site.until(lambda: site.has(workers))
            begun = time.monotonic()
            first.signal(number)
            site.until(lambda: site.has(ATTEMPTS))
            taken = time.monotonic() - begun
        site.until(lambda: not site.has(SETTLED))
        if number == signal.SIGSTOP:
            first.signal(signal.SIGCONT)
            time.sleep(3)  # it finds out that the job is another's
            assert first.is_alive
        state = client.get(f"/documents/{accepted['id']}").json()
        hits = client.post("/search", json={"query": "doors"}).json()["results"]
    assert state["status"] == "ready"
    assert len(hits) == 1
    [(status, attempts)] = site.rows("SELECT status, attempts FROM job")
    assert (status, attempts) == ("succeeded", 2)
    site.until(lambda: not site.has("SELECT FROM term_delta"))
    is_late = taken > MOST_SECONDS and has_time()
    twice, drift = site.duplicates(), site.drift()
    record(
        "take-over", kills=int(number == signal.SIGKILL), seconds=round(taken, 1),
        lost=int(is_late), duplicates=consistency.count(twice),
        drift=consistency.count(drift),
    )  # fmt: skip
    assert (twice, drift) == ({}, {})
    assert not is_late
