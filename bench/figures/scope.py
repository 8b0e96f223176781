"""Restricted readers get min(k, allowed) results, and the right ones; so does everyone else."""

import time

from bench.corpus import questions
from bench.exact import ExactSearch
from bench.library import Library
from bench.report import Row, percentile
from citewell.core.context import unit_of_work
from citewell.core.index import HitList, HybridQuery, Scope
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.fusion import dense_weight
from citewell.models.library import AccessLevel

QUERIES = 60
TOP_K, MANY = 10, 50
BUDGET = 0.95


async def measure(library: Library) -> tuple[list[Row], list[str]]:
    """Compare the index's results with an exact ranking, for three readers."""
    asked = questions(library.texts, QUERIES)
    exact = ExactSearch(library)
    rows: list[Row] = []
    for level, name in (
        (AccessLevel.PUBLIC, "0.1 %"),
        (AccessLevel.INTERNAL, "1 %"),
        (AccessLevel.RESTRICTED, "all"),
    ):
        rows += await _reader(library, exact, asked, level, name)
    exact.close()
    return rows, []


async def _reader(
    library: Library, exact: ExactSearch, asked: list[str], level: AccessLevel, name: str
) -> list[Row]:
    allowed = library.allowed(level)
    recalls: list[float] = []
    legs: list[tuple[float, float]] = []
    times: list[float] = []
    short, is_exact = 0, True
    for text in asked:
        query, scope = await _query(library, text, level)
        begun = time.perf_counter()
        hits = await _search(library, scope, query, TOP_K)
        times.append((time.perf_counter() - begun) * 1_000)
        is_exact &= hits.is_exact
        many = await _search(library, scope, query, MANY)
        short += len(hits.hits) != min(TOP_K, allowed) or len(many.hits) != min(MANY, allowed)
        assert query.vector is not None
        fused, dense, lexical = exact.rank(
            query.vector, query.terms, query.dense_weight, level, TOP_K
        )
        found = {hit.chunk_id for hit in hits.hits}
        recalls.append(len(found & set(fused)) / len(fused))
        by_dense = {h.chunk_id for h in many.hits if h.dense_rank and h.dense_rank <= TOP_K}
        by_lexical = {h.chunk_id for h in many.hits if h.lexical_rank and h.lexical_rank <= TOP_K}
        legs.append(
            (len(by_dense & set(dense)) / len(dense), len(by_lexical & set(lexical)) / len(lexical))
        )
    recall = sum(recalls) / len(recalls)
    way = "exact" if is_exact else "HNSW"
    rows = [
        Row(
            f"recall@10, {name} allowed",
            f"{recall:.3f} ({way}, {percentile(times, 0.5):.1f} ms)",
            f"exact ranking of {allowed:,} chunks",
            "",
            f">= {BUDGET}",
            recall >= BUDGET,
        ),
        Row(
            f"min(k, allowed), {name} allowed",
            f"{len(asked) - short} of {len(asked)} questions",
            f"k {TOP_K} and {MANY}, {allowed:,} allowed",
            "",
            "all",
            not short,
        ),
    ]
    if not is_exact:
        count = len(legs)
        rows.append(
            Row(
                f"recall@10 of the legs, {name}",
                f"dense {sum(d for d, _ in legs) / count:.3f}, "
                f"lexical {sum(w for _, w in legs) / count:.3f}",
                "exact legs",
            )
        )
    return rows


async def _query(library: Library, text: str, level: AccessLevel) -> tuple[HybridQuery, Scope]:
    """The question as search puts it to the index."""
    platform, analysis = library.platform, analyse(text)
    vector = await platform.embedder.embed_query(analysis.text)
    async with unit_of_work(platform, library.reader(level)) as ctx:
        generation = await platform.index.live_generation(ctx.session)
        assert generation is not None
        scope = Scope(ctx.tenant_id, generation, ctx.actor.max_level)
        statistics = await platform.index.statistics(
            ctx.session, scope, [term.id for term in analysis.terms]
        )
    weights = query_weights(analysis.terms, statistics)
    weight = dense_weight(analysis, platform.embedder.spec)
    return HybridQuery(vector, weights, weight, TOP_K), scope


async def _search(library: Library, scope: Scope, query: HybridQuery, top_k: int) -> HitList:
    asked = HybridQuery(query.vector, query.terms, query.dense_weight, top_k)
    async with library.platform.database.unit_of_work(library.tenant_id) as session:
        return await library.platform.index.search(session, scope, asked)
