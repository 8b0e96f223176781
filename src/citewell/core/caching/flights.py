"""Equal questions at one moment are computed once, for all who ask."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class _Flight:
    """A computation under way, and what it has given so far."""

    items: list[Any] = field(default_factory=list[Any])
    followers: int = 0
    pulse: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the next item or the end; each item brings a new one."""
    task: "asyncio.Future[None] | None" = None

    def beat(self) -> None:
        """Wake all who wait for more."""
        pulse, self.pulse = self.pulse, asyncio.Event()
        pulse.set()


class Flights:
    """Computations of a process by key.

    A computation is a task of its own: it goes on while anybody waits for it, at its own speed,
    whoever began it. What it raises is raised to all who wait; nothing of it is kept.
    """

    def __init__(self) -> None:
        self._flying: dict[Hashable, _Flight] = {}

    def is_flying(self, key: Hashable) -> bool:
        """Whether somebody is computing it."""
        return key in self._flying

    async def follow(
        self, key: Hashable, begin: Callable[[], AsyncGenerator[Any, None]]
    ) -> AsyncGenerator[Any, None]:
        """Yield the items of a computation, from its first on.

        Args:
            key: What is computed.
            begin: Begins it, if nobody is computing it.
        """
        flight = self._flying.get(key)
        if flight is None:
            flight = self._flying[key] = _Flight()
            flight.task = asyncio.ensure_future(self._fly(key, flight, begin))
            # An error raised after the last has left concerns nobody.
            flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        task = flight.task
        assert task is not None
        flight.followers += 1
        try:
            seen = 0
            while True:
                pulse = flight.pulse
                while seen < len(flight.items):
                    seen += 1
                    yield flight.items[seen - 1]
                if task.done():
                    task.result()
                    return
                if pulse is flight.pulse:
                    await pulse.wait()
        finally:
            flight.followers -= 1
            if not flight.followers and not task.done():
                # The next who asks begins anew.
                self._forget(key, flight)
                task.cancel()
                # Its connections are back when this returns, as if it had been one's own.
                await asyncio.wait([task])

    async def _fly(
        self, key: Hashable, flight: _Flight, begin: Callable[[], AsyncGenerator[Any, None]]
    ) -> None:
        try:
            async with aclosing(begin()) as items:
                async for item in items:
                    flight.items.append(item)
                    flight.beat()
        finally:
            self._forget(key, flight)
            # After this returns the task is done, which is what the woken look for.
            asyncio.get_running_loop().call_soon(flight.beat)

    def _forget(self, key: Hashable, flight: _Flight) -> None:
        if self._flying.get(key) is flight:
            del self._flying[key]
