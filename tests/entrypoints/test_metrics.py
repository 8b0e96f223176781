"""The figures for Prometheus: their port, their names and their page."""

import contextlib
import itertools
import math
import random
import re
import socket
import time
import urllib.request
import uuid
from collections.abc import AsyncGenerator, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from citewell.core.errors import StartupError
from citewell.core.metrics import (
    BY_NAME,
    OTHER,
    PREFIX,
    SPECS,
    STAGES,
    MetricKind,
    MetricSpec,
    ProcessMetrics,
)
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.core.span_figures import SLOW_SECONDS, SpanFigures
from citewell.core.tracing import OtelRecorder, new_provider
from citewell.engine.errors import ProviderError, RequestRefusedError
from citewell.engine.llm.base import ModelRequest, ReplyEnd, StreamItem, complete
from citewell.engine.llm.registry import PROVIDERS
from citewell.engine.llm.testing import FakeLanguageModel
from citewell.engine.parsing.formats import FAMILIES, FORMATS
from citewell.entrypoints.http.measuring import Measuring
from citewell.entrypoints.scraping import KEPT_SECONDS, scraped
from citewell.features.evaluations.running import MEASURES, note_figures
from citewell.features.evaluations.schemas import RunFigures, VerdictCounts
from citewell.kit.spans import SpanState, recording, span
from tests.conftest import Servers
from tests.isolation.surface import read_surface
from tests.ports import free_port
from tests.quiet import quiet_database
from tools.metrics_page import PAGE, page

OUTCOMES = ("answered", "abstained", "degraded", "refused")
ENDS = ("done", "failed", "refused", "left")
FORMAT_LABELS = (*(name.value for name in FORMATS), OTHER)
LISTS: dict[str, tuple[Iterable[str], ...]] = {
    "answers_total": (
        OUTCOMES, ("rules", "model"), ("yes", "no"), ("guest", "employee", "manager", "director",
        "none"),
    ),
    "answer_stage_seconds": ((*STAGES, OTHER),),
    "model_calls_total": ((*PROVIDERS, OTHER), ENDS),
    "model_call_seconds": ((*PROVIDERS, OTHER),),
    "model_tokens_total": ((*PROVIDERS, OTHER), ("input", "output")),
    "model_cost_dollars_total": ((*PROVIDERS, OTHER),),
    "embedded_texts_total": (("passages", "question"),),
    "embedding_seconds": (("passages", "question"),),
    "ingested_versions_total": (FORMAT_LABELS, ("ready", "failed")),
    "ingested_passages_total": (FORMAT_LABELS,),
    "ingest_stage_seconds": (
        ("read", "embed", "store", "publish"), {*FAMILIES.values(), OTHER},
    ),
    "open_streams": (("socket", "events"),),
    "evaluation_share": ((*MEASURES, "right"),),
    "cache_lookups_total": (map(str, range(20)), map(str, range(6))),
    "mails_total": (("sent", "put_off", "failed", "withheld"),),
}  # fmt: skip
"""All values of the labels of metrics that have lists of them."""
OF_ROUTES = ("http_requests_total", "http_request_seconds")
OF_JOBS = ("job_attempts_total", "job_attempt_seconds")


def note(metrics: ProcessMetrics, spec: MetricSpec, labels: tuple[str, ...]) -> None:
    if spec.kind is MetricKind.COUNTER:
        metrics.count(spec.name, *labels)
    elif spec.kind is MetricKind.HISTOGRAM:
        metrics.observe(spec.name, 0.1, *labels)
    else:
        metrics.set(spec.name, 1, *labels)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(PREFIX + name, labels)


class TestPort:
    def test_port_that_is_taken_is_one_line(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            settings = Settings(_env_file=None, home=tmp_path, metrics_port=port)
            with pytest.raises(StartupError, match="it is taken"), scraped(settings, None):
                pass


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A database of this file's own."""
    with quiet_database(servers, template) as url:
        yield url


class TestDatabase:
    def test_it_is_asked_every_five_seconds_however_often_figures_are(
        self, own_url: str, tmp_path: Path
    ) -> None:
        settings = Settings(_env_file=None, home=tmp_path, metrics_port=free_port())
        with scraped(settings, own_url), psycopg.connect(own_url, autocommit=True) as connection:
            before, begun = sessions_of(connection), time.monotonic()
            for _ in range(100):
                address = f"http://127.0.0.1:{settings.metrics_port}/metrics"
                with urllib.request.urlopen(address) as reply:
                    assert b"citewell_database_up 1.0" in reply.read()
            most = (time.monotonic() - begun) / KEPT_SECONDS + 2
            asked = sessions_of(connection) - before
        assert 1 <= asked <= most


def sessions_of(connection: psycopg.Connection) -> int:
    """Sessions that have been begun in a database."""
    connection.execute("SELECT pg_stat_clear_snapshot()")
    statement = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    found = connection.execute(statement).fetchone()
    assert found is not None
    return found[0]


class TestPage:
    def test_page_says_what_the_code_has(self) -> None:
        assert PAGE.read_text(encoding="utf-8") == page(), "run tools/metrics_page.py"

    def test_names_and_labels_follow_the_rules_of_prometheus(self) -> None:
        assert len(BY_NAME) == len(SPECS)
        for spec in SPECS:
            assert re.fullmatch(r"[a-z][a-z_]*", spec.name)
            assert spec.name.endswith("_total") == (spec.kind is MetricKind.COUNTER)
            assert not {"tenant", "user", "document", "model", "email"} & set(spec.labels)
            assert bool(spec.buckets) == (spec.kind is MetricKind.HISTOGRAM)
            assert list(spec.buckets) == sorted(spec.buckets)


class TestCardinality:
    @pytest.mark.volume
    async def test_a_thousand_tenants_and_ten_thousand_users_make_few_series(self) -> None:
        """Each user asks once for each of ten routes, some of them for what is not there."""
        registry = CollectorRegistry()
        metrics = ProcessMetrics.recording(registry)
        states = {ProcessMetrics: metrics, SpanState: SpanState(SpanFigures(metrics))}
        platform = cast(Platform, SimpleNamespace(state_of=states.__getitem__))
        operations = sorted(read_surface().operations)
        drawn = random.Random(15)

        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            status = drawn.choices((200, 404, 503), (90, 9, 1))[0]
            await send({"type": "http.response.start", "status": status})

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            pass

        measured = Measuring(answered, lambda: platform)
        for tenant in range(1_000):
            for user in range(10):
                for method, pattern in drawn.sample(operations, 10):
                    path = re.sub(
                        r"{\w+(:path)?}", str(uuid.UUID(int=tenant << 32 | user)), pattern
                    )
                    route = SimpleNamespace(path=pattern)
                    scope = {"type": "http", "method": method, "path": path, "route": route}
                    await measured(scope, receive, send)
                path = f"/{tenant}/{user}.php"
                await measured({"type": "http", "method": f"M{user}", "path": path}, receive, send)
        for spec in SPECS:
            if spec.labels and not spec.is_read and spec.name in LISTS:
                for labels in itertools.product(*LISTS[spec.name]):
                    note(metrics, spec, labels)
        series = [one for family in registry.collect() for one in family.samples]
        routes = {one.labels["route"] for one in series if "route" in one.labels}
        assert routes == {pattern for _, pattern in operations} | {OTHER}
        assert not [one.name for one in series if one.name.endswith("_created")]
        # Series of jobs, caches and the database are bounded by lists of the code; see below.
        assert len(series) + self.of_lists() < 5_000
        assert all(one.name.startswith(PREFIX) for one in series)
        known = {name for name, spec in BY_NAME.items() if spec.labels and not spec.is_read}
        assert known == {*LISTS, *OF_ROUTES, *OF_JOBS}, "say which values its labels have"

    def of_lists(self) -> int:
        """Series of kinds of jobs, tasks, tables and states, more of each than there are."""
        kinds, tables, states = 40, 20, 8
        buckets = len(BY_NAME["job_attempt_seconds"].buckets) + 4
        return kinds * (3 + buckets + 2 + 1) + 2 * tables + states + kinds + 100


class TestSpans:
    def test_replies_of_models_are_counted_by_their_end_with_their_tokens(self) -> None:
        registry = CollectorRegistry()
        with recording(SpanFigures(ProcessMetrics.recording(registry))):
            for error in (None, ProviderError("away"), RequestRefusedError("no"), GeneratorExit()):
                with (
                    contextlib.suppress(ProviderError, RequestRefusedError, GeneratorExit),
                    span("model", gen_ai__provider__name="openai") as told,
                ):
                    if error is not None:
                        raise error
                    told.note("gen_ai.usage.input_tokens", 30)
        for end in ENDS:
            assert value(registry, "model_calls_total", provider="openai", end=end) == 1
        tokens = value(registry, "model_tokens_total", provider="openai", direction="input")
        assert tokens == 30
        assert value(registry, "model_call_seconds_count", provider="openai") == 4

    async def test_a_reply_that_was_read_to_its_end_is_done(self) -> None:
        """`complete` closes the stream as soon as it has the end of the reply."""

        class Speaking(FakeLanguageModel):
            async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
                with span("model", is_current=False, gen_ai__provider__name="openai") as told:
                    async with contextlib.aclosing(super().stream(request)) as items:
                        async for item in items:
                            if isinstance(item, ReplyEnd):
                                told.note("gen_ai.usage.input_tokens", 3)
                            yield item

        registry = CollectorRegistry()
        with recording(SpanFigures(ProcessMetrics.recording(registry))):
            await complete(Speaking(["Here it is."]), ModelRequest(()))
        assert value(registry, "model_calls_total", provider="openai", end="done") == 1

    def test_a_run_that_lacks_a_measure_keeps_none_of_the_run_before(self) -> None:
        registry = CollectorRegistry()
        metrics = ProcessMetrics.recording(registry)
        given: dict[str, Any] = dict.fromkeys(RunFigures.model_fields) | {
            "verdicts": VerdictCounts.model_construct(questions=4, right=3)
        }
        note_figures(metrics, RunFigures.model_construct(**given | {"recall_at_10": 0.5}))
        assert value(registry, "evaluation_share", measure="recall_at_10") == 0.5
        note_figures(metrics, RunFigures.model_construct(**given))
        assert math.isnan(value(registry, "evaluation_share", measure="recall_at_10") or 0)
        assert value(registry, "evaluation_share", measure="right") == 0.75

    def test_embedding_and_slow_statements_are_counted(self) -> None:
        registry = CollectorRegistry()
        figures = SpanFigures(ProcessMetrics.recording(registry))
        with recording(figures):
            with span("embed passages", model="any", count=7):
                pass
            with span("sql batch"):
                pass
        for seconds in (SLOW_SECONDS / 2, SLOW_SECONDS * 2):
            figures.add("sql", seconds, {})
        assert value(registry, "embedded_texts_total", of="passages") == 7
        assert value(registry, "slow_statements_total") == 1

    def test_a_recorder_behind_it_is_told_everything(self) -> None:
        provider = new_provider()
        kept = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(kept))
        figures = SpanFigures(ProcessMetrics.recording(CollectorRegistry()), OtelRecorder(provider))
        assert figures.tells_statements
        with recording(figures), span("model", gen_ai__provider__name="openai") as told:
            told.note("gen_ai.usage.input_tokens", 3)
            assert figures.carrier()
            figures.add("sql", 0.1, {"db.query.text": "SELECT 1"})
        names = [each.name for each in kept.get_finished_spans()]
        assert names == ["sql", "model"]
