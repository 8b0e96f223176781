"""Searching and asking as of a time: what was active then, for whom it is readable now."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from tests.conftest import Library

LEAVE = "# Leave\n\nFull-time employees get {} days of annual leave.\n"
QUESTION = "How many days of annual leave do full-time employees get?"


def now() -> str:
    return datetime.now(UTC).isoformat()


async def lived_through(library: Library) -> tuple[str, dict[str, str]]:
    """A document's id, and moments at which version 1, 2 and, rolled back, 1 again answered."""
    moments = {"before": now()}
    for number, days in ((1, 27), (2, 30)):
        [document] = await library.upload(("leave.md", LEAVE.format(days).encode()))
        moments[f"version {number}"] = now()
    url = f"/api/v1/documents/{document['id']}/rollback"
    assert (await library.client.post(url, json={"version": 1})).status_code == 200
    moments["rolled back"] = now()
    return document["id"], moments


class TestAsOf:
    async def test_search_and_answer_are_from_what_was_active_then(self, library: Library) -> None:
        _, moments = await lived_through(library)
        for name, version, days in (
            ("version 1", 1, "27 days"), ("version 2", 2, "30 days"), ("rolled back", 1, "27 days")
        ):  # fmt: skip
            [hit] = await library.search(QUESTION, as_of=moments[name])
            assert (hit["version"], days in hit["text"]) == (version, True), name
            body = {"query": QUESTION, "as_of": moments[name]}
            answer = (await library.client.post("/api/v1/query", json=body)).json()
            assert days in answer["answer"], name
            assert {citation["version"] for citation in answer["citations"]} == {version}
        assert await library.search(QUESTION, as_of=moments["before"]) == []

    async def test_zone_counts_and_the_far_future_is_now(self, library: Library) -> None:
        _, moments = await lived_through(library)
        then = datetime.fromisoformat(moments["version 2"])
        elsewhere = then.astimezone(timezone(timedelta(hours=7))).isoformat()
        [hit] = await library.search(QUESTION, as_of=elsewhere)
        assert hit["version"] == 2
        [hit] = await library.search(QUESTION, as_of="9999-12-31T23:59:59-12:00")
        assert hit["version"] == 1
        assert await library.search(QUESTION, as_of="0001-01-01T00:00:00+14:00") == []

    @pytest.mark.parametrize(
        "wrong", ["2026-03-01T09:00:00", "2026-03-01", "yesterday", 1_760_000_000, True, [], ""]
    )
    async def test_what_is_no_time_with_a_zone_is_refused(
        self,
        shared_client: httpx.AsyncClient,
        refused: Callable[[httpx.Response, int, str], None],
        wrong: object,
    ) -> None:
        for path in ("search", "query", "query/stream"):
            body = {"query": QUESTION, "as_of": wrong}
            reply = await shared_client.post(f"/api/v1/{path}", json=body)
            refused(reply, 422, "validation_error")

    async def test_deleted_documents_are_gone_from_the_past_too(self, library: Library) -> None:
        document_id, moments = await lived_through(library)
        await library.client.delete(f"/api/v1/documents/{document_id}")
        assert await library.search(QUESTION, as_of=moments["version 1"]) == []

    async def test_access_is_that_of_now(
        self, library: Library, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        document_id, moments = await lived_through(library)
        assert await Library(stranger).search(QUESTION, as_of=moments["version 2"]) == []
        made = await client.post(
            "/api/v1/users", json={"email": "guest@example.org", "role": "guest"}
        )
        look = {"as_user_id": made.json()["id"], "as_of": moments["version 2"]}
        assert await library.search(QUESTION, **look) == []
        url = f"/api/v1/documents/{document_id}"
        await client.patch(url, json={"access_level": "public"})
        [hit] = await library.search(QUESTION, **look)
        assert hit["version"] == 2
