"""Restricted readers get min(k, allowed) results, and the right ones; so does everyone else."""

import statistics
import time
import uuid

from bench.bare import BareLegs
from bench.corpus import questions
from bench.exact import ExactSearch, recall
from bench.indexed import Library
from bench.report import Row, percentile
from citewell.access.policy import AccessLevel
from citewell.core.context import unit_of_work
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.fusion import dense_weight
from citewell.indexes.contract import HitList, HybridQuery, SearchScope, index_of
from citewell.indexes.postgres.literals import dense_literal, sparse_literal
from citewell.indexes.postgres.work import SessionWork

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
    rows += await _legs(library, exact, asked)
    exact.close()
    return rows, []


async def _reader(
    library: Library, exact: ExactSearch, asked: list[str], level: AccessLevel, name: str
) -> list[Row]:
    allowed = library.allowed(level)
    recalls: list[float] = []
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
        truth = exact.rank(query.vector, query.terms, query.dense_weight, level)
        found = [hit.chunk_id for hit in hits.hits]
        recalls.append(recall(found, truth.fused, truth.best_fused[:TOP_K]))
    mean = statistics.fmean(recalls)
    way = "exact" if is_exact else "HNSW"
    return [
        Row(
            f"recall@10, {name} allowed",
            f"{mean:.3f} ({way}, {percentile(times, 0.5):.1f} ms)",
            f"exact ranking of {allowed:,} chunks",
            "",
            f">= {BUDGET}",
            mean >= BUDGET,
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


async def _legs(library: Library, exact: ExactSearch, asked: list[str]) -> list[Row]:
    """What the two HNSW indexes find by themselves; nothing if there are none."""
    query, scope = await _query(library, asked[0], AccessLevel.RESTRICTED)
    if (await _search(library, scope, query, TOP_K)).is_exact:
        return []
    legs = BareLegs(library.url, str(library.tenant_id), library.generation_id, is_exact=False)
    dense: list[float] = []
    lexical: list[float] = []
    for text in asked:
        query, _ = await _query(library, text, AccessLevel.RESTRICTED)
        assert query.vector is not None
        truth = exact.rank(query.vector, query.terms, query.dense_weight, AccessLevel.RESTRICTED)
        for found, scores, recalls in (
            (legs.dense(dense_literal(query.vector)), truth.dense, dense),
            (legs.lexical(sparse_literal(query.terms)), truth.lexical, lexical),
        ):
            nearest = sorted(found, key=lambda row: row[1])[:TOP_K]
            best = sorted(scores.values(), reverse=True)[:TOP_K]
            recalls.append(recall([uuid.UUID(row[0]) for row in nearest], scores, best))
    legs.close()
    return [
        Row(
            "recall@10 of the HNSW legs",
            f"dense {statistics.fmean(dense):.3f}, lexical {statistics.fmean(lexical):.3f}",
            f"exact legs, {library.chunks:,} chunks",
        )
    ]


async def _query(
    library: Library, text: str, level: AccessLevel
) -> tuple[HybridQuery, SearchScope]:
    """The question as search puts it to the index."""
    platform, analysis = library.platform, analyse(text)
    vector = await platform.embedder.embed_query(analysis.text)
    async with unit_of_work(platform, library.reader(level)) as ctx:
        generation = await index_of(platform).generations.live(ctx)
        assert generation is not None
        scope = SearchScope(ctx.tenant_id, generation, (await ctx.access()).read)
        statistics = await index_of(platform).searcher.statistics(
            ctx, scope, [term.id for term in analysis.terms]
        )
    weights = query_weights(analysis.terms, statistics)
    weight = dense_weight(analysis, platform.embedder.spec)
    return HybridQuery(vector, weights, weight, TOP_K), scope


async def _search(library: Library, scope: SearchScope, query: HybridQuery, top_k: int) -> HitList:
    asked = HybridQuery(query.vector, query.terms, query.dense_weight, top_k)
    async with library.platform.database.unit_of_work(library.tenant_id) as session:
        return await index_of(library.platform).searcher.search(SessionWork(session), scope, asked)
