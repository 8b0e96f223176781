"""`collections`."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.progress import DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    USAGE,
    JsonOption,
    TenantOption,
    err,
    out,
    print_json,
    readable,
    run,
    stop,
)
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import Name
from citewell.features.identity import service as identity
from citewell.features.transfers.exporting import check_passphrase, export
from citewell.features.transfers.importing import import_collection
from citewell.features.transfers.schemas import ImportReport

LONGEST_PASSPHRASE = 4096

collection = typer.Typer(no_args_is_help=True, help="Collections: list, make, change; as files.")

PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Its first line is the passphrase; `-`: standard input. Asked for unless given.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(collection, name="collections")


@collection.command("export")
def export_collection(
    name: Annotated[str, typer.Argument(metavar="NAME", callback=readable)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Must not be there yet.")],
    passphrase_file: PassphraseOption = None,
    tenant: TenantOption = identity.DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Write a collection into one file that is encrypted with a passphrase."""
    passphrase = _passphrase(passphrase_file, is_new=True)
    if file.exists():
        stop(f"{file} is there already.", USAGE)
    # Under another name until it is whole: a file that bears the name can be imported. Readable to
    # its owner only, from its first byte on.
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")

    async def act(platform: Platform, caller: Caller) -> int:
        async with unit_of_work(platform, caller) as ctx:
            found = await collections.find(ctx, name)
        size = 0
        with _progress(as_json) as progress:
            bar = progress.add_task("Exporting", total=None)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                async for piece in export(platform, caller, found.id, passphrase):
                    size += f.write(piece)
                    progress.update(bar, completed=size)
                f.flush()
                os.fsync(f.fileno())
        return size

    try:
        size = run(act, tenant=tenant, interrupted="Stopped; nothing was written.")
        draft.rename(file)
    except OSError as error:
        stop(f"{file} cannot be written: {error.strerror}.", NOT_AVAILABLE)
    finally:
        draft.unlink(missing_ok=True)
    if as_json:
        print_json({"collection": name, "file": str(file), "size_bytes": size})
    else:
        out.print(f"{name}: {size:,} bytes in {file}. Without the passphrase nobody can read it.")


@collection.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    name: Annotated[
        str | None, typer.Option(help="What it is to be called.", callback=readable)
    ] = None,
    restrict: Annotated[
        bool,
        typer.Option("--restrict", help="Restrict what people are denied who are not known here."),
    ] = False,
    passphrase_file: PassphraseOption = None,
    tenant: TenantOption = identity.DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Make a collection of an exported file, whole or not at all."""
    if name is not None:
        try:
            TypeAdapter(Name).validate_python(name)
        except ValidationError:
            stop("The name cannot be used: 1 to 200 characters.", USAGE)
    if not file.is_file():
        stop(f"There is no file {file}.", USAGE)
    passphrase = _passphrase(passphrase_file, is_new=False)

    async def act(platform: Platform, caller: Caller) -> ImportReport:
        with file.open("rb") as source:
            return await import_collection(
                platform, caller, source, passphrase, name=name, restrict=restrict
            )

    try:
        report = run(act, tenant=tenant, interrupted="Stopped; nothing was imported.")
    except OSError as error:
        stop(f"{file} cannot be imported: {error.strerror or error}.", NOT_AVAILABLE)
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    out.print(
        f"{report.name}: {report.documents:,} documents, {report.versions:,} versions, "
        f"{report.chunks:,} passages.",
        markup=False,
    )
    if report.to_embed:
        out.print(
            f"{report.to_embed:,} versions wait to be embedded: the file has no vectors of the "
            "model in use here."
        )
    if report.unknown:
        names = ", ".join(report.unknown)
        out.print(f"Rules for these were left out, nobody here is called so: {names}", markup=False)
    if report.restricted:
        out.print(f"{report.restricted:,} documents are restricted because of that.")


def _progress(is_quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=is_quiet or not err.is_terminal,
    )


def _passphrase(file: Path | None, *, is_new: bool) -> str:
    """The passphrase from a file or the terminal; another end of the command if there is none."""
    if file is None:
        if not sys.stdin.isatty():
            stop("Give the passphrase with --passphrase-file.", USAGE)
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new)
    else:
        try:
            is_piped = str(file) == "-"
            with nullcontext(sys.stdin) if is_piped else file.open(encoding="utf-8") as given:
                passphrase = given.readline(LONGEST_PASSPHRASE).rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            stop(f"The passphrase cannot be read from {file}.", USAGE)
    try:
        return check_passphrase(passphrase) if is_new else passphrase
    except AppError as error:
        stop(error.detail, USAGE)
