"""The state of a database before an upgrade: its schema against the code's, and who uses it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from citewell.core.database import connecting
from citewell.core.database.migrations import (
    check_server,
    current_revision,
    is_served,
    migrations_folder,
    refusal,
    revisions,
)
from citewell.core.errors import StartupError

LARGE_BYTES = 256 * 1024**2
"""Size from which work on the whole of a table is felt: an index of it takes seconds."""

_BODIES = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
"""Bodies of functions, which run later."""

_EFFECTS = (
    (
        re.compile(r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)[\w{}]+\s+ON\s+(\w+)", re.I),
        "builds an index; writes wait",
    ),
    (
        re.compile(
            r"ALTER\s+TABLE\s+(\w+)[^;\"]*?"
            r"(?:SET\s+NOT\s+NULL|ADD\s+(?:CONSTRAINT|PRIMARY|FOREIGN|CHECK)|\bTYPE\b)",
            re.I,
        ),
        "reads all rows; reads and writes wait",
    ),
    (re.compile(r"UPDATE\s+(\w+)\s+SET\b", re.I), "rewrites rows; writes to them wait"),
)
"""Statements of a migration that take the longer, the larger their table is. Those that are put
together out of parts are missed, and a condition that few rows meet is not seen."""

_USERS = """
SELECT application_name, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^citewell(/|$)'
GROUP BY application_name ORDER BY application_name
"""

_OLDEST_TRANSACTION = """
SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::float8 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
"""

_JOBS = """
SELECT status::text, count(*) FROM procrastinate_jobs
WHERE status IN ('todo', 'doing') GROUP BY status
"""

_SIZE = """
SELECT pg_total_relation_size(c.oid) FROM pg_class c
WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'p')
"""


@dataclass(frozen=True, slots=True)
class TableEffect:
    """Effect of a migration on a table that is there and that others use."""

    table: str
    bytes: int
    """Size of the table with its indexes, as it is now."""
    what: str

    @property
    def is_felt(self) -> bool:
        """Whether it takes seconds rather than a moment."""
        return self.bytes >= LARGE_BYTES


@dataclass(frozen=True, slots=True)
class PendingMigration:
    """A migration that this version brings and the database has not got."""

    revision: str
    name: str
    effects: Sequence[TableEffect]


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """State of a database that an upgrade meets."""

    revision: str | None
    """None: the database is empty."""
    newest: str
    """The revision that this version brings a database to."""
    is_newer: bool
    """Whether the database was made by a newer version."""
    is_served: bool
    """Whether that version lets this one run on it."""
    pending: Sequence[PendingMigration]
    sessions: dict[str, int]
    """Connections by the version that holds them; an empty name: one that does not tell."""
    jobs_waiting: int
    jobs_running: int
    oldest_transaction_seconds: float


def look(url: str) -> DatabaseState:
    """The state of a database; nothing is changed.

    Args:
        url: The database, as its owner.

    Raises:
        StartupError: It is out of reach or unfit; the message says what to do.
    """
    try:
        with connecting.connect(url, present=0) as connection:
            check_server(connection)
            return _state(connection)
    except psycopg.Error as error:
        raise StartupError(refusal(error)) from error


def _state(connection: psycopg.Connection[tuple[object, ...]]) -> DatabaseState:
    current, known = current_revision(connection), revisions()
    is_newer = current is not None and current not in known
    following: list[str] = []
    if current in known:
        following = known[known.index(current) + 1 :]
    has_queue = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() != (None,)
    rows = connection.execute(_JOBS).fetchall() if has_queue else []
    jobs = {str(status): int(str(count)) for status, count in rows}
    users = connection.execute(_USERS).fetchall()
    oldest = connection.execute(_OLDEST_TRANSACTION).fetchone()
    return DatabaseState(
        revision=current,
        newest=known[-1],
        is_newer=is_newer,
        is_served=is_newer and is_served(connection),
        pending=[_pending(connection, revision) for revision in following],
        sessions={str(name).partition("/")[2]: int(str(count)) for name, count in users},
        jobs_waiting=jobs.get("todo", 0),
        jobs_running=jobs.get("doing", 0),
        oldest_transaction_seconds=float(str(oldest[0])) if oldest else 0.0,
    )


def _pending(connection: psycopg.Connection[tuple[object, ...]], revision: str) -> PendingMigration:
    [file] = (migrations_folder() / "versions").glob(f"{revision}_*.py")
    text = _BODIES.sub("", file.read_text(encoding="utf-8"))
    found: dict[tuple[str, str], TableEffect] = {}
    for pattern, what in _EFFECTS:
        for table in pattern.findall(text):
            row = connection.execute(_SIZE, (table,)).fetchone()
            if row is not None:  # a table that it makes itself is empty, and nobody's
                found[table, what] = TableEffect(table, int(str(row[0])), what)
    name = file.stem.partition("_")[2].replace("_", " ")
    return PendingMigration(revision, name, list(found.values()))
