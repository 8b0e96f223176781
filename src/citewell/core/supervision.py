"""Restarts failed background tasks of a process, counts failures and reports them to `health`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from citewell.core.database.sessions import comes_from_outage

log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[object]]

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""Pause after a failure; it doubles with each failure in a row up to the longest."""

LONGEST_OUTAGE_PAUSE_SECONDS = 4.0
"""Longest pause while the database is away, so that its return is noticed within seconds."""

STEADY_SECONDS = 30.0
"""Running time after which an endless task counts as recovered."""

REPORTED_FAILURES = 3
"""Failures in a row from which a task is reported: a restart of the database causes one or two."""


class EndedError(Exception):
    """A task that should run until it is cancelled has returned."""


@dataclass(frozen=True, slots=True)
class FailingTask:
    """A background task that fails repeatedly."""

    name: str
    failures: int
    """Failures in a row."""


@dataclass(slots=True)
class _State:
    failures: int = 0
    failed_by_outage: bool = False
    running_since: float | None = None
    """Last start of an endless task (monotonic clock); None if it is not running."""


class Supervisor:
    """Runs background tasks so that an error ends neither the task nor the process.

    Every task has a name for logs and `health`; several may share one.
    """

    def __init__(
        self,
        *,
        first_pause: float = FIRST_PAUSE_SECONDS,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
        steady_after: float = STEADY_SECONDS,
    ) -> None:
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._steady_after = steady_after
        self._states: dict[str, _State] = {}

    async def keep(self, name: str, work: Work) -> None:
        """Run endless `work` until cancelled, and start it again after a failure."""
        state = self._state(name)
        while True:
            begun = state.running_since = time.monotonic()
            if await self.attempt(name, lambda: _without_end(work)):
                return  # not reached: endless work ends by failing
            state.running_since = None
            if time.monotonic() - begun >= self._steady_after:
                state.failures = 1
            await asyncio.sleep(self.pause(name))

    async def repeat(self, name: str, work: Work, every: float) -> None:
        """Run `work` every so many seconds until cancelled; less often while it fails."""
        while True:
            is_done = await self.attempt(name, work)
            await asyncio.sleep(every if is_done else max(every, self.pause(name)))

    async def attempt(self, name: str, work: Work) -> bool:
        """Run `work` once; False if it failed, which is logged and counted under its name."""
        try:
            await work()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            # A real cancellation of this task ends it. Otherwise something it awaited was
            # cancelled, which is a failure like any other.
            if task is None or task.cancelling():
                raise
            self.note_failure(name, error)
            return False
        except Exception as error:  # noqa: BLE001 - the background boundary: tasks end with the process only
            self.note_failure(name, error)
            return False
        self._state(name).failures = 0
        return True

    def note_failure(self, name: str, error: BaseException) -> None:
        """Log and count a failure."""
        state = self._state(name)
        state.failures += 1
        state.failed_by_outage = isinstance(error, EndedError) or comes_from_outage(error)
        said = str(error).splitlines() or [type(error).__name__]
        # Outages are no bugs. Other errors are logged with their traceback at the 1st, 2nd, 4th,
        # 8th failure, so that a loop does not fill the log.
        is_told_whole = not (state.failed_by_outage or state.failures & (state.failures - 1))
        log.warning(
            "background_task_failed",
            task=name,
            failures=state.failures,
            error=f"{type(error).__name__}: {said[0]}",
            exc_info=error if is_told_whole else None,
        )

    def pause(self, name: str) -> float:
        """Seconds to wait after the failures of a task; 0 if there was none."""
        state = self._state(name)
        if not state.failures:
            return 0.0
        longest = self._longest_pause
        if state.failed_by_outage:
            longest = min(longest, LONGEST_OUTAGE_PAUSE_SECONDS)
        return min(self._first_pause * 2.0 ** min(state.failures - 1, 30), longest)

    def forget(self, name: str) -> None:
        """Take back the failures of a task that there is no more work for."""
        self._states.pop(name, None)

    def failing(self) -> list[FailingTask]:
        """Tasks that fail repeatedly, by name."""
        now = time.monotonic()
        return [
            FailingTask(name, state.failures)
            for name, state in sorted(self._states.items())
            if state.failures >= REPORTED_FAILURES
            and (state.running_since is None or now - state.running_since < self._steady_after)
        ]

    def _state(self, name: str) -> _State:
        return self._states.setdefault(name, _State())


async def _without_end(work: Work) -> None:
    await work()
    raise EndedError("it ended by itself")
