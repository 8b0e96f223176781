"""`eval verify`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from citewell.core.settings import Settings
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.evaluation.claims import (
    LabelledClaim,
    VerificationFigures,
    measure_grades,
    read_claims,
)
from citewell.engine.evaluation.datasets import DatasetError
from citewell.engine.verification.grading import Grade
from citewell.engine.verification.registry import MODEL, RULES, open_verifier
from citewell.entrypoints.commands.evaluation import evaluation
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    JsonOption,
    err,
    out,
    print_json,
    print_table,
    read_quiet_settings,
    stop,
)
from citewell.entrypoints.installation import open_model


def add_to(_: typer.Typer) -> None:
    """Add the command to those of `eval`."""
    evaluation.command("verify")(verify)


def verify(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines of claims.")
    ],
    verifier: Annotated[
        str, typer.Option(help="Read again what rules leave open: rules, model or onnx:FOLDER.")
    ] = RULES,
    as_json: JsonOption = False,
) -> None:
    """Measure how sentences are graded against their quotes.

    Each line has `evidence`, `claim` and `label` (supported, refuted or unknown), and may have
    `id`, `lang` (en) and `kind`. Needs no library, and a model only with `--verifier model`.
    """
    settings = read_quiet_settings(verifier=verifier)
    try:
        claims = list(read_claims(file))
    except DatasetError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(2) from error
    if not claims:
        err.print(f"{file}: holds no claims", markup=False)
        raise typer.Exit(2)
    with Progress(
        TextColumn("Grading"), BarColumn(), MofNCompleteColumn(),
        console=err, transient=True, disable=not err.is_terminal,
    ) as progress:  # fmt: skip
        bar = progress.add_task("", total=len(claims))
        try:
            figures = asyncio.run(
                _measured(settings, claims, lambda done: progress.update(bar, completed=done))
            )
        except (ProviderError, ProviderConfigurationError) as error:
            stop(str(error), NOT_AVAILABLE)
    if as_json:
        print_json(asdict(figures))
        return
    _show(figures)


async def _measured(
    settings: Settings, claims: Sequence[LabelledClaim], on_progress: Callable[[int], None]
) -> VerificationFigures:
    async with AsyncExitStack() as stack:
        if (llm := open_model(settings)) is not None:
            stack.push_async_callback(llm.close)
        elif settings.verifier == MODEL:
            raise ProviderConfigurationError("`--verifier model` needs a model: set CITEWELL_LLM.")
        verifier = await open_verifier(settings.verifier, llm=llm)
        stack.push_async_callback(verifier.close)
        return await measure_grades(claims, on_progress, verifier)


def _show(figures: VerificationFigures) -> None:
    grades = [grade.value for grade in Grade]
    table = Table("label", *grades)
    for label, shares in figures.grades.items():
        table.add_row(label, *(f"{shares[name]:.3f}" if name in shares else "" for name in grades))
    print_table(table)
    for name in ("recall", "false_support_refuted", "false_support_unknown", "contradicted_right"):
        value = getattr(figures, name)
        out.print(f"{name}: {'-' if value is None else f'{value:.3f}'}")
