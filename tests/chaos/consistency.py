"""Whether the index says what the database says: counted anew, by statements of the tests."""

from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

DUPLICATES = {
    "two chunks in one place": """
        SELECT version_id, generation_id, ordinal FROM chunk
        GROUP BY version_id, generation_id, ordinal HAVING count(*) > 1""",
    "two documents of one source": """
        SELECT collection_id, source FROM document
        WHERE source IS NOT NULL AND deleted_at IS NULL
        GROUP BY tenant_id, collection_id, source HAVING count(*) > 1""",
    "two versions of one document answer": """
        SELECT document_id FROM chunk WHERE active
        GROUP BY document_id, generation_id HAVING count(DISTINCT version_id) > 1""",
    "a version that repeats the one before": """
        SELECT v.id FROM document_version v JOIN document_version w
          ON w.document_id = v.document_id AND w.number = v.number - 1 AND w.blob_id = v.blob_id""",
}

DRIFT = {
    "chunks that answer without being their document's version": """
        SELECT c.id FROM chunk c LEFT JOIN document d
          ON d.tenant_id = c.tenant_id AND d.id = c.document_id
        WHERE c.active AND d.active_version_id IS DISTINCT FROM c.version_id""",
    "chunks of no version": """
        SELECT c.id FROM chunk c LEFT JOIN document_version v
          ON v.tenant_id = c.tenant_id AND v.id = c.version_id AND v.document_id = c.document_id
        WHERE v.id IS NULL""",
    "versions that have not the chunks they say": """
        SELECT v.id, v.chunk_count, count(c.id) FROM document_version v
        LEFT JOIN chunk c ON c.tenant_id = v.tenant_id AND c.version_id = v.id
        WHERE v.status IN ('ready', 'superseded')
        GROUP BY v.tenant_id, v.id
        HAVING count(c.id) <> v.chunk_count OR min(c.ordinal) <> 0
          OR max(c.ordinal) <> v.chunk_count - 1
          OR count(*) FILTER (WHERE c.active) NOT IN (0, v.chunk_count)""",
    "ready versions that do not answer": """
        SELECT v.id FROM document_version v JOIN document d
          ON d.tenant_id = v.tenant_id AND d.id = v.document_id
        LEFT JOIN chunk c ON c.tenant_id = v.tenant_id AND c.version_id = v.id AND c.active
        WHERE v.status = 'ready' AND d.deleted_at IS NULL
          AND (c.id IS NULL OR d.active_version_id <> v.id)""",
    "access or collection of chunks that is not their document's": """
        SELECT c.id FROM chunk c JOIN document d
          ON d.tenant_id = c.tenant_id AND d.id = c.document_id
        WHERE c.active AND (c.access_level, c.collection_id)
          IS DISTINCT FROM (d.access_level, d.collection_id)""",
    "texts of another length than their version": """
        SELECT v.id FROM document_version v JOIN document_text t
          ON t.tenant_id = v.tenant_id AND t.version_id = v.id
        WHERE v.status IN ('ready', 'superseded')
        GROUP BY v.tenant_id, v.id HAVING sum(length(t.text)) <> v.char_count""",
    "finished versions without their terms": """
        SELECT v.id FROM document_version v LEFT JOIN version_terms t
          ON t.tenant_id = v.tenant_id AND t.version_id = v.id
        WHERE v.status IN ('ready', 'superseded')
          AND t.chunk_count IS DISTINCT FROM v.chunk_count""",
    "documents whose history does not end with what answers": """
        SELECT d.id FROM document d LEFT JOIN document_activation a
          ON a.tenant_id = d.tenant_id AND a.document_id = d.id AND a.active_until IS NULL
        WHERE a.version_id IS DISTINCT FROM d.active_version_id""",
    "jobs that are open while nothing is to be done": """
        SELECT j.id FROM job j WHERE j.status IN ('queued', 'running') AND NOT EXISTS (
          SELECT FROM procrastinate_jobs q WHERE q.id = j.queue_id)""",
    "chunks of deleted documents that answer": """
        SELECT c.id FROM chunk c JOIN document d
          ON d.tenant_id = c.tenant_id AND d.id = c.document_id
        WHERE c.active AND d.deleted_at IS NOT NULL""",
    "failures without a reason": """
        SELECT id FROM document_version WHERE status = 'failed'
          AND (error_code IS NULL OR coalesce(error_detail, '') = '')""",
    "contents that nothing needs": """
        SELECT b.id FROM blob b LEFT JOIN document_version v
          ON v.tenant_id = b.tenant_id AND v.blob_id = b.id
        WHERE v.id IS NULL AND NOT EXISTS (  -- a killed upload's, kept until its claim expires
          SELECT FROM blob_claim k WHERE k.tenant_id = b.tenant_id AND k.sha256 = b.sha256)""",
    "numbers of chunks that are not counted as they are": """
        SELECT g.id, g.chunk_count FROM index_generation g WHERE g.chunk_count
          + coalesce((SELECT sum(sign * chunk_count) FROM term_delta t
              WHERE t.tenant_id = g.tenant_id AND t.generation_id = g.id), 0)
          <> (SELECT count(*) FROM chunk c
              WHERE c.tenant_id = g.tenant_id AND c.generation_id = g.id AND c.active)""",
    "use that is not counted as it is": """
        WITH counted AS (
          SELECT tenant_id, 'documents' AS metric, count(*) AS amount
          FROM document WHERE deleted_at IS NULL GROUP BY 1
          UNION ALL
          SELECT tenant_id, 'stored_bytes', sum(size_bytes) FROM blob GROUP BY 1
        ), noted AS (
          SELECT tenant_id, metric, sum(amount) AS amount FROM usage_record
          WHERE metric IN ('documents', 'stored_bytes') GROUP BY 1, 2
        )
        SELECT metric, counted.amount, noted.amount
        FROM counted FULL JOIN noted USING (tenant_id, metric)
        WHERE coalesce(counted.amount, 0) <> coalesce(noted.amount, 0)""",
}

Problems = dict[str, list[Any]]


def duplicates(connection: psycopg.Connection[Any]) -> Problems:
    """Counts duplicate rows by kind."""
    return _found(connection, DUPLICATES)


def drift(connection: psycopg.Connection[Any], files: Path | None = None) -> Problems:
    """Where chunks, statistics, counts and stored files are not what the documents say, by kind."""
    found = _found(connection, DRIFT)
    statistics, counted = _statistics(connection), _recounted(connection)
    if wrong := [key for key in statistics.keys() | counted if statistics[key] != counted[key]]:
        found["terms whose frequency is not what is counted"] = wrong
    if files is not None:
        contents = connection.execute("SELECT count(*) FROM blob").fetchone()
        stored = [path for path in files.glob("*/??/*") if path.is_file()]
        if contents is None or len(stored) != contents[0]:
            found["stored files that are not one for each content"] = [len(stored), contents]
    return found


def count(problems: Problems) -> int:
    """How many there are."""
    return sum(len(each) for each in problems.values())


def _found(connection: psycopg.Connection[Any], statements: dict[str, str]) -> Problems:
    rows = {what: connection.execute(each.encode()).fetchall() for what, each in statements.items()}
    return {what: each for what, each in rows.items() if each}


def _statistics(connection: psycopg.Connection[Any]) -> Counter[tuple[int, int]]:
    rows = connection.execute(
        "SELECT generation_id, term, sum(frequency) FROM ("
        "  SELECT generation_id, term, frequency FROM term_stat UNION ALL"
        "  SELECT generation_id, t.term, sign * t.frequency FROM term_delta,"
        "    unnest(terms, frequencies) AS t(term, frequency)"
        ") AS summed GROUP BY 1, 2 HAVING sum(frequency) <> 0"
    )
    return Counter({(generation, term): int(count) for generation, term, count in rows})


def _recounted(connection: psycopg.Connection[Any]) -> Counter[tuple[int, int]]:
    counted = Counter[tuple[int, int]]()
    rows = connection.execute("SELECT generation_id, terms::text FROM chunk WHERE active")
    for generation, written in rows:
        pairs = written.partition("}")[0].removeprefix("{").split(",")
        counted.update((generation, int(pair.partition(":")[0])) for pair in pairs if pair)
    return counted
