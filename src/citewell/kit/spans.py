"""Spans: what a process does and for how long, for a recorder that is set in the context.

Without one, which is the rule, a span costs the look for it: some 50 nanoseconds. Names and values
come from the program, never from documents, questions or people.
"""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Value = str | int | float | bool


class SpanKind(StrEnum):
    """Side of a call that a span is on, as OpenTelemetry has them."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class OpenSpan(Protocol):
    """A span that has begun."""

    def note(self, name: str, value: Value) -> None:
        """Add what is known only now."""
        ...

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""
        ...

    def fail(self, kind: str) -> None:
        """Say that it failed, by the kind of error alone."""
        ...


class SpanRecorder(Protocol):
    """Keeps spans; safe to share between tasks."""

    tells_statements: bool
    """Whether it keeps the text of statements, which takes time to write."""

    def span(
        self,
        name: str,
        values: Mapping[str, Value],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: str | None = None,
        is_current: bool = True,
    ) -> AbstractContextManager[OpenSpan]:
        """A span around a block.

        Args:
            name: The same for all of its kind.
            values: What is known of it.
            kind: Its side of a call.
            parent: A `traceparent` of another process; None: the span around this one.
            is_current: Whether spans inside belong to it. Not in a generator, whose parts run in
                the contexts of others.
        """
        ...

    def add(self, name: str, seconds: float, values: Mapping[str, Value]) -> None:
        """A span that took so long and ends now."""
        ...

    def carrier(self) -> str | None:
        """The `traceparent` that tells another process of the span around this call."""
        ...


@dataclass(frozen=True, slots=True)
class SpanState:
    """The recorder of a process; a state of its platform."""

    recorder: SpanRecorder | None = None


class _NoSpan:
    def note(self, name: str, value: Value) -> None:
        pass

    def rename(self, name: str) -> None:
        pass

    def fail(self, kind: str) -> None:
        pass


_RECORDER: ContextVar[SpanRecorder | None] = ContextVar("citewell_spans", default=None)
NO_SPAN: OpenSpan = _NoSpan()
"""A span that nobody keeps."""

_NOTHING: AbstractContextManager[OpenSpan] = nullcontext(NO_SPAN)


def recorder() -> SpanRecorder | None:
    """The recorder of this context."""
    return _RECORDER.get()


@contextmanager
def recording(found: SpanRecorder) -> Generator[None, None, None]:
    """Have the spans inside the block kept."""
    token = _RECORDER.set(found)
    try:
        yield
    finally:
        _RECORDER.reset(token)


def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    is_current: bool = True,
    **values: Value,
) -> AbstractContextManager[OpenSpan]:
    """A span around a block, if anybody keeps it; dots of names are written `__`."""
    found = _RECORDER.get()
    if found is None:
        return _NOTHING
    dotted = {key.replace("__", "."): value for key, value in values.items()}
    return found.span(name, dotted, kind=kind, is_current=is_current)
