"""`eval`: datasets, their cases, and runs over them."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar, cast

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.errors import ProviderError
from citewell.entrypoints.commands.evaluation import (
    evaluation,
    print_comparison,
    progress_bar,
)
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    AsOption,
    JsonOption,
    TenantOption,
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
from citewell.features.evaluations import (
    comparing,
    datasets,
    gating,
    generations,
    running,
)
from citewell.features.evaluations.gating import RunLimits
from citewell.features.evaluations.schemas import (
    CaseCreate,
    CaseFilter,
    CaseRead,
    CaseUpdate,
    CaseWriter,
    DatasetCreate,
    DatasetRead,
    GenerationCreate,
    GenerationRead,
    RunComparison,
    RunRead,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.evaluations import EvalRun

T = TypeVar("T")

DatasetArgument = Annotated[str, typer.Argument(help="Name of an evaluation dataset.")]

RUN = Findable("run", EvalRun, running.seen)


def add_to(_: typer.Typer) -> None:
    """Add the commands to those of `eval`."""
    for name, command in (
        ("datasets", list_datasets),
        ("create", create_dataset),
        ("cases", list_cases),
        ("add", add_case),
        ("generate", generate_cases),
        ("review", review_cases),
        ("run", run_dataset),
        ("compare", compare_runs),
    ):
        evaluation.command(name)(command)


def list_datasets(
    tenant: TenantOption = DEFAULT_TENANT, as_user: AsOption = None, as_json: JsonOption = False
) -> None:
    """List the evaluation datasets."""

    async def act(ctx: Context) -> list[DatasetRead]:
        return (await datasets.page(ctx, PageRequest(1, MAX_LIMIT))).items

    found = _within(act, tenant, as_user)
    if as_json:
        print_json({"datasets": [each.model_dump(mode="json") for each in found]})
        return
    table = Table("name", "cases", "description")
    for each in found:
        table.add_row(Text(each.name), str(each.cases), Text(each.description))
    print_table(table)


def create_dataset(
    name: Annotated[str, typer.Argument(help="Its name.")],
    description: Annotated[str, typer.Option(help="Purpose of it.")] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an empty dataset."""
    data = checked(DatasetCreate, name=name, description=description)
    made = _within(lambda ctx: datasets.create(ctx, data), tenant, as_user)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        out.print(f"Dataset {made.name} is made.", markup=False)


def list_cases(
    dataset: DatasetArgument,
    unreviewed: Annotated[
        bool, typer.Option("--unreviewed", help="Only those that nobody has looked at.")
    ] = False,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Cases a page.")] = MAX_LIMIT,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the cases of a dataset, oldest first."""
    only = CaseFilter(is_reviewed=False if unreviewed else None)

    async def act(ctx: Context) -> tuple[list[CaseRead], int]:
        found = await datasets.cases(
            ctx, await _id_of(ctx, dataset), only, PageRequest(page, limit)
        )
        return found.items, found.total

    items, total = _within(act, tenant, as_user)
    if as_json:
        print_json({"cases": [each.model_dump(mode="json") for each in items], "total": total})
        return
    table = Table("id", "origin", "reviewed", "kind", "question", "right")
    for each in items:
        table.add_row(
            str(each.id), each.origin, "yes" if each.is_reviewed else "no", each.kind or "",
            Text(each.question), Text(_right(each)),
        )  # fmt: skip
    print_table(table)
    out.print(f"{counted(total, 'case')}.")


def _right(case: CaseRead) -> str:
    if case.abstain:
        return "no document answers it"
    return "; ".join([*case.gold, *case.all]) or case.reference or "its documents"


def add_case(
    dataset: DatasetArgument,
    question: Annotated[str | None, typer.Option(help="The question.")] = None,
    query: Annotated[
        uuid.UUID | None,
        typer.Option(metavar="ID", help="Take it from this stored answer and its feedback."),
    ] = None,
    gold: Annotated[
        list[str] | None, typer.Option(help="One of these must be in the answer.")
    ] = None,
    every: Annotated[list[str] | None, typer.Option("--all", help="Each of these must be.")] = None,
    forbid: Annotated[list[str] | None, typer.Option(help="None of these may be.")] = None,
    abstain: Annotated[bool, typer.Option("--abstain", help="No document answers it.")] = False,
    reference: Annotated[str | None, typer.Option(help="A right answer in words.")] = None,
    document: Annotated[
        list[uuid.UUID] | None, typer.Option(metavar="ID", help="A document that answers it.")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a case: a question with what is right, or one from a stored answer."""
    given = {
        "question": question, "query_id": query, "gold": gold, "all": every, "forbid": forbid,
        "abstain": abstain or None, "reference": reference, "document_ids": document,
    }  # fmt: skip
    # An option that is not given must stay unset: its value is the stored answer's then.
    data = checked(CaseCreate, **{name: value for name, value in given.items() if value})

    async def act(ctx: Context) -> CaseRead:
        return await datasets.add_case(ctx, await _id_of(ctx, dataset), data)

    made = _within(act, tenant, as_user)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        out.print(f"Case {made.id} ({made.origin}): {made.question}", markup=False)


def generate_cases(
    dataset: DatasetArgument,
    document: Annotated[
        list[uuid.UUID] | None,
        typer.Option(metavar="ID", help="Ask about this document. None: the newest 100."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most cases.")] = 50,
    writer: Annotated[
        CaseWriter, typer.Option(help="Written by rules, or by the language model.")
    ] = CaseWriter.RULES,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Make cases from documents; they wait for `citewell eval review`.

    By rules: from headings, definitions, table cells, dates, lists and questions of an FAQ. By the
    model: each with a quote that was found in the document, letter for letter.
    """
    data = checked(GenerationCreate, document_ids=document or [], limit=limit, writer=writer)

    async def act(platform: Platform, caller: Caller) -> GenerationRead:
        async with unit_of_work(platform, caller) as ctx:
            dataset_id = await _id_of(ctx, dataset)
            begun = await generations.begin(ctx, dataset_id, data, in_background=False)
        with progress_bar() as progress:
            bar = progress.add_task("Reading", total=None)

            async def show(done: int, total: int) -> None:
                progress.update(bar, completed=done, total=total)

            try:
                await generations.perform(platform, caller.tenant_id, dataset_id, begun.id, show)
            except ProviderError as error:
                stop(str(error), NOT_AVAILABLE)
        async with unit_of_work(platform, caller) as ctx:
            return await generations.get(ctx, dataset_id, begun.id)

    made = run(act, tenant=tenant)
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    out.print(f"{made.made} cases by {made.writer}, to be reviewed.", markup=False)
    if made.rejected:
        err.print(f"{made.rejected} more were left out: no passage proves them.")


def review_cases(
    dataset: DatasetArgument,
    accept: Annotated[
        list[uuid.UUID] | None, typer.Option(metavar="ID", help="This case counts from now on.")
    ] = None,
    reject: Annotated[
        list[uuid.UUID] | None, typer.Option(metavar="ID", help="Remove this case.")
    ] = None,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="All that nobody has looked at count.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept or reject generated cases."""

    async def act(ctx: Context) -> dict[str, int]:
        dataset_id = await _id_of(ctx, dataset)
        for case_id in reject or []:
            await datasets.delete_case(ctx, dataset_id, case_id)
        for case_id in accept or []:
            await datasets.update_case(ctx, dataset_id, case_id, CaseUpdate(is_reviewed=True))
        more = await datasets.accept_all(ctx, dataset_id) if accept_all else 0
        return {"accepted": len(accept or []) + more, "rejected": len(reject or [])}

    done = _within(act, tenant, as_user)
    if as_json:
        print_json(done)
    else:
        out.print(f"{done['accepted']} accepted, {done['rejected']} rejected.")


def run_dataset(
    dataset: DatasetArgument,
    top_k: Annotated[int, typer.Option("--top-k", min=1, max=50, help="Passages to read.")] = 10,
    judge: Annotated[
        bool, typer.Option("--judge", help="The language model judges too, beside the rules.")
    ] = False,
    unreviewed: Annotated[
        bool, typer.Option("--unreviewed", help="Ask generated cases too that nobody looked at.")
    ] = False,
    agent: Annotated[str | None, typer.Option(help="Slug or id of an agent that answers.")] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Ask all questions of a dataset now, and show the figures."""
    limits = RunLimits(top_k=top_k, has_judge=judge, with_unreviewed=unreviewed, agent=agent)

    async def act(platform: Platform, caller: Caller) -> RunRead:
        with progress_bar() as progress:
            bar = progress.add_task("Asking", total=None)

            async def show(done: int, total: int) -> None:
                progress.update(bar, completed=done, total=total)

            return await gating.run_now(platform, caller, dataset, limits, show)

    made = run(act, tenant=tenant)
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    table = Table("figure", made.model)
    assert made.figures is not None
    figures: dict[str, Any] = made.figures.model_dump(mode="json")
    for name, value in figures.items():
        table.add_row(name, Text(_figure(value)))
    print_table(table)
    out.print(f"Run {made.id}", markup=False)


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return ", ".join(f"{key} {number}" for key, number in parts.items() if number)
    return "unknown" if value is None else str(value)


def compare_runs(
    before: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A finished run: its id, its beginning or end.", callback=readable
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(metavar="LATER", help="A later one of the same dataset.", callback=readable),
    ],
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Share by which a figure may get worse.")
    ] = 0.0,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs case by case; exits with 1 if the later one is worse."""

    async def act(ctx: Context) -> RunComparison:
        first, later = await id_of(ctx, RUN, before), await id_of(ctx, RUN, after)
        return await comparing.compare(ctx, first, later, tolerance=tolerance)

    found = _within(act, tenant, as_user)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_comparison(found)
    if found.is_worse:
        raise typer.Exit(1)


def _within(act: Callable[[Context], Awaitable[T]], tenant: str, as_user: str | None) -> T:
    async def inside(platform: Platform, caller: Caller) -> T:
        async with unit_of_work(platform, caller) as ctx:
            return await act(ctx)

    return run(inside, tenant=tenant, as_user=as_user)


async def _id_of(ctx: Context, name: str) -> uuid.UUID:
    return (await datasets.named(ctx, name)).id
