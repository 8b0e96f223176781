"""Brings a database to the newest schema; an advisory lock lets one process at a time do it."""

import re
from contextlib import suppress
from pathlib import Path

import psycopg
import structlog
from psycopg import sql
from sqlalchemy.exc import DBAPIError

import citewell
from citewell.core.database import connecting
from citewell.core.database.sessions import APP_ROLE
from citewell.core.errors import StartupError

# Oldest supported versions; pgvector 0.8 brought iterative scans, without which a filtered search
# may find too little.
MINIMUM_SERVER_VERSION = 160000
MINIMUM_PGVECTOR = (0, 8)
MIGRATION_LOCK = 0x6369_7465  # "cite"


SERVED_FROM = "0062"
"""Oldest schema whose processes may run, and start, on the newest one. Workers from before do not
know evaluation runs of agents. A migration that older processes do not survive raises it."""

_SERVED_NOTE = re.compile(r"processes of schema (\w+) and newer may run on it")

log = structlog.get_logger(__name__)


def migrations_folder() -> Path:
    """Folder of the Alembic history: inside an installed package or beside the sources."""
    package = Path(citewell.__file__).parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


_REVISION = re.compile(r'^(down_)?revision = (?:"(\w+)"|None)$', re.MULTILINE)
"""The two lines by which a revision names itself and the one before it; Alembic reads the same."""


def revisions() -> list[str]:
    """All revisions in the order in which they are applied; Alembic itself is slow to import."""
    following: dict[str, str] = {}
    for file in (migrations_folder() / "versions").glob("[0-9]*.py"):
        named = dict(_REVISION.findall(file.read_text(encoding="utf-8")))
        following[named["down_"]] = named[""]
    ordered: list[str] = []
    while (after := following.get(ordered[-1] if ordered else "")) is not None:
        ordered.append(after)
    return ordered


def migrate(url: str, *, present: float = connecting.PRESENT_SECONDS) -> bool:
    """Bring the database at `url` to the newest schema; returns whether there was work.

    Args:
        url: The database, as its owner.
        present: Seconds to wait for a server that does not answer.

    Raises:
        StartupError: The server is out of reach or unfit; the message says what to do.
    """
    try:
        with connecting.connect(url, present=present) as connection:
            check_server(connection)
            _check_role(connection)
            if _is_newest(connection):
                return False
            connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            # Asked again under the lock: another process may have migrated while this one waited.
            if _is_newest(connection):
                return False
            _prepare(connection)
            # Before as well: a process that is too old must not start in between.
            if current_revision(connection) is not None:
                _note_served(connection)
            _upgrade(url, "head")
            _note_served(connection)
            return True
    except psycopg.Error as error:
        raise StartupError(refusal(error)) from error
    except DBAPIError as error:
        raise StartupError(refusal(error.orig or error)) from error


def migrate_to(url: str, revision: str) -> None:
    """Bring an empty database to the schema of a revision that this version knows.

    Raises:
        StartupError: The server is out of reach or unfit; the message says what to do.
    """
    try:
        with connecting.connect(url, present=0) as connection:
            check_server(connection)
            _check_role(connection)
            connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            if current_revision(connection) != revision:
                _prepare(connection)
                _upgrade(url, revision)
    except psycopg.Error as error:
        raise StartupError(refusal(error)) from error
    except DBAPIError as error:
        raise StartupError(refusal(error.orig or error)) from error


def _is_newest(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    current, known = current_revision(connection), revisions()
    if current is not None and current not in known:
        if is_served(connection):
            # A rollback, or one of several nodes that starts again while they are exchanged.
            log.warning("schema_is_newer", schema=current, known=known[-1])
            return True
        raise StartupError(
            f"The database was made by a newer Citewell (schema {current}, this one knows "
            f"{known[-1]}). Install that version or a newer one."
        )
    return current == known[-1]


def is_served(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether this version may run on a schema that a newer one made."""
    return revisions()[-1] >= _served_from(connection)


def _served_from(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """The oldest schema whose processes a newer release lets run; above all if it is not told."""
    found = connection.execute("SELECT obj_description('alembic_version'::regclass)").fetchone()
    noted = _SERVED_NOTE.search(str(found[0])) if found else None
    return noted[1] if noted else "~"


def _note_served(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    note = f"Citewell: processes of schema {SERVED_FROM} and newer may run on it"
    connection.execute(sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(sql.Literal(note)))


def current_revision(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """The revision the database is at; None before the first migration."""
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    # The installed version counts; before the first migration that which would be installed.
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def check_server(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Refuse a server whose version or extensions do not suffice.

    Raises:
        StartupError: Its version or its extensions do not fit; the message says what to do.
    """
    if connection.info.server_version < MINIMUM_SERVER_VERSION:
        raise StartupError(
            "PostgreSQL 16 or newer is needed, the server in CITEWELL_DATABASE_URL is "
            f"{connection.info.server_version // 10000}. Upgrade it, or unset the variable to use "
            "the embedded database."
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StartupError(
            f"The database is encoded in {encoding}; create one with "
            "ENCODING 'UTF8' and point CITEWELL_DATABASE_URL to it."
        )
    row = connection.execute(
        "SELECT coalesce("
        "  (SELECT extversion FROM pg_extension WHERE extname = 'vector'),"
        "  (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'))"
    ).fetchone()
    version = str(row[0]) if row and row[0] else None
    if version is None:
        raise StartupError(
            "The pgvector extension (0.8 or newer) is missing on the server in "
            "CITEWELL_DATABASE_URL. Install it there (package postgresql-NN-pgvector), or unset "
            "the variable to use the embedded database."
        )
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < MINIMUM_PGVECTOR:
        raise StartupError(
            f"pgvector 0.8 or newer is needed, the database has {version}. Install a newer one "
            "and run ALTER EXTENSION vector UPDATE."
        )


def _check_role(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Refuse an app role that row-level security would not bind."""
    is_free = connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", (APP_ROLE,)
    ).fetchone()
    if is_free == (True,):
        raise StartupError(
            f"The role {APP_ROLE} may bypass row-level security, so tenants would not be kept "
            f"apart. Run: ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS."
        )


def _prepare(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Make the extension and the role, which belong to the server rather than to the schema."""
    found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone()
    if not found:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    role = sql.Identifier(APP_ROLE)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone():
        # Another database of the same server may be prepared at this moment.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(
                sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS").format(role)
            )
    # PostgreSQL 16 lets the maker of a role administer it, and not yet act as it.
    may_set = connection.execute(
        "SELECT pg_has_role(current_user, %s, 'SET')", (APP_ROLE,)
    ).fetchone()
    if may_set != (True,):
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))


def _upgrade(url: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - 0.2 s that an up-to-date start does not pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    # Alembic's configuration interpolates `%`.
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def refusal(error: BaseException) -> str:
    """One line for the operator about an error of the database: what it is and what to do."""
    said = _first_line(error)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f"The database user may not prepare the database ({said}). Let an administrator run "
            f"there: CREATE EXTENSION IF NOT EXISTS vector; CREATE ROLE {APP_ROLE}; GRANT "
            f"{APP_ROLE} TO the user in CITEWELL_DATABASE_URL; GRANT CREATE ON SCHEMA public TO it."
        )
    if isinstance(error, psycopg.OperationalError):
        return (
            f"The database does not answer ({said}). Start it or correct CITEWELL_DATABASE_URL; "
            "unset the variable to use the embedded database."
        )
    return f"The database in CITEWELL_DATABASE_URL cannot be used ({said})."


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
