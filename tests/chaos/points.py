"""Named points in the life of a document, or of a run, at which a process can be killed.

The product knows nothing of them: triggers in the test's database ask for a lock at each point,
shared, which costs nothing while nobody else wants it. A test that wants to kill there takes the
lock for itself and waits until somebody stands in the queue for it: that transaction is exactly
there, and stays while its process is killed.
"""

import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

LOCKS = 4711
"""The space of advisory locks that points are in; a point's number is its second part."""

POLL_SECONDS = 0.005

AT_COMMIT = " AT COMMIT"


@dataclass(frozen=True)
class Point:
    """A place in the product's transactions, as its database sees it."""

    name: str
    who: Literal["server", "worker"]
    """Which processes come there."""
    table: str
    event: str
    """The statement at which the transaction stops; `AT COMMIT` puts the point at its very end."""
    condition: str | None = None
    embedding_seconds: float = 0.0
    """How long the embedding service takes meanwhile, where quick work would not come there."""

    @property
    def number(self) -> int:
        """Of its lock: a hash of its name, positive as an `int` of the database."""
        return zlib.crc32(self.name.encode()) >> 1


DELETED = "old.deleted_at IS NULL AND new.deleted_at IS NOT NULL"
RESTORED = "old.deleted_at IS NOT NULL AND new.deleted_at IS NULL"

POINTS = (
    Point("registering", "server", "document_version", "BEFORE INSERT"),
    Point("registered", "server", "job", "INSERT AT COMMIT"),
    Point(
        "begun", "worker", "job", "UPDATE AT COMMIT",
        "old.attempts <> new.attempts AND new.status = 'running'",
    ),
    Point("noting progress", "worker", "job", "BEFORE UPDATE", "new.stage = 'embedding'", 1.5),
    Point("staging", "worker", "chunk", "BEFORE INSERT", "NOT new.active AND new.ordinal % 64 = 9"),
    Point("publishing", "worker", "chunk", "BEFORE INSERT", "new.active"),
    Point(
        "published",
        "worker",
        "document",
        "UPDATE AT COMMIT",
        "old.active_version_id IS DISTINCT FROM new.active_version_id"
        " AND old.deleted_at IS NULL AND new.deleted_at IS NULL",
    ),
    Point("ending", "worker", "procrastinate_jobs", "BEFORE DELETE", "old.status = 'doing'"),
    Point("folding", "worker", "term_delta", "BEFORE DELETE"),
    Point("folded", "worker", "index_generation", "UPDATE AT COMMIT"),
    Point("deleting", "server", "document", "BEFORE UPDATE", DELETED),
    Point("deleted", "server", "document", "UPDATE AT COMMIT", DELETED),
    Point("restored", "server", "document", "UPDATE AT COMMIT", RESTORED),
    Point("purging", "worker", "document", "BEFORE DELETE"),
    Point("purged", "worker", "document", "DELETE AT COMMIT"),
    Point("removing a file", "worker", "blob", "BEFORE DELETE"),
)  # fmt: skip

_FUNCTION = """
CREATE FUNCTION chaos_point() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared({locks}, tg_argv[0]::int);
  RETURN CASE WHEN tg_op = 'DELETE' THEN old ELSE new END;
END $$
"""

_WAITING = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND NOT granted
"""


def install(connection: psycopg.Connection[Any], points: Sequence[Point] = POINTS) -> None:
    """Put the points into a database, as its superuser."""
    connection.execute(sql.SQL(_FUNCTION).format(locks=sql.Literal(LOCKS)))
    for point in points:
        connection.execute(_trigger(point).encode())


def _trigger(point: Point) -> str:
    name, table = f"zz_chaos_{point.number}", point.table
    event = point.event.removesuffix(AT_COMMIT)
    if event == point.event:
        head = f"CREATE TRIGGER {name} {event} ON {table}"
    else:
        head = f"CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table} INITIALLY DEFERRED"
    when = "" if point.condition is None else f"WHEN ({point.condition})"
    return f"{head} FOR EACH ROW {when} EXECUTE FUNCTION chaos_point({point.number})"


@contextmanager
def armed(connection: psycopg.Connection[Any], point: Point) -> Iterator[None]:
    """While the block lasts, whoever comes to the point waits there."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (LOCKS, point.number))
    try:
        yield
    finally:
        disarm(connection, point)


def is_armed_at_once(connection: psycopg.Connection[Any], point: Point) -> bool:
    """Arm a point unless somebody is just passing it.

    They may be on their way to a point that this connection has armed before: waiting for them
    would be a deadlock.
    """
    tried = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCKS, point.number))
    return tried.fetchone() == (True,)


def disarm(connection: psycopg.Connection[Any], point: Point) -> None:
    """Let those go on who wait at a point."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCKS, point.number))


def wait_for_somebody(
    connection: psycopg.Connection[Any], point: Point, seconds: float
) -> list[int]:
    """The sessions that wait at an armed point; empty if nobody comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = connection.execute(_WAITING, (LOCKS, point.number)).fetchall()
        if found:
            return [pid for (pid,) in found]
        time.sleep(POLL_SECONDS)
    return []


def roll_back(connection: psycopg.Connection[Any], sessions: list[int]) -> None:
    """End sessions where they are: what they were about to commit never happens."""
    for session in sessions:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (session,))
