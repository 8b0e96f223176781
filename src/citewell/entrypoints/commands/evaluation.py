"""`eval`."""

import asyncio
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.running import JsonOption, err, print_json, print_table, run
from citewell.features.documents import service as documents
from citewell.features.evaluations import service
from citewell.features.evaluations.schemas import RetrievalFigures, SearchMode
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
        int | None, typer.Option(min=1, help="Ask only so many questions, a fixed sample.")
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


async def _measure(
    platform: Platform, tenant_id: uuid.UUID, retrieval_set: service.RetrievalSet
) -> dict[SearchMode, RetrievalFigures]:
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal,
    ) as progress:  # fmt: skip
        bar = progress.add_task("Reading the corpus", total=None)
        names = await service.register_corpus(
            platform,
            tenant_id,
            retrieval_set.folder,
            lambda done: progress.update(bar, completed=done),
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
            (await documents.page(ctx, PageRequest(1, 1), status=status)).total
            for status in ("ready", "failed")
        ]
    return sum(counts)
