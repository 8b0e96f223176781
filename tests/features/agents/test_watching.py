"""One look a second asks for all runs of a tenant that are at work in a process."""

import asyncio
import uuid
from dataclasses import replace

from citewell.core.context import Caller
from citewell.core.database.sessions import Database
from citewell.core.platform import Platform
from citewell.features.agents.watching import RunWatch
from citewell.kit.ids import uuid7


class TestRunWatch:
    async def test_many_runs_of_a_tenant_cost_one_statement(
        self, platform: Platform, caller: Caller
    ) -> None:
        taken: list[int] = []
        database = Database(platform.database.url, on_use=taken.append)
        counted = replace(platform, database=database)
        watch, runs = RunWatch(), [uuid7() for _ in range(20)]

        async def watched(run_id: uuid.UUID) -> object:
            with watch.of(caller.tenant_id, run_id, 1):
                return await watch.next(counted, caller.tenant_id, run_id)

        try:
            assert await asyncio.gather(*map(watched, runs)) == [None] * 20
            # A look takes a connection and gives it back; a slow machine may need a second look.
            assert len(taken) <= 4
        finally:
            await database.close()

    async def test_look_that_fails_is_told_to_all_and_made_anew(
        self, platform: Platform, caller: Caller
    ) -> None:
        gone = replace(platform, database=Database("postgresql://u@127.0.0.1:1/none"))
        watch, run_id = RunWatch(), uuid7()
        with watch.of(caller.tenant_id, run_id, 1), watch.of(caller.tenant_id, uuid7(), 1):
            both = await asyncio.gather(
                *(watch.next(gone, caller.tenant_id, run_id) for _ in range(2)),
                return_exceptions=True,
            )
            assert [isinstance(each, Exception) for each in both] == [True, True]
            assert await watch.next(platform, caller.tenant_id, run_id) is None
        await gone.database.close()
