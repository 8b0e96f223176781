"""Follow-ups and titles by a model on loopback."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.database.sessions import Database
from citewell.core.platform import Platform
from citewell.engine.llm.base import Timeouts
from citewell.features.conversations import asking, service
from citewell.features.conversations.schemas import ConversationCreate, ConversationQuery
from citewell.features.search.schemas import QueryReply
from citewell.kit.spans import NO_SPAN, OpenSpan, recording
from tests.engine.llm.opening import opened
from tests.quiet import Shelf
from tests.vendor import Received, Reply, VendorServer, running_vendor

NOTES = "Staff in Leeds are paid on the 5th.\n\nStaff in York are paid on the 9th."


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


@pytest.fixture
async def talking(
    platform: Platform, caller: Caller, tmp_path: Path, vendor: VendorServer
) -> AsyncIterator[Platform]:
    """The platform with a model, and a document in its library."""
    await Shelf(platform, caller, tmp_path).add_beside_a_worker("pay.md", NOTES)
    model = opened("openai-compatible", vendor, Timeouts())
    yield replace(platform, llm=model)
    await model.close()


def model_of(rewritten: str, title: str = "“Pay days.”", *, is_broken: bool = False):
    """A model that names, rewrites, and quotes the place that it is asked about."""

    def reply(received: Received) -> Reply:
        system, user = (each["content"] for each in received.body["messages"])
        if "title" in system:
            return Reply([title])
        if "without the conversation" in system:
            return Reply(status=500) if is_broken else Reply([rewritten])
        place = "York" if "York" in user.rpartition("Question:")[2] else "Leeds"
        day = {"York": "9th", "Leeds": "5th"}[place]
        said = f"Staff in {place} are paid on the {day}."
        return Reply([f'<quote passage="1">{said}</quote><say>{said}</say>'])

    return reply


async def ask(platform: Platform, caller: Caller, *questions: str) -> list[QueryReply]:
    async with unit_of_work(platform, caller) as ctx:
        talk = await service.create(ctx, ConversationCreate())
    return [
        await asking.answer(
            platform, caller, ConversationQuery(query=question, conversation_id=talk.id)
        )
        for question in questions
    ]


class Trips:
    """Counts the round trips to the database (`SpanRecorder`)."""

    tells_statements = False

    def __init__(self) -> None:
        self.count = 0

    def span(self, name: str, *_: object, **__: object) -> AbstractContextManager[OpenSpan]:
        self.count += name == "sql batch"
        return nullcontext(NO_SPAN)

    def add(self, name: str, *_: object) -> None:
        self.count += name == "sql"

    def carrier(self) -> None:
        return None


class TestRoundTrips:
    async def test_follow_up_takes_few_before_the_model_is_asked(
        self, talking: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        trips, at = Trips(), list[int]()
        answered = model_of("When are staff in York paid?")

        def reply(received: Received) -> Reply:
            at.append(trips.count)
            return answered(received)

        vendor.answering = reply
        database = Database(talking.database.url, has_spans=True)
        counted = replace(talking, database=database)
        async with unit_of_work(talking, caller) as ctx:
            talk = await service.create(ctx, ConversationCreate(title="Pay"))
        asked = [
            ConversationQuery(query=query, conversation_id=talk.id)
            for query in ("When are staff in Leeds paid?", "The other one, please: what of them?")
        ]
        await asking.answer(talking, caller, asked[0])
        try:
            with recording(trips):
                await asking.answer(counted, caller, asked[1])
        finally:
            await database.close()
        rewriting, answering = at[-2:]
        # The rules' stamp, the place with the access, the answers before, their passages; tokens.
        assert rewriting <= 6
        # Tokens; the library, its legs and its passages; dates with tokens.
        assert answering - rewriting <= 7


class TestRewriting:
    async def test_follow_up_is_rewritten_by_the_model_and_its_tokens_counted(
        self, talking: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        vendor.answering = model_of("When are staff in York paid?")
        first, second = await ask(
            talking, caller, "When are staff in Leeds paid?", "The other one, please: what of them?"
        )
        assert first.metadata.standalone is None
        assert second.metadata.standalone == "When are staff in York paid?"
        assert "9th" in second.answer
        assert second.metadata.degraded == []
        [asked] = [
            each.body["messages"][1]["content"]
            for each in vendor.received
            if "without the conversation" in each.body["messages"][0]["content"]
        ]
        assert "Reader: When are staff in Leeds paid?" in asked
        assert "System: Staff in Leeds are paid on the 5th." in asked

    async def test_model_that_fails_leaves_it_to_the_rules_and_that_is_said(
        self, talking: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        vendor.answering = model_of("", is_broken=True)
        _, second = await ask(talking, caller, "When are staff in Leeds paid?", "And in York?")
        assert second.metadata.standalone == "When are staff in York paid?"
        assert [each.what for each in second.metadata.degraded] == ["rewriting"]

    async def test_conversation_is_named_by_the_model_unless_somebody_names_it(
        self, talking: Platform, caller: Caller, vendor: VendorServer
    ) -> None:
        vendor.answering = model_of("")
        [first] = await ask(talking, caller, "When are staff in Leeds paid?")
        async with unit_of_work(talking, caller) as ctx:
            assert first.conversation_id is not None
            named = await service.get(ctx, first.conversation_id)
        assert named.title == "Pay days"
