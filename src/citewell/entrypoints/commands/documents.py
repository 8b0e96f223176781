"""`ingest` and `documents`."""

import uuid
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.entrypoints.commands import granting, librarian, pruning, trash, versions
from citewell.entrypoints.commands.ingesting import FileResult, ingest_paths, name_like_documents
from citewell.entrypoints.commands.likeness import like_documents, told
from citewell.entrypoints.commands.pruning import Gone, gone_files
from citewell.entrypoints.commands.running import (
    SOME_FAILED,
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    checked,
    counted,
    err,
    out,
    print_json,
    print_table,
    readable,
    run,
    stop,
)
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents import service
from citewell.features.documents.schemas import DocumentQuery, DocumentRead, OnDuplicate
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.documents import VersionStatus

documents = typer.Typer(no_args_is_help=True, help="List, show, compare and delete documents.")

INTERRUPTED = (
    "Stopped. What was read is kept and goes on with the next `citewell serve`, `citewell worker` "
    "or by running the same command again."
)

BESIDE = "These go on answering beside the new ones; `citewell documents delete ID` removes one."

ROLLBACK = "`citewell documents rollback` chooses"

MOST_TOLD = 20
"""Most files of which each has a line that says what it has done."""

CHANGES = {
    "new": "new", "version": "with a new version", "retried": "tried again",
    "unchanged": "unchanged",
}  # fmt: skip
"""Words of the last line for changes."""

MOST_NAMED = 10
"""Files named where several were left out."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ingest)
    versions.add_to(documents)
    trash.add_to(documents)
    librarian.add_to(documents)
    granting.add_to_documents(documents)
    app.add_typer(documents, name="documents")


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.", show_default=False)],
    collection: Annotated[
        str | None, typer.Option(help="Collection, made if new.", callback=readable)
    ] = None,
    access: Annotated[
        str | None,
        typer.Option(
            help="public, internal, confidential or restricted; new documents are internal."
        ),
    ] = None,
    on_duplicate: Annotated[
        OnDuplicate,
        typer.Option(help="How to treat a file that is known by its path or name."),
    ] = OnDuplicate.VERSION,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return as soon as the files are queued.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Remove documents whose files have gone."),
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say what --prune would remove.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in files and folders; returns when they are searchable."""
    # One that is missing beside others is named with what failed, and the others are taken in.
    if all(_is_missing(path) for path in paths):
        stop(f"There is no file or folder {paths[0]}.", USAGE)
    try:
        level = service.parse_access_level(access) if access is not None else None
    except AppError as error:
        stop(error.detail, USAGE)
    if collection is not None:
        collection = checked(CollectionCreate, name=collection).name

    if preview and not prune:
        stop("`--preview` says what `--prune` would remove: give both.", USAGE)
    if preview:
        _preview(paths, collection, tenant, as_user, as_json=as_json)
        return
    skipped: list[str] = []
    removed: Gone | None = None

    async def act(platform: Platform, caller: Caller) -> list[FileResult]:
        nonlocal removed
        results = await ingest_paths(
            platform,
            caller,
            paths,
            collection=collection,
            access_level=level,
            on_duplicate=on_duplicate,
            wait=not no_wait,
            show_progress=True,
            skipped=skipped,
        )
        if not no_wait:
            await name_like_documents(platform, caller, results)
        if prune:
            gone = await gone_files(platform, caller, paths, collection)
            removed = Gone(await pruning.prune(platform, caller, gone.files), gone.kept)
        return results

    results = run(
        act, tenant=tenant, as_user=as_user, with_worker=not no_wait, interrupted=INTERRUPTED
    )
    _report(results, skipped, removed, as_json=as_json)


def _report(
    results: list[FileResult], skipped: list[str], removed: Gone | None, *, as_json: bool
) -> None:
    """Say what became of files; the command ends with 1 if some failed."""
    failed = [result for result in results if result.has_failed]
    kept = sum(each.error is not None for each in removed.files) if removed else 0
    _print_left_out(skipped)
    if as_json:
        documents_json = [result.as_json() for result in results]
        also = {} if removed is None else removed.as_json()
        count = len(failed) + kept
        print_json({"documents": documents_json, "failed": count, "skipped": skipped, **also})
    else:
        _print_results(results, failed)
        if removed is not None:
            _print_removed(removed, "removed")
    if failed or kept:
        raise typer.Exit(SOME_FAILED)


def _preview(
    paths: list[Path], collection: str | None, tenant: str, as_user: str | None, *, as_json: bool
) -> None:
    """Say which documents `--prune` would remove."""

    async def act(platform: Platform, caller: Caller) -> Gone:
        return await gone_files(platform, caller, paths, collection)

    gone = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(gone.as_json())
    else:
        _print_removed(gone, "would be removed")


def _print_removed(gone: Gone, what: str) -> None:
    for each in gone.kept:
        line = (
            f"kept {counted(len(each.document_ids), 'document')} of {each.folder}, in which nothing"
            " can be seen: mount it. If its files have gone for good, put another file into the"
            " folder and run this again, or use `citewell documents delete`."
        )
        err.print(line, style="yellow", markup=False)
    for each in gone.files:
        why = f": {each.error}" if each.error else ""
        line = f"{'kept' if each.error else what} {each.path} ({each.title}){why}"
        err.print(line, style="yellow", markup=False)
    count = sum(each.error is None for each in gone.files)
    out.print(f"{counted(count, 'document')} {what}.")


def _is_missing(path: Path) -> bool:
    """Whether nothing is at the path; an unreadable file is reported with the results instead."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _print_left_out(paths: list[str]) -> None:
    """Say on stderr which files of unsupported kinds were not taken in."""
    if not paths:
        return
    more = f" and {len(paths) - MOST_NAMED:,} more" if len(paths) > MOST_NAMED else ""
    named = ", ".join(paths[:MOST_NAMED])
    kinds = "of unsupported kinds"
    err.print(f"skipped {len(paths):,} {kinds}: {named}{more}", style="yellow", markup=False)


def _print_results(results: list[FileResult], failed: list[FileResult]) -> None:
    for result in failed:
        err.print(f"failed  {result.path}: {result.error}", style="red", markup=False)
    for result in results if len(results) <= MOST_TOLD else ():
        if result.change and not result.has_failed:
            err.print(f"{_said(result):9} {result.path}", markup=False)
    for result in results:
        for each in result.warnings:
            err.print(f"warning {result.path}: {each['message']}", style="yellow", markup=False)
        for each in result.resembles:
            err.print(f"similar {result.path}: {told(each)}", style="yellow", markup=False)
    if any(result.resembles for result in results):
        err.print(BESIDE, style="yellow", markup=False)
    ready = [result for result in results if result.status == VersionStatus.READY]
    unused = sum(result.status == VersionStatus.SUPERSEDED for result in results)
    queued = len(results) - len(ready) - len(failed) - unused
    passages = counted(sum(result.chunks for result in ready), "passage")
    parts = [f"{len(ready)} ready ({passages})"]
    if unused:
        parts.append(f"{unused} unchanged while another version answers ({ROLLBACK})")
    if queued:
        parts.append(f"{queued} queued")
    if failed:
        parts.append(f"{len(failed)} failed")
    if not results:
        parts = ["Nothing to ingest: no file of a supported kind was found"]
    uncounted = (VersionStatus.FAILED, VersionStatus.CANCELLED, VersionStatus.SUPERSEDED)
    made = Counter(result.change for result in results if result.status not in uncounted)
    done = [f"{made[change]} {word}" for change, word in CHANGES.items() if made[change]]
    out.print(f"{', '.join(parts)}.{' ' + ', '.join(done) + '.' if done else ''}")


def _said(result: FileResult) -> str:
    """The change that a file made, in two words."""
    if result.change == "version":
        return f"version {result.version}"
    return result.change or ""


@documents.command("list")
def list_documents(
    collection: Annotated[
        str | None, typer.Option(help="Only this collection.", callback=readable)
    ] = None,
    status: Annotated[
        VersionStatus | None, typer.Option(help="Only documents whose newest version has it.")
    ] = None,
    search: Annotated[
        str | None, typer.Option(help="Part of the title.", callback=readable)
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Documents a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List documents, newest first."""
    names: dict[uuid.UUID, str] = {}

    async def act(platform: Platform, caller: Caller) -> tuple[list[DocumentRead], int, int]:
        async with unit_of_work(platform, caller) as ctx:
            wanted = (await collections.find(ctx, collection)).id if collection else None
            asked = DocumentQuery(wanted, status, search)
            found = await service.page(ctx, PageRequest(page, limit), asked)
            failed = 0
            if not status and not as_json:
                failing = DocumentQuery(wanted, VersionStatus.FAILED, search)
                failed = (await service.page(ctx, PageRequest(1, 1), failing)).total
            held = {item.document.collection_id for item in found.items}
            names.update(await collections.names_of(ctx, held))
            return [each.read() for each in found.items], found.total, failed

    items, total, failed = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"documents": [item.model_dump(mode="json") for item in items], "total": total})
        return
    # Where they come from one collection, titles tell them apart.
    has_several = len({item.collection_id for item in items}) > 1
    where = ("collection", "file") if has_several else ()
    table = Table(
        "id", "title", *where, "version", "answers", "status", "pages", "passages", "warnings"
    )
    for item in items:
        place = (Text(names.get(item.collection_id, "")), Text(item.filename))
        table.add_row(
            str(item.id), Text(item.title), *place[: len(where)], str(item.version),
            str(item.active_version or "none"), item.status, str(item.pages or ""),
            str(item.chunks), str(len(item.warnings) or ""),
        )  # fmt: skip
    print_table(table)
    for item in items:
        # Below the table: a reason is a sentence or two, which no column holds.
        if item.error is not None:
            out.print(f"{item.id} {item.status}: {item.error['detail']}", markup=False)
    out.print(f"{counted(total, 'document')}{f', {failed} of them failed' if failed else ''}.")


@documents.command("show")
def show_document(
    document: librarian.DocumentName,
    collection: librarian.CollectionOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one document."""

    async def act(
        platform: Platform, caller: Caller
    ) -> tuple[DocumentRead, str | None, list[dict[str, Any]] | None]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.get(ctx, await service.id_of(ctx, document, collection))
            held_in = found.document.collection_id
            name = (await collections.names_of(ctx, [held_in])).get(held_in)
        return found.read(), name, await like_documents(platform, caller, found.document.id)

    shown, name, like = run(act, tenant=tenant, as_user=as_user)
    item: dict[str, Any] = {"collection": name, **shown.model_dump(mode="json")}
    if as_json:
        print_json(item | {"resembles": like})
        return
    warnings = item.pop("warnings")
    if error := item["error"]:
        item["error"] = f"{error['detail']} ({error['code']})"
    for name, value in item.items():
        if value not in (None, {}):
            out.print(f"{name:15} {value}", markup=False)
    for each in warnings:
        out.print(f"{'warning':15} {each['message']} ({each['code']})", markup=False)
    for each in like or ():
        out.print(f"{'resembles':15} {told(each)}", markup=False)
