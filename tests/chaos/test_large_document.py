"""A document of a thousand chunks: back in a moment, and a changed paragraph costs little.

`tests/features/versions/test_service.py` has it with its parts; this is over HTTP.
"""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.entrypoints.conftest import Installation
from tests.waiting import PATIENCE, has_time

from .report import record
from .site import Site

PARAGRAPHS = 1_100

pytestmark = pytest.mark.slow


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """A server and a worker."""
    site = Site(installation, workers=1)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


def text(changed: int | None = None) -> str:
    """A law of many articles, of which one may be another."""
    return "\n\n".join(
        f"Article {number}. "
        + f"Whoever keeps shelf {number} {'opens' if number == changed else 'closes'} it at six. "
        * 14
        for number in range(PARAGRAPHS)
    )


def hand_in(client: httpx.Client, content: str) -> dict[str, Any]:
    """Upload the law; the document once it is ready."""
    reply = client.post("/documents/upload", files={"files": ("law.txt", content.encode())})
    [accepted] = reply.json()["documents"]
    deadline = time.monotonic() + PATIENCE
    while True:
        state = client.get(f"/documents/{accepted['id']}").json()
        if state["status"] == "ready":
            return state
        assert time.monotonic() < deadline, state
        time.sleep(0.1)


def test_rollback_and_a_changed_paragraph_are_cheap(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.first_key()}"}
    with httpx.Client(base_url=f"{site.url}/api/v1", headers=headers, timeout=PATIENCE) as client:
        document = hand_in(client, text())
        assert document["chunks"] >= 1_000
        before = site.embedding.embedded
        hand_in(client, text(changed=PARAGRAPHS // 2))
        embedded = site.embedding.embedded - before
        begun = time.monotonic()
        reply = client.post(f"/documents/{document['id']}/rollback", json={"version": 1})
        taken = time.monotonic() - begun
    assert reply.status_code == 200, reply.text
    assert reply.json()["active_version"] == 1
    record("large document", rollback_seconds=round(taken, 2), embedded_again=embedded)
    assert embedded <= 3
    assert taken <= 1 or not has_time()
