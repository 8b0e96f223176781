"""Term statistics for IDF: appended by publishing, folded together soon after.

Publishing only ever appends one row of packed arrays, so two workers never meet on a term. One
folder at a time (an advisory lock per tenant) adds the rows to `term_stat`.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.batches import Rows, StatementBatch, StatementResult
from citewell.engine.lexical.base import TERM_SPACE, CorpusStatistics
from citewell.indexes.contract import Generation, LibraryFacts, SearchScope
from citewell.indexes.postgres.asking import is_whole_library
from citewell.indexes.postgres.literals import int_array
from citewell.indexes.postgres.scoping import scope_sql, scope_values

FOLD_BATCH = 200
"""Versions folded in one transaction: some hundred thousand terms, about a second."""

# For folding: if another process holds it, the rows are being added already.
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")

# For repairs, which have to wait until no fold is under way.
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")

_FOLD = text("""
WITH taken AS (
  DELETE FROM term_delta
  WHERE tenant_id = :tenant_id AND id IN (
    SELECT id FROM term_delta WHERE tenant_id = :tenant_id ORDER BY id LIMIT :batch)
  RETURNING generation_id, sign, chunk_count, terms, frequencies
), sums AS (
  SELECT generation_id, term, sum(sign * frequency)::int AS frequency
  FROM taken, unnest(terms, frequencies) AS t(term, frequency)
  GROUP BY generation_id, term
), folded AS (
  INSERT INTO term_stat (tenant_id, generation_id, term, frequency)
  SELECT :tenant_id, generation_id, term, frequency FROM sums WHERE frequency <> 0
  ON CONFLICT (tenant_id, generation_id, term)
    DO UPDATE SET frequency = term_stat.frequency + excluded.frequency
), counted AS (
  UPDATE index_generation g SET chunk_count = g.chunk_count + t.chunk_count, updated_at = now()
  FROM (SELECT generation_id, sum(sign * chunk_count) AS chunk_count FROM taken
        GROUP BY generation_id) t
  WHERE g.tenant_id = :tenant_id AND g.id = t.generation_id
)
SELECT count(*) FROM taken
""")

MOST_PENDING = 8
"""Noted versions a search looks through itself, the newest: 0.1 ms each at 1,500 terms."""

_FACTS = """
WITH g AS MATERIALIZED (
  SELECT id, embedding, dimensions, analysis, has_lexical, chunk_count, EXISTS (
    SELECT FROM pg_index i
    WHERE i.indexrelid = to_regclass('chunk_dense_' || id) AND i.indisvalid) AS has_dense
  FROM index_generation WHERE tenant_id = :tenant_id AND status = 'live'
), pending AS MATERIALIZED (
  SELECT d.sign, d.chunk_count, d.terms, d.frequencies FROM g JOIN term_delta d
    ON d.tenant_id = :tenant_id AND d.generation_id = g.id
  ORDER BY d.id DESC LIMIT :most_pending
), counted AS (
  SELECT term, frequency FROM g JOIN term_stat s
    ON s.tenant_id = :tenant_id AND s.generation_id = g.id
    AND s.term = ANY(CAST(:terms AS int[]))
  UNION ALL
  SELECT asked.term, sign * frequencies[array_position(terms, asked.term)]
  FROM pending, unnest(CAST(:terms AS int[])) AS asked(term)
  WHERE asked.term = ANY(terms)
)
SELECT g.id, g.embedding, g.dimensions, g.analysis, g.has_dense, g.has_lexical,
  g.chunk_count + coalesce((SELECT sum(sign * chunk_count) FROM pending), 0),
  ARRAY(SELECT term FROM counted), ARRAY(SELECT frequency FROM counted)
FROM g
"""


# A colon before a digit would be a parameter, hence chr(58).
# The counts of `_FACTS`, then for each term that is in the library whether the scope has it. The
# candidates of the inverted index are joined under row-level security, as those of a search are.
_HELD = """
WITH pending AS MATERIALIZED (
  SELECT d.sign, d.terms, d.frequencies FROM term_delta d
  WHERE d.tenant_id = :tenant_id AND d.generation_id = :generation
  ORDER BY d.id DESC LIMIT :most_pending
), counted AS (
  SELECT term, frequency FROM term_stat s
  WHERE s.tenant_id = :tenant_id AND s.generation_id = :generation
    AND s.term = ANY(CAST(:asked AS int[]))
  UNION ALL
  SELECT noted.term, sign * noted.frequency
  FROM pending, unnest(terms, frequencies) AS noted(term, frequency)
  JOIN unnest(CAST(:asked AS int[])) AS asked(term) ON asked.term = noted.term
), known AS MATERIALIZED (
  SELECT term, sum(frequency)::int AS frequency FROM counted GROUP BY term HAVING sum(frequency) > 0
)
SELECT term, frequency FROM known{where}
"""

_WITHIN = """
WHERE frequency > CAST(:at_most AS int) OR EXISTS (
  SELECT FROM citewell_lexical_candidates(:generation, ARRAY[CAST(term AS bigint)],
    CAST('{{' || term || chr(58) || '1}}/{space}' AS sparsevec), NULL) AS k
  JOIN chunk c ON c.id = k.id WHERE {scope})
"""


def ask_held(
    batch: StatementBatch, scope: SearchScope, term_ids: Sequence[int], at_most: int | None
) -> StatementResult[Mapping[int, int]]:
    """See `Searcher.held`."""
    values: dict[str, object] = {
        "tenant_id": scope.tenant_id,
        "generation": scope.generation.id,
        "asked": int_array(set(term_ids)),
        "most_pending": MOST_PENDING,
    }
    where = ""
    if not is_whole_library(scope):
        where = _WITHIN.format(scope=scope_sql(scope), space=TERM_SPACE)
        values |= {**scope_values(scope), "at_most": 2**31 - 1 if at_most is None else at_most}
    return batch.ask(_HELD.format(where=where), values, _counts)


def _counts(rows: Rows) -> Mapping[int, int]:
    return {int(term): int(frequency) for term, frequency in rows}


async def tenants_to_fold(session: AsyncSession) -> list[uuid.UUID]:
    """Tenants with versions that are noted but not in the statistics yet; needs no tenant set."""
    return list(await session.scalars(text("SELECT citewell_tenants_to_fold()")))


async def hold(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Let nobody fold the tenant's statistics until the transaction ends."""
    await session.execute(_HOLD, {"key": f"term_stat:{tenant_id}"})


async def fold(session: AsyncSession, tenant_id: uuid.UUID) -> bool:
    """Add up to `FOLD_BATCH` noted versions to the statistics; whether more may be waiting."""
    if not await session.scalar(_LOCK, {"key": f"term_stat:{tenant_id}"}):
        return False
    folded = await session.scalar(_FOLD, {"tenant_id": tenant_id, "batch": FOLD_BATCH})
    return folded == FOLD_BATCH


def ask_facts(
    batch: StatementBatch, tenant_id: uuid.UUID, term_ids: Sequence[int]
) -> StatementResult[LibraryFacts | None]:
    """See `Searcher.facts`."""
    values = {
        "tenant_id": tenant_id,
        "terms": int_array(set(term_ids)),
        "most_pending": MOST_PENDING,
    }
    return batch.ask(_FACTS, values, _facts)


def _facts(rows: Rows) -> LibraryFacts | None:
    if not rows:
        return None
    (
        number, embedding, dimensions, analysis, has_dense, has_lexical, chunk_count, terms, counts,
    ) = rows[0]  # fmt: skip
    frequencies = Counter[int]()
    for term, count in zip(terms, counts, strict=True):
        frequencies[term] += count
    return LibraryFacts(
        generation=Generation(number, embedding, dimensions, analysis),
        # Pending documents are counted a moment later than they can be found.
        statistics=CorpusStatistics(max(int(chunk_count), 0), dict(+frequencies)),
        has_dense_index=has_dense,
        has_lexical_index=has_lexical,
    )
