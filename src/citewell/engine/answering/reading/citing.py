"""Header rows and units that a told cell rests on, cited beside its row.

`London, Hotel limit per night: £165` takes its name from the header and `350,000 đồng` its unit
from a line above the table: each is quoted where it stands, so that nothing is told that is not
shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.reading.base import Material, Quote, Statement, quote_of
from citewell.engine.answering.reading.grid import grids_of
from citewell.engine.answering.reading.units import line_above, stated_unit
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.text.normalisation import normalise, words


def with_headers(material: Material, statements: Sequence[Statement]) -> list[Statement]:
    """Cite the header of each row that statements tell, and the line that states its unit.

    Args:
        material: The question and what was found.
        statements: The answer.

    Returns:
        The statements. Those whose every word stands in what they now cite have their text as the
        reading of their first quote.
    """
    return [_cited(material, one) for one in statements]


def _cited(material: Material, statement: Statement) -> Statement:
    rows = [row for quote in statement.quotes if (row := _row_of(material, quote))]
    if statement.operands is None and not rows and _is_listed(statement):
        first = replace(statement.quotes[0], readings=(statement.text,))
        return replace(statement, quotes=(first, *statement.quotes[1:]))
    if statement.operands is not None or not rows:
        return statement
    said = frozenset(words(normalise(statement.text)))
    quotes = list(statement.quotes)
    for reading, at in rows:
        lacking = said - _words_of(quotes)
        for quote in _above(material, reading, at):
            if quote not in quotes and lacking & frozenset(words(normalise(quote.text))):
                quotes.append(quote)
    text = statement.text
    if said <= _words_of(quotes):
        quotes[0] = replace(quotes[0], readings=(text,))
    return replace(statement, quotes=tuple(quotes))


def _is_listed(statement: Statement) -> bool:
    """Whether each line of a list stands in its quotes as it is, its mark apart."""
    quoted = " ".join(" ".join(quote.text.split()) for quote in statement.quotes)
    lines = statement.text.split("\n")
    return len(lines) > 1 and all(line.removeprefix("- ") in quoted for line in lines)


def _words_of(quotes: Sequence[Quote]) -> frozenset[str]:
    return frozenset(word for quote in quotes for word in words(normalise(quote.text)))


def _row_of(material: Material, quote: Quote) -> tuple[ReadPassage, int] | None:
    for reading in material.scores.readings:
        if reading.passage is not quote.passage:
            continue
        for at, candidate in enumerate(reading.candidates):
            if candidate.is_row and candidate.span == quote.span:
                return reading, at
    return None


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
