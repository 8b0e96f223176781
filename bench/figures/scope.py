"""Restricted readers get min(k, allowed) results, and the right ones; so does everyone else."""

import asyncio
import statistics
import time
import uuid
from dataclasses import replace

import psycopg

from bench.bare import BareLegs
from bench.corpus import questions
from bench.exact import ExactSearch, recall
from bench.indexed import Library
from bench.report import Row, percentile
from citewell.access.policy import AccessLevel
from citewell.core.context import unit_of_work
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.base import HitList, HybridQuery
from citewell.engine.retrieval.fusion import dense_weight
from citewell.indexes.contract import SearchScope, index_of
from citewell.indexes.postgres.index import EXACT_LIMIT
from citewell.indexes.postgres.literals import dense_literal
from citewell.indexes.postgres.work import SessionWork
from citewell.indexes.testing_library import search as search_index

QUERIES = 60
TOP_K, MANY = 10, 50
BUDGET = 0.97
LEG_BUDGETS = {"dense": 0.97, "lexical": 0.98}


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
    rows += await asyncio.to_thread(_lists, library)
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
    way = "exact" if is_exact else "by indexes"
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
    """Recall of each leg by itself, without reading on."""
    is_exact = library.chunks <= EXACT_LIMIT
    legs = BareLegs(library.url, str(library.tenant_id), library.generation_id, is_exact=is_exact)
    recalls: dict[str, list[float]] = {"dense": [], "lexical": []}
    times: dict[str, list[float]] = {"dense": [], "lexical": []}
    proven = 0
    for text in asked:
        query, scope = await _query(library, text, AccessLevel.RESTRICTED)
        assert query.vector is not None
        truth = exact.rank(query.vector, query.terms, query.dense_weight, AccessLevel.RESTRICTED)
        vector = dense_literal(query.vector)
        for name, scores, ask in (
            ("dense", truth.dense, lambda: legs.dense(vector)),  # noqa: B023 - asked at once
            ("lexical", truth.lexical, lambda: legs.lexical(query.terms, query.frequencies)),  # noqa: B023
        ):
            begun = time.perf_counter()
            found = ask()
            times[name].append((time.perf_counter() - begun) * 1_000)
            best = sorted(scores.values(), reverse=True)[:TOP_K]
            nearest = sorted(found, key=lambda row: -row[1])[:TOP_K]
            recalls[name].append(recall([uuid.UUID(row[0]) for row in nearest], scores, best))
        hits = await _search(library, scope, query, TOP_K)
        proven += hits.lexical is None or hits.lexical.is_proven
    legs.close()
    return [
        *(
            Row(
                f"recall@10 of the {name} leg",
                f"{statistics.fmean(recalls[name]):.3f} ({percentile(times[name], 0.5):.1f} ms)",
                f"exact leg, {library.chunks:,} chunks",
                "",
                f">= {LEG_BUDGETS[name]}",
                statistics.fmean(recalls[name]) >= LEG_BUDGETS[name],
            )
            for name in recalls
        ),
        Row("lexical leg proven exact", f"{proven / len(asked):.0%}", "of questions, reading on"),
    ]


def _lists(library: Library) -> list[Row]:
    """Cost of the inverted index: built from a copy, and filled chunk by chunk."""
    options = f"-c citewell.tenant_id={library.tenant_id}"
    with psycopg.connect(library.url, options=options) as connection:
        begun = time.perf_counter()
        connection.execute("CREATE TEMP TABLE copy (LIKE lexical_chunk)")
        connection.execute(
            "INSERT INTO copy SELECT tenant_id, id, generation_id, terms FROM chunk WHERE active"
        )
        connection.execute(
            "CREATE INDEX copy_keys ON copy "
            "USING gin (public.citewell_lexical_keys(generation_id, weights))"
        )
        built = time.perf_counter() - begun
        sizes = connection.execute(
            "SELECT pg_relation_size('copy_keys'), pg_total_relation_size('copy')"
        ).fetchone()
        begun = time.perf_counter()
        connection.execute("INSERT INTO copy SELECT * FROM copy LIMIT 2000")
        inserted = (time.perf_counter() - begun) / 2
        connection.rollback()
    assert sizes is not None
    return [
        Row("inverted index built", f"{built:.1f} s", f"{library.chunks:,} chunks, all"),
        Row(
            "inverted index size",
            f"{sizes[0] / 1e6:.0f} MB",
            f"lists alone; {sizes[1] / 1e6:.0f} MB with weights",
        ),
        Row("inverted index, a chunk entered", f"{inserted:.3f} ms", "2,000 at once"),
    ]


async def _query(
    library: Library, text: str, level: AccessLevel
) -> tuple[HybridQuery, SearchScope]:
    """The question as search puts it to the index."""
    platform, analysis = library.platform, analyse(text)
    vector = await platform.embedder.embed_query(analysis.text)
    async with unit_of_work(platform, library.reader(level)) as ctx:
        facts = await index_of(platform).searcher.facts(ctx, [term.id for term in analysis.terms])
        assert facts is not None
        scope = SearchScope(ctx.tenant_id, facts.generation, (await ctx.access()).read)
    weights = query_weights(analysis.terms, facts.statistics)
    weight = dense_weight(analysis, platform.embedder.spec)
    frequencies = facts.statistics.document_frequency
    return HybridQuery(vector, weights, weight, TOP_K, frequencies=frequencies), scope


async def _search(library: Library, scope: SearchScope, query: HybridQuery, top_k: int) -> HitList:
    asked = replace(query, top_k=top_k)
    async with library.platform.database.unit_of_work(library.tenant_id) as session:
        searcher = index_of(library.platform).searcher
        return await search_index(searcher, SessionWork(session), scope, asked)
