"""`eval`."""

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    err,
    out,
    print_json,
    print_table,
    run,
)
from citewell.entrypoints.commands.search import (
    DiversityOption,
    FoldOption,
    NeighboursOption,
)
from citewell.features.conversations import asking
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentQuery
from citewell.features.evaluations import answering, gating, service
from citewell.features.evaluations.gating import RunLimits
from citewell.features.evaluations.schemas import (
    AnswerFigures,
    ResultRead,
    RetrievalFigures,
    RunComparison,
    RunRead,
    SearchMode,
    VerdictCounts,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.search.schemas import QueryReply, QueryRequest
from citewell.indexes.contract import index_of
from citewell.kit.pagination import PageRequest

evaluation = typer.Typer(no_args_is_help=True, help="Measure quality on sets with known results.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(evaluation, name="eval")


@evaluation.callback()
def group() -> None:
    """Measure quality on sets with known results."""


@evaluation.command("retrieval")
def retrieval(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="Folder with corpus.jsonl, queries.jsonl and qrels.tsv.",
        ),
    ],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask a fixed sample of this many questions.")
    ] = None,
    strip_diacritics: Annotated[
        bool, typer.Option("--strip-diacritics", help="Ask as if typed without tone marks.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure nDCG, recall and speed of lexical, dense and hybrid search.

    The corpus is taken in by a tenant of its own, which is removed afterwards.
    """

    async def act(platform: Platform, _: Caller) -> dict[SearchMode, RetrievalFigures]:
        retrieval_set = service.read_set(folder, limit=limit, strip_diacritics=strip_diacritics)
        # A tenant of its own: statistics of other documents would change the scores.
        async with service.scratch_tenant(platform) as tenant_id:
            return await _measure(platform, tenant_id, retrieval_set)

    figures = run(act, with_worker=True)
    if as_json:
        print_json({mode.value: item.model_dump() for mode, item in figures.items()})
        return
    table = Table("", *RetrievalFigures.model_fields)
    for mode, item in figures.items():
        table.add_row(mode.value, *(str(value) for value in item.model_dump().values()))
    print_table(table)


@evaluation.command("answers")
def answers(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="JSON lines of questions.")],
    fold: FoldOption = False,
    diversity: DiversityOption = 0.0,
    neighbours: NeighboursOption = 0,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask questions of a library and judge the answers.

    Each line has `q` and a judgement: `gold` (one of these regular expressions must match), `all`
    (each must), `forbid` (none may), or `abstain` (true: no document answers it). With `before`
    it is asked after these questions, in one conversation.
    """
    arranged = {"fold": fold, "diversity": diversity, "neighbours": neighbours}

    async def act(platform: Platform, caller: Caller) -> AnswerFigures:
        cases = answering.read_answer_cases(file)
        with progress_bar() as progress:
            bar = progress.add_task("Asking", total=len(cases))

            async def ask(before: Sequence[str], request: QueryRequest) -> QueryReply:
                asked = request.model_copy(update=arranged)
                return await asking.rehearse(platform, caller, before, asked)

            return await answering.measure_answers(
                ask,
                cases,
                lambda done: progress.update(bar, completed=done),
            )

    figures = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json(figures.model_dump())
        return
    table = Table("", *VerdictCounts.model_fields)
    for kind, counts in figures.by_kind.items():
        table.add_row(kind, *(str(value) for value in counts.model_dump().values()))
    table.add_row("all", *(str(getattr(figures, name)) for name in VerdictCounts.model_fields))
    print_table(table)
    for name in ("first_quote", "mean_sentences", "ece", "p50_ms", "p95_ms"):
        out.print(f"{name}: {getattr(figures, name)}")
    out.print(f"high: {figures.high_right} of {figures.high} right")


@evaluation.command("gate")
def gate(
    dataset: Annotated[str, typer.Argument(help="Name of an evaluation dataset.")],
    baseline: Annotated[
        uuid.UUID | None,
        typer.Option(help="Run to compare with. Unset: the last that was not found worse."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Share by which a figure may get worse.")
    ] = 0.0,
    top_k: Annotated[int, typer.Option("--top-k", min=1, max=50, help="Passages to read.")] = 10,
    accept: Annotated[
        bool, typer.Option("--accept", help="Make this run the next baseline even if it is worse.")
    ] = False,
    agent: Annotated[str | None, typer.Option(help="Slug or id of an agent that answers.")] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Run a dataset and exit with 1 if it has become worse than the run before.

    For changes of the model, the chunking or the prompts. Without an earlier run there is nothing
    to compare with: this one is the baseline of the next. A run that is worse is not, so that the
    gate stays shut when it is tried again.
    """
    limits = RunLimits(tolerance, top_k, accepts_worse=accept, agent=agent)

    async def act(platform: Platform, caller: Caller) -> RunRead | RunComparison:
        with progress_bar() as progress:
            bar = progress.add_task("Asking", total=None)

            async def show(done: int, total: int) -> None:
                progress.update(bar, completed=done, total=total)

            return await gating.run_gate(platform, caller, dataset, baseline, limits, show)

    found = run(act, tenant=tenant)
    if as_json:
        print_json(found.model_dump(mode="json"))
    elif isinstance(found, RunRead):
        out.print(f"Run {found.id} is the baseline of the next.")
    else:
        print_comparison(found)
    if isinstance(found, RunComparison) and found.is_worse:
        raise typer.Exit(1)


def print_comparison(found: RunComparison) -> None:
    """The cases that changed, the counts, and in red on stderr what became worse."""
    table = Table("change", "question", "before", "after")
    for each in found.changes:
        table.add_row(
            each.change, Text(each.question),
            *(Text(_told(side)) for side in (each.before, each.after)),
        )  # fmt: skip
    if found.changes:
        print_table(table)
    out.print(f"better {found.better}, worse {found.worse}, same {found.same}")
    for regression in found.regressions:
        err.print(regression, style="red", markup=False)


def _told(result: ResultRead | None) -> str:
    """The verdict, or what is measured where the case has no words to look for."""
    if result is None:
        return ""
    if result.verdict or result.error:
        return result.verdict or result.error or ""
    named = ("ndcg_at_10", "similarity")
    return ", ".join(
        f"{name} {result.measures[name]:.2f}" for name in named if name in result.measures
    )


def progress_bar() -> Progress:
    """A bar on stderr, where that is a terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip


async def _measure(
    platform: Platform, tenant_id: uuid.UUID, retrieval_set: service.RetrievalSet
) -> dict[SearchMode, RetrievalFigures]:
    with progress_bar() as progress:
        bar = progress.add_task("Reading the corpus", total=None)
        names = await service.register_corpus(
            platform,
            tenant_id,
            retrieval_set.folder,
            lambda done: progress.update(bar, completed=done),
            lambda name: err.print(f"Document {name} is empty: left out.", markup=False),
        )
        progress.update(bar, description="Embedding the corpus", total=len(names), completed=0)
        while (ready := await _finished(platform, tenant_id)) < len(names):
            progress.update(bar, completed=ready)
            await asyncio.sleep(0.5)
        await index_of(platform).maintenance.fold_statistics(tenant_id)
        await index_of(platform).maintenance.build_indexes(tenant_id)
        return await service.measure(
            platform,
            tenant_id,
            retrieval_set,
            names,
            lambda mode, done: progress.update(
                bar,
                description=f"Asking ({mode.value})",
                total=len(retrieval_set.queries),
                completed=done,
            ),
        )


async def _finished(platform: Platform, tenant_id: uuid.UUID) -> int:
    """Documents that are ready or have failed."""
    async with unit_of_work(platform, Caller(tenant_id, OPERATOR)) as ctx:
        counts = [
            (await documents.page(ctx, PageRequest(1, 1), DocumentQuery(status=status))).total
            for status in ("ready", "failed")
        ]
    return sum(counts)
