"""`jobs`."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    counted,
    out,
    print_json,
    print_table,
    readable,
)
from citewell.features.documents import service as documents
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.jobs import service
from citewell.features.jobs.schemas import JobRead, JobState
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.work import Job, JobProgress, JobStatus

jobs = typer.Typer(no_args_is_help=True, help="List, show, cancel and retry jobs.")

JobArgument = Annotated[
    str,
    typer.Argument(metavar="JOB", help="The job's id, its beginning or end.", callback=readable),
]
JOB = Findable("job", Job, service.seen)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(jobs, name="jobs")


@jobs.command("list")
def list_jobs(
    status: Annotated[JobStatus | None, typer.Option(help="Only jobs with this status.")] = None,
    document: Annotated[
        str | None,
        typer.Option(
            metavar="DOCUMENT", help="Only of this one, by id or title.", callback=readable
        ),
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Jobs a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    titles: dict[uuid.UUID, str] = {}

    async def act(platform: Platform, caller: Caller) -> tuple[list[JobRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            wanted = await documents.id_of(ctx, document) if document else None
            found = await service.page(
                ctx, PageRequest(page, limit), status=status, document_id=wanted
            )
            of = [each.document_id for each in map(JobState.read, found.items) if each.document_id]
            for known, state in (await documents.readable(ctx, of)).items():
                titles[known] = state.document.title
            return [state.read() for state in found.items], found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"jobs": [item.model_dump(mode="json") for item in items], "total": total})
        return
    table = Table("id", "status", "progress", "attempts", "document", "version", "reason")
    for item in items:
        table.add_row(
            str(item.id), item.status, _progress(item), str(item.attempts),
            Text(_shown(item.document_id, titles)), str(item.version or ""),
            Text(item.reason or ""),
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'job')}.")


@jobs.command("show")
def show_job(
    job_id: JobArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one job."""
    item = _read(service.get, job_id, tenant, as_user)
    if as_json:
        print_json(item.model_dump(mode="json"))
        return
    for name, value in item.model_dump(mode="json").items():
        out.print(f"{name:15} {_progress(item) if name == 'progress' else value}", markup=False)


@jobs.command("cancel")
def cancel_job(
    job_id: JobArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel a job that is not finished; its partial results are removed."""
    item = _read(service.cancel, job_id, tenant, as_user)
    if as_json:
        print_json(item.model_dump(mode="json"))
    else:
        out.print("Cancelled.")


@jobs.command("retry")
def retry_job(
    job_id: JobArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a failed or cancelled job again; a worker does it."""
    item = _read(service.retry, job_id, tenant, as_user)
    if as_json:
        print_json(item.model_dump(mode="json"))
    else:
        out.print("Queued.")


def _read(
    action: Callable[[Context, uuid.UUID], Awaitable[JobState]],
    wanted: str,
    tenant: str,
    as_user: str | None,
) -> JobRead:
    async def act(platform: Platform, caller: Caller) -> JobRead:
        async with unit_of_work(platform, caller) as ctx:
            return (await action(ctx, await id_of(ctx, JOB, wanted))).read()

    return administer(act, tenant=tenant, as_user=as_user)


def _shown(document_id: uuid.UUID | None, titles: Mapping[uuid.UUID, str]) -> str:
    """The title of a document, or its id where it is hidden or gone."""
    return titles.get(document_id, str(document_id)) if document_id else ""


def _progress(item: JobRead) -> str:
    now = item.progress
    return str(JobProgress(now.stage, now.done, now.total)) if now else ""
