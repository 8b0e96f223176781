"""The processor time of a coroutine's own steps."""

import asyncio
import time

import pytest

from citewell.kit.metering import Metered


def _busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class TestMetered:
    async def test_own_steps_count_and_others_do_not(self) -> None:
        spent: list[float] = []

        async def work() -> str:
            _busy(0.02)
            await asyncio.sleep(0)
            _busy(0.02)
            await asyncio.sleep(0.01)
            return "done"

        async def other() -> None:
            _busy(0.2)

        result, _ = await asyncio.gather(Metered(work(), spent.append), other())
        assert result == "done"
        assert 0.04 <= sum(spent) < 0.15

    async def test_awaited_within_another_coroutine_it_gives_result_and_error(self) -> None:
        async def given(value: int) -> int:
            await asyncio.sleep(0)
            if not value:
                raise ValueError("nothing")
            return value

        assert await Metered(given(3), lambda _: None) == 3
        with pytest.raises(ValueError, match="nothing"):
            await Metered(given(0), lambda _: None)

    async def test_cancelled_it_cleans_up(self) -> None:
        ended: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(3_600)
            finally:
                ended.append("cleaned")

        task = asyncio.ensure_future(Metered(work(), lambda _: None))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cleaned"]
