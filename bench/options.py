"""The orders for a run: `BENCH_*` variables."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of one run."""

    corpus: Path | None
    """Folder of HTML files; None: a generated one."""
    chunks: int
    """Chunks in the library that is searched."""
    has_real_vectors: bool
    """Embed all of them for real, which takes about twenty minutes at 67,000."""
    kept_vectors: Path | None
    """File that keeps real vectors for later runs; None: they are made anew."""
    repeats: int
    """Runs of each ingestion; rounds of each search."""
    queries: int
    """Questions of a round, half of each kind."""
    load_seconds: float
    questions: int
    """Questions in the year that analytics tells of."""
    has_peer: bool
    sets: Path | None
    """Folder of judged sets; None: quality is not measured."""
    set_queries: int
    set_documents: int

    @classmethod
    def read(cls) -> Self:
        """Read them from the environment.

        Raises:
            SystemExit: One has a bad value; the message names it.
        """
        corpus = os.environ.get("BENCH_CORPUS")
        if corpus and not Path(corpus).is_dir():
            raise SystemExit(f"BENCH_CORPUS: {corpus} is not a folder.")
        sets = os.environ.get("BENCH_SETS")
        if sets and not any(Path(sets).glob("*/qrels.tsv")):
            raise SystemExit(f"BENCH_SETS: no folder in {sets} holds a qrels.tsv.")
        vectors = os.environ.get("BENCH_VECTORS", "estimated")
        if vectors not in ("estimated", "real"):
            raise SystemExit("BENCH_VECTORS must be `estimated` or `real`.")
        kept = os.environ.get("BENCH_KEPT_VECTORS")
        return cls(
            corpus=Path(corpus).resolve() if corpus else None,
            chunks=_number("BENCH_CHUNKS", 20_000, least=1_000),
            has_real_vectors=vectors == "real",
            kept_vectors=Path(kept).resolve() if kept else None,
            repeats=_number("BENCH_REPEATS", 3, least=1),
            queries=_number("BENCH_QUERIES", 200, least=20),
            load_seconds=_number("BENCH_LOAD_SECONDS", 15, least=2),
            questions=_number("BENCH_QUESTIONS", 1_000_000, least=10_000),
            has_peer=os.environ.get("BENCH_PEER", "1") != "0",
            sets=Path(sets).resolve() if sets else None,
            set_queries=_number("BENCH_SET_QUERIES", 100, least=10),
            set_documents=_number("BENCH_SET_DOCUMENTS", 500, least=50),
        )


def _number(name: str, default: int, *, least: int) -> int:
    text = os.environ.get(name, str(default)).replace("_", "")
    if not text.isdigit() or int(text) < least:
        raise SystemExit(f"{name} must be a whole number of at least {least}.")
    return int(text)
