"""`documents download` and `documents update`: what a librarian does with single documents."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    checked,
    out,
    print_json,
    readable,
    stop,
)
from citewell.entrypoints.commands.values import parse_value
from citewell.features.documents import service
from citewell.features.documents.schemas import DocumentRead, DocumentUpdate
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.versions.schemas import MAX_INTEGER

DocumentName = Annotated[
    str,
    typer.Argument(
        metavar="DOCUMENT", help="Its id, its beginning or end, or its title.", callback=readable
    ),
]
CollectionOption = Annotated[
    str | None,
    typer.Option(help="The collection that it is in, where several fit.", callback=readable),
]

STANDARD_OUTPUT = Path("-")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("download")(download)
    app.command("update")(update_document)


def download(
    document: DocumentName,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE",
            help="Where to; a folder, or `-`: standard output. Its own name here unless given.",
        ),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, max=MAX_INTEGER, help="Version; the newest unless given.")
    ] = None,
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
) -> None:  # fmt: skip
    """Write the original file of a document; a file that is there is not replaced."""

    async def act(platform: Platform, caller: Caller) -> str:
        async with unit_of_work(platform, caller) as ctx:
            document_id = await service.id_of(ctx, document, collection)
        async with service.original_file(platform, caller, document_id, version) as original:
            return _write(original.path, original.filename, output)

    written = administer(act, tenant=tenant, as_user=as_user)
    if output != STANDARD_OUTPUT:
        out.print(written, markup=False)


def _write(source: Path, filename: str, output: Path | None) -> str:
    """Copy a file to where it was asked for; returns where that is."""
    # The name is a document's: never a path out of the folder.
    name = Path(filename.replace("\\", "/")).name or "document"
    target = Path(name) if output is None else output / name if output.is_dir() else output
    try:
        with source.open("rb") as reader:
            if output == STANDARD_OUTPUT:
                shutil.copyfileobj(reader, sys.stdout.buffer)
                return name
            with target.open("xb") as writer:
                shutil.copyfileobj(reader, writer)
    except FileExistsError:
        stop(f"{target} is there already; name another with --output.", USAGE)
    except OSError as error:
        stop(f"{target} cannot be written: {error.strerror}.", NOT_AVAILABLE)
    return str(target)


def update_document(
    document: DocumentName,
    title: Annotated[str | None, typer.Option(help="Another title.", callback=readable)] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a value of its metadata."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KEY", help="Remove such a value.")
    ] = None,
    access: Annotated[
        str | None,
        typer.Option(help="public, internal, confidential or restricted.", callback=readable),
    ] = None,
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change title, metadata or access level of a document; nothing is embedded anew."""
    if not (title or values or without or access):
        stop("Say what to change: --title, --set, --unset or --access.", USAGE)
    changes = dict(parse_value(each) for each in values or [])

    async def act(platform: Platform, caller: Caller) -> DocumentRead:
        async with unit_of_work(platform, caller) as ctx:
            document_id = await service.id_of(ctx, document, collection)
            given: dict[str, object] = {"title": title, "access_level": access}
            if changes or without:
                kept = (await service.get(ctx, document_id)).read().metadata
                gone = set(without or [])
                given["metadata"] = {
                    key: value for key, value in {**kept, **changes}.items() if key not in gone
                }
            data = checked(DocumentUpdate, **given)
            return (await service.update(ctx, document_id, data)).read()

    changed = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(changed.model_dump(mode="json"))
    else:
        out.print("Changed.")
