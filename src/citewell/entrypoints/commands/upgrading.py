"""`upgrade --check`."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

import citewell
from citewell.core.backups.opening import open_target
from citewell.core.backups.pruning import made_at
from citewell.core.database.embedded import EmbeddedServer
from citewell.core.database.upgrading import DatabaseState, PendingMigration, look
from citewell.core.errors import StartupError
from citewell.core.settings import Settings
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    SOME_FAILED,
    USAGE,
    JsonOption,
    out,
    print_json,
    read_quiet_settings,
    stop,
)
from citewell.entrypoints.installation import DATABASE_NAME, OWNER_ROLE
from citewell.kit.clock import utc_now

LOW_DISK_BYTES = 1024**3
"""As `doctor` and `health` have it."""

LONG_TRANSACTION_SECONDS = 60.0
"""A migration waits for transactions before it, and everything that comes after waits for it."""

OLD_BACKUP_HOURS = 24
"""Age of the newest backup from which an upgrade should make one first."""


class Outlook(StrEnum):
    """Result of a check."""

    OK = "ok"
    NOTE = "note"
    """Nothing stands in the way, but it should be known."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class UpgradeCheck:
    """One thing that was looked at."""

    name: str
    verdict: Outlook
    detail: str


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(upgrade)


def upgrade(
    check: Annotated[
        bool, typer.Option("--check", help="Say whether it can be upgraded now; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say whether this version can be started on the installation now, and what that changes."""
    if not check:
        stop("Say --check; `citewell db migrate` and each start upgrade the database.", USAGE)
    settings = read_quiet_settings()
    try:
        state = _look(settings)
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    checks = [*_of_database(state), _disk(settings), _backup(settings, state)]
    is_possible = all(each.verdict is not Outlook.PROBLEM for each in checks)
    if as_json:
        print_json(_document(state, checks, is_possible=is_possible))
    else:
        _print(state, checks, is_possible=is_possible)
    if not is_possible:
        raise typer.Exit(SOME_FAILED)


def _look(settings: Settings) -> DatabaseState | None:
    """The state of the database; None: there is none yet."""
    if settings.database_url is not None:
        return look(settings.database_url)
    folder = settings.home / "database"
    if not (folder / "data").is_dir():
        return None
    server = EmbeddedServer(folder)
    server.start()
    try:
        return look(server.url(OWNER_ROLE, DATABASE_NAME))
    finally:
        server.stop()


def _of_database(state: DatabaseState | None) -> Iterator[UpgradeCheck]:
    if state is None:
        yield UpgradeCheck("schema", Outlook.OK, "a new installation; the first start makes it")
        return
    yield _schema(state)
    felt = [
        f"{each.revision} {effect.what}: {effect.table} ({_size(effect.bytes)})"
        for each in state.pending for effect in each.effects if effect.is_felt
    ]  # fmt: skip
    if state.pending:
        detail = "; ".join(felt) or "each takes a moment; tables are small"
        verdict = Outlook.NOTE if felt else Outlook.OK
        yield UpgradeCheck("migrations", verdict, f"{len(state.pending)} pending: {detail}")
    yield _nodes(state)
    yield UpgradeCheck(
        "jobs",
        Outlook.OK,
        f"{state.jobs_running} running, {state.jobs_waiting} waiting; they are handed over",
    )
    seconds = state.oldest_transaction_seconds
    is_long = bool(state.pending) and seconds > LONG_TRANSACTION_SECONDS
    yield UpgradeCheck(
        "transactions",
        Outlook.PROBLEM if is_long else Outlook.OK,
        f"the oldest is open for {seconds:.0f} s"
        + ("; a migration would wait for it, and everybody else for the migration" * is_long),
    )


def _schema(state: DatabaseState) -> UpgradeCheck:
    if state.is_served:
        detail = (
            f"the database is at {state.revision}, made by a newer Citewell, on which "
            f"{citewell.__version__} may run"
        )
        return UpgradeCheck("schema", Outlook.NOTE, detail)
    if state.is_newer:
        detail = (
            f"the database is at {state.revision}, made by a newer Citewell; "
            f"{citewell.__version__} knows {state.newest} at most. Install that one or a newer one"
        )
        return UpgradeCheck("schema", Outlook.PROBLEM, detail)
    if state.revision == state.newest:
        return UpgradeCheck("schema", Outlook.OK, f"up to date at {state.newest}")
    return UpgradeCheck("schema", Outlook.OK, f"{state.revision or 'none'}, to be {state.newest}")


def _nodes(state: DatabaseState) -> UpgradeCheck:
    shown = ", ".join(
        f"{version or 'a version that does not tell'} ({count} connections)"
        for version, count in sorted(state.sessions.items())
    )
    others = state.sessions.keys() - {citewell.__version__}
    if not others:
        return UpgradeCheck("nodes", Outlook.OK, shown or "none is running")
    return UpgradeCheck(
        "nodes",
        Outlook.NOTE,
        f"{shown}; they go on beside the new schema, one release older at most",
    )


def _disk(settings: Settings) -> UpgradeCheck:
    there = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(there).free
    verdict = Outlook.OK if free > LOW_DISK_BYTES else Outlook.PROBLEM
    return UpgradeCheck("disk", verdict, f"{_size(free)} free in {settings.home}")


def _backup(settings: Settings, state: DatabaseState | None) -> UpgradeCheck:
    """There is no way back from a migration but a backup."""
    needed = Outlook.PROBLEM if state is not None and state.pending else Outlook.NOTE
    if settings.backup_url is None:
        return UpgradeCheck("backup", Outlook.NOTE, "none are set up here (CITEWELL_BACKUP_URL)")
    try:
        whole = asyncio.run(open_target(settings).whole())
    except (StartupError, OSError) as error:
        return UpgradeCheck("backup", needed, str(error))
    if not whole:
        return UpgradeCheck("backup", needed, f"none yet in {settings.backup_url}")
    hours = (utc_now() - made_at(whole[0])).total_seconds() / 3600
    verdict = needed if hours > OLD_BACKUP_HOURS else Outlook.OK
    return UpgradeCheck("backup", verdict, f"the newest is {hours:.0f} hours old")


def _document(
    state: DatabaseState | None, checks: list[UpgradeCheck], *, is_possible: bool
) -> dict[str, object]:
    return {
        "version": citewell.__version__,
        "revision": None if state is None else state.revision,
        "newest_revision": None if state is None else state.newest,
        "pending": [] if state is None else [_shown(each) for each in state.pending],
        "nodes": {} if state is None else state.sessions,
        "checks": [asdict(each) for each in checks],
        "ok": is_possible,
    }


def _shown(migration: PendingMigration) -> dict[str, object]:
    effects = [{**asdict(each), "is_felt": each.is_felt} for each in migration.effects]
    return {"revision": migration.revision, "name": migration.name, "effects": effects}


def _print(state: DatabaseState | None, checks: list[UpgradeCheck], *, is_possible: bool) -> None:
    colours = {Outlook.OK: "green", Outlook.NOTE: "yellow", Outlook.PROBLEM: "red"}
    for each in checks:
        colour = colours[each.verdict]
        out.print(f"[{colour}]{each.verdict:8}[/{colour}] {each.name}: {escape(each.detail)}")
    for migration in () if state is None else state.pending:
        told = [f"{each.what}: {each.table}" for each in migration.effects]
        what = f" ({'; '.join(told)})" if told else ""
        out.print(f"         {migration.revision} {migration.name}{what}", markup=False)
    out.print("It can be upgraded now." if is_possible else "It should not be upgraded now.")


def _size(count: float) -> str:
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{count / 1024**2:.1f} MB"
