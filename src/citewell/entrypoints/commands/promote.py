"""`promote`: moves an embedded installation to a PostgreSQL server."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated

import psycopg
import typer
from rich.markup import escape

from citewell.core.database.migrations import migrate
from citewell.core.database.sessions import Database
from citewell.core.errors import StartupError
from citewell.core.platform import Platform
from citewell.core.settings import PREFIX, Settings
from citewell.entrypoints.commands.running import (
    DATABASE_ERRORS,
    INTERRUPTED,
    NOT_AVAILABLE,
    SOME_FAILED,
    USAGE,
    JsonOption,
    err,
    out,
    print_json,
    read_quiet_settings,
    stop,
    stop_for_database,
)
from citewell.entrypoints.installation import DatabaseHandle, open_platform, running_database
from citewell.features.promotion.comparing import SearchComparison, build_indexes, compare_searches
from citewell.features.promotion.copying import Copied, Promotion
from citewell.indexes.postgres.index import postgres_index

VARIABLE = f"{PREFIX}DATABASE_URL"
EVERYTHING = 2**62
"""Exact limit of the comparison: every scope is scanned exactly, because two HNSW graphs of the
same rows may give different results."""

MEGABYTE = 1_000_000

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Outcome:
    copied: Copied
    compared: SearchComparison
    copy_seconds: float
    check_seconds: float
    index_seconds: float


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(promote)


def promote(
    to: Annotated[str, typer.Option("--to", metavar="DATABASE_URL", help="An empty database.")],
    searches: Annotated[
        int, typer.Option(min=0, max=10_000, help="Searches to compare afterwards.")
    ] = 100,
    as_json: JsonOption = False,
) -> None:
    """Move this embedded installation into a PostgreSQL of yours; nothing is embedded again."""
    settings = read_quiet_settings()
    if settings.database_url is not None:
        stop(f"{VARIABLE} is set: this installation is on a server already.", USAGE)
    if not to.startswith(("postgresql://", "postgres://")):
        stop("--to must look like postgresql://user:password@host:5432/database.", USAGE)
    if not (settings.home / "database" / "data").is_dir():
        stop(f"There is no embedded database in {settings.home}.", USAGE)
    outcome = _promote(settings, to, searches, is_shown=err.is_terminal and not as_json)
    is_same = outcome.compared.same == outcome.compared.asked
    if as_json:
        print_json(_document(outcome, to))
    else:
        _print(outcome, settings, to)
    if not is_same:
        raise typer.Exit(SOME_FAILED)


def _promote(settings: Settings, to: str, searches: int, *, is_shown: bool) -> _Outcome:
    try:
        with running_database(settings) as database, err.status("Preparing") as status:
            if not is_shown:
                status.stop()
            # Others would go on writing to the embedded database after its rows were read.
            if not database.is_first_user:
                raise StartupError(
                    "Another process uses this installation: stop `citewell serve` and every "
                    "`citewell worker`, then run this again."
                )
            _prepare_target(to)
            with Promotion(database.url, to) as promotion:
                started = time.monotonic()
                copied = promotion.copy(
                    lambda table, done: status.update(f"Copying {table}: {done / MEGABYTE:,.1f} MB")
                )
                copy_seconds = time.monotonic() - started
                work = _check(settings, database, to, searches, status.update)
                compared, check_seconds, index_seconds = asyncio.run(work)
            return _Outcome(copied, compared, copy_seconds, check_seconds, index_seconds)
    except KeyboardInterrupt:
        stop("Stopped; an unfinished target is empty, and the source is as it was.", INTERRUPTED)
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    except psycopg.errors.LockNotAvailable:
        stop("Another process uses one of the two databases; stop it first.", NOT_AVAILABLE)
    except DATABASE_ERRORS as error:
        stop_for_database(error)


def _prepare_target(to: str) -> None:
    """Migrate the target's schema; an unfit server is refused as at every start."""
    try:
        migrate(to, present=0)  # no waiting: the operator has just named it
    except StartupError as error:
        raise StartupError(f"The target: {str(error).replace(VARIABLE, '--to')}") from error


async def _check(
    settings: Settings, source: DatabaseHandle, to: str, searches: int, tell: Tell
) -> tuple[SearchComparison, float, float]:
    """Compare searches on both sides, then build the target's HNSW indexes."""
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_platform(settings, source))
        here = await stack.enter_async_context(_exact(opened, source.url))
        there = await stack.enter_async_context(_exact(opened, to))
        compared = await compare_searches(
            here, there, searches, lambda asked: tell(f"Comparing: search {asked} of {searches}")
        )
        check_seconds = time.monotonic() - started
        started = time.monotonic()
        tell("Building search indexes")
        await build_indexes(there)
    return compared, check_seconds, time.monotonic() - started


@asynccontextmanager
async def _exact(platform: Platform, url: str) -> AsyncGenerator[Platform, None]:
    """The platform on another database, with every search done exactly."""
    database = Database(url, pool_size=2)
    try:
        index = postgres_index(database, exact_limit=EVERYTHING)
        yield replace(platform, database=database).holding(index)
    finally:
        await database.close()


def _document(outcome: _Outcome, to: str) -> dict[str, object]:
    compared = outcome.compared
    return {
        "tables": outcome.copied.rows,
        "rows": outcome.copied.total,
        "checked_rows": outcome.copied.checked_rows,
        "searches": {
            "asked": compared.asked,
            "same": compared.same,
            "different": compared.different,
        },
        "seconds": {
            "copy": round(outcome.copy_seconds, 2),
            "searches": round(outcome.check_seconds, 2),
            "indexes": round(outcome.index_seconds, 2),
        },
        "setting": f"{VARIABLE}={to}",
    }


def _print(outcome: _Outcome, settings: Settings, to: str) -> None:
    copied, compared = outcome.copied, outcome.compared
    out.print(
        f"{copied.total:,} rows of {len(copied.rows)} tables were copied in "
        f"{outcome.copy_seconds:.1f} s and counted for each tenant; "
        f"{copied.checked_rows:,} are the same by checksum."
    )
    out.print(f"{compared.same} of {compared.asked} searches give the same passages in order.")
    if compared.same < compared.asked:
        out.print("[red]Stay with the embedded database and report this.[/red] Different are:")
        for query in compared.different:
            out.print(f"  {escape(query)}")
        return
    out.print("Put this line into the environment of every process, then start them:")
    out.print(f"  {VARIABLE}={to}", markup=False)
    files = f"Files stay in {settings.home}" if settings.blob_url is None else "Files stay in "
    files += "" if settings.blob_url is None else str(settings.blob_url)
    out.print(
        f"{files}, the secret key where it is: processes on other machines need both. The embedded "
        "database is as it was; without the line the old library answers, so remove "
        f"{settings.home / 'database'} when you are satisfied.",
        markup=False,
    )
