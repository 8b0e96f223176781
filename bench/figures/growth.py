"""How search grows with the library: the same questions of libraries of several sizes."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from bench.charts import Chart
from bench.corpus import Corpus, questions
from bench.indexed import Library, open_library
from bench.options import Options
from bench.report import Row, percentile
from citewell.core.settings import load_settings
from citewell.entrypoints import logs
from citewell.entrypoints.installation import running_database
from citewell.features.search import service
from citewell.features.search.schemas import SearchRequest

SHARES = (0.05, 0.25, 1.0)
"""Of `BENCH_CHUNKS`."""


def measure(
    options: Options, corpus: Corpus, folder: Callable[[str], Path]
) -> tuple[list[Row], list[str], list[Chart]]:
    """Fill a fresh library of each size, and search it."""
    sizes: list[int] = []
    medians: list[float | None] = []
    tails: list[float | None] = []
    for share in SHARES:
        home = folder(f"growth-{share}")
        chunks, times = _searched(options, corpus, home, round(options.chunks * share))
        sizes.append(chunks)
        medians.append(percentile(times, 0.5))
        tails.append(percentile(times, 0.95))
    rows = [
        Row(f"search, {size:,} chunks", f"p50 {median:.2f} ms, p95 {tail:.2f} ms")
        for size, median, tail in zip(sizes, medians, tails, strict=True)
    ]
    first, last = medians[0], medians[-1]
    assert first is not None
    assert last is not None
    grown = f"{sizes[-1] / sizes[0]:.0f} times the chunks"
    rows.append(Row(grown, f"{last:.2f} ms", f"{first:.2f} ms", f"{last / first:.2f}"))
    chart = Chart(
        "growth",
        "Search by size of the library, one client",
        "ms",
        [f"{size:,}" for size in sizes],
        {"p50": medians, "p95": tails},
        "lines",
    )
    return rows, ["Vectors of the larger libraries are estimated, see README."], [chart]


def _searched(options: Options, corpus: Corpus, home: Path, chunks: int) -> tuple[int, list[float]]:
    settings = load_settings(home=home, log_level="error")
    logs.configure(settings)

    async def inside() -> tuple[int, list[float]]:
        opened = open_library(
            home,
            database,
            corpus,
            chunks,
            has_real_vectors=options.has_real_vectors,
            kept_vectors=options.kept_vectors,
        )
        async with opened as library:
            return library.chunks, await _times(options, library)

    with running_database(settings) as database:
        return asyncio.run(inside())


async def _times(options: Options, library: Library) -> list[float]:
    asked = questions(library.texts, options.queries)
    times: list[float] = []
    for round_number in range(options.repeats + 1):
        for query in asked:
            begun = time.perf_counter()
            request = SearchRequest(query=query, top_k=10)
            await service.search(library.platform, library.operator, request)
            if round_number:
                times.append((time.perf_counter() - begun) * 1_000)
    return times
