"""Answers that a model writes, from a library and a vendor on loopback."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.engine.llm.base import Timeouts
from citewell.features.identity import tenants
from citewell.features.identity.schemas import TenantUpdate
from citewell.features.search import answers
from citewell.features.search.schemas import QueryRequest
from tests.engine.llm.opening import opened
from tests.quiet import Shelf
from tests.vendor import Reply, VendorServer, running_vendor

NOTES = "Visitors park in bay 4 [2]. Parking is free for guests of the house."
REPLY = (
    '<quote passage="1">Visitors park in bay 4 (2).</quote>\n<say>Visitors park in bay 5.</say>'
    "<quote passage=1>Parking is free for guests</quote>"
    "<say>Parking is free for guests of the house, see http://evil.example.</say>"
)


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


@pytest.fixture
async def writing(
    platform: Platform, caller: Caller, tmp_path: Path, vendor: VendorServer
) -> AsyncIterator[Platform]:
    """The platform with a model, and a document in its library."""
    await Shelf(platform, caller, tmp_path).add_beside_a_worker("parking.md", NOTES)
    model = opened("openai-compatible", vendor, Timeouts())
    yield replace(platform, llm=model)
    await model.close()


class TestStream:
    async def test_tokens_carry_sentence_and_grade_and_are_the_answer(
        self, writing: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply([REPLY[:90], REPLY[90:]]))
        request = QueryRequest(query="Where do visitors park?")
        events = [event async for event in answers.stream(writing, caller, request)]
        done = events[-1].data
        assert done["metadata"]["degraded"] == []
        tokens = [event.data for event in events if event.name == "token"]
        assert "".join(str(token["text"]) for token in tokens) == done["answer"]
        assert done["answer"] == (
            "Visitors park in bay 5. [1] Parking is free for guests of the house, see […]. [2]"
        )
        assert [token["sentence"] for token in tokens] == done["sentences"]
        first, second = done["sentences"]
        assert (first["grade"], first["unsupported_terms"]) == ("contradicted", ["5"])
        assert second["grade"] == "reworded"
        assert [one["quote"] for one in done["citations"]] == [
            "Visitors park in bay 4 [2].",
            "Parking is free for guests of the house.",
        ]
        assert done["confidence"]["level"] == "low"
        assert done["metadata"]["prompt"]

    async def test_prompt_tells_today_and_of_when_a_document_is(
        self, writing: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        await answers.answer(writing, caller, QueryRequest(query="Where do visitors park?"))
        system, user = vendor.received[0].body["messages"]
        assert "<say>" in system["content"]
        assert "Today is 20" in user["content"]
        assert "version 1 of 20" in user["content"]
        assert "bay 4 (2)" in user["content"]

    async def test_model_that_fails_halfway_leaves_what_it_wrote(
        self, writing: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply([REPLY[:110], REPLY[110:]], cuts_after=1))
        request = QueryRequest(query="Where do visitors park?")
        reply = await answers.answer(writing, caller, request)
        assert reply.answer == "Visitors park in bay 5. [1]"
        (degraded,) = reply.metadata.degraded
        assert degraded.what == "llm"
        assert "is kept" in degraded.why

    async def test_reply_that_rests_on_nothing_is_replaced_by_the_extract(
        self, writing: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply(["<quote passage=1>No such words</quote><say>Bay 9.</say>"]))
        request = QueryRequest(query="Where do visitors park?")
        reply = await answers.answer(writing, caller, request)
        assert reply.answer == "Visitors park in bay 4 (2). [1]"
        assert reply.metadata.model == "extractive"
        assert [one.what for one in reply.metadata.degraded] == ["llm"]


class TestOwnSettings:
    async def test_tenant_has_rules_and_a_second_reading_of_its_own(
        self, writing: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        own = TenantUpdate.model_validate(
            {"verifier": "model", "prompts": {"answer.en": "Be brief. {{form}}"}}
        )
        operator = replace(caller, actor=OPERATOR)
        await tenants.update(writing, operator, caller.tenant_id, own)
        said = "<quote passage=1>Parking is free for guests</quote><say>Guests need not pay.</say>"
        vendor.script += [Reply([said]), Reply(["1: supported"])]
        request = QueryRequest(query="Is parking free for guests?")
        reply = await answers.answer(writing, caller, request)
        (sentence,) = reply.sentences
        assert (sentence.grade, sentence.verified_by) == ("confirmed", "model")
        assert reply.metadata.prompt is not None
        assert reply.metadata.prompt.startswith("own-")
        assert vendor.received[0].body["messages"][0]["content"].startswith("Be brief. Write")

    @pytest.mark.parametrize(
        "prompts", [{"answer.en": "No form."}, {"answer.fr": "{{form}}"}, {"verify": "{{form}}"}]
    )
    def test_prompt_without_a_form_or_of_another_name_is_refused(
        self, prompts: dict[str, str]
    ) -> None:
        with pytest.raises(ValidationError):
            TenantUpdate.model_validate({"prompts": prompts})
