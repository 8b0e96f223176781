"""Searching and asking over HTTP."""

import json
import re
import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Library

Refused = Callable[[httpx.Response, int, str], None]

NOBODY = "00000000-0000-7000-8000-000000000000"
"""An id that nothing has."""

ROUTES = ("/api/v1/search", "/api/v1/query", "/api/v1/query/stream")
QUESTION = "Who repairs the lift?"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def house(library: Library) -> Library:
    """A library that knows about a lift."""
    await library.add(
        "House rules",
        "# Lift\n\nThe lift is repaired by Otis Berger. Call extension 4417 at any hour.\n\n"
        "# Bicycles\n\nBicycles are parked in the yard.",
        metadata={"floor": 2, "area": "A", "open": True, 'it\'s "odd"': "x"},
    )
    return library


def events_of(text: str) -> list[tuple[str, dict]]:
    """The events of a stream, in order."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    for block in blocks:
        assert [line.partition(": ")[0] for line in block] == ["event", "data"]
    return [(block[0][len("event: ") :], json.loads(block[1][len("data: ") :])) for block in blocks]


class TestSearch:
    async def test_reply_has_the_promised_shape(self, house: Library) -> None:
        body = {"query": QUESTION, "top_k": 1, "explain": True}
        reply = await house.client.post("/api/v1/search", json=body)
        assert reply.status_code == 200
        found = reply.json()
        assert found["query"] == QUESTION
        assert found["degraded"] == []
        assert found["timings_ms"].keys() >= {"analyse", "embed", "search", "total"}
        [hit] = found["results"]
        assert hit.keys() == {
            "chunk_id", "document_id", "title", "version", "page", "heading", "start", "end",
            "score", "text", "folded", "before", "after", "page_end", "sheet", "explain",
        }  # fmt: skip
        assert "Otis Berger" in hit["text"]
        assert hit["heading"] == "Lift"
        assert hit["explain"]["dense"]["rank"] == hit["explain"]["lexical"]["rank"] == 1
        assert found["explain"]["language"] == "en"
        assert found["explain"]["is_exact"] is True

    async def test_repetitions_fold_on_request(self, library: Library) -> None:
        for title in ("Rule", "Copy of the rule"):
            await library.add(title, "Bicycles are parked in the yard.", on_duplicate="keep_both")
        await library.add("Newer rule", "Bicycles are parked in the cellar.")
        hits = await library.search("Where are bicycles parked?")
        assert sorted(len(hit["folded"]) for hit in hits) == [0, 0, 0]
        hits = await library.search("Where are bicycles parked?", fold=True)
        assert sorted(len(hit["folded"]) for hit in hits) == [0, 1]
        (folded,) = (each for hit in hits for each in hit["folded"])
        named = {hit["title"] for hit in hits} | {folded["title"]}
        assert named == {"Rule", "Copy of the rule", "Newer rule"}

    async def test_neighbours_are_shown_and_read(self, library: Library) -> None:
        rest = " Towels are washed by the laundry." * 25  # so that each part is a passage
        await library.add(
            "Pool",
            f"# Opening\n\nThe pool opens at seven.{rest}\n\n# Lanes\n\n"
            f"There are six lanes.{rest}\n\n# Lifeguard\n\nOtis Berger is on duty.{rest}",
        )
        [hit] = await library.search("How many lanes has the pool?", top_k=1, neighbours=1)
        around = [hit["before"], hit["after"]]
        assert [[each["heading"] for each in side] for side in around] == [
            ["Opening"], ["Lifeguard"],
        ]  # fmt: skip
        assert "seven" in hit["before"][0]["text"]
        [hit] = await library.search("How many lanes has the pool?", top_k=1)
        assert hit["before"] == hit["after"] == []

    async def test_answer_takes_what_search_takes(self, library: Library) -> None:
        for title in ("Rule", "Copy of the rule"):
            await library.add(title, "Bicycles are parked in the yard.")
        asked = {"query": "Where are bicycles parked?", "fold": True, "neighbours": 2}
        reply = await library.client.post("/api/v1/query", json=asked)
        kept = await library.client.get(f"/api/v1/queries/{reply.json()['query_id']}")
        assert len(kept.json()["passages"]) == 1
        for wrong in ({"neighbours": 4}, {"neighbours": -1}, {"diversity": 2}):
            for route in ROUTES:
                reply = await library.client.post(route, json={"query": QUESTION, **wrong})
                assert reply.status_code == 422

    @pytest.mark.usefixtures("house")
    async def test_library_of_others_is_not_searched(self, stranger: httpx.AsyncClient) -> None:
        other = Library(stranger)
        assert await other.search(QUESTION) == []
        answer = (await stranger.post("/api/v1/query", json={"query": QUESTION})).json()
        assert "Otis" not in answer["answer"]
        await other.add("Garden", "Roses are cut in March.")
        hits = await other.search(QUESTION, top_k=100)
        assert [hit["title"] for hit in hits] == ["Garden"]

    async def test_filters_and_collections_narrow(
        self, house: Library, client: httpx.AsyncClient
    ) -> None:
        other = (await client.post("/api/v1/collections", json={"name": "Other"})).json()["id"]
        for filters, expected in (
            ({"floor": 2}, True),
            ({"floor": 3}, False),
            ({"floor": "2"}, False),
            ({"area": "A", "open": True}, True),
            ({"area": "A", "open": False}, False),
            ({'it\'s "odd"': "x"}, True),
            ({'it\'s "odd"': "x' OR '1'='1"}, False),
            ({"title": "House rules"}, True),
            ({"title": "' OR 1=1 --"}, False),
            ({"language": "en"}, True),
            ({"document_id": str(uuid.uuid4())}, False),
        ):
            assert bool(await house.search(QUESTION, filters=filters)) is expected, filters
        assert await house.search(QUESTION, collection_ids=[other]) == []

    async def test_top_k_bounds_the_results(self, house: Library) -> None:
        assert len(await house.search("lift bicycles", top_k=1)) == 1
        assert 1 < len(await house.search("lift bicycles", top_k=100)) <= 100


SAYING_NOTHING = (
    ("", "validation_error"),
    ("a" * 100_000, "validation_error"),
    ("\ud800", "validation_error"),
    ("why \udfff", "validation_error"),
    (None, "validation_error"),
    (7, "validation_error"),
    (["a"], "validation_error"),
    ("😀🎉👩‍👩‍👧", "query_without_words"),
    ("   \n\t ", "query_without_words"),
    ("\x00", "query_without_words"),
    ("?!…«»", "query_without_words"),
    ("\u202e\u200b\ufeff", "query_without_words"),
)

IMPOSSIBLE_TOP_K = (
    "0", "-1", "10000", '"x"', "1.5", "1e99", "NaN", "Infinity", "null", "9" * 400,
)  # fmt: skip

IMPOSSIBLE_SCOPES = (
    (f'"collection_ids": ["{NOBODY}"]', 404, "collection_not_found"),
    ('"collection_ids": ["x"]', 422, "validation_error"),
    ('"collection_ids": []', 422, "validation_error"),
    ('"filters": {"colour": "red"}', 422, "unknown_filter"),
    ('"filters": {"": 1}', 422, "unknown_filter"),
    ('"filters": {"\'; DROP TABLE chunk; --": 1}', 422, "unknown_filter"),
    ('"filters": {"\\"\\\\\\"": 1}', 422, "unknown_filter"),
    ('"filters": {"a\\u0000b": 1}', 422, "validation_error"),
    ('"filters": {"\\ud800": 1}', 422, "validation_error"),
    (f'"filters": {json.dumps({"k" * 300: 1})}', 422, "validation_error"),
    ('"filters": {"title": "\\u0000"}', 422, "validation_error"),
    ('"filters": {"title": "\\udc00"}', 422, "validation_error"),
    ('"filters": {"title": NaN}', 422, "validation_error"),
    ('"filters": {"title": [1]}', 422, "validation_error"),
    ('"filters": {"title": null}', 422, "validation_error"),
    ('"filters": {"title": 5}', 422, "invalid_filter"),
    ('"filters": {"document_id": "x"}', 422, "invalid_filter"),
    ('"filters": "all"', 422, "validation_error"),
    (f'"filters": {json.dumps(dict.fromkeys(range(21), 1))}', 422, "validation_error"),
)

ODD_VALUES = (
    "NaN", "1e999", "-Infinity", "1" + "0" * 4000, "1e-400", "true", '"\\u0001"',
)  # fmt: skip

ODD_QUESTIONS = (
    "'; DROP TABLE chunk; --",
    '"' * 3_999 + "a",
    "% _ \\ lift",
    "a " * 1_999,
    "lift\x00lift",
    "ﷺ" * 4_000,
    "a\u0301" * 1_999,
    "SELECT pg_sleep(10)",
    "{{7*7}} ${jndi:ldap://x}",
)


@pytest.mark.parametrize("route", ROUTES)
class TestBadQuestions:
    async def test_questions_that_say_nothing_are_422(
        self, route: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        for query, code in SAYING_NOTHING:
            body = json.dumps({"query": query})
            refused(await shared_client.post(route, content=body, headers=JSON), 422, code)

    async def test_impossible_top_k_is_422(
        self, route: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        for top_k in IMPOSSIBLE_TOP_K:
            body = f'{{"query": "lift", "top_k": {top_k}}}'
            reply = await shared_client.post(route, content=body, headers=JSON)
            refused(reply, 422, "validation_error")
            assert reply.json()["detail"].startswith("top_k"), top_k

    async def test_impossible_scopes_are_4xx(
        self, route: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        for more, status, code in IMPOSSIBLE_SCOPES:
            body = f'{{"query": "lift", {more}}}'
            reply = await shared_client.post(route, content=body, headers=JSON)
            refused(reply, status, code)
            assert len(reply.json()["detail"]) < 1000, more


class TestOddQuestions:
    async def test_odd_values_of_known_metadata_never_fail(self, house: Library) -> None:
        for value in ODD_VALUES:
            body = f'{{"query": "lift", "filters": {{"floor": {value}}}}}'
            reply = await house.client.post("/api/v1/search", content=body, headers=JSON)
            assert reply.status_code in (200, 422), reply.text
            if reply.status_code == 200:
                assert reply.json()["results"] == [], value

    async def test_odd_questions_are_answered(self, house: Library) -> None:
        for query in ODD_QUESTIONS:
            for route in ROUTES[:2]:
                reply = await house.client.post(route, json={"query": query})
                assert reply.status_code == 200, reply.text


class TestQuery:
    async def test_reply_has_the_promised_shape(self, house: Library) -> None:
        reply = (await house.client.post("/api/v1/query", json={"query": QUESTION})).json()
        assert reply.keys() == {
            "query_id", "query", "answer", "abstained", "confidence", "sentences", "citations",
            "metadata", "timestamp",
            "conversation_id", "message_id", "suggestions",
        }  # fmt: skip
        assert "Otis Berger" in reply["answer"]
        assert reply["confidence"].keys() == {"level", "score", "reasons"}
        assert reply["metadata"].keys() == {
            "model",
            "prompt",
            "input_tokens",
            "output_tokens",
            "timings_ms",
            "cached",
            "degraded",
            "standalone",
        }
        assert reply["metadata"]["degraded"] == []
        assert reply["timestamp"].endswith("Z")
        for citation in reply["citations"]:
            assert citation.keys() == {
                "number", "chunk_id", "document_id", "title", "version", "page", "heading",
                "provision", "start", "end", "quote", "score", "page_end", "sheet", "link",
            }  # fmt: skip
        for sentence in reply["sentences"]:
            assert sentence.keys() == {
                "text", "citations", "grade", "unsupported_terms", "verified_by",
            }  # fmt: skip
            assert (sentence["grade"], sentence["verified_by"]) == ("quoted", "rules")
            assert sentence["unsupported_terms"] == []
        cited = {number for sentence in reply["sentences"] for number in sentence["citations"]}
        assert cited == {citation["number"] for citation in reply["citations"]}

    async def test_what_no_document_says_is_abstained(self, house: Library) -> None:
        body = {"query": "What is the boiling point of tungsten?"}
        reply = (await house.client.post("/api/v1/query", json=body)).json()
        assert reply["abstained"] is True
        assert reply["citations"] == []
        assert reply["answer"]

    async def test_empty_library_abstains(self, shared_client: httpx.AsyncClient) -> None:
        reply = (await shared_client.post("/api/v1/query", json={"query": QUESTION})).json()
        assert reply["abstained"] is True
        assert reply["citations"] == []


class TestStream:
    async def test_events_come_in_order_and_done_equals_query(self, house: Library) -> None:
        reply = await house.client.post("/api/v1/query/stream", json={"query": QUESTION})
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "private, no-store"
        assert reply.headers["x-accel-buffering"] == "no"
        events = events_of(reply.text)
        names = [name for name, _ in events]
        assert names[0] == "step"
        assert names[-1] == "done"
        assert names.count("done") == 1
        assert set(names) == {"step", "citation", "token", "done"}
        done = events[-1][1]
        known = set[str]()
        for name, data in events:
            if name == "citation":
                known.add(f"[{data['number']}]")
            if name == "token":
                assert set(re.findall(r"\[\d+\]", data["text"])) <= known
                assert data["sentence"] in done["sentences"]
        plain = (await house.client.post("/api/v1/query", json={"query": QUESTION})).json()
        assert done.keys() == plain.keys()
        for key in ("query", "answer", "abstained", "confidence", "sentences", "citations"):
            assert done[key] == plain[key]
        assert "".join(data["text"] for name, data in events if name == "token") == done["answer"]
        assert [data for name, data in events if name == "citation"] == done["citations"]

    async def test_caller_that_goes_away_harms_nobody(self, house: Library) -> None:
        for _ in range(5):
            body = {"query": QUESTION}
            async with house.client.stream("POST", "/api/v1/query/stream", json=body) as reply:
                assert reply.status_code == 200
        assert await house.search(QUESTION)
