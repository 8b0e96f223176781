"""Figures of a run, one JSON object a line, for the last line of `make test-access`."""

import json
import os
from pathlib import Path

PATH = "ACCESS_REPORT"
"""The environment variable that names the file; without it nothing is written."""


def record(kind: str, **figures: float) -> None:
    """Add what a test measured: `probes`, `oracle` or `revocation`."""
    if path := os.environ.get(PATH):
        with Path(path).open("a", encoding="utf-8") as report:
            report.write(json.dumps({"kind": kind, **figures}) + "\n")
