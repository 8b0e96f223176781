"""All rows of an installation out of one snapshot, and into an empty database in one transaction.

`pg_dump` does not fit: the owner of an operator's database is bound by row-level security, which it
refuses, and its archives go into servers of the same version or a newer one only. Rows go as the
text that COPY writes, which all versions read; the schema is that of a revision of ours.
"""

import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from citewell.core.blobs.encryption import Purpose
from citewell.core.database import migrations
from citewell.core.database.connecting import connect
from citewell.core.database.keyring import WrappedKey
from citewell.core.database.sessions import TENANT_SETTING
from citewell.core.database.tables import SAME_WRITING, SEQUENCES, Connection, Table, in_order
from citewell.core.errors import StartupError

BACKUP_LOCK = 0x63697465_6261636B
"""Advisory lock (`citeback` in ASCII): an installation makes or prunes one backup at a time."""

LOCK_TIMEOUT = "10s"
"""Longest wait for a table that something else holds, such as a migration."""

BLOCK_BYTES = 256 * 1024
"""Rows are handed on in blocks of about this size."""

_SUM_MODULUS = 2**64

_IS_FREE = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_ENTER = f"SELECT set_config('{TENANT_SETTING}', %s, true)"

_USED_BY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^citewell(/|$)'
  AND pid <> pg_backend_pid()
"""

Piece = tuple[Table, bytes]
"""A table, and some whole rows of it as COPY writes them."""


@dataclass(slots=True)
class TableFacts:
    """The rows of a table: their number, and a sum of their hashes in which order is no matter."""

    rows: int = 0
    hash_sum: int = 0

    def add(self, line: bytes) -> None:
        """Count a row, as COPY writes it."""
        self.rows += 1
        digest = blake2b(line, digest_size=8).digest()
        self.hash_sum = (self.hash_sum + int.from_bytes(digest, "big")) % _SUM_MODULUS


@dataclass(frozen=True, slots=True)
class KeptContent:
    """An original file that the snapshot knows."""

    tenant_id: uuid.UUID
    sha256: bytes
    size_bytes: int
    key_id: uuid.UUID | None
    """The last key that its file is known to be encrypted with."""


@dataclass(slots=True)
class Snapshot:
    """One moment of a database, for as long as its transaction is open."""

    connection: Connection
    tables: list[Table]
    tenants: list[uuid.UUID]
    schema: str
    is_free: bool
    """Whether the role sees all tenants at once; others are asked for one tenant after another."""
    facts: dict[str, TableFacts] = field(default_factory=dict[str, TableFacts])
    """Counts and hashes of the rows read so far, by table."""

    def rows(self) -> Iterator[Piece]:
        """All rows, tables in the order in which they can be put in again."""
        for table in self.tables:
            facts = self.facts.setdefault(table.name, TableFacts())
            for block in self._blocks(table, facts):
                yield table, block

    def sequences(self) -> dict[str, tuple[int, bool]]:
        """Last value of each sequence, and whether it was given out."""
        states: dict[str, tuple[int, bool]] = {}
        for (name,) in self.connection.execute(SEQUENCES).fetchall():
            state = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
            row = self.connection.execute(state).fetchone()
            assert row is not None
            states[name] = row[0], row[1]
        return states

    def contents(self) -> Iterator[KeptContent]:
        """The original files of all tenants."""
        statement = (
            "SELECT sha256, size_bytes, key_id FROM blob WHERE tenant_id = %s ORDER BY sha256"
        )
        for tenant_id in self.tenants:
            self._enter(tenant_id)
            for sha256, size, key_id in self.connection.execute(statement, (tenant_id,)).fetchall():
                yield KeptContent(tenant_id, bytes(sha256), size, key_id)

    def key_ids(self) -> set[uuid.UUID]:
        """Ids of the keys that the snapshot holds."""
        known: set[uuid.UUID] = set()
        for tenant_id in self.tenants:
            self._enter(tenant_id)
            statement = "SELECT id FROM tenant_key WHERE tenant_id = %s"
            known |= {row[0] for row in self.connection.execute(statement, (tenant_id,)).fetchall()}
        return known

    def a_key(self) -> WrappedKey | None:
        """Some key of a tenant; None if there is none yet."""
        for tenant_id in self.tenants:
            self._enter(tenant_id)
            statement = "SELECT id, purpose, wrapped FROM tenant_key WHERE tenant_id = %s LIMIT 1"
            row = self.connection.execute(statement, (tenant_id,)).fetchone()
            if row is not None:
                return WrappedKey(tenant_id, row[0], Purpose(row[1]), bytes(row[2]))
        return None

    def _blocks(self, table: Table, facts: TableFacts) -> Iterator[bytes]:
        statement = sql.SQL("COPY (SELECT {columns} FROM {table}) TO STDOUT").format(
            columns=table.column_list, table=table.identifier
        )
        if self.is_free or not table.is_guarded:
            yield from self._copy_out(statement, facts)
            return
        for tenant_id in self.tenants:
            self._enter(tenant_id)
            if table.name == "tenant":
                column = "id"
            else:
                column = "tenant_id"
            # By name too: a policy for lookups shows the owner the rows of all tenants.
            own = sql.SQL(
                "COPY (SELECT {columns} FROM {table} WHERE {column} = {tenant}) TO STDOUT"
            ).format(
                columns=table.column_list,
                table=table.identifier,
                column=sql.Identifier(column),
                tenant=sql.Literal(tenant_id),
            )
            yield from self._copy_out(own, facts)

    def _copy_out(self, statement: sql.Composed, facts: TableFacts) -> Iterator[bytes]:
        held = bytearray()
        with self.connection.cursor().copy(statement) as reader:
            for part in reader:
                held += part  # a whole row
                facts.add(bytes(part))
                if len(held) >= BLOCK_BYTES:
                    yield bytes(held)
                    held.clear()
        if held:
            yield bytes(held)

    def _enter(self, tenant_id: uuid.UUID) -> None:
        self.connection.execute(_ENTER.encode(), (str(tenant_id),))


def as_superuser(url: str) -> str:
    """The embedded database as its superuser, whom row-level security does not bind."""
    return make_conninfo(url, user="postgres")


@contextmanager
def backup_lock(url: str) -> Generator[None, None, None]:
    """Hold the installation's lock for backups.

    Raises:
        StartupError: Another process holds it.
    """
    with connect(url) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (BACKUP_LOCK,)).fetchone()
        if row != (True,):
            raise StartupError("Another backup of this installation is under way; wait for it.")
        yield  # closing the connection gives the lock back


def tenant_ids(url: str) -> list[uuid.UUID]:
    """Ids of all tenants of a database.

    Raises:
        psycopg.Error: It does not answer.
    """
    with connect(url) as connection:
        found = connection.execute("SELECT id FROM citewell_all_tenants() AS id ORDER BY id")
        return [row[0] for row in found.fetchall()]


@contextmanager
def snapshot(url: str) -> Generator[Snapshot, None, None]:
    """The database as it is now, while others go on writing.

    Raises:
        psycopg.Error: It does not answer.
    """
    with connect(url) as connection:
        connection.execute(SAME_WRITING.encode())
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'".encode())
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        schema = migrations.current_revision(connection)
        assert schema is not None, "an installation that runs has a schema"
        found = connection.execute("SELECT id FROM citewell_all_tenants() AS id ORDER BY id")
        tenants = [row[0] for row in found.fetchall()]
        is_free = connection.execute(_IS_FREE).fetchone() == (True,)
        yield Snapshot(connection, in_order(connection), tenants, schema, is_free)


def prepare_empty(url: str, schema: str) -> None:
    """Bring a database without rows to the schema of a revision.

    Raises:
        StartupError: It is in use, holds an installation or another schema, or does not answer.
    """
    with connect(url, present=0) as connection:
        connection.execute(SAME_WRITING.encode())
        if connection.execute(_USED_BY).fetchone() != (0,):
            raise StartupError(
                "Processes of Citewell are connected to the database; stop them before a restore."
            )
        current = migrations.current_revision(connection)
        if current not in (None, schema):
            raise StartupError(
                f"The database holds schema {current} already, the backup {schema}; nothing was "
                "changed. Name an empty database."
            )
        if current is not None and _holds_tenants(connection):
            raise StartupError(
                "The database holds an installation already; nothing was changed. Name an empty "
                "database, or say --files-only if a restore into it was stopped at its files."
            )
    migrations.migrate_to(url, schema)


def _holds_tenants(connection: Connection) -> bool:
    return bool(
        connection.execute("SELECT count(*) FROM citewell_all_tenants()").fetchone() != (0,)
    )


@dataclass(slots=True)
class Load:
    """Rows on their way into an empty database; `loading` commits them at its end."""

    connection: Connection
    tables: dict[str, Table]
    facts: dict[str, TableFacts] = field(default_factory=dict[str, TableFacts])

    def put(self, name: str, columns: tuple[str, ...], blocks: Iterable[bytes]) -> None:
        """Put rows into a table.

        Raises:
            StartupError: The table is not that of the backup's schema.
        """
        table = self.tables.get(name)
        if table is None or table.columns != columns:
            raise StartupError(f"The table `{name}` of the backup is none of its schema.")
        facts = self.facts.setdefault(name, TableFacts())
        statement = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(
            columns=table.column_list, table=table.identifier
        )
        with self.connection.cursor().copy(statement) as writer:
            for block in blocks:
                for line in block.splitlines(keepends=True):
                    facts.add(line)
                writer.write(block)

    def set_sequences(self, states: dict[str, tuple[int, bool]]) -> None:
        """Let the sequences go on where they were."""
        for name, (value, is_called) in states.items():
            self.connection.execute(
                "SELECT setval(quote_ident(%s)::regclass, %s, %s)", (name, value, is_called)
            )

    def note_files_to_come(self, backup_id: str) -> bool:
        """Note, together with the rows, that files have still to be put in their place.

        On the database itself, whose name changes with it when it takes the place of another.
        A comment of the operator stays below it. Returns False where the role does not own the
        database and so cannot.
        """
        former = _note_of_database(self.connection)
        note = f"{FILES_TO_COME}{backup_id}"
        try:
            with self.connection.transaction():
                _note_on_database(self.connection, f"{note}\n{former}" if former else note)
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True


FILES_TO_COME = "citewell restore, files to come: "
"""Begin of the comment on a database whose rows were restored and whose files were not yet."""


def files_to_come(url: str) -> str | None:
    """Id of the backup whose files have still to be put in their place; None: of none."""
    with connect(url, present=0) as connection:
        note, _, _ = _note_of_database(connection).partition("\n")
    return note.removeprefix(FILES_TO_COME) if note.startswith(FILES_TO_COME) else None


def forget_files_to_come(url: str) -> None:
    """Remove the note that `Load.note_files_to_come` left, if it did."""
    with connect(url, present=0) as connection:
        note, _, former = _note_of_database(connection).partition("\n")
        if note.startswith(FILES_TO_COME):
            _note_on_database(connection, former or None)


def _note_of_database(connection: Connection) -> str:
    found = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
        "WHERE datname = current_database()"
    ).fetchone()
    return found[0] or "" if found else ""


def _note_on_database(connection: Connection, said: str | None) -> None:
    name = connection.info.dbname
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(said))
    )


@contextmanager
def loading(url: str) -> Generator[Load, None, None]:
    """Fill a database that `prepare_empty` has prepared; an exception leaves it empty.

    Raises:
        StartupError: A row does not fit, or the server failed; one line says why.
    """
    try:
        with _loading(url) as load:
            yield load
    except psycopg.Error as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise StartupError(f"The database did not take the backup: {said}") from error


@contextmanager
def _loading(url: str) -> Generator[Load, None, None]:
    with ExitStack() as stack:
        connection = stack.enter_context(connect(url, present=0))
        connection.execute(SAME_WRITING.encode())
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'".encode())
        with connection.transaction():
            ordered = in_order(connection)
            _open_tables(connection, ordered)
            load = Load(connection, {table.name: table for table in ordered})
            yield load
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # checks the deferred ones now
            _close_tables(connection, ordered)
        # Without statistics the first searches would be planned as for empty tables.
        connection.execute("ANALYZE")


def _open_tables(connection: Connection, tables: list[Table]) -> None:
    """Lift row-level security for the owner, stop triggers, remove what migrations have put in."""
    for table in tables:
        _alter(connection, table, "NO FORCE ROW LEVEL SECURITY", table.is_guarded)
        _alter(connection, table, "DISABLE TRIGGER USER", table.has_triggers)
    names = sql.SQL(", ").join(table.identifier for table in tables)
    connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
    connection.execute("SET CONSTRAINTS ALL DEFERRED")


def _close_tables(connection: Connection, tables: list[Table]) -> None:
    for table in tables:
        _alter(connection, table, "FORCE ROW LEVEL SECURITY", table.is_guarded)
        _alter(connection, table, "ENABLE TRIGGER USER", table.has_triggers)


def _alter(connection: Connection, table: Table, what: LiteralString, is_wanted: bool) -> None:
    if is_wanted:
        statement = sql.SQL("ALTER TABLE {} {}").format(table.identifier, sql.SQL(what))
        connection.execute(statement)


def facts_of(
    url: str, on_table: Callable[[str], None] = lambda _name: None
) -> dict[str, TableFacts]:
    """Numbers and hashes of all rows of a database, read anew."""
    with snapshot(url) as taken:
        last = ""
        for table, _ in taken.rows():
            if table.name != last:
                last = table.name
                on_table(last)
        return taken.facts
