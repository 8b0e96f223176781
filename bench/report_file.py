"""`bench/REPORT.md` with its plots: the newest run of every figure, each with its machine and time.

Single figures may be measured anew: what they gave is kept in `bench/results` (not committed), and
the report is put together from all of it.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.charts import Chart, draw, from_json
from bench.options import ROOT
from bench.peer_process import PEERS
from bench.report import Row, table

RESULTS = ROOT / "bench" / "results"
REPORT = ROOT / "bench" / "REPORT.md"
PLOTS = ROOT / "bench" / "plots"

VERSIONS = ("onnxruntime", "psycopg", "pgvector", "fastapi", "uvicorn", "numpy")
"""Packages of Citewell whose versions move the figures."""

OF_PEERS = (
    "langchain-core", "langchain-chroma", "chromadb", "sentence-transformers", "llama-index-core",
    "haystack-ai", "txtai", "torch", "onnxruntime",
)  # fmt: skip
"""The same of peers."""

HEAD = """# Bench report

Written by `make bench`; do not edit. What each figure means, how to run it, and how far to trust
one run: [README](README.md). Read ratios first: other work on the machine slows everything. The
load before each part says how quiet it was.
"""


def keep(
    name: str, machine: str, rows: Sequence[Row], notes: Sequence[str], charts: Sequence[Chart]
) -> None:
    """Keep what a figure gave, instead of what it gave before."""
    RESULTS.mkdir(exist_ok=True)
    part = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": machine,
        "commit": _commit(),
        "rows": [asdict(row) for row in rows],
        "notes": list(notes),
        "charts": [chart.as_json() for chart in charts],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")


def write(order: Sequence[str], missing: Mapping[str, str]) -> None:
    """Put the report together.

    Args:
        order: All figures, as they come in the report.
        missing: Notes on those that cannot be measured here, by figure.
    """
    PLOTS.mkdir(exist_ok=True)
    lines = [HEAD, _versions(), ""]
    for name in order:
        path = RESULTS / f"{name}.json"
        lines += [f"## {name.capitalize()}", ""]
        if not path.is_file():
            lines += [missing.get(name, f"Not measured yet: `make bench BENCH={name}`."), ""]
            continue
        lines += _part(json.loads(path.read_text(encoding="utf-8")))
    REPORT.write_text("\n".join(lines), encoding="utf-8")


def _part(part: dict[str, Any]) -> list[str]:
    lines = [f"{part['at']}, commit {part['commit']}; {part['machine']}.", ""]
    rows = [Row(**row) for row in part["rows"]]
    if rows:
        lines += [table(rows), ""]
    for kept in part["charts"]:
        chart = from_json(kept)
        (PLOTS / f"{chart.name}.svg").write_text(draw(chart), encoding="utf-8")
        lines += [f"![{chart.title}](plots/{chart.name}.svg)", "", f"*{chart.title}*", ""]
    return [*lines, *(f"- {note}" for note in part["notes"]), ""]


def _versions() -> str:
    named = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    lines = [f"Citewell {version('citewell')} with {named}.", "", "Peers:", ""]
    for peer, title in PEERS.items():
        locked = (ROOT / "requirements" / f"peer-{peer}.txt").read_text(encoding="utf-8")
        found = dict(re.findall(r"^([\w.-]+)==([\w.+]+)", locked, re.MULTILINE))
        told = ", ".join(f"{name} {found[name]}" for name in OF_PEERS if name in found)
        lines.append(f"- {title}: {told}")
    return "\n".join(lines)


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.stdout.strip() or "unknown"
