"""The figures of a process for Prometheus: what there is, and where it is noted.

Nothing is noted, and the library not even imported, unless `CITEWELL_METRICS_PORT` is set. Labels
take their values from lists that are short by nature: routes, kinds of jobs, stages. No tenant,
user, document, model or question is ever a label.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PREFIX = "citewell_"


class MetricKind(StrEnum):
    """Kind of a metric, as Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Seconds; 0.2 is the objective of searches, 60 the longest wait for a model."""

LONG = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
"""Seconds of jobs, from a note to a book of scans."""

WORK = (0.1, 1.0, 5.0, 30.0, 300.0)
"""Seconds of a stage of ingestion."""

OTHER = "other"
"""Label of what is none of the known values, so that no caller can make series."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric as it is documented."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    is_read: bool = False
    """Whether it is read out of the database when Prometheus asks, once for the installation."""
    is_last: bool = False
    """Keeps the value set last by any process, instead of the sum."""


_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM

SPECS = (
    MetricSpec("http_requests_total", _C, "Requests by route, method and status class.",
               ("route", "method", "status")),
    MetricSpec("http_request_seconds", _H, "Time to the end of a reply, streams included.",
               ("route",), FAST),
    MetricSpec("http_requests_in_flight", _G, "Requests that are being answered."),
    MetricSpec("answers_total", _C,
               "Questions by outcome (answered, abstained, degraded, refused), author of the "
               "answer (rules, model), cache and role of the asker (none: no user).",
               ("outcome", "written_by", "cached", "role")),
    MetricSpec("answer_stage_seconds", _H, "Time of the stages of an answer; `total` is all.",
               ("stage",), FAST),
    MetricSpec("model_calls_total", _C,
               "Replies asked of models by provider and end (done, failed, refused, left).",
               ("provider", "end")),
    MetricSpec("model_call_seconds", _H, "Time to the end of a model's reply, by provider.",
               ("provider",), FAST),
    MetricSpec("model_tokens_total", _C,
               "Tokens of models by provider and direction (input, output).",
               ("provider", "direction")),
    MetricSpec("model_cost_dollars_total", _C,
               "Cost of models by public list prices in US dollars, by provider.", ("provider",)),
    MetricSpec("embedded_texts_total", _C, "Texts that were embedded (passages, question).",
               ("of",)),
    MetricSpec("embedding_seconds", _H, "Time of a batch of passages, or of a question.", ("of",),
               FAST),
    MetricSpec("ingested_versions_total", _C,
               "Versions of documents by format and end (ready, failed).",
               ("format", "end")),
    MetricSpec("ingested_passages_total", _C, "Passages of versions that are ready, by format.",
               ("format",)),
    MetricSpec("ingest_stage_seconds", _H,
               "Time of the stages of a version that is ready (read, embed, store, publish), which "
               "run side by side, by family of formats.", ("stage", "family"), WORK),
    MetricSpec("open_streams", _G, "Open streams of changes by kind (socket, events).", ("kind",)),
    MetricSpec("database_pool_in_use", _G, "Connections of the pools that are in use."),
    MetricSpec("database_pool_size", _G, "Connections that the pools may hold."),
    MetricSpec("slow_statements_total", _C,
               "Statements of requests and jobs, or batches of them, that took over a second."),
    MetricSpec("evaluation_share", _G,
               "Figures of the evaluation run that ended last since the start, 0 to 1, by measure.",
               ("measure",), is_last=True),
    MetricSpec("cache_lookups_total", _C, "Lookups in the cache by kind of value and outcome.",
               ("kind", "outcome")),
    MetricSpec("cache_bytes", _G, "Memory that cached values take."),
    MetricSpec("job_attempts_total", _C, "Attempts of jobs by kind and end (done, waits, crashed).",
               ("kind", "end")),
    MetricSpec("job_attempt_seconds", _H, "Time of an attempt by kind of job.", ("kind",), LONG),
    MetricSpec("mails_total", _C, "Attempts to send mail by end (sent, put_off, failed, withheld).",
               ("end",)),
    MetricSpec("background_failures", _G, "Failures in a row of recurring work, by task.",
               ("task",), is_read=True),
    MetricSpec("queue_jobs", _G, "Jobs by kind and state (todo, doing).", ("kind", "state"),
               is_read=True),
    MetricSpec("queue_oldest_seconds", _G, "Age of the oldest job that waits and is due, by kind.",
               ("kind",), is_read=True),
    MetricSpec("queue_tenants", _G, "Tenants whose jobs wait and are due.", is_read=True),
    MetricSpec("queue_tenant_jobs", _G,
               "Jobs that wait and are due of the tenants with most of them, by rank (1 to 5).",
               ("rank",), is_read=True),
    MetricSpec("database_up", _G, "Whether the database answered just now.", is_read=True),
    MetricSpec("database_bytes", _G, "Size of the database.", is_read=True),
    MetricSpec("database_table_bytes", _G, "Size of a table with its indexes; the largest twenty.",
               ("table",), is_read=True),
    MetricSpec("database_dead_rows", _G, "Rows that wait for VACUUM; the same tables.", ("table",),
               is_read=True),
    MetricSpec("database_connections", _G, "Connections to the database by state.", ("state",),
               is_read=True),
    MetricSpec("database_longest_transaction_seconds", _G, "Age of the oldest open transaction.",
               is_read=True),
    MetricSpec("replication_lag_seconds", _G, "Lag of the slowest replica; 0 without one.",
               is_read=True),
    MetricSpec("disk_free_bytes", _G, "Free space of the file system of CITEWELL_HOME.",
               is_read=True),
    MetricSpec("tenants", _G, "Tenants of the installation.", is_read=True),
    MetricSpec("backup_newest_timestamp_seconds", _G,
               "Time of the last run of the scheduled backup; 0 without one.", is_read=True),
    MetricSpec("build_info", _G, "1, with the version as label.", ("version",), is_read=True),
)  # fmt: skip

BY_NAME: Mapping[str, MetricSpec] = {spec.name: spec for spec in SPECS}

STAGES = frozenset(
    {
        "analyse",
        "answer",
        "arrange",
        "cache",
        "embed",
        "finish",
        "suggest",
        "others",
        "read",
        "rerank",
        "rewrite",
        "search",
        "statistics",
        "total",
        "words",
    }
)
"""Stages of answers that have a series of their own."""


@dataclass(slots=True)
class ProcessMetrics:
    """Notes figures of this process; does nothing until it is `recording`."""

    _made: dict[str, Any] = field(default_factory=dict[str, Any])
    _seen: dict[tuple[str, ...], float] = field(default_factory=dict[tuple[str, ...], float])

    @classmethod
    def recording(cls, registry: "CollectorRegistry | None" = None) -> "ProcessMetrics":
        """One that notes figures, in the files that all processes of the installation share."""
        # Imported here: it decides at its import whether it writes files, by the environment.
        from prometheus_client import (  # noqa: PLC0415 - see above
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            disable_created_metrics,
        )

        # One more series for each of a counter or histogram, of which nothing here makes use.
        disable_created_metrics()

        into = registry or CollectorRegistry()
        made: dict[str, Any] = {}
        for spec in SPECS:
            name = PREFIX + spec.name
            if spec.is_read:
                continue
            if spec.kind is MetricKind.COUNTER:
                made[spec.name] = Counter(name, spec.help, spec.labels, registry=into)
            elif spec.kind is MetricKind.HISTOGRAM:
                made[spec.name] = Histogram(
                    name, spec.help, spec.labels, registry=into, buckets=spec.buckets
                )
            else:
                mode = "mostrecent" if spec.is_last else "livesum"
                made[spec.name] = Gauge(
                    name, spec.help, spec.labels, registry=into, multiprocess_mode=mode
                )
        return cls(made)

    @property
    def is_recording(self) -> bool:
        """Whether anything is noted."""
        return bool(self._made)

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        if self._made:
            self._of(name, labels).inc(by)

    def count_up_to(self, name: str, *labels: str, total: float) -> None:
        """Raise a counter to a total that this process keeps elsewhere."""
        if self._made:
            key = (name, *labels)
            before = self._seen.get(key, 0.0)
            if total > before:
                self._of(name, labels).inc(total - before)
                self._seen[key] = total

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        if self._made:
            self._of(name, labels).observe(value)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge of this process; those of all processes are added up."""
        if self._made:
            self._of(name, labels).set(value)

    def move(self, name: str, by: float, *labels: str) -> None:
        """Raise or lower a gauge of this process."""
        if self._made:
            self._of(name, labels).inc(by)

    def _of(self, name: str, labels: tuple[str, ...]) -> Any:
        metric = self._made[name]
        return metric.labels(*labels) if labels else metric
