"""`eval verify`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from citewell.engine.evaluation.claims import VerificationFigures, measure_grades, read_claims
from citewell.engine.evaluation.datasets import DatasetError
from citewell.engine.verification.grading import Grade
from citewell.entrypoints.commands.evaluation import evaluation
from citewell.entrypoints.commands.running import JsonOption, err, out, print_json, print_table


def add_to(_: typer.Typer) -> None:
    """Add the command to those of `eval`."""
    evaluation.command("verify")(verify)


def verify(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines of claims.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Measure how sentences are graded against their quotes.

    Each line has `evidence`, `claim` and `label` (supported, refuted or unknown), and may have
    `id`, `lang` (en) and `kind`. Needs no library and no model.
    """
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
        figures = measure_grades(claims, lambda done: progress.update(bar, completed=done))
    if as_json:
        print_json(asdict(figures))
        return
    _show(figures)


def _show(figures: VerificationFigures) -> None:
    grades = [grade.value for grade in Grade]
    table = Table("label", *grades)
    for label, shares in figures.grades.items():
        table.add_row(label, *(f"{shares[name]:.3f}" if name in shares else "" for name in grades))
    print_table(table)
    for name in ("recall", "false_support_refuted", "false_support_unknown", "contradicted_right"):
        value = getattr(figures, name)
        out.print(f"{name}: {'-' if value is None else f'{value:.3f}'}")
