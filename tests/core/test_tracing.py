"""Spans, as OpenTelemetry's own in-memory exporter gets them."""

import asyncio
import threading
import timeit

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from citewell.core import tracing
from citewell.core.tracing import CLOSING, OtelRecorder, is_wanted, new_provider
from citewell.kit.clock import Stopwatch
from citewell.kit.spans import SpanKind, recorder, recording, span
from tests.waiting import PATIENCE

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept:
    """A recorder whose spans are looked at."""

    def __init__(self) -> None:
        provider = new_provider()
        self._exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.recorder = OtelRecorder(provider)

    def spans(self) -> dict[str, ReadableSpan]:
        return {each.name: each for each in self._exporter.get_finished_spans()}


@pytest.fixture
def kept() -> Kept:
    return Kept()


def parent_of(found: ReadableSpan) -> int | None:
    return None if found.parent is None else found.parent.span_id


class Hanging(SpanProcessor):
    """Exports to a collector that does not answer."""

    def __init__(self) -> None:
        self.is_let_go = threading.Event()

    def shutdown(self) -> None:
        self.is_let_go.wait()


class TestClose:
    def test_collector_that_hangs_is_not_waited_for(self) -> None:
        provider, hanging = new_provider(), Hanging()
        provider.add_span_processor(hanging)
        OtelRecorder(provider).close(seconds=0.01)
        [closing] = [each for each in threading.enumerate() if each.name == CLOSING]
        assert closing.daemon
        hanging.is_let_go.set()
        closing.join(PATIENCE)
        assert not closing.is_alive()


class TestWanted:
    def test_only_an_address_of_otlp_switches_it_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (*tracing.ENDPOINTS, "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
            monkeypatch.delenv(name, raising=False)
        assert not is_wanted()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
        assert is_wanted()
        for name, value in (("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")):
            with monkeypatch.context() as inside:
                inside.setenv(name, value)
                assert not is_wanted()


class TestSpan:
    def test_without_a_recorder_nothing_is_kept_and_next_to_nothing_spent(self) -> None:
        assert recorder() is None
        with span("work", rows=3) as told:
            told.note("more", 1)
            told.fail("ValueError")

        def work() -> None:
            with span("work"):
                pass

        # Some 0.3 microseconds; a search has about ten of them and takes milliseconds.
        assert min(timeit.repeat(work, number=1_000, repeat=5)) < 0.02

    async def test_spans_inside_belong_to_that_around_them_in_tasks_too(self, kept: Kept) -> None:
        async def work() -> None:
            with span("inner", db__system__name="postgresql"):
                pass

        with recording(kept.recorder), span("outer"):
            await asyncio.gather(work())
            Stopwatch().lap("embed")
        spans = kept.spans()
        outer = spans["outer"].context.span_id
        assert {parent_of(spans["inner"]), parent_of(spans["stage embed"])} == {outer}
        assert dict(spans["inner"].attributes or {}) == {"db.system.name": "postgresql"}
        assert recorder() is None

    def test_trace_of_another_process_is_gone_on_with(self, kept: Kept) -> None:
        with recording(kept.recorder):
            with kept.recorder.span("job", {}, kind=SpanKind.CONSUMER, parent=PARENT):
                carried = kept.recorder.carrier()
            with kept.recorder.span("bad", {}, parent="nonsense"):
                pass
        job = kept.spans()["job"]
        assert (f"{job.context.trace_id:032x}", f"{parent_of(job):016x}") == tuple(
            PARENT.split("-")[1:3]
        )
        assert carried == f"00-{job.context.trace_id:032x}-{job.context.span_id:016x}-01"
        assert parent_of(kept.spans()["bad"]) is None

    def test_error_tells_its_class_and_not_its_message(self, kept: Kept) -> None:
        def fail() -> None:
            with recording(kept.recorder), span("work"):
                raise ValueError("a secret of the document")

        with pytest.raises(ValueError, match="secret"):
            fail()
        failed = kept.spans()["work"]
        assert failed.status.status_code is StatusCode.ERROR
        assert "secret" not in failed.to_json()
        assert (failed.attributes or {})["error.type"] == "ValueError"
