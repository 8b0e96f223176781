"""Pool of child processes: started on demand, replaced when worn, ended when idle."""

import asyncio
from collections.abc import Callable

from citewell.kit.sandbox.limits import MIB
from citewell.kit.sandbox.process import Child

REQUESTS_PER_CHILD = 200
"""Requests after which a child is replaced, which bounds the memory that libraries leak."""

RECYCLE_BYTES = 256 * MIB
"""Resident size from which a child is replaced after its request."""

IDLE_SECONDS = 60.0
"""Time after which a child without work is ended, so that an idle installation holds no memory."""


class ChildPool:
    """Children of one kind; the caller limits how many are busy at a time.

    Belongs to one event loop. POSIX only.
    """

    def __init__(
        self,
        start: Callable[[], Child],
        *,
        idle_seconds: float = IDLE_SECONDS,
        requests_per_child: int = REQUESTS_PER_CHILD,
    ) -> None:
        """Set up without starting anything.

        Args:
            start: Starts a child.
            idle_seconds: Time after which an idle child is ended.
            requests_per_child: Requests after which a child is replaced.
        """
        self._start = start
        self._idle_seconds = idle_seconds
        self._requests_per_child = requests_per_child
        self._idle: list[Child] = []
        self._busy: list[Child] = []
        self._ending: list[Child] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def idle(self) -> tuple[Child, ...]:
        """The children without work."""
        return tuple(self._idle)

    def take(self) -> Child:
        """An idle child, or a new one; `give_back` must follow.

        Raises:
            RuntimeError: The pool is closed.
        """
        if self._is_closed:
            raise RuntimeError("The pool is closed.")
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                self._busy.append(child)
                return child
            self._retire(child)
        return self.take_new()

    def take_new(self) -> Child:
        """A child that has not answered anything yet; `give_back` must follow."""
        child = self._start()
        self._busy.append(child)
        return child

    def give_back(self, child: Child, *, is_fit: bool) -> None:
        """Take a child back; one that is not fit to answer again is killed."""
        self._busy.remove(child)
        is_worn = child.requests >= self._requests_per_child or child.resident_bytes > RECYCLE_BYTES
        if is_fit and not is_worn and not self._is_closed:
            self._idle.append(child)
        else:
            self._retire(child)
        self._plan_sweep()

    async def close(self) -> None:
        """End all children; requests still open fail."""
        self._is_closed = True
        if self._sweep:
            self._sweep.cancel()
        for child in list(self._busy):
            await child.interrupt()
        ending, self._idle, self._ending = [*self._idle, *self._ending], [], []
        for child in ending:
            await child.end()

    def _retire(self, child: Child) -> None:
        child.kill()
        if not child.reap():
            self._ending.append(child)

    def _plan_sweep(self) -> None:
        """See to idle and ending children later, without a task that lives for ever."""
        if self._sweep:
            self._sweep.cancel()
            self._sweep = None
        if self._ending or self._idle:
            # A killed child ends within milliseconds and must be reaped, or it stays a zombie.
            delay = min(0.05, self._idle_seconds) if self._ending else self._idle_seconds
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(delay, self._sweep_up, not self._ending)

    def _sweep_up(self, is_idle: bool) -> None:
        self._sweep = None
        if is_idle:
            idle, self._idle = self._idle, []
            for child in idle:
                self._retire(child)
        self._ending = [child for child in self._ending if not child.reap()]
        self._plan_sweep()
