"""The table: what was measured, what stands beside it, and whether the budget holds."""

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    figure: str
    ours: str
    beside: str = ""
    """The raw limit or the peer, measured in the same run."""
    ratio: str = ""
    budget: str = ""
    is_met: bool | None = None
    """None where there is no budget, or nothing to compare with."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of the values do not exceed, by the nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, round(share * len(ranked)) - 1))]


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of pairs that were measured together."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def render(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """The table and its notes in Markdown that also reads well on a terminal."""
    return "\n".join([table(rows), "", *(f"- {note}" for note in notes)])


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    head = ("figure", "Citewell", "beside it", "ratio", "budget", "met")
    body = [
        (row.figure, row.ours, row.beside, row.ratio, row.budget, _met(row.is_met)) for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    lines = [_line(head, widths), _line(tuple("-" * width for width in widths), widths)]
    lines += [_line(line, widths) for line in body]
    return "\n".join(lines)


def machine() -> str:
    """The system the run was on, without anything that names the machine."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load before the run {psutil.getloadavg()[0]:.1f}"
    )


def _met(is_met: bool | None) -> str:
    return "" if is_met is None else "yes" if is_met else "NO"


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"
