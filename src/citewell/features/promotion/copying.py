"""Copying all rows of an installation into an empty database, in one transaction there.

`pg_dump` does not fit: the rows are restored by an owner who is no superuser and is bound by
row-level security, between servers of different versions, and are compared before the commit.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.conninfo import make_conninfo

from citewell.core.database.connecting import connect
from citewell.core.database.tables import SAME_WRITING, SEQUENCES, Table, in_order
from citewell.core.errors import StartupError

SAMPLED_ROWS = 20_000
"""Approximate number of rows per table compared by checksum; all rows are counted."""

# The copy fails after this time instead of waiting for processes that use a database.
LOCK_TIMEOUT = "10s"

OnBytes = Callable[[str, int], None]
"""Called with the name of a table and the number of its bytes copied so far."""


@dataclass(slots=True)
class Copied:
    """Rows copied and found equal on both sides."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    """Number of rows by table."""
    checked_rows: int = 0
    """Number of rows compared by checksum."""

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


class Promotion:
    """Copies one database into another while writes to the source are blocked.

    The source is read as its superuser in one snapshot. The target takes everything in one
    transaction: killed at any moment, it is as empty as before.
    """

    def __init__(self, source_url: str, target_url: str) -> None:
        # The embedded server's superuser, whom row-level security does not bind: it sees all
        # tenants.
        self._source_url = make_conninfo(source_url, user="postgres")
        self._target_url = target_url

    def __enter__(self) -> "Promotion":
        with ExitStack() as opened:
            self._source = opened.enter_context(connect(self._source_url))
            self._target = opened.enter_context(connect(self._target_url))
            for connection in (self._source, self._target):
                connection.execute(SAME_WRITING.encode())
                connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'".encode())
            self._tables = in_order(self._source)
            _check_alike(self._tables, in_order(self._target))
            self._hold_source()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def copy(self, on_bytes: OnBytes) -> Copied:
        """Copy all rows and compare both sides; the target commits only if they are the same.

        Raises:
            StartupError: The target is not empty, or not the same afterwards; it is unchanged.
            psycopg.Error: One of the two failed; the target is unchanged.
        """
        with self._target.transaction():
            self._open_target()
            for table in self._tables:
                self._copy_table(table, on_bytes)
            self._target.execute("SET CONSTRAINTS ALL IMMEDIATE")  # checks the deferred ones now
            self._copy_sequences()
            copied = self._compare()
            self._close_target()
        # Without statistics the first searches would be planned as for empty tables.
        self._target.execute("ANALYZE")
        return copied

    def _hold_source(self) -> None:
        """Block writes, then read: the snapshot is taken by the first query, after the locks."""
        self._source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        names = sql.SQL(", ").join(table.identifier for table in self._tables)
        self._source.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))

    def _open_target(self) -> None:
        """Lock the target's tables, lift row-level security for the owner, and check for rows."""
        for table in self._tables:
            name = table.identifier
            lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name)
            self._target.execute(lock)
            if table.is_guarded:
                self._target.execute(
                    sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(name)
                )
            if table.has_triggers:
                self._target.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
            some = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)
            if self._target.execute(some).fetchone() != (False,):
                raise StartupError(
                    f"The target holds a Citewell library already (there are rows in `{table.name}`"
                    "); nothing was changed. Name an empty database."
                )

    def _close_target(self) -> None:
        for table in self._tables:
            name = table.identifier
            if table.is_guarded:
                self._target.execute(
                    sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(name)
                )
            if table.has_triggers:
                self._target.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))

    def _copy_table(self, table: Table, on_bytes: OnBytes) -> None:
        done = 0
        on_bytes(table.name, done)
        parts = {"columns": table.column_list, "table": table.identifier}
        # Binary, as both sides have the same types (`_check_alike`).
        out_of = sql.SQL("COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT binary)")
        into = sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")
        with (
            self._source.cursor().copy(out_of.format(**parts)) as reader,
            self._target.cursor().copy(into.format(**parts)) as writer,
        ):
            for block in reader:
                writer.write(block)
                done += len(block)
                on_bytes(table.name, done)

    def _copy_sequences(self) -> None:
        for (name,) in self._source.execute(SEQUENCES).fetchall():
            state = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
            row = self._source.execute(state).fetchone()
            assert row is not None
            self._target.execute(
                "SELECT setval(quote_ident(%s)::regclass, %s, %s)", (name, row[0], row[1])
            )

    def _compare(self) -> Copied:
        copied = Copied()
        for table in self._tables:
            name = table.identifier
            count = self._source.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
            assert count is not None
            statement = _facts(table, every=max(1, count[0] // SAMPLED_ROWS))
            sides = [
                connection.execute(statement).fetchall()
                for connection in (self._source, self._target)
            ]
            if sides[0] != sides[1]:
                raise StartupError(
                    f"The rows of `{table.name}` are not the same on the target; nothing was "
                    "changed there. Try again, and report it if it happens again."
                )
            # Counts of all rows are among the facts that were compared, by tenant.
            copied.rows[table.name] = count[0]
            copied.checked_rows += sum(row[2] for row in sides[0])
        return copied


def _check_alike(source: list[Table], target: list[Table]) -> None:
    there = {table.name: table for table in target}
    for table in source:
        other = there.get(table.name)
        if other is None or (other.columns, other.types) != (table.columns, table.types):
            raise StartupError(
                f"The table `{table.name}` of the target is not that of this version. Name an "
                "empty database."
            )


def _facts(table: Table, *, every: int) -> sql.Composed:
    """Statement for each tenant's row count, sampled row count and sum of sampled hashes."""
    tenant = "tenant_id" if "tenant_id" in table.columns else "id"
    if table.name != "tenant" and tenant == "id":
        group = sql.SQL("NULL::uuid")
    else:
        group = sql.Identifier(tenant)
    key = sql.SQL(", ").join(map(sql.Identifier, table.key or table.columns))
    return sql.SQL(
        "SELECT {group} AS tenant, count(*), count(*) FILTER (WHERE is_sampled),"
        " sum(CASE WHEN is_sampled THEN hashtextextended(ROW({columns})::text, 0)::numeric END)"
        # Sampled by the hash of the key, which picks the same rows on both sides.
        " FROM (SELECT *, hashtextextended(ROW({key})::text, 0) % {every} = 0 AS is_sampled"
        " FROM {table}) AS t GROUP BY 1 ORDER BY 1"
    ).format(
        group=group,
        columns=table.column_list,
        key=key,
        every=sql.Literal(every),
        table=table.identifier,
    )
