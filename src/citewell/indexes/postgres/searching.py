"""The hybrid statement: both legs over the caller's scope, fused and joined to the text."""

import json
import re
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.access.policy import Reach
from citewell.access.statements import reach_sql
from citewell.engine.lexical.bm25 import best_possible_score
from citewell.indexes.contract import Hit, HybridQuery, SearchScope
from citewell.indexes.postgres.literals import dense_literal, sparse_literal

CANDIDATES = 50
"""Chunks each leg brings up before fusion; 20 already make as good a pool as 200 (see `fusion`)."""

_FIELD_PREDICATES = {
    "document_id": "c.document_id = CAST(:field_document_id AS uuid)",
    "language": "c.language = :field_language",
    "title": "d.title = :field_title",
    "filename": "d.filename = :field_filename",
    # As documents show it: what keeps it apart from a hidden one of the same name is left out.
    "source": "split_part(d.source, coalesce('#' || d.created_by, ''), 1) = :field_source",
}

_ACTIVE_THEN = (
    "c.version_id IN (SELECT a.version_id FROM document_activation a "
    "JOIN document d ON d.tenant_id = a.tenant_id AND d.id = a.document_id "
    "WHERE a.tenant_id = :tenant_id AND d.deleted_at IS NULL AND a.active_from <= :as_of "
    "AND (a.active_until IS NULL OR a.active_until > :as_of))"
)

_COUNT = """
SELECT count(*) FROM (
  SELECT 1 FROM chunk c WHERE {scope} LIMIT :limit
) AS counted
"""

_SHOWN = (
    "c.document_id, c.version_id, c.page, c.heading, c.context, c.start_offset, c.end_offset, "
    "c.language, c.text"
)
"""What a hit shows of its chunk; carried through the legs, so that chunks are visited once."""

_LEG = """
SELECT c.id, {dense_score} AS dense, -(c.terms <#> CAST(:terms AS sparsevec)) AS lexical,
  row_number() OVER () AS rank, {shown}
FROM (
  SELECT c.id, c.embedding, c.terms, {shown} FROM chunk c
  WHERE {scope}{extra}
  ORDER BY {order} LIMIT :candidates
) AS c
"""

_STATEMENT = """
WITH {legs},
pool AS (
  SELECT id, max(dense) AS dense, max(lexical) AS lexical, {ranks}
  FROM ({union}) AS u GROUP BY id
),
fused AS (
  SELECT pool.*, {score} AS score FROM pool
  ORDER BY score DESC, id LIMIT :top_k
)
SELECT f.id AS chunk_id, c.document_id, d.title, v.number AS version, c.page, c.heading,
  c.context, c.start_offset, c.end_offset, c.language, c.text, f.score, f.dense, f.lexical,
  f.dense_rank, f.lexical_rank, f.phrase_rank IS NOT NULL AS has_phrases
FROM fused f
CROSS JOIN LATERAL (SELECT c.* FROM ({union}) AS c WHERE c.id = f.id LIMIT 1) AS c
JOIN document d ON d.tenant_id = :tenant_id AND d.id = c.document_id
JOIN document_version v ON v.tenant_id = :tenant_id AND v.id = c.version_id
ORDER BY f.score DESC, f.id
"""


def scope_sql(scope: SearchScope) -> str:
    """The predicate on `chunk c` that says what the caller may find; the one place it is made."""
    parts = [
        "c.tenant_id = :tenant_id",
        # Literals: partial indexes are proven to fit at plan time only from constants.
        f"c.generation_id = {int(scope.generation.id)}",
        "c.active" if scope.as_of is None else _ACTIVE_THEN,
        reach_sql(scope.reach, table="c", document_column="document_id")[0],
    ]
    if scope.collection_ids is not None:
        parts.append("c.collection_id = ANY(CAST(:collection_ids AS uuid[]))")
    fields = [_FIELD_PREDICATES[name] for name, _ in scope.fields]
    parts += [predicate for predicate in fields if predicate.startswith("c.")]
    of_document = [predicate for predicate in fields if not predicate.startswith("c.")]
    if scope.writable is not None and "source" in dict(scope.fields):
        of_document.append(_writable(scope.writable)[0])
    if scope.metadata:
        of_document.append("d.metadata @> CAST(:metadata AS jsonb)")
    if of_document:
        conditions = " AND ".join(["d.tenant_id = :tenant_id", *of_document])
        parts.append(f"c.document_id IN (SELECT d.id FROM document d WHERE {conditions})")  # noqa: S608 - constants
    return " AND ".join(parts)


def scope_values(scope: SearchScope) -> dict[str, object]:
    """The bound values of `scope_sql`."""
    _, reach = reach_sql(scope.reach, table="c", document_column="document_id")
    values: dict[str, object] = {"tenant_id": scope.tenant_id, **reach}
    if scope.collection_ids is not None:
        values["collection_ids"] = list(scope.collection_ids)
    if scope.as_of is not None:
        values["as_of"] = scope.as_of
    values |= {f"field_{name}": value for name, value in scope.fields}
    if scope.writable is not None and "source" in dict(scope.fields):
        values |= _writable(scope.writable)[1]
    if scope.metadata:
        values["metadata"] = "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in scope.metadata) + "}"
    return values


def _writable(reach: Reach) -> tuple[str, dict[str, object]]:
    return reach_sql(reach, table="d", document_column="id", prefix="writable")


async def count_scope(session: AsyncSession, scope: SearchScope, limit: int) -> int:
    """Chunks in the scope, counted up to `limit`."""
    statement = text(_COUNT.format(scope=scope_sql(scope)))
    return await session.scalar(statement, {**scope_values(scope), "limit": limit}) or 0


async def rank(
    session: AsyncSession, scope: SearchScope, query: HybridQuery, *, is_exact: bool
) -> list[Hit]:
    """Run the hybrid statement; `is_exact` compares every chunk of the scope."""
    statement = _hybrid_statement(
        scope_sql(scope),
        scope.generation.dimensions if query.vector is not None else 0,
        bool(query.terms),
        len(query.phrases),
        is_exact,
    )
    values = scope_values(scope) | {
        "terms": sparse_literal(query.terms),
        "candidates": max(CANDIDATES, query.top_k),
        "dense_weight": query.dense_weight,
        "best": best_possible_score(query.terms),
        "top_k": query.top_k,
    }
    if query.vector is not None:
        values["vector"] = dense_literal(query.vector)
    values |= {
        f"phrase_{number}": r"\s+".join(re.escape(word) for word in phrase.split())
        for number, phrase in enumerate(query.phrases)
    }
    rows = await session.execute(statement, values)
    return [_hit(row, has_vector=query.vector is not None) for row in rows]


@lru_cache(maxsize=512)
def _hybrid_statement(
    scope: str, dimensions: int, has_terms: bool, phrase_count: int, is_exact: bool
) -> TextClause:
    """Put the statement together; all parts are constants of this module or checked numbers."""
    vector = f"CAST(:vector AS halfvec({int(dimensions)}))"
    dense_score = f"1 - (c.embedding::halfvec({int(dimensions)}) <=> {vector})"
    dense_order = f"(c.embedding::halfvec({int(dimensions)}) <=> {vector})"
    lexical_order = "(c.terms <#> CAST(:terms AS sparsevec))"
    if not dimensions:
        dense_score = "CAST(NULL AS double precision)"
    # "+ 0" keeps the planner from an index: an exact scan.
    suffix = " + 0" if is_exact else ""
    legs: dict[str, str] = {}
    if dimensions:
        legs["dense"] = _LEG.format(
            dense_score=dense_score, shown=_SHOWN, scope=scope, extra="", order=dense_order + suffix
        )
    if has_terms or not dimensions:
        legs["lexical"] = _LEG.format(
            dense_score=dense_score,
            shown=_SHOWN,
            scope=scope,
            extra="",
            order=lexical_order + suffix,
        )
    if phrase_count:
        contains = "".join(f" AND c.text ~* :phrase_{number}" for number in range(phrase_count))
        legs["phrase"] = _LEG.format(
            dense_score=dense_score,
            shown=_SHOWN,
            scope=scope,
            extra=contains,
            order=lexical_order + suffix,
        )
    names = ("dense", "lexical", "phrase")
    selects: list[str] = []
    for leg in legs:
        ranks = ", ".join(
            f"{'rank' if name == leg else 'NULL::bigint'} AS {name}_rank" for name in names
        )
        selects.append(f"SELECT c.id, dense, lexical, {ranks}, {_SHOWN} FROM {leg} AS c")  # noqa: S608 - constants
    union = " UNION ALL ".join(selects)
    return text(
        _STATEMENT.format(
            legs=", ".join(f"{name} AS MATERIALIZED ({body})" for name, body in legs.items()),
            ranks=", ".join(f"max({name}_rank) AS {name}_rank" for name in names),
            union=union,
            score=_score_sql(bool(dimensions), bool(phrase_count)),
        )
    )


def _score_sql(has_vector: bool, has_phrases: bool) -> str:
    """The formula of `engine.retrieval.fusion`, over the pool of candidates."""
    score = "coalesce(least(lexical / nullif(CAST(:best AS double precision), 0), 1), 0)"
    if has_vector:
        dense = "least(greatest(dense, 0), 1)"
        score = f"(1 - :dense_weight) * {score} + :dense_weight * {dense}"
    if has_phrases:
        score = f"({score} + CASE WHEN phrase_rank IS NULL THEN 0 ELSE 1 END) / 2"
    return score


def _hit(row: Row[Any], *, has_vector: bool) -> Hit:
    return Hit(
        chunk_id=row.chunk_id,
        document_id=row.document_id,
        title=row.title,
        version=row.version,
        page=row.page,
        heading=tuple(row.heading),
        context=row.context,
        start=row.start_offset,
        end=row.end_offset,
        language=row.language,
        text=row.text,
        score=min(1.0, max(0.0, float(row.score))),
        dense_score=float(row.dense) if has_vector else None,
        lexical_score=float(row.lexical),
        dense_rank=row.dense_rank,
        lexical_rank=row.lexical_rank,
        has_phrases=row.has_phrases,
    )
