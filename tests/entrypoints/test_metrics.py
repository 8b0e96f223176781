"""The figures for Prometheus: their port, their names and their page."""

import re
import socket
from pathlib import Path

import pytest

from citewell.core.errors import StartupError
from citewell.core.metrics import BY_NAME, SPECS, MetricKind
from citewell.core.settings import Settings
from citewell.entrypoints.scraping import scraped
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
