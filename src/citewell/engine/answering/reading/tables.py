"""A cell of a table as the answer: `10 to 20 kg: 4.90 euros`, cited with its row."""

import re
from collections.abc import Sequence

from citewell.engine.answering.asking.quantities import asks_money
from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.ranges import holds_number, number_asked
from citewell.engine.answering.reading.base import Material, Statement, quote_of
from citewell.engine.answering.reading.grid import (
    TableRows,
    grids_of,
    label_column,
    name_of,
    name_without_unit,
    number_in,
    price_columns,
    value_with_unit,
    wanted_column,
)
from citewell.engine.answering.reading.units import amount, is_money, line_above
from citewell.engine.answering.scoring import ReadPassage, Scored
from citewell.engine.text.numerals import number_values

_ALIKE = 3
"""Rows that fit a question equally well and are all told; of more the question tells too little."""

_CURRENCY = re.compile(r"\b(?:GBP|USD|EUR|VND|VNĐ)\b|[$€£¥₫]|\d ?đ\b")

_ASKED_NUMBER = re.compile(r"(?<![\w.,-])\d[\d.,]*(?![\w-])")


def read_cell(material: Material, best: Scored) -> Statement:
    """Tell the cell that a question asks for, of the row that covers it best.

    Where no column is clearly asked for the whole row is told, with its column names.
    """
    found = _grid_of(material, best.candidate)
    if found is None:
        candidate = best.candidate
        return Statement(candidate.text, (quote_of(candidate),), best.score, best.coverage)
    grid, row = found
    rows = _in_range(material, grid, row) or _alike(grid, row)
    lines = [_line(material, grid, one) for one in rows]
    quotes = tuple(quote_of(grid.candidate(one)) for one in rows)
    return Statement("; ".join(dict.fromkeys(lines)), quotes, best.score, best.coverage)


def told_cells(material: Material, grid: TableRows, row: int, columns: Sequence[int]) -> str:
    """Tell some cells of a row under its name: `Basic, Price: 96 GBP, 3,080,000 VND`."""
    cells = grid.cells(row)
    first = columns[0]
    values = [value_with_unit(grid.header[one], cells[one]) for one in columns]
    if values == [cells[first]]:
        values = [amount(grid, first, cells[first], _lines_above(material, grid))]
    label = name_of(material.asked, grid, row, told=first)
    name = name_without_unit(grid.header[first])
    return f"{label}, {name}: {', '.join(values)}"


def _grid_of(material: Material, candidate: Candidate) -> tuple[TableRows, int] | None:
    for stream in material.streams:
        for grid in grids_of(stream):
            for row in range(len(grid.rows)):
                if grid.candidate(row) is candidate:
                    return grid, row
    return None


def _alike(grid: TableRows, best: int) -> list[int]:
    """The row, with those that hold the same words of the question; the row alone if many do."""
    terms = grid.terms(best)
    if not terms:
        return [best]
    same = [
        row
        for row in range(len(grid.rows))
        if grid.terms(row) == terms and _label_terms(grid, row) == _label_terms(grid, best)
    ]
    return same if best in same and len(same) <= _ALIKE else [best]


def _lines_above(material: Material, grid: TableRows) -> list[str]:
    """The line right above a table and the innermost heading, where no other table is between."""
    first = grid.rows[0]
    passage = first[0].passage
    stream = next(one for one in material.streams if first in one)
    nearest = line_above(stream, first)
    lines = [nearest.text] if nearest else []
    if not grid.is_from_start or _is_behind_a_table(stream, first):
        return lines
    return [*lines, *passage.heading[-1:]]


def _is_behind_a_table(
    stream: Sequence[tuple[ReadPassage, int]], first: tuple[ReadPassage, int]
) -> bool:
    before = [one.candidates[at] for one, at in stream[: stream.index(first)]]
    return any(one.is_row for one in before)


def _label_terms(grid: TableRows, row: int) -> frozenset[int]:
    return grid.rows[row][0].find(grid.cells(row)[0])


def _in_range(material: Material, grid: TableRows, best: int) -> list[int]:
    """The row whose label is a range that holds a number of the question."""
    if number_asked(material.asked) is not None:
        held = [row for row, (one, at) in enumerate(grid.rows) if at in one.in_range]
        # One range may be in several rows, which the other words of the question tell apart.
        return [] if best in held and len(held) > 1 else held[:1]
    numbers = [
        max(number_values(number.strip(".,")))
        for number in _ASKED_NUMBER.findall(material.asked.text)
    ]
    if len(numbers) != 1:  # a range in the question is the label itself
        return []
    # `10 years` names a row itself, whatever range of another row holds ten.
    if any(_is_named(grid.cells(row)[0], numbers[0]) for row in range(len(grid.rows))):
        return []
    return [
        row
        for row in range(len(grid.rows))
        if any(holds_number(grid.cells(row)[0], number) for number in numbers)
    ][:1]


def _is_named(label: str, number: float) -> bool:
    """Whether a label that is no range begins with a number; `room 7` is no seven of a thing."""
    found = _ASKED_NUMBER.match(label.strip())
    if found is None or holds_number(label, number):
        return False
    one_alone = len(_ASKED_NUMBER.findall(label)) == 1
    return one_alone and number == max(number_values(found.group().strip(".,")))


def _line(material: Material, grid: TableRows, row: int) -> str:
    reading, at = grid.rows[row]
    column = reading.chosen.get(at, wanted_column(material.asked, grid, row))
    if column is None:
        prices = price_columns(material.asked, grid, row)
        told = ", ".join(value_with_unit(grid.header[one], grid.cells(row)[one]) for one in prices)
        name = name_of(material.asked, grid, row)
        return f"{name}: {told}" if told else _prices(material, grid, row)
    value = value_with_unit(grid.header[column], grid.cells(row)[column])
    if value == grid.cells(row)[column]:
        value = amount(grid, column, value, _lines_above(material, grid))
    name = name_without_unit(grid.header[column])
    label = name_of(material.asked, grid, row, told=column)
    if at in reading.chosen:  # the other cells of the row are those that were not chosen
        label = grid.cells(row)[label_column(grid)]
    has_unit = value != grid.cells(row)[column] or not value.replace(".", "").isdigit()
    if not name or (len(grid.header) == 2 and has_unit):
        return f"{label}: {value}"
    return f"{label}, {name}: {value}"


def _prices(material: Material, grid: TableRows, row: int) -> str:
    """A row with its name and its prices, where one is asked for and several may be meant.

    Weight and stock of a machine are none; a row without prices is told whole.
    """
    cells, whole = grid.cells(row), grid.candidate(row).text
    if not asks_money(material.asked):
        return whole
    label = label_column(grid)
    prices = [
        column
        for column in range(label + 1, len(grid.header))
        if number_in(cells[column]) is not None and _is_price(grid.header[column], cells[column])
    ]
    reading = grid.rows[row][0]
    named = reading.find(" | ".join((*grid.header, *cells[: label + 2])))
    for column in range(label + 1, len(grid.header)):
        # `cleaning fee GBP 25` in the notes tells the price that is asked for by its name.
        if reading.find(cells[column]) - named and _CURRENCY.search(cells[column]):
            name = name_of(material.asked, grid, row, told=column)
            return f"{name}, {grid.header[column]}: {cells[column]}"
    if len(prices) < _ALIKE - 1:
        return whole
    told = [*range(label + 2 if prices[0] > label + 1 else label + 1), *prices]
    return "; ".join(f"{grid.header[at]}: {cells[at]}" for at in told if cells[at])


def _is_price(header: str, cell: str) -> bool:
    return is_money(header, header) or _CURRENCY.search(f"{header} {cell}") is not None
