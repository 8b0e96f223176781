"""`queries`."""

import sys
import uuid
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    checked,
    counted,
    out,
    print_json,
    print_table,
    readable,
    run,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.queries import replaying, service
from citewell.features.queries.schemas import (
    FeedbackCreate,
    FeedbackRead,
    Only,
    QueryFilter,
    QuerySummary,
    ReplayRead,
    StoredAnswer,
)
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.queries import QueryLog

queries = typer.Typer(
    no_args_is_help=True, help="Stored answers: list, show, replay and rate them."
)

QueryArgument = Annotated[
    str,
    typer.Argument(
        metavar="ANSWER", help="The answer's id, its beginning or end.", callback=readable
    ),
]
QUERY = Findable("answer", QueryLog, service.seen)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(queries, name="queries")


OnlyOption = Annotated[Only | None, typer.Option(help="Only these questions.")]
UserOption = Annotated[uuid.UUID | None, typer.Option("--user", help="Id of who asked.")]
SinceOption = Annotated[datetime | None, typer.Option("--from", help="First moment, in UTC.")]
UntilOption = Annotated[datetime | None, typer.Option("--to", help="End, exclusive, in UTC.")]


@queries.command("list")
def list_queries(
    only: OnlyOption = None,
    user: UserOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Questions a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was asked, newest first."""
    wanted = QueryFilter(only, user, _in_utc(since), _in_utc(until))

    async def act(platform: Platform, caller: Caller) -> tuple[list[QuerySummary], int]:
        async with unit_of_work(platform, caller) as ctx:
            found = await service.page(ctx, wanted, PageRequest(page, limit))
            return found.items, found.total

    items, total = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"queries": [each.model_dump(mode="json") for each in items], "total": total})
        return
    table = Table("id", "time", "answered", "confidence", "rating", "question")
    for each in items:
        table.add_row(
            str(each.query_id), f"{each.timestamp:%Y-%m-%d %H:%M}",
            "no" if each.abstained else "yes", each.confidence.level,
            "" if each.rating is None else str(each.rating), Text(each.query),
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'question')}.")


@queries.command("export")
def export_queries(
    only: OnlyOption = None,
    user: UserOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
) -> None:
    """Write the questions as CSV on standard output, oldest first."""
    wanted = QueryFilter(only, user, _in_utc(since), _in_utc(until))

    async def act(platform: Platform, caller: Caller) -> None:
        async with aclosing(service.export(platform, caller, wanted)) as parts:
            async for part in parts:
                sys.stdout.write(part.decode())
        sys.stdout.flush()

    run(act, tenant=tenant, as_user=as_user)


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


@queries.command("show")
def show_query(
    query_id: QueryArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a stored answer, without what may not be read now."""

    async def act(platform: Platform, caller: Caller) -> StoredAnswer:
        async with unit_of_work(platform, caller) as ctx:
            return await service.get(ctx, await id_of(ctx, QUERY, query_id))

    found = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    out.print(found.query, style="bold", markup=False)
    out.print(found.answer or "Part of the answer is withheld or erased.", markup=False)
    for each in found.citations:
        quote = each.text if each.is_readable else "may not be read now"
        out.print(f"[{each.number}] {each.title or ''}: {quote}", markup=False)
    for rating in found.feedback:
        out.print(f"rated {rating.rating}: {rating.comment}", markup=False)


@queries.command("replay")
def replay_query(
    query_id: QueryArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a stored question again: what is different today, and why."""

    async def act(platform: Platform, caller: Caller) -> ReplayRead:
        async with unit_of_work(platform, caller) as ctx:
            wanted = await id_of(ctx, QUERY, query_id)
        return await replaying.replay(platform, caller, wanted)

    found = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    out.print(f"then: {found.then.answer or 'withheld'}", markup=False)
    out.print(f"now:  {found.now.answer}", markup=False)
    if found.is_same:
        out.print("Nothing is different.")
    for title, changes in (("different", found.differences), ("because", found.reasons)):
        for change in changes:
            out.print(f"{title}: {change.detail} ({change.code})", markup=False)


@queries.command("rate")
def rate_query(
    query_id: QueryArgument,
    rating: Annotated[int, typer.Argument(min=1, max=5, help="5: just right, 1: wrong.")],
    comment: Annotated[str, typer.Option(help="What was right or wrong about it.")] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rate an answer; a further rating replaces the former."""

    async def act(platform: Platform, caller: Caller) -> FeedbackRead:
        async with unit_of_work(platform, caller) as ctx:
            wanted = await id_of(ctx, QUERY, query_id)
            data = checked(FeedbackCreate, query_id=wanted, rating=rating, comment=comment)
            return await service.rate(ctx, data)

    given = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(given.model_dump(mode="json"))
    else:
        out.print(f"Rated {given.rating}.")
