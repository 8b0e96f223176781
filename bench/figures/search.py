"""One client's search, beside its bare parts and the peer's dense-only search."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psycopg

from bench.bare import BareLegs, BareModel
from bench.corpus import questions
from bench.indexed import Library
from bench.options import Options
from bench.peer_process import PeerProcess
from bench.report import Row, percentile
from citewell.engine.lexical.base import SparseVector
from citewell.engine.lexical.bm25 import query_weights
from citewell.engine.retrieval.analysis import analyse
from citewell.features.search import service
from citewell.features.search.schemas import SearchReply, SearchRequest
from citewell.indexes.contract import index_of
from citewell.indexes.postgres.index import EXACT_LIMIT
from citewell.indexes.postgres.literals import dense_literal
from citewell.indexes.postgres.work import SessionWork

TOP_K = 10

Terms = tuple[SparseVector, Mapping[int, int]]
"""Weights of a question's terms, and in how many chunks each occurs."""

BUDGET, PEER_BUDGET = 1.3, 0.6


async def measure(
    options: Options, library: Library, work: Path, peer: PeerProcess | None
) -> tuple[list[Row], list[str]]:
    """Ask the same questions of all three, in turns."""
    asked = questions(library.texts, options.queries)
    is_exact = library.chunks <= EXACT_LIMIT
    legs = BareLegs(library.url, str(library.tenant_id), library.generation_id, is_exact=is_exact)
    model = BareModel(threads=1)
    weights = [await _weights(library, query) for query in asked]
    if peer is not None:
        _load_peer(peer, library, work)
    ours: list[float] = []
    bare: list[float] = []
    theirs: list[float] = []
    for round_number in range(options.repeats + 1):
        round_ours, round_bare = [], []
        for query, terms in zip(asked, weights, strict=True):
            begun = time.perf_counter()
            await _search(library, query)
            between = time.perf_counter()
            legs.dense(dense_literal(model.embed(query)))
            if terms is not None:
                legs.lexical(*terms)
            round_ours.append((between - begun) * 1_000)
            round_bare.append((time.perf_counter() - between) * 1_000)
        round_theirs = peer.do("search", queries=asked, top_k=TOP_K)["ms"] if peer else []
        if round_number:  # the first is to warm up
            ours += round_ours
            bare += round_bare
            theirs += round_theirs
    legs.close()
    notes = ["Search compared the vectors of all chunks, without an index."] if is_exact else []
    return _rows(library, ours, bare, theirs), notes


async def _search(library: Library, query: str) -> SearchReply:
    request = SearchRequest(query=query, top_k=TOP_K, cache=False)
    return await service.search(library.platform, library.operator, request)


async def _weights(library: Library, query: str) -> Terms | None:
    """The terms as search asks for them; None if none of the question is known."""
    analysis = analyse(query)
    platform = library.platform
    async with platform.database.unit_of_work(library.tenant_id) as session:
        facts = await index_of(platform).searcher.facts(
            SessionWork(session), [term.id for term in analysis.terms]
        )
    assert facts is not None
    weights = query_weights(analysis.terms, facts.statistics)
    return (weights, facts.statistics.document_frequency) if weights else None


def _load_peer(peer: PeerProcess, library: Library, work: Path) -> None:
    """Give the peer the same texts with the same vectors."""
    options = f"-c citewell.tenant_id={library.tenant_id}"
    with psycopg.connect(library.url, options=options) as connection:
        rows = connection.execute("SELECT text, embedding::text FROM chunk").fetchall()
    texts, vectors = work / "texts.json", work / "vectors.npy"
    texts.write_text(json.dumps([text for text, _ in rows]), encoding="utf-8")
    parsed = [np.fromstring(vector[1:-1], sep=",", dtype=np.float32) for _, vector in rows]
    np.save(vectors, np.stack(parsed))
    peer.do("load", texts=str(texts), vectors=str(vectors), folder=str(work / "chroma-search"))


def _rows(library: Library, ours: list[float], bare: list[float], theirs: list[float]) -> list[Row]:
    p50, bare_p50 = percentile(ours, 0.5), percentile(bare, 0.5)
    ratio = p50 / bare_p50
    size = f"{library.chunks / 1_000:.0f}k chunks"
    rows = [
        Row(
            f"search p50, {size}",
            f"{p50:.2f} ms",
            f"{bare_p50:.2f} ms, embedding + bare SQL",
            f"{ratio:.2f}",
            f"<= {BUDGET}",
            ratio <= BUDGET,
        ),
        Row(
            f"search p95, {size}",
            f"{percentile(ours, 0.95):.2f} ms",
            f"{percentile(bare, 0.95):.2f} ms, embedding + bare SQL",
            f"{percentile(ours, 0.95) / percentile(bare, 0.95):.2f}",
        ),
    ]
    for kind, name in enumerate(("six words", "sentences")):
        rows.append(
            Row(
                f"search p50, {name}",
                f"{percentile(ours[kind::2], 0.5):.2f} ms",
                f"{percentile(bare[kind::2], 0.5):.2f} ms, embedding + bare SQL",
                f"{percentile(ours[kind::2], 0.5) / percentile(bare[kind::2], 0.5):.2f}",
            )
        )
    if theirs:
        their_p50 = percentile(theirs, 0.5)
        rows.append(
            Row(
                "search p50 / peer",
                f"{p50:.2f} ms",
                f"{their_p50:.2f} ms, LangChain + Chroma, dense only",
                f"{p50 / their_p50:.2f}",
                f"<= {PEER_BUDGET}",
                p50 / their_p50 <= PEER_BUDGET,
            )
        )
        rows.append(
            Row(
                "search p95 / peer",
                f"{percentile(ours, 0.95):.2f} ms",
                f"{percentile(theirs, 0.95):.2f} ms, LangChain + Chroma, dense only",
                f"{percentile(ours, 0.95) / percentile(theirs, 0.95):.2f}",
            )
        )
    return rows
