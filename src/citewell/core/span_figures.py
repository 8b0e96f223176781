"""Figures of work that is told by spans: calls of models, embedding, slow statements."""

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from citewell.core.metrics import OTHER, ProcessMetrics
from citewell.engine.errors import RequestRefusedError
from citewell.kit.spans import NO_SPAN, OpenSpan, SpanKind, SpanRecorder, Value

SLOW_SECONDS = 1.0
"""A statement that takes longer is counted: searches as a whole are to take a fifth of it."""

_EMBEDDING = {"embed passages": "passages", "embed question": "question"}
_DIRECTIONS = {"gen_ai.usage.input_tokens": "input", "gen_ai.usage.output_tokens": "output"}


class SpanFigures:
    """Counts some kinds of spans and hands all of them on to a recorder, if there is one."""

    def __init__(self, metrics: ProcessMetrics, recorder: SpanRecorder | None = None) -> None:
        self._metrics = metrics
        self._recorder = recorder
        self.tells_statements = recorder is not None and recorder.tells_statements

    def span(
        self,
        name: str,
        values: Mapping[str, Value],
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: str | None = None,
        is_current: bool = True,
    ) -> AbstractContextManager[OpenSpan]:
        """A span around a block, counted at its end if it is of a kind that has figures."""
        inner: AbstractContextManager[OpenSpan] = nullcontext(NO_SPAN)
        if self._recorder is not None:
            inner = self._recorder.span(
                name, values, kind=kind, parent=parent, is_current=is_current
            )
        if name == "model":
            return self._model(values, inner)
        if name in _EMBEDDING:
            return self._embedding(_EMBEDDING[name], values, inner)
        return self._statements(inner) if name == "sql batch" else inner

    def add(self, name: str, seconds: float, values: Mapping[str, Value]) -> None:
        """A span that took so long and ends now."""
        if name == "sql":
            self._note_statement(seconds)
        if self._recorder is not None:
            self._recorder.add(name, seconds, values)

    def carrier(self) -> str | None:
        """The `traceparent` around this call, where spans are kept."""
        return self._recorder.carrier() if self._recorder is not None else None

    @contextmanager
    def _model(
        self, values: Mapping[str, Value], inner: AbstractContextManager[OpenSpan]
    ) -> Generator[OpenSpan, None, None]:
        provider = str(values.get("gen_ai.provider.name", OTHER))
        began, end = time.perf_counter(), ""
        tokens: _Tokens | None = None
        try:
            with inner as told:
                tokens = _Tokens(told, self._metrics, provider)
                yield tokens
            end = "done"
        except GeneratorExit:
            # `complete` closes the stream once it has the end of the reply, as readers who leave
            # do before it.
            end = "done" if tokens is not None and tokens.are_told else "left"
            raise
        finally:
            end = end or _end_of(sys.exc_info()[1])
            self._metrics.count("model_calls_total", provider, end)
            self._metrics.observe("model_call_seconds", time.perf_counter() - began, provider)

    @contextmanager
    def _embedding(
        self, of: str, values: Mapping[str, Value], inner: AbstractContextManager[OpenSpan]
    ) -> Generator[OpenSpan, None, None]:
        began = time.perf_counter()
        with inner as told:
            yield told
        self._metrics.observe("embedding_seconds", time.perf_counter() - began, of)
        self._metrics.count("embedded_texts_total", of, by=float(values.get("count", 1)))

    @contextmanager
    def _statements(
        self, inner: AbstractContextManager[OpenSpan]
    ) -> Generator[OpenSpan, None, None]:
        began = time.perf_counter()
        try:
            with inner as told:
                yield told
        finally:
            self._note_statement(time.perf_counter() - began)

    def _note_statement(self, seconds: float) -> None:
        if seconds > SLOW_SECONDS:
            self._metrics.count("slow_statements_total")


def _end_of(error: BaseException | None) -> str:
    if isinstance(error, RequestRefusedError):
        return "refused"
    # A reader who leaves closes the generator, or cancels the task that reads from it.
    return "failed" if isinstance(error, Exception) else "left"


class _Tokens:
    """A span of a model's reply; the tokens that it is told are counted."""

    def __init__(self, told: OpenSpan, metrics: ProcessMetrics, provider: str) -> None:
        self._told, self._metrics, self._provider = told, metrics, provider
        self.are_told = False
        """Whether the end of the reply was there, which tells the tokens."""

    def note(self, name: str, value: Value) -> None:
        if name in _DIRECTIONS:
            self.are_told = True
            tokens = float(value)
            self._metrics.count("model_tokens_total", self._provider, _DIRECTIONS[name], by=tokens)
        self._told.note(name, value)

    def rename(self, name: str) -> None:
        self._told.rename(name)

    def fail(self, kind: str) -> None:
        self._told.fail(kind)
