"""A thousand runs that wait for a person: no job, no slot; and the own cost of a node."""

import asyncio
import resource
import uuid

import pytest
from sqlalchemy import text

from citewell.core.context import Context
from citewell.features.workflows import making
from tests.features.agents.conftest import agent_server, agent_url, desk, vendor
from tests.features.workflows.conftest import Flows, flows

from .report import record

__all__ = ["agent_server", "agent_url", "desk", "flows", "vendor"]

pytestmark = pytest.mark.slow

RUNS, NODES = 1_000, 10
MOST_MS = 5
"""Of processor time for a node; the server, its worker and this test are one process."""

WAITING = text("SELECT count(*) FROM workflow_run WHERE status = 'waiting' AND job_id IS NULL")
DOING = text("SELECT count(*) FROM job WHERE kind = 'workflows.run' AND status != 'succeeded'")


class TestWaiting:
    async def test_waiting_runs_hold_nothing(self, flows: Flows) -> None:
        chain = [
            {"id": f"n{n}", "kind": "aggregate", "value": n, "after": [f"n{n - 1}"] if n else []}
            for n in range(NODES - 1)
        ]
        ask = {"id": "ask", "kind": "approval", "message": "?", "after": [f"n{NODES - 2}"]}
        workflow = await flows.made({"name": "W", "nodes": [*chain, ask]})
        workflow_id, office = uuid.UUID(workflow), flows.desk.office

        async def start(ctx: Context) -> None:
            for _ in range(RUNS):
                await making.make(ctx, workflow_id, {})

        async def counted(ctx: Context) -> tuple[int, int]:
            waiting = await ctx.session.scalar(WAITING) or 0
            return waiting, await ctx.session.scalar(DOING) or 0

        await office.within(start)
        before = resource.getrusage(resource.RUSAGE_SELF)
        waiting, doing = 0, RUNS
        while (waiting, doing) != (RUNS, 0):
            await asyncio.sleep(0.5)  # the server under measure runs in this process
            waiting, doing = await office.within(counted)
        after = resource.getrusage(resource.RUSAGE_SELF)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        each = 1_000 * used / RUNS / NODES
        grown = after.ru_maxrss - before.ru_maxrss
        told = {"runs": RUNS, "ms_a_node": round(each, 2), "mb_more": round(grown / 1024, 1)}
        print(told)  # noqa: T201
        record("waiting", **told)
        assert grown < 50 * 1024
        assert each <= MOST_MS
