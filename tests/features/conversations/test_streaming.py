"""Answers of conversations as events: left, taken up again, stopped, at other nodes."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from citewell.core.closing import Closing
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.llm.base import Timeouts
from citewell.features.conversations import asking, recording, service, streams
from citewell.features.conversations.errors import ConversationNotFoundError, StreamNotFoundError
from citewell.features.conversations.running import Run, Runs
from citewell.features.conversations.schemas import (
    ConversationCreate,
    ConversationQuery,
    MessageRead,
    NumberedEvent,
)
from citewell.features.search.answer_records import Making
from citewell.features.trash import service as trash
from citewell.kit.pagination import PageRequest
from citewell.models.conversations import AnswerStream, AnswerStreamEvent
from tests.conftest import Library
from tests.engine.llm.opening import opened
from tests.office import Office
from tests.quiet import Shelf
from tests.vendor import Reply, VendorServer, running_vendor

Refused = Callable[[httpx.Response, int, str], None]

NOTES = "Visitors park in bay 4. Parking is free for guests. Bay 9 is closed on Sundays."
PIECES = [
    '<quote passage="1">Visitors park in bay 4.</quote><say>Visitors park in bay 4.</say>\n',
    '<quote passage="1">Parking is free for guests.</quote><say>Parking is free for guests.'
    "</say>\n",
    '<quote passage="1">Bay 9 is closed on Sundays.</quote><say>Bay 9 is closed on Sundays.</say>',
]
QUESTION = "Where do visitors park, and is it free of charge for the guests of the house?"


def apart(platform: Platform) -> Platform:
    """The same handles with no answers under way."""
    state = {kind: each for kind, each in platform._state.items() if kind is not Runs}
    return replace(platform, _state=state)


class Node:
    """A process with a model, with its own answers under way."""

    def __init__(self, platform: Platform, caller: Caller, conversation_id: uuid.UUID) -> None:
        self.platform, self.caller = platform, caller
        self.conversation_id = conversation_id
        self.runs = platform.state_of(Runs)

    def other(self) -> "Node":
        """Another process on the same database."""
        return Node(apart(self.platform), self.caller, self.conversation_id)

    async def start(self) -> Run:
        request = ConversationQuery(query=QUESTION, conversation_id=self.conversation_id)
        return await self.runs.start(self.platform, self.caller, request)

    def follow(self, message_id: uuid.UUID, after: int = 0) -> AsyncGenerator[NumberedEvent, None]:
        run = self.runs.find(message_id)
        return streams.follow(self.platform, self.caller, run, message_id, after)

    async def rest(self, message_id: uuid.UUID, after: int = 0) -> list[NumberedEvent]:
        return [event async for event in self.follow(message_id, after)]

    async def first(self, message_id: uuid.UUID, name: str) -> list[NumberedEvent]:
        """The events up to the first of a name; then the reader leaves."""
        seen: list[NumberedEvent] = []
        async with aclosing(self.follow(message_id)) as events:
            async for event in events:
                seen.append(event)
                if event.name == name:
                    break
        return seen

    async def message(self) -> MessageRead:
        async with unit_of_work(self.platform, self.caller) as ctx:
            page = await service.messages(ctx, self.conversation_id, PageRequest())
        [only] = page.items
        return only


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


@pytest.fixture
async def node(
    platform: Platform, caller: Caller, tmp_path: Path, vendor: VendorServer
) -> AsyncIterator[Node]:
    await Shelf(platform, caller, tmp_path).add_beside_a_worker("parking.md", NOTES)
    model = opened("openai-compatible", vendor, Timeouts())
    own = apart(replace(platform, llm=model))
    async with unit_of_work(own, caller) as ctx:
        made = await service.create(ctx, ConversationCreate(title="Parking"))
    async with own.state_of(Runs).open(Closing()):
        yield Node(own, caller, made.id)
    await model.close()


def told(events: list[NumberedEvent]) -> str:
    return "".join(json.loads(each.text)["text"] for each in events if each.name == "token")


class TestPlaces:
    async def test_questions_of_two_tabs_at_the_end_stand_one_after_the_other(
        self, node: Node
    ) -> None:
        ids = [uuid.uuid4() for _ in range(2)]
        asked = ConversationQuery(query=QUESTION, conversation_id=node.conversation_id)
        prepared = [await asking.prepare(node.platform, node.caller, asked) for _ in ids]
        parents = [
            await recording.begin(node.platform, node.caller, each, id_, Making())
            for each, id_ in zip(prepared, ids, strict=True)
        ]
        assert parents == [None, ids[0]]
        branch = asked.model_copy(update={"parent_id": ids[0]})
        made = await asking.prepare(node.platform, node.caller, branch)
        parent = await recording.begin(node.platform, node.caller, made, uuid.uuid4(), Making())
        assert parent == ids[0], "who names a parent makes a branch"


class TestFollowing:
    async def test_answer_goes_on_without_its_reader_who_takes_it_up_at_another_node(
        self, node: Node, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply(PIECES, delay=0.3))
        run = await node.start()
        seen = await node.first(run.message_id, "token")
        assert (await node.message()).status == "running"
        second_tab = asyncio.ensure_future(node.rest(run.message_id))
        rest = await node.other().rest(run.message_id, seen[-1].id)
        events = [*seen, *rest]
        assert [each.id for each in events] == list(range(1, len(events) + 1))
        assert [each.name for each in events[-2:]] == ["usage", "done"]
        assert events == await second_tab
        done = json.loads(events[-1].text)
        assert told(events) == done["answer"]
        assert done["message_id"] == str(run.message_id)
        message = await node.message()
        assert message.status == "done"
        assert message.answer is not None
        assert message.answer.answer == done["answer"]
        assert len(message.answer.sentences) == 3
        assert await node.rest(run.message_id, events[-2].id) == events[-1:]

    async def test_answer_is_stopped_from_another_node_and_what_was_told_is_kept(
        self, node: Node, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply(PIECES, delay=3.0))
        run = await node.start()
        await node.first(run.message_id, "token")
        other = node.other()
        await streams.stop(other.platform, other.caller, node.conversation_id, run.message_id)
        events = await node.rest(run.message_id)
        done = json.loads(events[-1].text)
        assert told(events) == done["answer"]
        assert done["answer"].startswith("Visitors park in bay 4.")
        assert "Sundays" not in done["answer"]
        assert "stopped" in done["metadata"]["degraded"][0]["why"]
        message = await node.message()
        assert message.answer is not None
        assert message.answer.answer == done["answer"]
        await streams.stop(node.platform, node.caller, node.conversation_id, run.message_id)

    async def test_conversation_deleted_meanwhile_leaves_nothing(
        self, node: Node, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply(PIECES, delay=0.5))
        run = await node.start()
        await node.first(run.message_id, "token")
        async with unit_of_work(node.platform, node.caller) as ctx:
            await service.delete(ctx, node.conversation_id)
        events = await node.rest(run.message_id)
        assert events[-1].name == "error"
        assert json.loads(events[-1].text)["code"] == "message_not_found"
        async with unit_of_work(node.platform, node.caller) as ctx:
            for kind in (AnswerStream.message_id, AnswerStreamEvent.message_id):
                assert list(await ctx.session.scalars(select(kind))) == []
        with pytest.raises(ConversationNotFoundError):
            await node.start()

    async def test_answer_of_a_dead_process_is_said_to_be_interrupted_and_swept(
        self, node: Node, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply(PIECES, delay=0.3))
        run = await node.start()
        seen = await node.first(run.message_id, "token")
        for task in node.runs._tasks:
            task.cancel()
        async with unit_of_work(node.platform, node.caller) as ctx:
            older = func.now() - func.make_interval(0, 0, 0, 0, 2)
            await ctx.session.execute(update(AnswerStream).values(beat_at=older))
        assert (await node.message()).status == "interrupted"
        [*_, last] = await node.other().rest(run.message_id, seen[-1].id)
        assert json.loads(last.text)["code"] == "answer_interrupted"
        await service.sweep_streams(node.platform)
        with pytest.raises(StreamNotFoundError):
            await streams.authorise(
                node.platform, node.caller, node.conversation_id, run.message_id
            )


class TestAccess:
    async def test_events_are_for_those_who_may_read_all_the_answer_is_made_of(
        self, node: Node, vendor: VendorServer
    ) -> None:
        vendor.script.append(Reply(PIECES))
        run = await node.start()
        await node.rest(run.message_id)
        await streams.authorise(node.platform, node.caller, node.conversation_id, run.message_id)
        async with unit_of_work(node.platform, node.caller) as ctx:
            stream = (await ctx.session.scalars(select(AnswerStream))).one()
            for document_id in stream.documents:
                await trash.delete(ctx, document_id)
        with pytest.raises(StreamNotFoundError):
            await streams.authorise(
                node.platform, node.caller, node.conversation_id, run.message_id
            )


async def posted(client: httpx.AsyncClient, talk: str, query: str) -> list[dict[str, Any]]:
    sent = {"query": query, "conversation_id": talk}
    reply = await client.post("/api/v1/query/stream", json=sent)
    assert reply.status_code == 200, reply.text
    return parsed(reply.text)


def parsed(body: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for block in body.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        events.append({**fields, "data": json.loads(fields["data"])})
    return events


class TestOverHttp:
    async def test_stream_is_resumed_after_its_last_event(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        await Library(office.service).add("Parking", f"# Parking\n\n{NOTES}")
        talk = (await office.service.post("/api/v1/conversations", json={})).json()["id"]
        events = await posted(office.service, talk, "Where do visitors park?")
        assert [each["id"] for each in events] == [str(n) for n in range(1, len(events) + 1)]
        begin, done = events[0]["data"], events[-1]["data"]
        assert begin["name"] == "conversation"
        assert begin["message_id"] == done["message_id"]
        path = f"/api/v1/conversations/{talk}/messages/{begin['message_id']}"
        for sent in ({"headers": {"Last-Event-ID": "2"}}, {"params": {"last_event_id": 2}}):
            again = await office.service.get(f"{path}/stream", **sent)
            assert parsed(again.text) == events[2:]
        assert (await office.service.post(f"{path}/stop")).status_code == 204
        colleague = await office.person()
        for client in (stranger, colleague.client):
            refused(await client.get(f"{path}/stream"), 404, "stream_not_found")
            refused(await client.post(f"{path}/stop"), 404, "stream_not_found")

    async def test_refused_question_is_a_plain_error_and_no_message(
        self, office: Office, refused: Refused
    ) -> None:
        talk = (await office.service.post("/api/v1/conversations", json={})).json()["id"]
        sent = {"query": "Where?", "conversation_id": talk, "filters": {"nothing": 1}}
        refused(await office.service.post("/api/v1/query/stream", json=sent), 422, "unknown_filter")
        shown = (await office.service.get(f"/api/v1/conversations/{talk}")).json()
        assert shown["message_count"] == 0
