"""Waits of the runs of one tree before their steps; they are no run's time.

A run within another one waits inside a call of it, so its waits belong to neither.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager


async def _at_once() -> float:
    return 0.0


class TreePace:
    """Shared by a run and those within it.

    Args:
        turn: Waits until a step may begin, and returns the seconds.
    """

    def __init__(self, turn: Callable[[], Awaitable[float]] = _at_once) -> None:
        self._turn = turn
        self._limits: list[asyncio.Timeout] = []
        """Limits of the calls that are under way, outermost first."""
        self.seconds = 0.0
        """Seconds waited so far by all runs of the tree."""

    async def wait(self) -> None:
        """Wait until a step may begin; no limit of a call passes meanwhile."""
        held = [(each, each.when()) for each in self._limits if not each.expired()]
        for limit, _ in held:
            limit.reschedule(None)
        waited = 0.0
        try:
            waited = await self._turn()
        finally:
            self.seconds += waited
            for limit, when in held:
                if when is not None and limit in self._limits:
                    limit.reschedule(when + waited)

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncGenerator[None]:
        """Limit the time of the block, but for the waits of runs within it.

        Raises:
            TimeoutError: It took longer.
        """
        async with asyncio.timeout(seconds) as limit:
            self._limits.append(limit)
            try:
                yield
            finally:
                self._limits.remove(limit)
