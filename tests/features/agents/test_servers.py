"""Tools of other servers, called over their own protocol."""

import json
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from citewell.core.context import Context
from citewell.core.settings import Settings, SettingsError, load_settings
from citewell.core.tool_servers import ToolServer
from citewell.engine.agents.base import action_hash
from citewell.models.agents import ToolExecution
from tests.conftest import LiveServer, serving
from tests.features.agents.conftest import MODEL, Desk, Scripted, calling, saying
from tests.features.agents.tool_server import RunningServer
from tests.office import open_office

Refused = Callable[[httpx.Response, int, str], None]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def crm() -> Iterator[RunningServer]:
    server = RunningServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def agent_server(
    settings: Settings, agent_url: str, vendor: Scripted, crm: RunningServer
) -> Iterator[LiveServer]:
    servers = {
        "crm": ToolServer(url=crm.url),
        "strict": ToolServer(url=crm.url, approve="always"),
        "shell": ToolServer(
            command=sys.executable,
            args=("-m", "tests.features.agents.tool_server"),
            env={"PYTHONPATH": str(ROOT)},  # pyright: ignore[reportArgumentType]
        ),
        "gone": ToolServer(url="http://127.0.0.1:9/mcp"),
        "inner": ToolServer(url="http://10.255.255.1/mcp"),
        "others": ToolServer(url=crm.url, tenants=(uuid.uuid4(),)),
    }
    changed = {
        "llm": MODEL, "llm_base_url": f"{vendor.server.url}/v1", "database_url": agent_url,
        "agent_mcp_servers": servers, "private_hosts": ("127.0.0.0/8",),
    }  # fmt: skip
    with serving(settings.model_copy(update=changed), agent_url) as server:
        yield server


@pytest.fixture
async def desk(agent_server: LiveServer, vendor: Scripted) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(await open_office(agent_server, stack), vendor)


class TestReading:
    async def test_results_are_data_whichever_way_the_server_is_reached(self, desk: Desk) -> None:
        agent = await desk.new_agent("crm__rate", "shell__rate")
        desk.vendor.play(
            calling(("crm__rate", {"bay": 4}), ("shell__rate", {"bay": 9})), saying("3 euros.")
        )
        run = await desk.ran(agent)
        assert run["status"] == "succeeded", run
        assert [call["status"] for call in run["calls"]] == ["succeeded"] * 2
        first, second = desk.vendor.results
        assert "Bay 4 costs 3 euros." in first
        assert "Bay 9 costs 3 euros." in second
        for told in (first, second):
            assert told.count("</data>") == 1
            assert "<|im_start|>" not in told
        [tool, _] = desk.vendor.server.received[0].body["tools"]
        assert tool["function"]["name"] == "crm__rate"
        assert tool["function"]["parameters"]["properties"]["bay"]["type"] == "integer"
        assert "<|im_start|>" not in json.dumps(tool)

    async def test_failures_are_results(self, desk: Desk) -> None:
        agent = await desk.new_agent(
            "crm__fails", "crm__floods", "crm__swells", "crm__nothing", "crm__rate", "gone__rate",
            "inner__rate",
        )  # fmt: skip
        asked = [(name, {}) for name in (
            "crm__fails", "crm__floods", "crm__swells", "crm__nothing", "crm__rate", "gone__rate",
            "inner__rate",
        )]  # fmt: skip
        desk.vendor.play(calling(*asked), saying("Nothing came of it."))
        run = await desk.ran(agent)
        assert run["status"] == "succeeded", run
        told = [(call["status"], call["output"]) for call in run["calls"]]
        assert [status for status, _ in told] == [
            "failed", "succeeded", "failed", "failed", "failed", "failed", "failed",
        ]  # fmt: skip
        outputs = [output for _, output in told]
        assert len(outputs[1]) < 21_000
        assert "gave no result" in outputs[2]
        assert "has no tool `nothing`" in outputs[3]
        assert "book, fails, floods, rate" in outputs[3]
        assert "bay" in outputs[4]
        assert "`gone` gave no result" in outputs[5]
        assert "`inner` gave no result" in outputs[6]


async def cut_off(call_id: uuid.UUID, ctx: Context) -> None:
    """Have an approved call been begun."""
    begun = update(ToolExecution).where(ToolExecution.id == call_id).values(status="running")
    await ctx.session.execute(begun)


async def asked_anew(call_id: uuid.UUID, terms: dict[str, object], ctx: Context) -> None:
    """Have a call wait on other terms, as after a server has said something else of its tool."""
    changed = update(ToolExecution).where(ToolExecution.id == call_id).values(**terms)
    await ctx.session.execute(changed)


class TestActing:
    async def test_what_is_not_declared_as_reading_waits_and_is_done_once(
        self, desk: Desk, crm: RunningServer
    ) -> None:
        crm.received.clear()
        agent = await desk.new_agent("crm__book", "strict__rate")
        booking = {"bay": 4, "guest": "Ann"}
        desk.vendor.play(
            calling(("crm__book", booking), ("strict__rate", {"bay": 4})), saying("Done.")
        )
        run = await desk.ran(agent)
        assert run["status"] == "waiting"
        assert crm.received == []
        first, second = run["calls"]
        assert first["action"].startswith(f"book of crm ({crm.url})\n\n")
        assert json.loads(first["action"].partition("\n\n")[2]) == booking
        for call, is_approved in ((first, True), (second, False)):
            body = {
                "call_id": call["id"], "arguments_hash": call["arguments_hash"],
                "approve": is_approved,
            }  # fmt: skip
            await desk.sent("POST", f"/agent-runs/{run['id']}/approve", 200, body)
        ended = await desk.reached(run["id"], "succeeded", "failed")
        assert [call["status"] for call in ended["calls"]] == ["succeeded", "refused"]
        assert crm.received == [("book", {**booking, "key": first["id"]})]

    async def test_approved_call_that_was_cut_off_is_not_asked_about_again(
        self, desk: Desk, crm: RunningServer
    ) -> None:
        """A read is done, once; an action that may have been done is not repeated."""
        agent = await desk.new_agent("crm__book", "strict__rate")
        booking, asking = ("crm__book", {"bay": 4, "guest": "Ann"}), ("strict__rate", {"bay": 4})
        for calls, status in (((asking, booking), "succeeded"), ((booking, asking), "unknown")):
            crm.received.clear()
            desk.vendor.play(calling(*calls), saying("Done."))
            run = await desk.ran(agent)
            for call in run["calls"]:
                body = {
                    "call_id": call["id"], "arguments_hash": call["arguments_hash"],
                    "approve": True,
                }  # fmt: skip
                await desk.sent("POST", f"/agent-runs/{run['id']}/approve", 200, body)
                if call is run["calls"][0]:  # as a worker leaves it that is killed
                    await desk.office.within(partial(cut_off, uuid.UUID(call["id"])))
            ended = await desk.reached(run["id"])
            assert ended["status"] == "succeeded", ended
            assert [call["status"] for call in ended["calls"]] == [status, "succeeded"]
            done = [name for name, _ in crm.received]
            assert done.count("book") == (1 if status == "succeeded" else 0)
            actions = [event.action for event in await desk.office.trail(run["id"])]
            assert actions.count("agent_run.approved") == 2

    async def test_decision_on_terms_that_were_shown_before_is_refused(
        self, desk: Desk, crm: RunningServer, refused: Refused
    ) -> None:
        agent, booking = await desk.new_agent("crm__book"), {"bay": 4, "guest": "Ann"}
        for changed in ({"action": "cancel of crm"}, {"has_effect": False}):
            crm.received.clear()
            desk.vendor.play(calling(("crm__book", booking)), saying("Done."))
            run = await desk.ran(agent)
            [call] = run["calls"]
            path, asked = f"/api/v1/agent-runs/{run['id']}/approve", uuid.UUID(call["id"])
            body = {
                "call_id": call["id"], "arguments_hash": call["arguments_hash"], "approve": True,
            }  # fmt: skip
            await desk.office.within(partial(asked_anew, asked, changed))
            refused(await desk.client.post(path, json=body), 409, "approval_mismatch")
            plain = {**body, "arguments_hash": action_hash("crm__book", booking)}
            refused(await desk.client.post(path, json=plain), 409, "approval_mismatch")
            assert crm.received == []
            again = await desk.sent("GET", f"/agent-runs/{run['id']}", 200)
            body["arguments_hash"] = again["calls"][0]["arguments_hash"]
            await desk.sent("POST", f"/agent-runs/{run['id']}/approve", 200, body)
            # The terms of the server are others than these: it asks again, and says so.
            once_more = await desk.reached(run["id"], "waiting", "succeeded", "failed")
            assert once_more["status"] == "waiting", once_more
            [call] = once_more["calls"]
            assert call["action"].startswith("book of crm")
            assert ("Approved before" in call["action"]) == ("has_effect" in changed)
            body["arguments_hash"] = call["arguments_hash"]
            await desk.sent("POST", f"/agent-runs/{run['id']}/approve", 200, body)
            ended = await desk.reached(run["id"], "succeeded", "failed")
            assert ended["status"] == "succeeded", ended
            assert [name for name, _ in crm.received] == ["book"]

    async def test_only_servers_that_are_open_to_the_tenant_can_be_named(
        self, desk: Desk, refused: Refused
    ) -> None:
        for tool in ("nobody__rate", "others__rate", "crm__", "crm__no/such", "__rate"):
            body = {"slug": "own", "name": "Own", "instructions": "Help.", "tools": [tool]}
            refused(await desk.client.post("/api/v1/agents", json=body), 422, "invalid_agent")


class TestSetting:
    def test_bad_servers_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for value, why in (
            ("crm", "must be JSON"),
            ('{"CRM": {"url": "http://x/mcp"}}', "is no name of a server"),
            ('{"crm": {}}', "needs either"),
            ('{"crm": {"url": "http://x/", "command": "x"}}', "needs either"),
            ('{"crm": {"url": "ftp://x/"}}', "pattern"),
            ('{"crm": {"url": "http://x/", "key": "s3cret"}}', "Extra inputs"),
        ):
            monkeypatch.setenv("CITEWELL_AGENT_MCP_SERVERS", value)
            with pytest.raises(SettingsError, match=why) as caught:
                load_settings()
            assert "CITEWELL_AGENT_MCP_SERVERS" in str(caught.value)
            assert "s3cret" not in str(caught.value)
        monkeypatch.setenv(
            "CITEWELL_AGENT_MCP_SERVERS",
            '{"crm": {"url": "https://x/mcp", "headers": {"Authorization": "Bearer s3cret"}}}',
        )
        found = load_settings()
        assert found.agent_mcp_servers["crm"].url == "https://x/mcp"
        assert "s3cret" not in repr(found)
