"""The tables of an installation as they are copied: their columns, and an order that keys allow."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

VERSION_TABLE = "alembic_version"

Connection = psycopg.Connection[tuple[Any, ...]]

SAME_WRITING = """
SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex'; SET extra_float_digits = 1
"""
"""Makes both servers write values as the same text, whatever their configuration."""

# Parents of partitions only, as rows go through them. Generated columns are left out: COPY refuses
# them, and the target computes its own.
_TABLES = f"""
SELECT c.relname, c.relrowsecurity,
  EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
  array_agg(a.attname::text ORDER BY a.attnum),
  array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum),
  coalesce((SELECT array_agg(k.attname::text ORDER BY k.attnum) FROM pg_index i
            JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY(i.indkey)
            WHERE i.indrelid = c.oid AND i.indisprimary), '{{}}')
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = ''
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND c.relname <> '{VERSION_TABLE}'
GROUP BY c.oid, c.relname, c.relrowsecurity
ORDER BY c.relname
"""  # noqa: S608 - a constant

# Deferrable keys are checked at the end of the transaction, so they put tables in no order.
_REFERENCES = """
SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND NOT condeferrable AND conrelid <> confrelid AND conparentid = 0
  AND connamespace = 'public'::regnamespace
"""

SEQUENCES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that holds rows of the installation."""

    name: str
    is_guarded: bool
    """Whether row-level security is enforced on it."""
    has_triggers: bool
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """Its name, quoted."""
        return sql.Identifier(self.name)

    @property
    def column_list(self) -> sql.Composed:
        """Its columns, quoted."""
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


def in_order(connection: Connection) -> list[Table]:
    """All tables, each after those that its rows refer to."""
    rows = connection.execute(_TABLES.encode()).fetchall()
    waiting = {
        row[0]: Table(row[0], row[1], row[2], tuple(row[3]), tuple(row[4]), tuple(row[5]))
        for row in rows
    }
    needs: dict[str, set[str]] = {name: set() for name in waiting}
    for table, named in connection.execute(_REFERENCES.encode()).fetchall():
        if table in needs:
            needs[table].add(named)
    ordered: list[Table] = []
    while waiting:
        ready = [name for name in waiting if not needs[name] & waiting.keys()]
        assert ready, "tables refer to each other in a circle"
        ordered += [waiting.pop(name) for name in ready]
    return ordered
