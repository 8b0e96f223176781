"""One look a second asks for all runs of a tenant that are at work in a process."""

import asyncio
import uuid
from dataclasses import replace

from structlog.testing import capture_logs

from citewell.core.context import Caller, unit_of_work
from citewell.core.database.sessions import Database
from citewell.core.platform import Platform
from citewell.core.supervision import REPORTED_FAILURES, Supervisor
from citewell.features.agents.schemas import RunAttempt
from citewell.features.agents.watching import NAME, RunWatch
from citewell.kit.ids import uuid7
from citewell.models.agents import AgentRun
from citewell.models.work import Job


class TestRunWatch:
    async def test_many_runs_of_a_tenant_cost_one_statement(
        self, platform: Platform, caller: Caller
    ) -> None:
        taken: list[int] = []
        database = Database(platform.database.url, on_use=taken.append)
        counted = replace(platform, database=database)
        watch, runs = RunWatch(), [uuid7() for _ in range(20)]

        async def watched(run_id: uuid.UUID) -> object:
            attempt = RunAttempt(run_id, 1)
            with watch.of(counted, caller.tenant_id, attempt):
                return await watch.next(counted, caller.tenant_id, attempt)

        try:
            assert await asyncio.gather(*map(watched, runs)) == [None] * 20
            # A look takes a connection and gives it back; a slow machine may need a second look.
            assert len(taken) <= 4
        finally:
            await database.close()

    async def test_look_that_fails_is_told_to_all_and_made_anew(
        self, platform: Platform, caller: Caller
    ) -> None:
        supervisor = Supervisor()
        gone = replace(
            platform, database=Database("postgresql://u@127.0.0.1:1/none"), supervisor=supervisor
        )
        watch, attempt, other = RunWatch(), RunAttempt(uuid7(), 1), RunAttempt(uuid7(), 1)
        with (
            capture_logs() as logs,
            watch.of(gone, caller.tenant_id, attempt),
            watch.of(gone, caller.tenant_id, other),
        ):
            both = await asyncio.gather(
                *(watch.next(gone, caller.tenant_id, attempt) for _ in range(2)),
                return_exceptions=True,
            )
            assert [isinstance(each, Exception) for each in both] == [True, True]
            assert await watch.next(platform, caller.tenant_id, attempt) is None
            for _ in range(REPORTED_FAILURES):
                supervisor.note_failure(NAME, ValueError())
            assert supervisor.failing()
        assert ("background_task_failed", NAME) in [
            (each["event"], each.get("task")) for each in logs
        ]
        # Nothing is looked at any more, so nothing fails.
        assert supervisor.failing() == []
        await gone.database.close()

    async def test_two_attempts_at_a_run_are_each_looked_at(
        self, platform: Platform, caller: Caller
    ) -> None:
        watch, run_id = RunWatch(), uuid7()
        lost, held = RunAttempt(run_id, 1), RunAttempt(run_id, 2)
        async with unit_of_work(platform, caller) as ctx:
            job = Job(id=uuid7(), tenant_id=ctx.tenant_id, kind="agents.run", status="running")
            run = AgentRun(
                tenant_id=ctx.tenant_id, id=run_id, agent_id=uuid7(), agent_slug="a",
                agent_version=1, definition={}, question="q", root_id=run_id, job_id=job.id,
                status="running", attempt=2, actor_kind="api_key", scopes=[],
            )  # fmt: skip
            ctx.session.add_all([job, run])
        with watch.of(platform, caller.tenant_id, held):
            with watch.of(platform, caller.tenant_id, lost):
                both = await asyncio.gather(
                    *(watch.next(platform, caller.tenant_id, each) for each in (lost, held))
                )
                assert [each is not None and each.is_mine for each in both] == [False, True]
            # The lost one has noticed; the other is looked at further.
            standing = await watch.next(platform, caller.tenant_id, held)
            assert standing is not None
            assert standing.is_mine

    async def test_look_under_way_ends_with_the_process(
        self, platform: Platform, caller: Caller
    ) -> None:
        watch, attempt, is_looking = RunWatch(), RunAttempt(uuid7(), 1), asyncio.Event()
        database = Database(platform.database.url, on_use=lambda _: is_looking.set())
        looked = replace(platform, database=database)
        with watch.of(looked, caller.tenant_id, attempt):
            waiting = asyncio.ensure_future(watch.next(looked, caller.tenant_id, attempt))
            await is_looking.wait()
            await watch.close()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
        await database.close()
