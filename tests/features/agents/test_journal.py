"""An attempt begins calls only as long as it has the run."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.agents.base import CallState, CallStatus
from citewell.features.agents.journal import RunLedger
from citewell.features.jobs.errors import JobStoppedError
from citewell.kit.ids import uuid7
from citewell.models.agents import AgentRun, ToolExecution
from citewell.models.work import Job
from tests.features.agents.conftest import until

_WAITS = (
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def _at_work(ctx: Context, status: str) -> tuple[Job, AgentRun, ToolExecution]:
    """A run in its first attempt, with a call that has an effect."""
    job = Job(id=uuid7(), tenant_id=ctx.tenant_id, kind="agents.run", status="running")
    run_id = uuid7()
    run = AgentRun(
        tenant_id=ctx.tenant_id, id=run_id, agent_id=uuid7(), agent_slug="a", agent_version=1,
        definition={}, question="q", root_id=run_id, job_id=job.id, status="running", attempt=1,
        actor_kind="api_key", scopes=[],
    )  # fmt: skip
    call = ToolExecution(
        tenant_id=ctx.tenant_id, id=uuid7(), run_id=run_id, step=0, place=0, call_id="c0_0",
        tool="send_http", arguments={}, arguments_hash="h", status=status,
    )  # fmt: skip
    return job, run, call


async def _made(
    platform: Platform, caller: Caller, status: str = "approved"
) -> tuple[RunLedger, CallState, AgentRun]:
    async with unit_of_work(platform, caller) as ctx:
        job, run, execution = _at_work(ctx, status)
        ctx.session.add_all([job, run])
        await ctx.session.flush()
        ctx.session.add(execution)
        await ctx.session.flush()
        await ctx.session.refresh(run)
        ctx.session.expunge_all()
    call = CallState(
        str(execution.id), "c0_0", "send_http", {}, CallStatus(status), has_effect=True
    )
    return RunLedger(platform, run, 1), call, run


async def _status(platform: Platform, caller: Caller, call: CallState) -> str | None:
    async with unit_of_work(platform, caller) as ctx:
        told = text("SELECT status FROM tool_execution WHERE id = :id")
        return await ctx.session.scalar(told, {"id": call.key})


def _is_waiting(url: str) -> bool:
    # A transaction of its own: one sees the activity as of its first look.
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(_WAITS).fetchone() is not None


class TestBeginCall:
    async def test_attempt_that_has_the_run_begins_it(
        self, platform: Platform, caller: Caller
    ) -> None:
        ledger, call, run = await _made(platform, caller)
        assert (await ledger.begin_call(call)).tenant_id == run.tenant_id
        assert await _status(platform, caller, call) == "running"

    async def test_call_that_waited_for_an_approval_it_no_longer_needs_begins(
        self, platform: Platform, caller: Caller
    ) -> None:
        for status, begins in (("waiting", True), ("denied", False)):
            ledger, call, run = await _made(platform, caller, status)
            if begins:
                assert (await ledger.begin_call(call)).tenant_id == run.tenant_id
            else:
                with pytest.raises(JobStoppedError):
                    await ledger.begin_call(call)
            assert await _status(platform, caller, call) == ("running" if begins else status)

    async def test_run_that_is_lost_just_then_has_it_done_by_the_other_attempt_alone(
        self, platform: Platform, caller: Caller, database_url: str
    ) -> None:
        ledger, call, run = await _made(platform, caller)
        async with unit_of_work(platform, caller) as ctx:
            # Another worker begins an attempt: not committed yet, so the standing is as it was.
            taken = text("UPDATE agent_run SET attempt = 2 WHERE tenant_id = :tenant AND id = :id")
            await ctx.session.execute(taken, {"tenant": run.tenant_id, "id": run.id})
            beginning = asyncio.ensure_future(ledger.begin_call(call))
            await until(lambda: beginning.done() or _is_waiting(database_url))
        with pytest.raises(JobStoppedError):
            await beginning
        assert await _status(platform, caller, call) == "approved"
