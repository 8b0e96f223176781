"""The statements of a search: the legs' candidates with their scores, and the chunks to show.

Every leg is ranked within the caller's scope, never filtered afterwards. What they give is fused in
`engine.retrieval`; the chunks that are left are read by id, within the scope once more.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from citewell.access.policy import IdSet
from citewell.core.database.batches import Rows, StatementBatch, StatementResult
from citewell.engine.parsing.formats import WORKBOOKS
from citewell.engine.retrieval.base import ChunkView, HybridQuery, Legs, LegScores
from citewell.indexes.contract import SearchScope
from citewell.indexes.postgres.inverted import TermReading
from citewell.indexes.postgres.literals import dense_literal, int_array, sparse_literal
from citewell.indexes.postgres.scoping import scope_sql, scope_values

CANDIDATES = 50
"""Chunks each leg brings up before fusion; 20 already make as good a pool as 200 (see `fusion`)."""

_COUNT = """
SELECT count(*) FROM (
  SELECT 1 FROM chunk c WHERE {scope} LIMIT :limit
) AS counted
"""

_LEG = """
SELECT '{name}' AS leg, c.id, {dense} AS dense, -(c.terms <#> CAST(:terms AS sparsevec)) AS lexical
FROM (
  SELECT c.id, c.embedding, c.terms FROM chunk c
  WHERE {scope}{extra}
  {order} LIMIT {candidates}
) AS c
"""

_RANKED = """
SELECT id, score FROM citewell_lexical_candidates(
  :generation, CAST(:read AS bigint[]), CAST(:terms AS sparsevec), CAST(:most AS int))
"""
"""Candidates by falling score; the join below visits them in this order and stops when full."""

_RANKED_LEG = """
SELECT '{name}' AS leg, c.id, {dense} AS dense, k.score AS lexical
FROM ranked k CROSS JOIN LATERAL (
  SELECT c.id, c.embedding FROM chunk c WHERE c.id = k.id AND {scope}{extra} OFFSET 0
) AS c
LIMIT {candidates}
"""

_SHOWN = """
  c.id, c.document_id, d.title, v.number AS version, c.page, c.heading, c.context,
  c.start_offset, c.end_offset, c.language, c.text, c.page_breaks,
  CASE WHEN v.mime_type = ANY(CAST(:workbooks AS text[])) AND c.page_breaks = '{}'
    THEN c.heading[1] END AS sheet
"""

_FETCH = """
SELECT {shown}
FROM chunk c
JOIN document d ON d.tenant_id = :tenant_id AND d.id = c.document_id
JOIN document_version v ON v.tenant_id = :tenant_id AND v.id = c.version_id
WHERE c.id = ANY(CAST(:ids AS uuid[])) AND {scope}
"""

_FETCH_AROUND = """
SELECT f.id AS found, c.ordinal - f.ordinal AS distance, {shown}
FROM chunk f
JOIN chunk c ON c.version_id = f.version_id
  AND c.ordinal BETWEEN f.ordinal - :neighbours AND f.ordinal + :neighbours
JOIN document d ON d.tenant_id = :tenant_id AND d.id = c.document_id
JOIN document_version v ON v.tenant_id = :tenant_id AND v.id = c.version_id
WHERE f.tenant_id = :tenant_id AND f.generation_id = :generation
  AND f.id = ANY(CAST(:ids AS uuid[])) AND {scope}
ORDER BY f.id, distance
"""
"""The passages with their neighbours, each within the scope by itself."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the legs are read."""

    is_dense_exact: bool
    """Whether vectors are compared with all of the scope, not by the HNSW index."""
    reading: TermReading | None
    """Terms to ask the inverted index for; None: terms are compared with all of the scope."""
    is_whole_library: bool = False
    """Whether the scope leaves nothing out, so that no candidate is lost to it."""
    has_dense_leg: bool = True
    """Whether the dense leg is asked; its scores are given in any case."""


def ask_size(batch: StatementBatch, scope: SearchScope, limit: int) -> StatementResult[int]:
    """Chunks in the scope, counted up to `limit`."""
    values = {**scope_values(scope), "limit": limit}
    statement = _COUNT.format(scope=scope_sql(scope))
    return batch.ask(statement, values, lambda rows: int(rows[0][0]))


async def read_legs(
    batch: StatementBatch, scope: SearchScope, query: HybridQuery, way: Way
) -> Legs:
    """Ask every leg that the question has for its best chunks of the scope."""
    candidates = max(CANDIDATES, query.top_k)
    statement = _legs_statement(
        scope_sql(scope),
        candidates,
        scope.generation.dimensions if query.vector is not None else 0,
        bool(query.terms),
        len(query.phrases),
        way.reading is not None,
        way.is_dense_exact,
        way.has_dense_leg,
    )
    values = scope_values(scope) | {"terms": sparse_literal(query.terms)}
    if query.vector is not None:
        values["vector"] = dense_literal(query.vector)
    if query.terms and way.reading is not None:
        values["generation"] = scope.generation.id
        values["read"] = int_array(way.reading.read)
        # Phrases are looked for among all candidates.
        values["most"] = candidates if way.is_whole_library and not query.phrases else None
    values |= {
        f"phrase_{number}": r"\s+".join(re.escape(word) for word in phrase.split())
        for number, phrase in enumerate(query.phrases)
    }
    return await batch.ask(statement, values, _legs)


def _legs(rows: Rows) -> Legs:
    legs = Legs()
    by_name = {
        "dense": legs.dense,
        "lexical": legs.lexical,
        "phrase": legs.phrase,
        "filler": legs.filler,
    }
    for leg, chunk_id, dense, lexical in rows:
        by_name[leg].append(LegScores(chunk_id, lexical, dense))
    # The iterative scan gives its rows in relaxed order.
    legs.dense.sort(key=lambda each: -(each.cosine or 0.0))
    legs.lexical.sort(key=lambda each: -each.bm25)
    return legs


def ask_passages(
    batch: StatementBatch, scope: SearchScope, ids: Sequence[uuid.UUID], neighbours: int
) -> StatementResult[Mapping[uuid.UUID, ChunkView]]:
    """See `Searcher.passages`."""
    values = scope_values(scope) | {"ids": IdSet.of(ids).literal, "workbooks": list(WORKBOOKS)}
    if not neighbours:
        return batch.ask(_FETCH.format(shown=_SHOWN, scope=scope_sql(scope)), values, _passages)
    statement = _FETCH_AROUND.format(shown=_SHOWN, scope=scope_sql(scope))
    values |= {"generation": scope.generation.id, "neighbours": neighbours}
    return batch.ask(statement, values, _passages_around)


def _passages(rows: Rows) -> Mapping[uuid.UUID, ChunkView]:
    return {view.chunk_id: view for view in map(_view, rows)}


def _passages_around(rows: Rows) -> Mapping[uuid.UUID, ChunkView]:
    """The passages by id; rows come by passage, in the order of the text."""
    found: dict[uuid.UUID, ChunkView] = {}
    around: dict[uuid.UUID, tuple[list[ChunkView], list[ChunkView]]] = {}
    for chunk_id, distance, *row in rows:
        before, after = around.setdefault(chunk_id, ([], []))
        if distance == 0:
            found[chunk_id] = _view(row)
        else:
            (before if distance < 0 else after).append(_view(row))
    return {
        one: replace(view, before=tuple(around[one][0]), after=tuple(around[one][1]))
        for one, view in found.items()
    }


def _view(row: Sequence[Any]) -> ChunkView:
    (
        chunk_id, document_id, title, version, page, heading, context, start, end, language,
        content, breaks, sheet,
    ) = row  # fmt: skip
    return ChunkView(
        chunk_id, document_id, title, version, page, tuple(heading), context, start, end, language,
        content, page_breaks=tuple(breaks), sheet=sheet,
    )  # fmt: skip


@lru_cache(maxsize=512)
def _legs_statement(
    scope: str,
    candidates: int,
    dimensions: int,
    has_terms: bool,
    phrase_count: int,
    is_inverted: bool,
    is_dense_exact: bool,
    has_dense_leg: bool,
) -> str:
    """Put the statement together; all parts are constants of this module or checked numbers."""
    vectors = f"halfvec({int(dimensions)})"
    distance = f"(c.embedding::{vectors} <=> CAST(:vector AS {vectors}))"
    dense = f"1 - {distance}" if dimensions else "CAST(NULL AS double precision)"
    # "+ 0" keeps the planner from an index: an exact scan.
    by_terms = "ORDER BY (c.terms <#> CAST(:terms AS sparsevec)) + 0"
    # A literal, so that the plan kept for the statement knows how few rows are wanted.
    parts = {"dense": dense, "scope": scope, "extra": "", "candidates": str(int(candidates))}
    legs: list[str] = []
    if dimensions and has_dense_leg:
        order = f"ORDER BY {distance}{' + 0' if is_dense_exact else ''}"
        legs.append(_LEG.format(name="dense", order=order, **parts))
    is_ranked = is_inverted and has_terms
    if is_ranked:
        legs.append(_RANKED_LEG.format(name="lexical", **parts))
    elif has_terms or not dimensions:
        legs.append(_LEG.format(name="lexical", order=by_terms, **parts))
    if phrase_count:
        contains = "".join(f" AND c.text ~* :phrase_{number}" for number in range(phrase_count))
        parts |= {"extra": contains}
        leg = _RANKED_LEG if is_ranked else _LEG
        legs.append(leg.format(name="phrase", order=by_terms, **parts))
    if is_ranked and not dimensions:
        legs.append(_LEG.format(name="filler", order="", **parts | {"extra": ""}))
    union = " UNION ALL ".join(f"({leg})" for leg in legs)
    ranked = f"WITH ranked AS MATERIALIZED ({_RANKED}) " if is_ranked else ""
    return ranked + union
