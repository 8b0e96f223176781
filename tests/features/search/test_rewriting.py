"""Searches with questions that a model writes besides, and with a model that does not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.llm.registry import open_llm
from citewell.engine.retrieval.base import Technique
from citewell.engine.retrieval.rewriting import Rewriting
from citewell.features.search import service
from citewell.features.search.schemas import SearchReply, SearchRequest
from tests.conftest import new_caller
from tests.quiet import Shelf
from tests.vendor import Received, Reply, VendorServer, running_vendor

QUESTION = "How much time off do people get?"
TEXTS = {
    "leave.txt": "Annual leave amounts to 25 days.",
    "time.txt": "Time is money, people say; get off the time machine in time.",
    "people.txt": "People get time sheets from the office.",
}
PIECES = {
    "as the documents would put it": ["1. Annual leave days\n", "ignored second line"],
    "three other questions": ["- Annual leave amounts\n- days of leave\n- Annual LEAVE days\n-- "],
    "one question for each": ["NONE"],
    "a short passage": ["Annual leave amounts\nto many days."],
}


def written(request: Received) -> Reply:
    system = str(request.body["messages"][0]["content"])
    return Reply(next(pieces for words, pieces in PIECES.items() if words in system))


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        server.answering = written
        yield server


@pytest.fixture
async def shelf(platform: Platform, tmp_path: Path) -> Shelf:
    shelf = Shelf(platform, await new_caller(platform), tmp_path)
    for name, text in TEXTS.items():
        await shelf.add_beside_a_worker(name, text)
    return shelf


async def searched(
    shelf: Shelf, vendor: VendorServer, *techniques: Technique, seconds: float = 3_600
) -> SearchReply:
    model = open_llm("openai-compatible:test", base_url=vendor.url, api_key="k")
    platform = replace(shelf.platform, llm=model).holding(Rewriting(techniques, seconds))
    caller = Caller(shelf.caller.tenant_id, shelf.caller.actor)
    try:
        request = SearchRequest(query=QUESTION, top_k=2, explain=True)
        return await service.search(platform, caller, request)
    finally:
        await model.close()


class TestRewriting:
    async def test_other_questions_bring_up_what_the_words_do_not(
        self, shelf: Shelf, vendor: VendorServer
    ) -> None:
        plain = await searched(shelf, vendor)
        assert vendor.received == []
        assert "leave.txt" not in [hit.title for hit in plain.results]
        every: tuple[Technique, ...] = ("rewrite", "variations", "decomposition", "hyde")
        found = await searched(shelf, vendor, *every)
        assert len(vendor.received) == len(every)
        assert [hit.title for hit in found.results] == [plain.results[0].title, "leave.txt"]
        assert found.results[0].score == plain.results[0].score
        assert found.degraded == []
        assert found.explain is not None
        assert [(each.technique, each.text) for each in found.explain.others] == [
            ("rewrite", "Annual leave days"),
            ("variations", "Annual leave amounts"),
            ("variations", "days of leave"),
            ("hyde", "Annual leave amounts to many days."),
        ]

    @pytest.mark.parametrize(
        ("reply", "seconds", "why"),
        [(Reply(status=401), 3_600, "rewrite: "), (Reply(hangs_before=True), 0.05, "more than")],
    )
    async def test_model_that_fails_or_is_slow_is_done_without(
        self, shelf: Shelf, vendor: VendorServer, reply: Reply, seconds: float, why: str
    ) -> None:
        vendor.script = [reply]
        found = await searched(shelf, vendor, "rewrite", seconds=seconds)
        plain = await searched(shelf, vendor)
        assert [hit.chunk_id for hit in found.results] == [hit.chunk_id for hit in plain.results]
        ((what, reason),) = ((each.what, each.why) for each in found.degraded)
        assert what == "rewriting"
        assert why in reason
