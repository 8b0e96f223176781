"""The rows of a tenant as a fingerprint, to show that nothing of it has changed."""

import hashlib
import uuid

import psycopg
from psycopg import sql

from tests.acting import act_for

VOLATILE = {"api_key": ("last_used_at",), "user_account": ("last_login_at", "updated_at")}
"""Columns that change by looking in."""


COUNTED = ("analytics_day", "analytics_item", "analytics_state")
"""Tables that a worker fills from the others meanwhile."""


def tenant_tables(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """All tables with rows of tenants; partitions are read through their parent."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND NOT c.relispartition AND (a.attname = 'tenant_id' OR (c.relname = 'tenant' AND "
        "a.attname = 'id')) ORDER BY 1"
    ).fetchall()
    return [str(name) for (name,) in rows]


def fingerprint(url: str, tenant_id: uuid.UUID, *, but: tuple[str, ...] = ()) -> dict[str, str]:
    """A hash of each table's rows of the tenant; without the tables in `but`."""
    found: dict[str, str] = {}
    with psycopg.connect(url) as connection:
        act_for(connection, tenant_id)
        for table in tenant_tables(connection):
            if table in but or table in COUNTED:
                continue
            owner = "id" if table == "tenant" else "tenant_id"
            rows = connection.execute(
                sql.SQL("SELECT (to_jsonb(t) - %s::text[])::text FROM {} t WHERE {} = %s").format(
                    sql.Identifier(table), sql.Identifier(owner)
                ),
                (list(VOLATILE.get(table, ())), tenant_id),
            ).fetchall()
            lines = sorted(str(row) for (row,) in rows)
            found[table] = (
                f"{len(lines)} {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
            )
    return found
