"""Processor time of a coroutine, of all its steps and of nothing that runs between them."""

import time
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Metered(Coroutine[Any, Any, T], Iterator[Any]):
    """Another coroutine; tells the processor seconds of each of its steps on this thread.

    Args:
        work: The coroutine.
        note: Gets the seconds of a step. The steps of tasks that it starts are not among them.
    """

    def __init__(self, work: Coroutine[Any, Any, T], note: Callable[[float], None]) -> None:
        self._work = work
        self._note = note

    def send(self, value: Any) -> Any:
        """Take a step."""
        began = time.thread_time()
        try:
            return self._work.send(value)
        finally:
            self._note(time.thread_time() - began)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,  # noqa: ARG002 - of the protocol
    ) -> Any:
        """Take a step with an error."""
        error = kind if isinstance(kind, BaseException) else value
        assert isinstance(error, BaseException)
        began = time.thread_time()
        try:
            return self._work.throw(error)
        finally:
            self._note(time.thread_time() - began)

    def close(self) -> None:
        """Have it end where it is."""
        self._work.close()

    def __await__(self) -> "Metered[T]":  # pyright: ignore[reportIncompatibleMethodOverride] - as an iterator
        return self

    def __next__(self) -> Any:
        return self.send(None)
