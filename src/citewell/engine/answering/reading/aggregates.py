"""Sums, means, counts and extremes over a column, computed here and said to be."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewell.engine.answering.asking.answer_kinds import Aggregate
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.conditions import pick_marked
from citewell.engine.answering.reading.counting import counts_items
from citewell.engine.answering.reading.grid import (
    TableRows,
    called_wholly,
    grids_of,
    is_free_cell,
    is_one_price,
    label_column,
    label_of,
    name_without_unit,
    named_columns,
    number_in,
    rows_named,
    synonyms_of,
    time_in,
    value_with_unit,
)
from citewell.engine.answering.reading.joined import rows_called, rows_joined
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.chunking.legal_units import above_clauses
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.sentences import Span

_MIN_ROWS = 2
_MIN_NUMERIC = 0.7
"""Share of a column's cells that must be numbers before it is computed with; dashes stand for
nothing in many tables."""

_MIN_COVERAGE = 0.35
"""Share of the question that a table with its headings must hold to be the one that is meant."""

_MIN_CALLED = 0.2
"""The same where several of its rows are called as the question says: the other words of `which
generator keeps going longest` tell how."""

_EVEN = 0.01
"""Difference of weights below which two columns are named alike."""

_UNCLEAR = -1
_TOTAL = re.compile(
    r"(?:grand |sub)?-?totals?(?: \w+)?|sum|overall|all|tong(?: cong| so| cong cong)?|cong"
)
"""Label of a row that sums up the others, without accents."""

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*(?!\d)")
"""A number in groups of three digits, as `number_in` reads it too; `1.250` may be meant as 1¼."""

_BROKEN = re.compile(r"\d([.,])\d{1,2}(?!\d)")
_SWAPPED = str.maketrans(".,", ",.")

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

_DIGIT = re.compile(r"\d")
_LASTING = re.compile(r"\b(?:longest|shortest|(?:lau|dai|ngan|nhanh) nhat)\b")
_TIMES = {
    "en": (
        "{label}: {value} (the shortest of {count} rows)",
        "{label}: {value} (the longest of {count} rows)",
    ),
    "vi": (
        "{label}: {value} (ngắn nhất trong {count} dòng)",
        "{label}: {value} (lâu nhất trong {count} dòng)",
    ),
}
_MOST_SHOWN = 4
"""Figures of a sum that are shown with it; of more the rows are cited and counted."""

_LEFT_OUT = {
    "en": "{text}; left out, as free: {names}",
    "vi": "{text}; không tính phần miễn phí: {names}",
}
"""Where cells say `free for students`: that is no number, nor nothing for everybody."""


@dataclass(frozen=True, slots=True)
class _Choice:
    grid: TableRows
    rows: list[int]
    coverage: float
    score: float
    total: int | None
    """The row that sums the others up, where all of them are meant."""


def read_aggregate(material: Material) -> Statement | None:
    """Compute what a question asks over a column; None where no table is meant."""
    aggregate = material.asked.aggregate
    if aggregate is None:
        return None
    choices = sorted(_choices(material), key=lambda choice: -choice.score)
    for choice in choices:
        if aggregate is Aggregate.COUNT:
            if _counts_rows(material, choice.grid):
                text = _text(material, value=str(len(choice.rows)))
                return _statement(choice, text, choice.rows, ())
            continue
        column = _column(material, choice)
        if column == _UNCLEAR:
            return None  # another table that has but one such column is no better
        if column is not None:
            return _told(material, choice, column) or _computed(material, choice, column)
        if longest := _by_time(material, choice):
            return longest
    return None


def _by_time(material: Material, choice: _Choice) -> Statement | None:
    """The row with the longest or shortest time, where a column of notes tells one of each row.

    Several rows must have exactly one time each, all in the same unit, and the others no number:
    `Runs 11 hours on a tank`.
    """
    asked, grid = material.asked, choice.grid
    if _LASTING.search(asked.text) is None:
        return None
    for column in range(label_column(grid) + 1, len(grid.header)):
        told = [
            (time, row)
            for row in choice.rows
            if (time := time_in(grid.cells(row)[column])) is not None
        ]
        if len(told) < _MIN_ROWS or len({time.unit for time, _ in told}) > 1:
            continue
        silent = set(choice.rows).difference(row for _, row in told)
        if any(_DIGIT.search(grid.cells(row)[column]) for row in silent):
            continue  # `Starts in 5 hours, runs 20`: which of its times counts is not known
        pick = max if asked.aggregate is Aggregate.MAXIMUM else min
        _, best = pick(told, key=lambda pair: max(pair[0].values))
        words = _TIMES.get(material.question.language, _TIMES["en"])
        text = words[asked.aggregate is Aggregate.MAXIMUM].format(
            label=label_of(grid, best, told=column), value=grid.cells(best)[column], count=len(told)
        )
        operands = tuple(grid.cells(row)[column] for _, row in told)
        return _statement(choice, text, [row for _, row in told], operands, first=best)
    return None


def _choices(material: Material) -> Iterator[_Choice]:
    best = max((passage.score for passage in material.passages), default=0.0) or 1.0
    is_count = material.asked.aggregate is Aggregate.COUNT
    for stream in material.streams:
        for grid in grids_of(stream):
            if len(grid.rows) < _MIN_ROWS or (not is_count and _is_partial(material, grid)):
                continue
            first = grid.rows[0][0]
            around = first.find(grid.candidate(0).lead) | first.above
            rows, told = _filtered(material, grid, around)
            totals = [row for row in range(len(grid.rows)) if _is_total(grid, row)]
            is_whole = len(rows) == len(grid.rows)
            rows = [row for row in rows if row not in totals]
            covered = first.finder.share(around | told | _meant(material, grid))
            least = _MIN_CALLED if not is_count and rows_called(material, grid) else _MIN_COVERAGE
            if covered < least or (is_count and len(rows) < _MIN_ROWS):
                continue
            score = covered + 0.7 * max(r.passage.score for r, _ in grid.rows) / best
            yield _Choice(grid, rows, covered, score, totals[-1] if totals and is_whole else None)


def _is_partial(material: Material, grid: TableRows) -> bool:
    """Whether rows of a table are known to be missing: a greatest one of the others says nothing.

    Its beginning was not found, or another part of it stands apart.
    """
    if not grid.is_from_start:
        return True
    first = grid.rows[0][0].passage
    header = grid.candidate(0).header
    parts = [
        other
        for stream in material.streams
        for other in grids_of(stream)
        if other.candidate(0).header == header
        and (passage := other.rows[0][0].passage).document_id == first.document_id
        and passage.version == first.version
        and not other.is_from_start
    ]
    return bool(parts)


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
    if material.asked.aggregate is Aggregate.SUM and (joined := rows_joined(material, grid)):
        return joined, frozenset[int]().union(*(held[row] for row in joined))
    named = rows_named(material.question.text, grid)
    if len(named) >= _MIN_ROWS or (named and material.asked.aggregate is Aggregate.COUNT):
        return named, frozenset[int]().union(*(held[row] for row in named))
    if material.asked.aggregate is Aggregate.COUNT:
        marked = pick_marked(material, grid)
        if marked:
            return marked, frozenset[int]().union(*(held[row] for row in marked))
    everywhere = held[0].intersection(*held)
    if material.asked.aggregate is not Aggregate.COUNT and (
        labelled := rows_called(material, grid)
    ):
        return labelled, frozenset[int]().union(*(held[row] for row in labelled))
    some = frozenset[int]().union(*held) - everywhere
    reading = grid.rows[0][0]
    some -= reading.find(" | ".join(grid.header)) | around
    terms, language = material.question.terms, material.question.language
    if material.asked.aggregate is not Aggregate.COUNT:
        some = frozenset(at for at in some if not is_function_word(terms[at].text, language))
    if not some:
        return list(range(len(grid.rows))), everywhere
    rows = [row for row, terms in enumerate(held) if some <= terms]
    if not rows:
        return list(range(len(grid.rows))), everywhere
    return rows, some


def _counts_rows(material: Material, grid: TableRows) -> bool:
    """Whether the rows of a table are what a question counts: its heading or label says so."""
    asked, language = material.asked, material.question.language
    heading = above_clauses(grid.rows[0][0].passage.heading)[-1:]
    if counts_items(asked, language, heading, ()):
        return True
    # In `Office | Employees` with numbers below the rows are offices.
    labels = [name for column, name in enumerate(grid.header[:2]) if not _is_numeric(grid, column)]
    return any(counts_items(asked, language, (), [name]) for name in labels)


def _is_numeric(grid: TableRows, column: int) -> bool:
    cells = [grid.cells(row)[column] for row in range(len(grid.rows))]
    return sum(cell.strip().replace(",", "").isdigit() for cell in cells) * 2 > len(cells)


def _column(material: Material, choice: _Choice) -> int | None:
    """The column of numbers that is meant; the only one if there is but one.

    None where no column is meant, `_UNCLEAR` where several may be: `Setup fee | Monthly price`.
    """
    grid = choice.grid
    numeric = [
        column
        for column in range(len(grid.header))
        if sum(_is_told(grid.cells(row)[column]) for row in choice.rows)
        >= max(_MIN_ROWS, _MIN_NUMERIC * len(choice.rows))
    ]
    named = {
        column: weight
        for column, weight in named_columns(material.asked, grid).items()
        if column in numeric
    }
    if named:
        most = max(named.values())
        best = [column for column, weight in named.items() if weight > most - _EVEN]
        if is_one_price(grid, best):
            return best[0]
        best = [one for one in best if called_wholly(material.asked, grid.header[one])]
        return best[0] if len(best) == 1 else _UNCLEAR
    return numeric[0] if len(numeric) == 1 else None


def _is_told(cell: str) -> bool:
    return number_in(cell) is not None or is_free_cell(cell)


def _is_total(grid: TableRows, row: int) -> bool:
    """Whether a row sums up others, so that nothing may be computed with it."""
    cells = [cell for cell in grid.cells(row)[:2] if cell]
    return bool(cells) and _TOTAL.fullmatch(fold(normalise(cells[0])).strip(" .:*_")) is not None


def _told(material: Material, choice: _Choice, column: int) -> Statement | None:
    """The sum as the table itself tells it; None where it does not or something else is asked."""
    row = choice.total
    if material.asked.aggregate is not Aggregate.SUM or row is None:
        return None
    cell = choice.grid.cells(row)[column]
    if number_in(cell) is None:
        return None
    name = name_without_unit(choice.grid.header[column])
    text = (
        f"{label_of(choice.grid, row)}, {name}: {value_with_unit(choice.grid.header[column], cell)}"
    )
    return _statement(choice, text, [row], None)


def _computed(material: Material, choice: _Choice, column: int) -> Statement | None:
    grid, aggregate = choice.grid, material.asked.aggregate
    values = [
        (number, row)
        for row in choice.rows
        if (number := number_in(grid.cells(row)[column])) is not None
    ]
    if not values:
        return None
    name = name_without_unit(grid.header[column])
    operands = tuple(grid.cells(row)[column] for _, row in values)
    rows = [row for _, row in values]
    if aggregate in (Aggregate.MAXIMUM, Aggregate.MINIMUM):
        pick = max if aggregate is Aggregate.MAXIMUM else min
        _, best = pick(values, key=lambda pair: pair[0])
        cell = value_with_unit(grid.header[column], grid.cells(best)[column])
        text = _text(material, value=cell, name=name, label=label_of(grid, best), count=len(values))
        text = _with_left_out(material, choice, column, text)
        # Its own row first; that no other has more stands in all of them.
        return _statement(choice, text, rows, operands, first=best)
    total = sum(number for number, _ in values)
    total = total / len(values) if aggregate is Aggregate.MEAN else total
    value = value_with_unit(grid.header[column], _written(total, operands))
    text = _text(material, value=value, name=name, count=len(values))
    if (
        aggregate is Aggregate.SUM
        and len(values) <= _MOST_SHOWN
        and len(choice.rows) < len(grid.rows)
    ):
        shown = (f"{label_of(grid, row)}: {grid.cells(row)[column]}" for row in rows)
        text = f"{text}: {'; '.join(shown)}"
    text = _with_left_out(material, choice, column, text)
    return _statement(choice, text, rows, operands)


def _with_left_out(material: Material, choice: _Choice, column: int, text: str) -> str:
    """A computed value with the rows that are free, which were left out of it."""
    grid = choice.grid
    names = [
        cells[label_column(grid)]
        for row in choice.rows
        if (cells := grid.cells(row)) and is_free_cell(cells[column])
    ]
    if not names:
        return text
    words = _LEFT_OUT.get(material.question.language, _LEFT_OUT["en"])
    return words.format(text=text, names=", ".join(names))


def _written(number: float, cells: Sequence[str]) -> str:
    """A number as the cells write theirs: `1.250.000`, `1,250.50`, `1250`."""
    written = f"{number:,.2f}".rstrip("0").rstrip(".") if number % 1 else f"{number:,.0f}"
    text = " | ".join(cells)
    grouped, broken = _GROUPED.search(text), _BROKEN.search(text)
    if grouped is None and broken is None:
        return written if number % 1 else written.replace(",", "")
    is_comma_point = grouped["mark"] == "." if grouped else broken is not None and broken[1] == ","
    return written.translate(_SWAPPED) if is_comma_point else written


def _text(
    material: Material, *, value: str, name: str = "", label: str = "", count: int = 0
) -> str:
    words = _WORDS.get(material.question.language, _WORDS["en"])
    aggregate = material.asked.aggregate or Aggregate.COUNT
    return words[aggregate].format(name=name, value=value, label=label, count=count)


def _statement(
    choice: _Choice,
    text: str,
    rows: list[int],
    operands: tuple[str, ...] | None,
    first: int | None = None,
) -> Statement:
    quotes = list(_quotes(choice.grid, rows))
    if first is not None and len(rows) > 1:
        quotes.insert(0, quote_of(choice.grid.candidate(first)))
    return Statement(text, tuple(quotes), choice.score, choice.coverage, operands)


def _quotes(grid: TableRows, rows: list[int]) -> Iterator[Quote]:
    """The rows, those of one passage in one quote."""
    spans: dict[int, Quote] = {}
    for row in rows:
        quote = quote_of(grid.candidate(row))
        known = spans.get(id(quote.passage))
        start = known.span.start if known else quote.span.start
        spans[id(quote.passage)] = Quote(quote.passage, Span(start, quote.span.end))
    yield from spans.values()
