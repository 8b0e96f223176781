"""Readings that all who want them at one moment share."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class SharedReadings(Generic[Value]):
    """Reads values by key, each for all who wait; it belongs to one event loop.

    Nothing is kept. Whoever comes while one is being read waits for the next, so that a value is
    never older than the question for it.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, asyncio.Future[Value]] = {}
        self._reading: dict[Hashable, asyncio.Future[None]] = {}

    async def current(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """The value as it was at the time of the call, or later.

        Args:
            key: Names it.
            read: Reads it; what it raises is raised to all who waited for that reading.
        """
        asked = self._waiting.get(key)
        if asked is None:
            asked = self._waiting[key] = asyncio.get_running_loop().create_future()
        if key not in self._reading:
            self._reading[key] = asyncio.ensure_future(self._read_on(key, read))
        # A caller who leaves must not take the result away from the others.
        await asyncio.wait([asked])
        return asked.result()

    async def _read_on(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, Value]]) -> None:
        """Read until nobody waits."""
        try:
            while (asked := self._waiting.pop(key, None)) is not None:
                await answer(asked, read())
        finally:
            del self._reading[key]
            if (left := self._waiting.pop(key, None)) is not None:
                left.cancel()


async def answer(asked: asyncio.Future[Value], read: Coroutine[Any, Any, Value]) -> None:
    """Let those who wait have what is read, or its failure; they never wait for ever.

    If the reading is cancelled, or this call, so is their wait.
    """
    reading = asyncio.ensure_future(read)
    try:
        await asyncio.wait([reading])
        if reading.cancelled():
            return
        failure = reading.exception()
        if failure is None:
            asked.set_result(reading.result())
        else:
            asked.set_exception(failure)
            asked.exception()  # whoever asked may have left
    finally:
        reading.cancel()
        asked.cancel()  # without effect where it has its answer
