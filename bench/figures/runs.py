"""Ingestion beside agents at work in the same process, and alone, in turns."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.corpus import Corpus
from bench.figures.chats import FIRST_SECONDS, PACE_SECONDS, PIECES, scripted
from bench.options import ROOT, Options
from bench.report import Row, median_ratio

RUNS = 50
USUAL = 4
"""Runs that a worker has at work at once by default (`CITEWELL_WORKER_AGENT_CONCURRENCY`)."""
FOLLOWING = 550
"""More of them where all fifty are at work, so that they are for longer than an ingestion takes."""

LEAST = 0.90

Outcome = dict[str, Any]


def measure(options: Options, corpus: Corpus, work: Path) -> tuple[list[Row], list[str]]:
    """Run the hundred-file job alone, with fifty runs in the queue, and with fifty at work."""
    files = [str(path) for path in corpus.job()]
    alone: list[Outcome] = []
    beside: list[Outcome] = []
    all_at_once: list[Outcome] = []
    with scripted(FIRST_SECONDS, PIECES, PACE_SECONDS) as model:
        for number in range(options.repeats):
            alone.append(_ingest(files, work / f"alone-{number}", model))
            beside.append(_ingest(files, work / f"beside-{number}", model, RUNS, USUAL))
            folder = work / f"at-once-{number}"
            all_at_once.append(_ingest(files, folder, model, RUNS + FOLLOWING, RUNS))
    ratio = median_ratio(_rates(beside), _rates(alone))
    return [
        Row(
            f"ingest beside {RUNS} agent runs, {USUAL} at work at once",
            *_told(beside, alone),
            f">= {LEAST:.2f}",
            ratio >= LEAST,
        ),
        Row(f"ingest beside {RUNS} agent runs, all at work", *_told(all_at_once, alone)),
    ], [
        f"`runs`: the researcher's runs are at work in the process that ingests: {RUNS} of them as "
        f"the queue does them by default, {USUAL} at once, and {RUNS} at once with others behind "
        "them. Each calls two tools and answers; the model, a process of its own on the same "
        f"cores, writes {PIECES} pieces in {FIRST_SECONDS + PIECES * PACE_SECONDS:.1f} s. "
        "Beside documents the steps of agents keep to their usual share of the processors "
        "(`CITEWELL_WORKER_AGENT_SHARE`), so runs take longer; the runs that ended are told."
    ]


def _rates(outcomes: list[Outcome]) -> list[float]:
    return [len(each["texts"]) / each["seconds"] for each in outcomes]


def _told(outcomes: list[Outcome], alone: list[Outcome]) -> tuple[str, str, str]:
    """The rate with what the runs did, the rate alone, and the ratio."""
    ended = statistics.median(each["runs"]["ended"] for each in outcomes)
    used, least = (
        statistics.median(each["cpu_seconds"] for each in some) for some in (outcomes, alone)
    )
    rate = f"{statistics.median(_rates(outcomes)):.1f} chunks/s, {ended:.0f} runs ended meanwhile"
    beside = f"{statistics.median(_rates(alone)):.1f} chunks/s alone; {used - least:+.0f} s of CPU"
    return rate, beside, f"{median_ratio(_rates(outcomes), _rates(alone)):.2f}"


def _ingest(files: list[str], folder: Path, model: int, runs: int = 0, at_once: int = 0) -> Outcome:
    folder.mkdir()
    job, out = folder / "job.json", folder / "out.json"
    settings: dict[str, object] = {
        "llm": "openai-compatible:scripted", "llm_base_url": f"http://127.0.0.1:{model}/v1",
        "llm_api_key": "none", "worker_agent_concurrency": at_once or USUAL,
    }  # fmt: skip
    order = {
        "home": str(folder / "home"), "files": files, "out": str(out), "settings": settings,
        "runs": runs, "at_once": at_once,
    }  # fmt: skip
    job.write_text(json.dumps(order), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "bench.ingest_job", str(job)], check=True, cwd=ROOT)
    return json.loads(out.read_bytes())
