"""Steps of agents keep to their share of the processors while documents are taken in."""

import asyncio
import time

from citewell.features.agents.pacing import BESIDE, AgentPace

RATE = 0.05
STEP = 0.01


async def _steps(pace: AgentPace, count: int, *, is_beside: bool) -> float:
    """Processor seconds of steps, each busy for a while, by the seconds that they took in all."""

    async def step() -> None:
        await pace.turn(RATE, lambda: is_beside)
        until = time.thread_time() + STEP
        while time.thread_time() < until:
            pass

    began = time.monotonic()
    await asyncio.gather(*(pace.metered(step()) for _ in range(count)))
    return count * STEP / (time.monotonic() - began)


class TestAgentPace:
    async def test_beside_documents_steps_take_their_share(self) -> None:
        # The last steps count, whichever they are; a slow machine takes less, never more.
        assert await _steps(AgentPace(), 12, is_beside=True) * BESIDE < 1.6 * RATE

    async def test_without_documents_nothing_waits(self) -> None:
        pace = AgentPace()
        assert [await pace.turn(RATE, lambda: False) for _ in range(50)] == [0.0] * 50

    async def test_documents_that_end_let_all_begin(self) -> None:
        pace, is_beside = AgentPace(), True
        waiting = [asyncio.ensure_future(pace.turn(1e-6, lambda: is_beside)) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert sum(each.done() for each in waiting) <= 1
        is_beside = False
        await asyncio.gather(*waiting)
