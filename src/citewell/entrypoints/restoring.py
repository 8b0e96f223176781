"""Databases that a backup is restored into: this installation's, and one to try it in."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from citewell.core.backups.manifest import Head
from citewell.core.backups.ownership import marks_of
from citewell.core.database.connecting import connect
from citewell.core.database.dumping import tenant_ids
from citewell.core.database.embedded import EmbeddedServer
from citewell.core.errors import StartupError
from citewell.core.settings import Settings
from citewell.entrypoints.installation import (
    DATABASE_NAME,
    OWNER_ROLE,
    create_database,
    make_home,
)

RESTORED = "citewell_restored"
"""Name of the database until it is whole."""

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For a database that is thrown away."""


@dataclass(frozen=True, slots=True)
class ScratchInstallation:
    """A database and a home that are removed afterwards."""

    home: Path
    url: str
    superuser_url: str


@dataclass(frozen=True, slots=True)
class Replacing:
    """Permissions to lose what an embedded database holds."""

    is_allowed: bool
    from_another: bool
    """Whether it may give way to a backup of another installation."""


@contextmanager
def restored_database(
    settings: Settings, backup: Head, replacing: Replacing
) -> Generator[str, None, None]:
    """An empty database to restore into; it becomes that of the installation at the end.

    Args:
        settings: Of the installation.
        backup: The backup that is restored.
        replacing: Whether what the embedded database holds may be removed.

    Raises:
        StartupError: The installation runs or holds something; nothing was changed.
    """
    if settings.database_url is not None:
        if replacing.is_allowed:
            raise StartupError(
                "--replace is for the embedded database: make an empty database on your server "
                "and set CITEWELL_DATABASE_URL to it."
            )
        yield settings.database_url
        return
    make_home(settings.home)
    server = EmbeddedServer(settings.home / "database")
    server.start()
    try:
        if not server.is_first_user:
            raise StartupError(f"Citewell is running in {settings.home}; stop it before a restore.")
        _refuse_filled(server, backup, replacing)
        with connect(server.url("postgres", "postgres")) as connection:
            _drop(connection, RESTORED)
            create_database(server, RESTORED)
            try:
                yield server.url(OWNER_ROLE, RESTORED)
                _swap(connection)
            finally:
                _drop(connection, RESTORED)
    except psycopg.Error as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise StartupError(f"The embedded database cannot be used: {said}") from error
    finally:
        server.stop()


@contextmanager
def filled_database(settings: Settings) -> Generator[str, None, None]:
    """The database of an installation that does not run, as its owner.

    Raises:
        StartupError: The installation runs, or its database cannot be opened.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    server = EmbeddedServer(settings.home / "database")
    server.start()
    try:
        if not server.is_first_user:
            raise StartupError(f"Citewell is running in {settings.home}; stop it before a restore.")
        yield server.url(OWNER_ROLE, DATABASE_NAME)
    except psycopg.Error as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise StartupError(f"The database cannot be used: {said}") from error
    finally:
        server.stop()


def _refuse_filled(server: EmbeddedServer, backup: Head, replacing: Replacing) -> None:
    try:
        tenants = tenant_ids(server.url("postgres", DATABASE_NAME))
    except (psycopg.OperationalError, psycopg.errors.UndefinedFunction):
        return  # there is no database yet, or nothing in it
    if not tenants:
        return
    if not replacing.is_allowed:
        raise StartupError(
            "This installation holds tenants already; nothing was changed. Set CITEWELL_HOME to "
            "another folder, say --replace to lose what is here, or --files-only if a restore into "
            "it was stopped at its files."
        )
    if backup.marks and not backup.marks & marks_of(tenants) and not replacing.from_another:
        raise StartupError(
            f"The backup {backup.id} is of another installation; nothing was changed. Set "
            "CITEWELL_HOME to another folder, or say --replace --from-another to lose what is here."
        )


def _drop(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _swap(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Give the restored database the name of the installation's, at once; drop the former one."""
    present, restored = sql.Identifier(DATABASE_NAME), sql.Identifier(RESTORED)
    former = sql.Identifier(f"{DATABASE_NAME}_replaced")
    _drop(connection, f"{DATABASE_NAME}_replaced")
    with connection.transaction():
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (DATABASE_NAME,)).fetchone():
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(present, former))
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(restored, present))
    _drop(connection, f"{DATABASE_NAME}_replaced")


@contextmanager
def scratch_installation(settings: Settings) -> Generator[ScratchInstallation, None, None]:
    """An empty database of its own server, and a home, removed afterwards.

    Raises:
        StartupError: The server cannot be started.
    """
    make_home(settings.home)
    folder = Path(tempfile.mkdtemp(prefix="verify-", dir=settings.home))
    server = EmbeddedServer(folder / "database", options=_FAST)
    try:
        server.start()
        try:
            create_database(server, RESTORED)
            yield ScratchInstallation(
                folder, server.url(OWNER_ROLE, RESTORED), server.url("postgres", RESTORED)
            )
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
