"""The figures for Prometheus: their port, their names and their page."""

import random
import re
import socket
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from citewell.core.errors import StartupError
from citewell.core.metrics import BY_NAME, OTHER, PREFIX, SPECS, STAGES, MetricKind, ProcessMetrics
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.entrypoints.http.measuring import Measuring
from citewell.entrypoints.scraping import scraped
from tests.isolation.surface import read_surface
from tools.metrics_page import PAGE, page


class TestPort:
    def test_port_that_is_taken_is_one_line(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            settings = Settings(_env_file=None, home=tmp_path, metrics_port=port)
            with pytest.raises(StartupError, match="it is taken"), scraped(settings, None):
                pass


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
    async def test_a_thousand_tenants_and_ten_thousand_users_make_few_series(self) -> None:
        """Each user asks once for each of ten routes, some of them for what is not there."""
        registry = CollectorRegistry()
        metrics = ProcessMetrics.recording(registry)
        platform = cast(Platform, SimpleNamespace(state_of=lambda _: metrics))
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
        for stage in (*STAGES, OTHER):
            metrics.observe("answer_stage_seconds", 0.1, stage)
        series = [one for family in registry.collect() for one in family.samples]
        routes = {one.labels["route"] for one in series if "route" in one.labels}
        assert routes == {pattern for _, pattern in operations} | {OTHER}
        # Series of jobs, caches and the database are bounded by lists of the code; see below.
        assert len(series) + self.of_lists() < 5_000
        assert all(one.name.startswith(PREFIX) for one in series)

    def of_lists(self) -> int:
        """Series of kinds of jobs, tasks, tables and states, more of each than there are."""
        kinds, tables, states = 40, 20, 8
        buckets = len(BY_NAME["job_attempt_seconds"].buckets) + 4
        return kinds * (3 + buckets + 2 + 1) + 2 * tables + states + kinds + 100
