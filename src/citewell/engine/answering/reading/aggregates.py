"""Sums, means, counts and extremes over a column, computed here and said to be."""

from collections.abc import Iterator
from dataclasses import dataclass

from citewell.engine.answering.asking.kinds import Aggregate
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.grid import (
    TableRows,
    grids_of,
    label_of,
    name_without_unit,
    named_columns,
    number_in,
    rows_named,
    synonyms_of,
    value_with_unit,
)
from citewell.engine.chunking.legal_units import above_clauses
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import Span
from citewell.engine.text.stemming import stem_english

_MIN_ROWS = 2
_MIN_NUMERIC = 0.7
"""Share of a column's cells that must be numbers before it is computed with; dashes stand for
nothing in many tables."""

_MIN_COVERAGE = 0.35
"""Share of the question that a table with its headings must hold to be the one that is meant."""

_WORDS = {
    "en": {
        Aggregate.SUM: "Total of {name}: {value} (computed from {count} rows)",
        Aggregate.MEAN: "Average of {name}: {value} (computed from {count} rows)",
        Aggregate.COUNT: "{value} (counted rows)",
        Aggregate.MAXIMUM: "{label}: {value} (the highest {name} of {count} rows)",
        Aggregate.MINIMUM: "{label}: {value} (the lowest {name} of {count} rows)",
    },
    "vi": {
        Aggregate.SUM: "Tổng {name}: {value} (tính từ {count} dòng)",
        Aggregate.MEAN: "Trung bình {name}: {value} (tính từ {count} dòng)",
        Aggregate.COUNT: "{value} (số dòng đếm được)",
        Aggregate.MAXIMUM: "{label}: {value} ({name} cao nhất trong {count} dòng)",
        Aggregate.MINIMUM: "{label}: {value} ({name} thấp nhất trong {count} dòng)",
    },
}


@dataclass(frozen=True, slots=True)
class _Choice:
    grid: TableRows
    rows: list[int]
    coverage: float
    score: float


def read_aggregate(material: Material) -> Statement | None:
    """Compute what a question asks over a column; None where no table is meant."""
    aggregate = material.asked.aggregate
    if aggregate is None:
        return None
    choices = sorted(_choices(material), key=lambda choice: -choice.score)
    for choice in choices:
        if aggregate is Aggregate.COUNT:
            if _counts_rows(material, choice.grid):
                return _statement(material, choice, str(len(choice.rows)), "", choice.rows)
            continue
        column = _column(material, choice)
        if column is not None:
            return _computed(material, choice, column)
    return None


def _choices(material: Material) -> Iterator[_Choice]:
    best = max((passage.score for passage in material.passages), default=0.0) or 1.0
    is_count = material.asked.aggregate is Aggregate.COUNT
    for stream in material.streams:
        for grid in grids_of(stream):
            if len(grid.rows) < _MIN_ROWS:
                continue
            first = grid.rows[0][0]
            around = first.find(grid.candidate(0).lead) | first.above
            rows, told = _filtered(material, grid, around)
            covered = first.finder.share(around | told | _meant(material, grid))
            if covered < _MIN_COVERAGE or (is_count and len(rows) < _MIN_ROWS):
                continue
            score = covered + 0.7 * max(r.passage.score for r, _ in grid.rows) / best
            yield _Choice(grid, rows, covered, score)


def _meant(material: Material, grid: TableRows) -> frozenset[int]:
    """The terms that name a column by a synonym: `pounds` for `Price GBP`."""
    said = synonyms_of(material.asked, grid)
    return frozenset(
        at for at, term in enumerate(material.question.terms) if fold(normalise(term.text)) in said
    )


def _filtered(
    material: Material, grid: TableRows, around: frozenset[int]
) -> tuple[list[int], frozenset[int]]:
    """The rows a question is about: those with its words, where some rows have them."""
    held = [grid.terms(row) for row in range(len(grid.rows))]
    named = rows_named(material.question.text, grid)
    if len(named) >= _MIN_ROWS or (named and material.asked.aggregate is Aggregate.COUNT):
        return named, frozenset[int]().union(*(held[row] for row in named))
    everywhere = held[0].intersection(*held)
    some = frozenset[int]().union(*held) - everywhere
    reading = grid.rows[0][0]
    some -= reading.find(" | ".join(grid.header)) | around
    if not some:
        return list(range(len(grid.rows))), everywhere
    rows = [row for row, terms in enumerate(held) if some <= terms]
    if not rows:
        return list(range(len(grid.rows))), everywhere
    return rows, some


def _counts_rows(material: Material, grid: TableRows) -> bool:
    """Whether the rows of a table are what a question counts: its heading or label says so."""
    reading = grid.rows[0][0]
    passage = reading.passage
    names = [
        grid.header[0],
        grid.header[1] if len(grid.header) > 1 else "",
        *above_clauses(passage.heading)[-1:],
    ]
    called = {stem_english(word) for name in names for word in fold(normalise(name)).split()}
    counted = {stem_english(word) for word in material.asked.counted}
    return bool(counted & called)


def _column(material: Material, choice: _Choice) -> int | None:
    """The column of numbers that is meant; the only one if there is but one."""
    grid = choice.grid
    numeric = [
        column
        for column in range(len(grid.header))
        if sum(number_in(grid.cells(row)[column]) is not None for row in choice.rows)
        >= max(_MIN_ROWS, _MIN_NUMERIC * len(choice.rows))
    ]
    named = {
        column: weight
        for column, weight in named_columns(material.asked, grid).items()
        if column in numeric
    }
    if named:
        return max(named, key=lambda column: named[column])
    return numeric[0] if len(numeric) == 1 else None


def _computed(material: Material, choice: _Choice, column: int) -> Statement:
    grid = choice.grid
    values = [
        (number, row)
        for row in choice.rows
        if (number := number_in(grid.cells(row)[column])) is not None
    ]
    aggregate = material.asked.aggregate
    if aggregate in (Aggregate.MAXIMUM, Aggregate.MINIMUM):
        pick = max if aggregate is Aggregate.MAXIMUM else min
        _, row = pick(values, key=lambda pair: pair[0])
        cell = value_with_unit(grid.header[column], grid.cells(row)[column])
        return _statement(
            material, choice, cell, name_without_unit(grid.header[column]), [row],
            label=label_of(grid, row), count=len(values),
        )  # fmt: skip
    total = sum(number for number, _ in values)
    if aggregate is Aggregate.MEAN:
        total /= len(values)
    value = value_with_unit(grid.header[column], _written(total))
    return _statement(
        material, choice, value, name_without_unit(grid.header[column]),
        [row for _, row in values], count=len(values),
    )  # fmt: skip


def _written(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".") if number % 1 else f"{number:.0f}"


def _statement(
    material: Material,
    choice: _Choice,
    value: str,
    name: str,
    rows: list[int],
    *,
    label: str = "",
    count: int = 0,
) -> Statement:
    words = _WORDS.get(material.question.language, _WORDS["en"])
    aggregate = material.asked.aggregate or Aggregate.COUNT
    text = words[aggregate].format(name=name, value=value, label=label, count=count)
    return Statement(text, tuple(_quotes(choice.grid, rows)), choice.score, choice.coverage)


def _quotes(grid: TableRows, rows: list[int]) -> Iterator[Quote]:
    """The rows, those of one passage in one quote."""
    spans: dict[int, Quote] = {}
    for row in rows:
        quote = quote_of(grid.candidate(row))
        known = spans.get(id(quote.passage))
        start = known.span.start if known else quote.span.start
        spans[id(quote.passage)] = Quote(quote.passage, Span(start, quote.span.end))
    yield from spans.values()
