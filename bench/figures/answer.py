"""An extractive answer beside the search it is made from."""

import time

from bench.corpus import questions
from bench.indexed import Library
from bench.options import Options
from bench.report import Row, percentile
from citewell.features.search import answers, service
from citewell.features.search.schemas import QueryRequest, SearchRequest

BUDGET = 2.0
TOP_K = 8
"""Passages that `/query` reads unless told otherwise."""


async def measure(options: Options, library: Library) -> tuple[list[Row], list[str]]:
    """Ask each question three times: for passages, for an answer, and for one that is not kept."""
    asked = questions(library.texts, options.queries)
    searched: list[float] = []
    answered: list[float] = []
    tried: list[float] = []
    abstained = 0
    for round_number in range(options.repeats + 1):
        for query in asked:
            begun = time.perf_counter()
            await service.search(
                library.platform,
                library.operator,
                SearchRequest(query=query, top_k=TOP_K, cache=False),
            )
            between = time.perf_counter()
            reply = await answers.answer(
                library.platform,
                library.operator,
                QueryRequest(query=query, top_k=TOP_K, cache=False),
            )
            kept_at = time.perf_counter()
            await answers.trial(
                library.platform,
                library.operator,
                QueryRequest(query=query, top_k=TOP_K, cache=False),
            )
            if round_number:
                tried.append((time.perf_counter() - kept_at) * 1_000)
                searched.append((between - begun) * 1_000)
                answered.append((kept_at - between) * 1_000)
                abstained += reply.abstained
    p50, search_p50 = percentile(tried, 0.5), percentile(searched, 0.5)
    row = Row(
        "extractive answer p50",
        f"{p50:.2f} ms (p95 {percentile(tried, 0.95):.2f})",
        f"{search_p50:.2f} ms, search alone (p95 {percentile(searched, 0.95):.2f})",
        f"{p50 / search_p50:.2f}",
        f"<= {BUDGET:.0f}",
        p50 / search_p50 <= BUDGET,
    )
    kept_p50 = percentile(answered, 0.5)
    keeping = Row(
        "extractive answer that is kept p50",
        f"{kept_p50:.2f} ms (p95 {percentile(answered, 0.95):.2f})",
        f"{p50:.2f} ms, not kept",
        f"{kept_p50 / p50:.2f}",
    )
    share = abstained / len(answered)
    return [row, keeping], [
        f"Of the answers {share:.0%} abstained; half the questions are random words."
    ]
