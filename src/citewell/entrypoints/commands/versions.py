"""`documents versions`, `documents diff` and `documents rollback`."""

import re
import uuid
from typing import Annotated

import typer
from rich.table import Table

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.librarian import CollectionOption, DocumentName
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    counted,
    out,
    print_json,
    print_table,
)
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentRead
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.versions import service
from citewell.features.versions.schemas import MAX_INTEGER, DiffRead, VersionRead
from citewell.indexes.contract import index_of
from citewell.kit.pagination import MAX_LIMIT, PageRequest

_FOR_PATCH = re.compile(r"(?m)^\\.*\n")
"""Remarks on the end of a text, which `patch` needs and people do not: lines of the texts begin
with another sign."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("versions")(list_versions)
    app.command("diff")(diff_versions)
    app.command("rollback")(roll_back)


def list_versions(
    document: DocumentName,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Versions a page.")] = 50,
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions of a document, newest first."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[VersionRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            document_id = await documents.id_of(ctx, document, collection)
            found = await service.page(ctx, document_id, PageRequest(page, limit))
            return found.items, found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"versions": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("version", "status", "answers", "passages", "embedded", "bytes", "added")
    for item in items:
        table.add_row(
            str(item.number), item.status, "yes" if item.is_active else "", str(item.chunks),
            str(item.embedded), f"{item.size_bytes:,}", f"{item.created_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'version')}.")


def diff_versions(
    document: DocumentName,
    number: Annotated[int, typer.Argument(min=1, max=MAX_INTEGER, help="The old version.")],
    other: Annotated[int, typer.Argument(min=1, max=MAX_INTEGER, help="The new version.")],
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two versions: lines as text, words with --json."""

    async def words(platform: Platform, caller: Caller) -> DiffRead:
        wanted = await _id(platform, caller, document, collection)
        return await service.compare(platform, caller, wanted, number, other)

    async def lines(platform: Platform, caller: Caller) -> str:
        wanted = await _id(platform, caller, document, collection)
        return await service.compare_as_text(platform, caller, wanted, number, other)

    if as_json:
        found = administer(words, tenant=tenant, as_user=as_user)
        print_json(found.model_dump(mode="json"))
        return
    text = administer(lines, tenant=tenant, as_user=as_user)
    out.print(_FOR_PATCH.sub("", text) or "The texts are the same.\n", markup=False, end="")


def roll_back(
    document: DocumentName,
    number: Annotated[int, typer.Argument(min=1, max=MAX_INTEGER, help="The version.")],
    collection: CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an earlier version of a document answer again; nothing is embedded anew."""

    async def act(platform: Platform, caller: Caller) -> DocumentRead:
        async with unit_of_work(platform, caller) as ctx:
            wanted = await documents.id_of(ctx, document, collection)
            answering = (await service.rollback(ctx, wanted, number)).read()
        await index_of(platform).maintenance.fold_statistics(caller.tenant_id)
        return answering

    answering = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(answering.model_dump(mode="json"))
        return
    out.print(f"Version {answering.active_version} of {answering.title} answers.", markup=False)


async def _id(
    platform: Platform, caller: Caller, document: str, collection: str | None
) -> uuid.UUID:
    async with unit_of_work(platform, caller) as ctx:
        return await documents.id_of(ctx, document, collection)
