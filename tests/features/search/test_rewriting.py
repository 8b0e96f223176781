"""Searches with questions that a model writes besides, and with a model that does not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.engine.llm.registry import open_llm
from citewell.engine.retrieval.base import Technique
from citewell.engine.retrieval.techniques import Rewriting
from citewell.features.identity import tenants
from citewell.features.identity.schemas import TenantUpdate
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


class TestOwnRewriting:
    async def test_tenant_has_its_own_questions_and_instructions(
        self, shelf: Shelf, vendor: VendorServer
    ) -> None:
        operator = replace(shelf.caller, actor=OPERATOR)

        async def changed(**values: object) -> SearchReply:
            own = TenantUpdate.model_validate(values)
            await tenants.update(shelf.platform, operator, shelf.caller.tenant_id, own)
            vendor.received.clear()
            return await searched(shelf, vendor, "variations")

        vendor.answering = lambda _: Reply(["Annual leave days"])
        text = "Put it as a lawyer would."
        found = await changed(query_rewriting=["rewrite"], prompts={"rewrite": text})
        assert found.explain is not None
        assert [each.technique for each in found.explain.others] == ["rewrite"]
        assert [each.body["messages"][0]["content"] for each in vendor.received] == [text]
        await changed(query_rewriting=[])
        assert vendor.received == []
        await changed(query_rewriting=None)
        assert len(vendor.received) == 1

    @pytest.mark.parametrize(
        "values", [{"query_rewriting": ["guess"]}, {"prompts": {"hyde": "{{form}}"}}]
    )
    def test_unknown_technique_or_a_form_is_refused(self, values: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            TenantUpdate.model_validate(values)
