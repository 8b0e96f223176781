"""`reindex`."""

import uuid
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from citewell.core.context import OPERATOR, Caller
from citewell.core.platform import Platform
from citewell.engine.errors import ProviderConfigurationError, ProviderError
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
from citewell.features.identity import service as identity
from citewell.features.identity import tenants
from citewell.features.ingestion import rebuilding
from citewell.features.ingestion.rebuilding import Rebuilding
from citewell.indexes.contract import GenerationChangedError
from citewell.kit.pagination import MAX_LIMIT, PageRequest


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reindex)


def reindex(
    embedding: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Model to embed with, as in CITEWELL_EMBEDDING; default: the present one.",
            callback=readable,
        ),
    ] = None,
    tenant: TenantOption = identity.DEFAULT_TENANT,
    all_tenants: Annotated[
        bool, typer.Option("--all-tenants", help="One tenant after the other.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Build even if nothing has changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Build a new index beside the one in use, then switch to it at once.

    For another embedding model, changed chunking of collections, and words of an earlier version of
    Citewell. Searches and uploads go on meanwhile. If it is stopped or killed, run it again: it
    continues where it was.
    """

    async def act(platform: Platform, caller: Caller) -> list[dict[str, Any]]:
        chosen = {tenant: caller.tenant_id}
        if all_tenants:
            chosen = await _all_tenants(platform, caller)
        return [
            {"tenant": name} | await _reindex(platform, tenant_id, name, embedding, force=force)
            for name, tenant_id in chosen.items()
        ]

    try:
        done = run(
            act,
            tenant=tenant,
            interrupted="Stopped. Run it again to continue; what is built is kept.",
        )
    except (ProviderConfigurationError, ProviderError) as error:
        stop(f"{error} Run it again to continue; what is built is kept.", NOT_AVAILABLE)
    except GenerationChangedError:
        stop("Another process has discarded the unfinished index. Run it again.", USAGE)
    if as_json:
        print_json({"tenants": done})
        return
    for each in done:
        _tell(each)


async def _all_tenants(platform: Platform, caller: Caller) -> dict[str, uuid.UUID]:
    found: dict[str, uuid.UUID] = {}
    number = 1
    while True:
        page = await tenants.page(platform, caller, PageRequest(number, MAX_LIMIT))
        found |= {each.slug: each.id for each in page.items}
        if len(found) >= page.total or not page.items:
            return found
        number += 1


async def _reindex(
    platform: Platform, tenant_id: uuid.UUID, name: str, embedding: str | None, *, force: bool
) -> dict[str, Any]:
    caller = Caller(tenant_id, OPERATOR)
    async with rebuilding.alone(platform, caller):
        work = await rebuilding.begin(platform, caller, embedding, force=force)
        if work is None:
            return {"status": "unchanged"}
        with Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TextColumn("passages"), TimeElapsedColumn(), console=err, transient=True,
            disable=not err.is_terminal,
        ) as progress:  # fmt: skip
            bar = progress.add_task(f"Embedding {name}", total=work.chunks_total)

            def show(work: Rebuilding) -> None:
                progress.update(bar, completed=work.chunks_done)

            show(work)
            await rebuilding.run(platform, caller, work, show)
    return {
        "status": "rebuilt",
        "embedding": work.building.embedding,
        "versions": work.documents,
        "chunks": work.chunks_done,
        "kept": [
            {"document_id": str(document_id), "version": number, "reason": reason}
            for document_id, number, reason in work.kept
        ],
    }


def _tell(done: dict[str, Any]) -> None:
    name = done["tenant"]
    if done["status"] == "unchanged":
        out.print(f"{name}: model, chunking and words are up to date.", markup=False)
        return
    out.print(
        f"{name}: {done['chunks']:,} passages of {done['versions']:,} versions, now embedded with "
        f"{done['embedding']}.",
        markup=False,
    )
    for kept in done["kept"]:
        out.print(
            f"  {kept['document_id']}, version {kept['version']}, keeps its passages: "
            f"{kept['reason']}.",
            markup=False,
        )
