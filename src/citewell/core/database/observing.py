"""Figures of the database for operators: queue, sizes, connections."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from citewell.core.database.sessions import CONNECTION

Figure = tuple[str, tuple[str, ...], float]
"""Name of a metric, its labels and its value."""

STATEMENT_TIMEOUT = "5s"
"""A database that is slower than this is not asked longer: the other figures are told."""

_QUEUE = """
SELECT 'queue_jobs', task_name, status::text, count(*)::float8 FROM procrastinate_jobs
WHERE status IN ('todo', 'doing') GROUP BY task_name, status
"""

_OLDEST = """
SELECT 'queue_oldest_seconds', j.task_name, NULL,
  extract(epoch FROM now() - min(greatest(e.at, coalesce(j.scheduled_at, e.at))))::float8
FROM procrastinate_jobs j
JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events WHERE job_id = j.id) e ON true
WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
  AND e.at IS NOT NULL
GROUP BY j.task_name
"""

# By rank, not by name: whether one tenant waits or all do, in five series however many there are.
_TENANTS = """
WITH waiting AS (
  SELECT count(*)::float8 AS jobs FROM procrastinate_jobs
  WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
    AND args ? 'tenant_id'
  GROUP BY args ->> 'tenant_id')
SELECT 'queue_tenants', NULL, NULL, count(*)::float8 FROM waiting
UNION ALL SELECT 'queue_tenant_jobs', rank::text, NULL, jobs FROM (
  SELECT row_number() OVER (ORDER BY jobs DESC) AS rank, jobs FROM waiting) ranked
WHERE rank <= 5
"""

_TABLES = """
SELECT 'database_table_bytes', name, NULL, bytes FROM largest
UNION ALL SELECT 'database_dead_rows', name, NULL, dead FROM largest
"""

# A partitioned table is told by its parent: partitions are not to become series.
_LARGEST = """
WITH largest AS (
  SELECT coalesce(p.relname, c.relname)::text AS name,
    sum(pg_total_relation_size(c.oid))::float8 AS bytes,
    sum(coalesce(s.n_dead_tup, 0))::float8 AS dead
  FROM pg_class c
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
  LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  GROUP BY 1 ORDER BY 2 DESC LIMIT 20)
"""

_CONNECTIONS = """
SELECT 'database_connections', coalesce(state, 'background'), NULL, count(*)::float8
FROM pg_stat_activity WHERE datname = current_database() GROUP BY 2
"""

_SCHEDULES = """
SELECT 'background_failures', name, NULL, failures::float8 FROM schedule
"""

_SINGLE = """
SELECT 'database_bytes', NULL, NULL, pg_database_size(current_database())::float8
UNION ALL SELECT 'database_longest_transaction_seconds', NULL, NULL,
  coalesce(extract(epoch FROM now() - min(xact_start)), 0)::float8
  FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
UNION ALL SELECT 'replication_lag_seconds', NULL, NULL,
  coalesce(extract(epoch FROM max(replay_lag)), 0)::float8 FROM pg_stat_replication
UNION ALL SELECT 'tenants', NULL, NULL, count(*)::float8 FROM citewell_all_tenants()
UNION ALL SELECT 'backup_newest_timestamp_seconds', NULL, NULL,
  coalesce((SELECT extract(epoch FROM last_run_at) FROM schedule
            WHERE name = 'backup.create' AND failures = 0), 0)::float8
"""

_STATEMENTS = (_QUEUE, _OLDEST, _TENANTS, _LARGEST + _TABLES, _CONNECTIONS, _SCHEDULES, _SINGLE)


def figures(url: str) -> Iterator[Figure]:
    """Figures of a database as it is now; `database_up` is the last and tells of the others.

    Args:
        url: The database, as its owner.
    """
    told: list[Figure] = []
    try:
        address = make_conninfo(url, application_name="citewell-metrics")
        options = f"-c statement_timeout={STATEMENT_TIMEOUT} -c search_path=public"
        values: dict[str, Any] = {**CONNECTION, "options": options, "connect_timeout": 3}
        with psycopg.connect(address, autocommit=True, **values) as connection:
            for statement in _STATEMENTS:
                for name, *labels, value in connection.execute(statement.encode()).fetchall():
                    told.append((name, tuple(each for each in labels if each is not None), value))
    except psycopg.Error:
        yield "database_up", (), 0.0
        return
    yield from told
    yield "database_up", (), 1.0
