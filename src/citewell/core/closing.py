"""Whether the process stops: streams that another node can go on with end then."""

import asyncio
import time

STREAM_SECONDS = 5.0
"""How long a stream that can be taken up elsewhere goes on: most answers end within it."""


class Closing:
    """The stop of a process; a state of its platform."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._began = 0.0
        self._seconds = 0.0

    def begin(self, seconds: float) -> None:
        """Note that the process stops, and how long its work may still take; once is enough."""
        if not self._begun.is_set():
            self._began, self._seconds = time.monotonic(), seconds
            self._begun.set()

    @property
    def seconds_left(self) -> float:
        """How long work may still take; 0 unless the stop was announced."""
        if not self._begun.is_set():
            return 0.0
        return max(0.0, self._began + self._seconds - time.monotonic())

    @property
    def ends_streams(self) -> bool:
        """Whether streams that can be taken up elsewhere end now."""
        return self._begun.is_set() and time.monotonic() - self._began >= STREAM_SECONDS

    async def wait_until_streams_end(self) -> None:
        """Return when streams that can be taken up elsewhere have to end."""
        await self._begun.wait()
        await asyncio.sleep(max(0.0, self._began + STREAM_SECONDS - time.monotonic()))
