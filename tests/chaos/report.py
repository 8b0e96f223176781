"""Figures of a run, one JSON object a line, for the last line of `make test-chaos`."""

import json
import os
from pathlib import Path

PATH = "CHAOS_REPORT"
"""The environment variable that names the file; without it nothing is written."""


def record(kind: str, **figures: float) -> None:
    """Add what a test did or measured."""
    if path := os.environ.get(PATH):
        with Path(path).open("a", encoding="utf-8") as report:
            report.write(json.dumps({"kind": kind, **figures}) + "\n")
