"""A worker that is killed between the nodes of a run: another one goes on, and repeats nothing."""

import asyncio
from contextlib import AsyncExitStack

import psycopg
import pytest

from citewell.core.settings import Settings
from tests.chaos.test_agents import a_worker
from tests.conftest import serving
from tests.features.agents.conftest import MODEL, Desk, Scripted, agent_url, saying, until, vendor
from tests.features.workflows.conftest import Flows, by_id
from tests.office import open_office

__all__ = ["agent_url", "vendor"]

pytestmark = pytest.mark.slow

SOURCE = {
    "name": "W",
    "nodes": [
        {"id": "tell", "kind": "agent", "agent": "researcher", "input": "Say it."},
        {"id": "list", "kind": "search", "changed_within": "7d", "after": ["tell"]},
        {"id": "end", "kind": "aggregate", "value": "{{ tell.output.answer }}", "after": ["list"]},
    ],
}


class TestTakeover:
    async def test_run_goes_on_in_another_worker(
        self, settings: Settings, agent_url: str, vendor: Scripted
    ) -> None:
        changed = {
            "llm": MODEL, "llm_base_url": f"{vendor.server.url}/v1", "database_url": agent_url,
        }  # fmt: skip
        own = settings.model_copy(update=changed)
        with serving(own, agent_url, has_worker=False) as server:
            async with AsyncExitStack() as stack:
                desk = Desk(await open_office(server, stack), vendor)
                flows = Flows(desk)
                vendor.play(saying("Nothing was found."), saying("A second time."))
                run_id = await self.hung_and_killed(flows, own, agent_url)
                with a_worker(own, agent_url, vendor):
                    run = await flows.reached(run_id, "succeeded", "failed")
        assert run["status"] == "succeeded", run
        assert len(vendor.server.received) == 1  # the agent was not asked again
        nodes = by_id(run)
        assert nodes["tell"]["finished_at"] <= nodes["list"]["started_at"]
        assert "Nothing was found." in run["output"]

    async def hung_and_killed(self, flows: Flows, settings: Settings, url: str) -> str:
        """A run whose worker died inside its search; its id."""
        workflow = await flows.made(SOURCE)
        with psycopg.connect(url) as connection, a_worker(settings, url, flows.desk.vendor) as one:
            connection.execute("LOCK TABLE document IN ACCESS EXCLUSIVE MODE")
            begun = await flows.begun(workflow)

            def is_inside() -> bool:
                with psycopg.connect(url, autocommit=True) as other:
                    waiting = (
                        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        " AND EXISTS (SELECT FROM workflow_node_run WHERE node = 'list')"
                    )
                    return other.execute(waiting).fetchone() is not None

            await until(is_inside)
            one.kill()
            await asyncio.to_thread(one.wait)
        return begun["id"]
