"""`analytics` and `usage`."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ValidationError
from rich.table import Table as Shown
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    counted,
    out,
    print_json,
    print_table,
    run,
    stop,
)
from citewell.features.analytics import counting, service
from citewell.features.analytics.schemas import (
    Bucket,
    DayRange,
    DocumentKind,
    DocumentsRead,
    FiguresTable,
    QuestionKind,
    QuestionsRead,
    Spender,
    SpendersRead,
    UsageFiguresRead,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.usage import metering
from citewell.features.usage.schemas import MeteredUsage

analytics = typer.Typer(no_args_is_help=True, help="What is asked, cited, rated and spent.")
usage = typer.Typer(no_args_is_help=True, help="Metered usage, for the bill.")

SinceOption = Annotated[datetime | None, typer.Option("--from", help="First day (UTC).")]
UntilOption = Annotated[datetime | None, typer.Option("--to", help="End, exclusive.")]
LimitOption = Annotated[int, typer.Option(min=1, max=service.MOST_EXPORTED, help="Most lines.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(analytics, name="analytics")
    app.add_typer(usage, name="usage")


def _range(since: datetime | None, until: datetime | None) -> DayRange:
    return service.range_of(since and since.date(), until and until.date())


def _print(columns: Sequence[str], rows: Sequence[BaseModel]) -> None:
    table = Shown(*(name.replace("_", " ") for name in columns))
    for row in rows:
        values: list[Any] = [getattr(row, name) for name in columns]
        table.add_row(*(Text("" if value is None else str(value)) for value in values))
    print_table(table)


@analytics.command("show")
def show_usage(
    since: SinceOption = None,
    until: UntilOption = None,
    bucket: Annotated[Bucket, typer.Option(help="day or month.")] = "day",
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show questions, people, ratings, times and cost of a time; the last 30 days unless given."""

    async def act(platform: Platform, caller: Caller) -> UsageFiguresRead:
        async with unit_of_work(platform, caller) as ctx:
            return await service.usage_of(ctx, _range(since, until), bucket)

    found = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    columns = ("start", "questions", "users", "unanswered", "low_confidence", "rating", "money")
    _print(columns, found.buckets)
    total = found.total
    out.print(
        f"{total.questions} questions of {found.users} people and keys "
        f"on {found.active_days} days; "
        f"p95 {total.latency_ms.p95 or 0:.0f} ms; "
        f"{total.input_tokens + total.output_tokens} tokens."
    )


@analytics.command("questions")
def show_questions(
    kind: Annotated[QuestionKind, typer.Option(help="Which.")] = QuestionKind.POPULAR,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the most frequent questions, near-equal ones as one."""

    async def act(platform: Platform, caller: Caller) -> QuestionsRead:
        async with unit_of_work(platform, caller) as ctx:
            return await service.questions(ctx, _range(since, until), kind, limit)

    found = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    columns = ("questions", "before", "unanswered", "low_confidence", "bad_ratings", "query")
    _print(columns, found.data)


@analytics.command("documents")
def show_documents(
    kind: Annotated[DocumentKind, typer.Option(help="Which.")] = DocumentKind.MOST_CITED,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the documents that answers cite most, or never."""

    async def act(platform: Platform, caller: Caller) -> DocumentsRead:
        async with unit_of_work(platform, caller) as ctx:
            return await service.documents(ctx, _range(since, until), kind, limit)

    found = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _print(("questions", "document_id", "title"), found.data)
    out.print(f"{counted(found.total, 'document')}.")


@analytics.command("spending")
def show_spending(
    by: Annotated[Spender, typer.Option(help="By what it is told apart.")] = Spender.USER,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List questions, tokens and cost by user, group or agent."""

    async def act(platform: Platform, caller: Caller) -> SpendersRead:
        async with unit_of_work(platform, caller) as ctx:
            return await service.spending(ctx, _range(since, until), by, limit)

    found = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _print(("name", "id", "questions", "input_tokens", "output_tokens", "money"), found.data)


@analytics.command("export")
def export_table(
    table: Annotated[FiguresTable, typer.Option(help="Which table.")] = FiguresTable.USAGE,
    since: SinceOption = None,
    until: UntilOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
) -> None:
    """Write a table as CSV on standard output."""

    async def act(platform: Platform, caller: Caller) -> bytes:
        async with unit_of_work(platform, caller) as ctx:
            return await service.export(ctx, _range(since, until), table)

    sys.stdout.write(run(act, tenant=tenant, as_user=as_user).decode())


@analytics.command("recount")
def recount_days(
    since: SinceOption = None,
    until: UntilOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Count days anew, of which all questions are kept."""

    async def act(platform: Platform, caller: Caller) -> list[str]:
        days = await counting.recount(platform, caller, _range(since, until))
        return [day.isoformat() for day in days]

    days = run(act, tenant=tenant)
    if as_json:
        print_json({"days": days})
    else:
        out.print(f"{len(days)} days counted.")


@usage.command("export")
def export_usage(
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="Which month; the present one.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV instead of JSON.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
) -> None:
    """Write the metered usage of a month with signed totals on standard output."""
    if month is not None:
        try:
            month = datetime.strptime(month, "%Y-%m").strftime("%Y-%m")  # noqa: DTZ007 - a month has no zone
        except ValueError:
            stop(f"`{month}` is no month; write --month 2027-01.", USAGE)

    async def act(platform: Platform, caller: Caller) -> MeteredUsage:
        async with unit_of_work(platform, caller) as ctx:
            return await metering.of_month(ctx, month)

    found = run(act, tenant=tenant)
    if csv:
        sys.stdout.write(metering.as_csv(found).decode())
    else:
        print_json(found.model_dump(mode="json"))


@usage.command("verify")
def verify_usage(
    file: Annotated[Path, typer.Argument(help="What `usage export` or the API wrote, as JSON.")],
    as_json: JsonOption = False,
) -> None:
    """Check that the totals of a file were signed by this installation; 1: they were not."""
    try:
        metered = MeteredUsage.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        stop(f"{file} holds no metered usage.", USAGE)

    async def act(platform: Platform, _caller: Caller) -> bool:
        return metering.is_genuine(metered, metering.public_key(platform))

    is_genuine = run(act)
    if as_json:
        print_json({"genuine": is_genuine})
    else:
        out.print("Signed by this installation." if is_genuine else "Not signed so by it.")
    if not is_genuine:
        raise typer.Exit(1)
