"""Concurrent tasks."""

import asyncio
from types import TracebackType


class TaskGroup(asyncio.TaskGroup):
    """A group of tasks that raises its first failure itself instead of an exception group.

    Callers then handle errors as if the work had been done one task after the other.
    """

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(kind, error, traceback)
        except BaseExceptionGroup as failures:  # what a group raises; its errors go on
            first = failures.exceptions[0]
            if len(failures.exceptions) == 1:
                raise first from first.__cause__
            raise first  # noqa: B904 - the others stand in its context
