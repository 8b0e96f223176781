"""`backup`: make, list, verify and restore backups."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from citewell.core.backups import opening
from citewell.core.backups.keys import Unlocking, WrongKeyError
from citewell.core.backups.manifest import Head, head_of
from citewell.core.backups.pruning import prune
from citewell.core.backups.restoring import Opened, restore
from citewell.core.backups.target import Target
from citewell.core.context import Caller
from citewell.core.database.dumping import files_to_come, forget_files_to_come
from citewell.core.database.migrations import migrate
from citewell.core.errors import StartupError
from citewell.core.platform import Platform
from citewell.core.secrets import adopt_next_key, load_master_keys, offer_key, withdraw_key
from citewell.core.settings import PREFIX, Settings
from citewell.entrypoints.commands.running import (
    DATABASE_ERRORS,
    INTERRUPTED,
    NOT_AVAILABLE,
    SOME_FAILED,
    JsonOption,
    err,
    out,
    print_json,
    print_table,
    read_quiet_settings,
    readable,
    run,
    stop,
    stop_for_database,
)
from citewell.entrypoints.installation import open_storage
from citewell.entrypoints.restoring import Replacing, filled_database, restored_database
from citewell.entrypoints.trial import Verified, verify_backup

_OPENS_HERE_ONLY = (
    f"Without {PREFIX}BACKUP_PASSPHRASE backups open with this installation's secret key only: keep"
    " a copy of it elsewhere."
)

T = TypeVar("T")

backup = typer.Typer(no_args_is_help=True, help="Backups: make, list, verify and restore them.")

PlaceOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="PLACE",
        help="Folder or bucket of the backups; CITEWELL_BACKUP_URL unless given.",
        callback=readable,
    ),
]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The backup; the newest unless given.")
]

NEWEST = "newest"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(backup, name="backup")


@backup.command("create")
def create_backup(
    place: PlaceOption = None,
    takes_over: Annotated[
        bool,
        typer.Option(
            "--take-over", help="Go on in a place that holds backups of another installation."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a backup while everything goes on."""

    async def act(platform: Platform, _caller: Caller) -> dict[str, Any]:
        target = opening.open_target(platform.settings, place, is_written=True)
        made = await opening.back_up(platform, target, _step(as_json), takes_over=takes_over)
        has_passphrase = platform.settings.backup_passphrase is not None
        return asdict(made) | {"place": target.name, "has_passphrase": has_passphrase}

    made = run(act, interrupted="Stopped; the backup was not finished and does not count.")
    if as_json:
        print_json(made)
        return
    out.print(
        f"Backup {made['id']} in {made['place']}: {made['rows']:,} rows, {made['files']:,} files, "
        f"of which {made['new_files']:,} are new; {made['bytes_written'] / 1e6:,.1f} MB written.",
        markup=False,
    )
    if not made["has_passphrase"]:
        out.print(_OPENS_HERE_ONLY)


@backup.command("list")
def list_backups(place: PlaceOption = None, as_json: JsonOption = False) -> None:
    """List the whole backups, the newest first."""
    settings = read_quiet_settings()

    async def act() -> list[Head]:
        target = opening.open_target(settings, place)
        return [head_of(each, await target.manifest(each)) for each in await target.whole()]

    heads = _told(lambda: asyncio.run(act()))
    if as_json:
        print_json({"backups": [asdict(head) for head in heads]})
        return
    table = Table("id", "made", "version", "schema", "passphrase")
    for head in heads:
        made = f"{head.created_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(
            head.id, made, head.version, head.schema, "yes" if head.has_passphrase else ""
        )
    print_table(table)


@backup.command("verify")
def verify(
    backup_id: IdArgument = NEWEST,
    place: PlaceOption = None,
    searches: Annotated[
        int, typer.Option(min=0, max=10_000, help="Searches to make in what was restored.")
    ] = 100,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into a database that is thrown away, and compare what is in it."""
    settings = read_quiet_settings()

    async def act() -> Verified:
        opened = await _open(settings, place, backup_id)
        return await verify_backup(settings, opened, searches, _step(as_json))

    done = _told(lambda: asyncio.run(act()))
    if as_json:
        print_json(asdict(done) | {"ok": done.is_equal})
    else:
        out.print(
            f"Backup {done.id}: {done.rows:,} rows of {done.tables} tables are the same, "
            f"{done.files:,} files are whole, {done.decrypted} of them decrypted; "
            f"{done.found} of {done.searches} searches found what they named.",
            markup=False,
        )
        for name in done.different:
            out.print(f"different: {name}", style="red", markup=False)
    if not done.is_equal:
        raise typer.Exit(SOME_FAILED)


@backup.command("restore")
def restore_backup(
    backup_id: IdArgument = NEWEST,
    place: PlaceOption = None,
    is_replacing: Annotated[
        bool, typer.Option("--replace", help="Lose what the embedded database holds.")
    ] = False,
    is_foreign: Annotated[
        bool,
        typer.Option("--from-another", help="Let --replace take a backup of another installation."),
    ] = False,
    is_for_files: Annotated[
        bool,
        typer.Option("--files-only", help="Go on with a restore that was stopped at its files."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into an empty installation; all of it, or nothing."""
    settings = read_quiet_settings()
    if is_for_files:
        _go_on_with_files(settings, place, as_json)
        return
    replacing = Replacing(is_allowed=is_replacing, from_another=is_foreign)
    opened, rows = _told(lambda: _restore(settings, place, backup_id, replacing, as_json))
    differing = _differing(settings, opened)
    if as_json:
        print_json(
            {"id": opened.head.id, "rows": rows, "files": opened.manifest.files,
             "settings": differing}
        )  # fmt: skip
        return
    out.print(
        f"Backup {opened.head.id} is restored: {rows:,} rows, {opened.manifest.files:,} files.",
        markup=False,
    )
    for name, value in differing.items():
        out.print(f"It was made with {name}={value}; that is not set here.", markup=False)


@backup.command("schedule")
def show_schedule(as_json: JsonOption = False) -> None:
    """Show when backups are made and removed, and how old the newest is."""
    settings = read_quiet_settings()

    async def act() -> list[str]:
        return await opening.open_target(settings).whole() if settings.backup_url else []

    whole = _told(lambda: asyncio.run(act()))
    document = {
        "place": settings.backup_url,
        "hours": settings.backup_hours if settings.backup_url else 0,
        "keep_days": settings.backup_keep_days,
        "has_passphrase": settings.backup_passphrase is not None,
        "backups": len(whole),
        "newest": whole[0] if whole else None,
    }
    if as_json:
        print_json(document)
        return
    if settings.backup_url is None or not settings.backup_hours:
        lacks = f"{PREFIX}BACKUP_URL" if settings.backup_url is None else f"{PREFIX}BACKUP_HOURS"
        out.print(f"No backups are made by themselves: set {lacks}, then start the workers anew.")
        return
    out.print(
        f"Every {settings.backup_hours} hours a worker makes one in {settings.backup_url}; those "
        f"older than {settings.backup_keep_days} days are removed. There are {len(whole)}, the "
        f"newest is {whole[0] if whole else 'still to be made'}.",
        markup=False,
    )
    if settings.backup_passphrase is None:
        out.print(_OPENS_HERE_ONLY)


@backup.command("prune")
def prune_backups(
    keep_days: Annotated[
        int | None,
        typer.Option(min=0, max=3_650, help="Age at which they go; the setting unless given."),
    ] = None,
    place: PlaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old backups, never the newest, and files that none of the others has."""

    async def act(platform: Platform, _caller: Caller) -> list[str]:
        settings = platform.settings
        keep = timedelta(days=settings.backup_keep_days if keep_days is None else keep_days)
        target = opening.open_target(settings, place, is_written=True)
        url = opening.source_url(settings, platform.database.url)
        return await prune(target, url, keep, opening.unlocking(settings))

    removed = run(act)
    if as_json:
        print_json({"removed": removed})
        return
    for backup_id in removed:
        out.print(f"removed {backup_id}", markup=False)
    out.print(f"{len(removed)} backups were removed.")


def _restore(
    settings: Settings, place: str | None, backup_id: str, replacing: Replacing, as_json: bool
) -> tuple[Opened, int]:
    opened = asyncio.run(_open(settings, place, backup_id))
    _check_key(settings, opened)
    storage = open_storage(settings)
    with restored_database(settings, opened.head, replacing) as url:
        # Accepted beside the present one until the rows are in: killed in between, both open it.
        is_offered = settings.secret_key is None and offer_key(settings.home, opened.masters[0])
        is_restored = False
        try:
            restored = asyncio.run(restore(opened, url, storage, _step(as_json)))
            migrate(url)
            is_restored = True
        finally:
            if is_offered and not is_restored:
                withdraw_key(settings.home)
    if is_offered:
        adopt_next_key(settings.home)
    # Last: until the databases are exchanged the rows of the former one need what is there.
    replacing_files = opened.replace_files(
        storage, restored.present, _step(as_json), is_noted=restored.is_noted
    )
    asyncio.run(replacing_files)
    if restored.is_noted:
        with filled_database(settings) as url:
            forget_files_to_come(url)
    return opened, restored.rows


def _go_on_with_files(settings: Settings, place: str | None, as_json: bool) -> None:
    """Put the files of a restore in their place whose rows are in, and which was stopped then."""

    def act() -> tuple[str, int]:
        with filled_database(settings) as url:
            backup_id = files_to_come(url)
            if backup_id is None:
                raise StartupError(
                    "No restore into this database was stopped at its files; nothing was changed."
                )
            opened = asyncio.run(_open(settings, place, backup_id))
            storage = open_storage(settings)

            async def put() -> int:
                present = await opened.put_new_files(storage, _step(as_json))
                await opened.replace_files(storage, present, _step(as_json))
                return len(present)

            asyncio.run(put())
            forget_files_to_come(url)
            return backup_id, opened.manifest.files

    backup_id, files = _told(act)
    if as_json:
        print_json({"id": backup_id, "files": files})
    else:
        out.print(f"The {files:,} files of the backup {backup_id} are in their place.")


async def _open(settings: Settings, place: str | None, backup_id: str) -> Opened:
    target = opening.open_target(settings, place)
    if backup_id == NEWEST:
        backup_id = await _newest(target)
    # The passphrase first: asking for the keys would make one where there is none yet.
    by_passphrase = Unlocking(None, opening.passphrase(settings))
    try:
        return await Opened.of(target, backup_id, by_passphrase)
    except WrongKeyError:
        return await Opened.of(target, backup_id, opening.unlocking(settings))


async def _newest(target: Target) -> str:
    whole = await target.whole()
    if not whole:
        raise StartupError(f"There is no whole backup in {target.name}.")
    return whole[0]


def _check_key(settings: Settings, opened: Opened) -> None:
    """Refuse a secret key of the settings that does not open the files of the backup."""
    if settings.secret_key is None:
        return
    if opened.masters[0] not in load_master_keys(settings).all:
        raise StartupError(
            f"{PREFIX}SECRET_KEY is not the one the backup was made with. Set that one, or unset "
            "it: the key comes out of the backup then."
        )


def _differing(settings: Settings, opened: Opened) -> dict[str, str]:
    present = opening.told_settings(settings)
    return {
        name: value
        for name, value in opened.manifest.settings.items()
        if present.get(name) != value
    }


def _step(as_json: bool) -> Callable[[str], None]:
    """A function that tells an operator who waits how far it is."""

    def tell(step: str) -> None:
        if err.is_terminal and not as_json and step.partition(" ")[0] != "file":
            err.print(f"  {step}", style="dim", markup=False)

    return tell


def _told(action: Callable[[], T]) -> T:
    """Run an action; its errors end the command with one line."""
    try:
        return action()
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    except DATABASE_ERRORS as error:
        stop_for_database(error)
    except OSError as error:
        stop(f"The backups cannot be read: {error.strerror or error}.", NOT_AVAILABLE)
    except KeyboardInterrupt:
        stop("Stopped; nothing was changed.", INTERRUPTED)
