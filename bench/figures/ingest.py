"""Ingestion end to end, beside the raw embedder on the same texts and a peer on the same files."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import bare
from bench.corpus import Corpus
from bench.options import ROOT, Options
from bench.peer_process import PeerProcess
from bench.report import Row, median_ratio

MB = 2**20


def measure(
    options: Options, corpus: Corpus, work: Path, peer: PeerProcess | None
) -> tuple[list[Row], list[str]]:
    """Run the hundred-file job; ours, raw and the peer in turns."""
    files = corpus.job()
    ours: list[dict[str, Any]] = []
    raw: list[bare.Cost] = []
    theirs: list[dict[str, Any]] = []
    way_name, way = "", bare.by_batches
    _ingest(files[:2], work / "ingest-warm-up")
    for number in range(options.repeats):
        result = _ingest(files, work / f"ingest-{number}")
        ours.append(result)
        if not way_name:
            way_name, way = bare.fastest(result["texts"])
        raw.append(way(result["texts"]))
        if peer is not None and number < 2:
            folder = str(work / f"chroma-{number}")
            theirs.append(peer.do("ingest", files=[str(path) for path in files], folder=folder))
    return _rows(ours, raw, theirs), _notes(corpus, ours, way_name)


def _ingest(files: list[Path], folder: Path) -> dict[str, Any]:
    folder.mkdir()
    job, out = folder / "job.json", folder / "out.json"
    names = [str(path) for path in files]
    job.write_text(
        json.dumps({"home": str(folder / "home"), "files": names, "out": str(out)}),
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "-m", "bench.ingest_job", str(job)], check=True, cwd=ROOT)
    return json.loads(out.read_bytes())


def _rows(
    ours: list[dict[str, Any]], raw: list[bare.Cost], theirs: list[dict[str, Any]]
) -> list[Row]:
    # Texts that went through the model, on both sides: repeated ones are embedded once.
    our_rates = [len(each["texts"]) / each["seconds"] for each in ours]
    raw_rates = [len(each["texts"]) / cost.seconds for each, cost in zip(ours, raw, strict=True)]
    ratio = median_ratio(our_rates, raw_rates)
    rows = [
        Row(
            "ingest / raw embedder",
            f"{statistics.median(our_rates):.1f} chunks/s",
            f"{statistics.median(raw_rates):.1f} chunks/s, bare onnxruntime",
            f"{ratio:.2f}",
            ">= 0.90",
            ratio >= 0.90,
        )
    ]
    our_cpu = [each["cpu_seconds"] for each in ours]
    raw_cpu = [cost.cpu_seconds for cost in raw]
    rows.append(
        Row(
            "ingest, processor time",
            f"{statistics.median(our_cpu):.1f} s in all processes",
            f"{statistics.median(raw_cpu):.1f} s, bare onnxruntime",
            f"{median_ratio(raw_cpu, our_cpu):.2f}",
        )
    )
    if theirs:
        their_rates = [each["chunks"] / each["seconds"] for each in theirs]
        ratio = median_ratio(our_rates[: len(theirs)], their_rates)
        rows.append(
            Row(
                "ingest / peer, chunks",
                f"{statistics.median(our_rates):.1f} chunks/s",
                f"{statistics.median(their_rates):.1f} chunks/s, LangChain + Chroma",
                f"{ratio:.2f}",
                ">= 2.2",
                ratio >= 2.2,
            )
        )
        job_ratio = median_ratio(
            [each["seconds"] for each in theirs],
            [each["seconds"] for each in ours[: len(theirs)]],
        )
        rows.append(
            Row(
                "ingest / peer, same files",
                f"{statistics.median(each['seconds'] for each in ours):.1f} s",
                f"{statistics.median(each['seconds'] for each in theirs):.1f} s"
                f" ({theirs[0]['chunks']:,} chunks)",
                f"{job_ratio:.2f} times as fast",
            )
        )
    growth = [(each["rss_peak"] - each["rss_before"]) / MB for each in ours]
    peak = statistics.median(each["rss_peak"] for each in ours) / MB
    beside = ""
    if theirs:
        beside = f"{max(each['rss'] for each in theirs) / MB:.0f} MB RSS, LangChain + Chroma"
    rows.append(
        Row(
            "ingest, process memory",
            f"+{statistics.median(growth):.0f} MB to {peak:.0f} MB RSS",
            beside,
        )
    )
    return rows


def _notes(corpus: Corpus, ours: list[dict[str, Any]], way_name: str) -> list[str]:
    notes = [
        f"Ingest job: 100 HTML files of {corpus.name}, {ours[0]['chunks']:,} chunks, "
        f"{len(ours[0]['texts']):,} different. The raw embedder ran {way_name}, its best way here."
    ]
    if ours[0]["failed"]:
        notes.append(f"Files that failed: {'; '.join(ours[0]['failed'])}")
    return notes
