"""Header rows and units that a told cell rests on, cited beside its row.

`London, Hotel limit per night: £165` takes its name from the header and `350,000 đồng` its unit
from a line above the table: each is quoted where it stands, so that nothing is told that is not
shown.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from citewell.engine.answering.candidates import Candidate, cells_of
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.grid import grids_of, name_without_unit
from citewell.engine.answering.reading.units import line_above, stated_unit
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.text.normalisation import normalise, words


def with_headers(material: Material, statements: Sequence[Statement]) -> list[Statement]:
    """Cite the header of each row that statements tell, and the line that states its unit.

    Args:
        material: The question and what was found.
        statements: The answer.

    Returns:
        The statements. Those whose every word stands in what they now cite, and whose values are
        cells in the columns they name, have their text as the reading of their first quote.
    """
    return [_cited(material, one) for one in statements]


def _cited(material: Material, statement: Statement) -> Statement:
    rows = [row for quote in statement.quotes for row in _rows_of(material, quote)]
    if statement.operands is None and not rows and _is_listed(statement):
        first = replace(statement.quotes[0], readings=(statement.text,))
        return replace(statement, quotes=(first, *statement.quotes[1:]))
    if not rows:
        return statement
    said = frozenset(words(normalise(statement.text)))
    quotes = list(statement.quotes)
    for reading, at in _one_of_each_table(rows):
        lacking = said - _words_of(quotes)
        for quote in _above(material, reading, at):
            is_named = quote.text == reading.candidates[at].header and _names_in(
                statement.text, cells_of(quote.text)
            )
            if quote not in quotes and (is_named or lacking & _words_of([quote])):
                quotes.append(quote)
    if statement.operands is not None:  # no quote says what was computed
        return replace(statement, quotes=tuple(quotes))
    cited = {quote.text for quote in quotes}
    under = [one.candidates[at] for one, at in rows if one.candidates[at].header in cited]
    told = [one.candidates[at] for one, at in rows]
    is_told = _is_in_pairs(statement.text, told) or _is_told_of(statement.text, under)
    if said <= _words_of(quotes) and is_told:
        quotes[0] = replace(quotes[0], readings=(statement.text,))
    return replace(statement, quotes=tuple(quotes))


def _is_in_pairs(text: str, rows: Sequence[Candidate]) -> bool:
    """Whether each line is a row of two cells, `10 to 20 kg: 4.90 euros`.

    The value needs no name of a column there: no other cell of the row could be meant.
    """
    pairs = {" ".join(": ".join(row.cells).split()) for row in rows if len(row.cells) == 2}
    return all(" ".join(line.removeprefix("- ").split()) in pairs for line in text.split("\n"))


def _is_told_of(text: str, rows: Sequence[Candidate]) -> bool:
    """Whether a text names columns, and each value is the cell of a row in the column so named.

    A row with more or fewer cells than its header has none under a name for certain.
    """
    straight = [one for one in rows if len(one.cells) == len(cells_of(one.header))]
    found = {
        place: name for row in straight for place, name in _names_in(text, cells_of(row.header))
    }
    last = 0
    for place, name in sorted(found.items()):
        value = text[place + len(name) + 2 :]
        label = text[last:place].strip(" ,;-\n")
        cell = next(
            (
                cell
                for row in straight
                if not label or any(one and one in label for one in row.cells)
                for header, cell in zip(cells_of(row.header), row.cells, strict=True)
                if name in (header, name_without_unit(header)) and cell and _begins(value, cell)
            ),
            None,
        )
        if cell is None:
            return False
        last = place + len(name) + 2 + len(cell)
    return bool(found)


def _begins(value: str, cell: str) -> bool:
    cell = " ".join(cell.split())
    return value.startswith(cell) and not value[len(cell) : len(cell) + 1].isalnum()


def _names_in(text: str, header: Sequence[str]) -> list[tuple[int, str]]:
    """The names of columns that a text gives before a value, with their places: `Fee: 3`."""
    names = {one for name in header for one in (name, name_without_unit(name)) if one}
    if not names:
        return []
    any_name = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return [
        (match.start("name"), match["name"])
        for match in re.finditer(rf"(?:^|[,;-] |\n)(?P<name>{any_name}): ", text)
    ]


def _is_listed(statement: Statement) -> bool:
    """Whether each line of a list stands in its quotes as it is, its mark apart."""
    quoted = " ".join(" ".join(quote.text.split()) for quote in statement.quotes)
    lines = statement.text.split("\n")
    return len(lines) > 1 and all(line.removeprefix("- ") in quoted for line in lines)


def _words_of(quotes: Sequence[Quote]) -> frozenset[str]:
    return frozenset(word for quote in quotes for word in words(normalise(quote.text)))


def _rows_of(material: Material, quote: Quote) -> Iterator[tuple[ReadPassage, int]]:
    """The rows that a quote holds; a list quotes those of a passage from the first to the last."""
    for reading in material.scores.readings:
        if reading.passage is not quote.passage:
            continue
        for at, candidate in enumerate(reading.candidates):
            span = candidate.span
            if candidate.is_row and quote.span.start <= span.start and span.end <= quote.span.end:
                yield reading, at


def _one_of_each_table(
    rows: Sequence[tuple[ReadPassage, int]],
) -> Iterator[tuple[ReadPassage, int]]:
    """The first row of each table: they share what stands above them."""
    tables = {
        (one.passage.document_id, one.passage.version, one.candidates[at].header): (one, at)
        for one, at in reversed(rows)
    }
    yield from reversed(tables.values())


def _above(material: Material, reading: ReadPassage, at: int) -> Iterator[Quote]:
    """The header of a row and the line above its table that states a unit, where they stand."""
    row = reading.candidates[at]
    stream = next(one for one in material.streams if (reading, at) in one)
    before = [one.candidates[place] for one, place in stream[: stream.index((reading, at))]]
    others = [
        one
        for other in material.scores.readings
        if _is_same_document(other, reading)
        for one in other.candidates
    ]
    header = next(
        (one for one in (*reversed(before), *others) if _is_header(one, row.header)), None
    )
    if header is not None:
        yield quote_of(header)
    first = next(grid.rows[0] for grid in grids_of(stream) if (reading, at) in grid.rows)
    unit = line_above(stream, first)
    if unit is not None and stated_unit(unit.text) is not None:
        yield quote_of(unit)


def _is_same_document(one: ReadPassage, other: ReadPassage) -> bool:
    mine, its = one.passage, other.passage
    return (mine.document_id, mine.version) == (its.document_id, its.version)


def _is_header(candidate: Candidate, header: str) -> bool:
    span = candidate.span
    return not candidate.is_row and candidate.passage.text[span.start : span.end] == header
