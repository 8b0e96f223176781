"""Time of a question: what belongs to it, and what is never cut off in the middle."""

import asyncio
import time
from typing import Any

from sqlalchemy import text

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.engine.answering.conversing import SECONDS
from tests.features.agents.conftest import API, Desk
from tests.features.question_policies.test_admission import (
    PLAIN,
    conversation,
    logged,
    mill,
    policy,
    shelved,
    writing,
)
from tests.features.question_policies.test_reach import YARD
from tests.office import Office
from tests.vendor import Received, Reply
from tests.waiting import PATIENCE

__all__ = ["mill"]

BLOCKED = text(
    "SELECT count(*) FROM pg_locks WHERE relation = 'query_log'::regclass AND NOT granted"
)


async def limited(mill: Office) -> None:
    """Have questions take two seconds at most."""
    # The first question of a process reads the modules that speak to the vendor.
    first = await mill.service.post(f"{API}/query", json={"query": PLAIN, "cache": False})
    assert first.status_code == 200, first.text
    await policy(mill, seconds=2)


class TestWriting:
    async def test_answer_that_is_being_written_when_the_time_ends_is_given(
        self, desk: Desk, mill: Office
    ) -> None:
        await shelved(desk, "Yard", YARD)
        client = (await mill.person()).client
        await limited(mill)
        talk = [{"role": "user", "content": PLAIN}]
        for path, body in (
            (f"{API}/query", {"query": PLAIN, "cache": False}),
            ("/v1/chat/completions", {"model": "citewell", "messages": talk}),
        ):
            desk.vendor.answer(writing)
            asking = asyncio.ensure_future(client.post(path, json=body))
            await mill.run(self.held(mill))
            reply = await asking
            assert reply.status_code == 200, reply.text
        assert await logged(mill) == []

    @staticmethod
    async def held(mill: Office) -> None:
        """Hold the log until an answer has waited for it beyond the time."""
        caller = Caller(mill.tenant_id, OPERATOR)
        async with unit_of_work(mill.server.platform, caller) as ctx:
            await ctx.session.execute(text("LOCK TABLE query_log IN EXCLUSIVE MODE"))
            deadline = time.monotonic() + PATIENCE
            while True:
                if await ctx.session.scalar(BLOCKED):
                    break
                assert time.monotonic() < deadline, "nothing was written"
                await asyncio.sleep(0.02)
            await asyncio.sleep(2.2)


class TestTitle:
    async def test_title_that_takes_too_long_holds_no_answer_up(
        self, desk: Desk, mill: Office
    ) -> None:
        await shelved(desk, "Yard", YARD)
        await limited(mill)
        client = (await mill.person()).client
        place = await conversation(client)

        def by(received: Received) -> Reply:
            said: Any = received.body["messages"]
            is_title = "title" in said[0]["content"][:200].lower()
            return Reply(hangs_before=True) if is_title else writing(received)

        desk.vendor.answer(by)
        body = {"query": PLAIN, "conversation_id": place}
        began = time.monotonic()
        reply = await client.post(f"{API}/query", json=body)
        assert reply.status_code == 200, reply.text
        assert time.monotonic() - began < SECONDS
        shown = (await client.get(f"{API}/conversations/{place}")).json()
        assert shown["title"] == PLAIN
