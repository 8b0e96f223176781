"""Runs as server-sent events: what is streamed is what is stored."""

import json
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from citewell.core.context import OPERATOR, Caller
from citewell.features.agents.streaming import OpenStreams
from citewell.features.events.errors import TooManyStreamsError
from citewell.kit.ids import uuid7
from tests.features.agents.conftest import API, PARKING, RESEARCHER, Desk, calling, saying

Event = tuple[str, int | None, dict[str, Any]]


async def streamed(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> list[Event]:
    """Name, id and data of all events of a stream."""
    found: list[Event] = []
    name, event_id = "", None
    async with client.stream(method, f"{API}{path}", **more) as reply:
        assert reply.status_code == 200, await reply.aread()
        assert reply.headers["content-type"].startswith("text/event-stream")
        async for line in reply.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("id: "):
                event_id = int(line.removeprefix("id: "))
            elif line.startswith("data: "):
                found.append((name, event_id, json.loads(line.removeprefix("data: "))))
                event_id = None
    return found


class TestStream:
    async def test_stream_shows_the_work_and_ends_with_the_stored_run(self, desk: Desk) -> None:
        await desk.documents.add("Parking", PARKING)
        desk.vendor.play(
            calling(("search_documents", {"query": "parking"}), ("current_time", {})),
            saying("Visitors park in bay 4 behind the mill [1]. Parking costs 3 euros a day [1]."),
        )
        agent = await desk.agent_id(RESEARCHER)
        path, body = f"/agents/{agent}/execute/stream", {"input": "Where do visitors park?"}
        events = await streamed(desk.client, "POST", path, json=body)
        names = [name for name, _, _ in events]
        for name in ("tool_call", "tool_result"):
            assert names.count(name) == 2
        assert names[0] == "step"
        assert names.index("tool_call") < names.index("tool_result") < names.index("citation")
        assert names[-1] == "done"
        done = events[-1][2]
        stored = await desk.sent("GET", f"/agent-runs/{done['id']}", 200)
        assert done == stored
        tokens = [data for name, _, data in events if name == "token"]
        assert "".join(each["text"] for each in tokens) == stored["report"]["answer"]
        assert [each["sentence"] for each in tokens] == stored["report"]["sentences"]
        again = await streamed(desk.client, "GET", f"/agent-runs/{done['id']}/stream")
        kept = [event for event in events if event[1] is not None]
        assert [event for event in again if event[1] is not None] == kept
        last = {"Last-Event-ID": str(kept[0][1])}
        rest = await streamed(desk.client, "GET", f"/agent-runs/{done['id']}/stream", headers=last)
        assert [event for event in rest if event[1] is not None] == kept[1:]

    async def test_failed_run_ends_its_stream_with_the_reason(self, desk: Desk) -> None:
        desk.vendor.play(*[calling(("current_time", {}))] * 3)
        agent = await desk.new_agent("current_time", limits={"steps": 1})
        path = f"/agents/{agent}/execute/stream"
        events = await streamed(desk.client, "POST", path, json={"input": "Go."})
        name, _, data = events[-1]
        assert (name, data["code"]) == ("error", "agent_run_failed")
        assert "1 steps" in data["detail"]


class TestOpenStreams:
    def test_each_caller_has_places_of_their_own_which_are_free_again_afterwards(self) -> None:
        streams, (one, other) = OpenStreams(most=2), (Caller(uuid7(), OPERATOR) for _ in range(2))
        for _ in range(2):
            with ExitStack() as opened:
                for caller in (one, one, other):
                    opened.enter_context(streams.one_of(caller))
                with pytest.raises(TooManyStreamsError):
                    opened.enter_context(streams.one_of(one))
