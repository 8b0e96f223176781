"""Rows that a question names one after the other, to be added up: `a mixer and a saw together`."""

import re
from collections.abc import Iterator

from citewell.engine.answering.reading.base import Material
from citewell.engine.answering.reading.grid import TableRows, label_column
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.text.normalisation import fold

_JOINS = re.compile(r" (?:and|plus|as well as|va|cong voi|cong|cung voi|cung) ")
"""Between two things to be added up, folded; `with` may be a part of the first one."""

_MOST = 4
"""Things that are joined; a question with more is read as a list."""


_WHICH = re.compile(
    r"\b(?:which|what) (?P<en>[^\W\d_]{1,30}(?: [^\W\d_]{1,30})?)|"
    r"(?<![^\W_])(?P<vi>(?:[^\W\d_]{1,30} ){1,2})nao\b"
)
"""The rows that are asked for, in folded words: `which generator`; the other words tell how."""


def rows_joined(material: Material, grid: TableRows) -> list[int]:
    """Get the rows that a question names one after the other, in its order.

    Each part of the question must name one row better than all others, by what its label and the
    cell beside it are called; of the words of a part that any row is called by, the row must have
    all. Where one part names no row or several there are none: a sum of other things is wrong.
    """
    parts = _JOINS.split(material.asked.text)
    if not 1 < len(parts) <= _MOST:
        return []
    called = list(_called(material, grid))
    known = frozenset[int]().union(*called)
    found: list[int] = []
    for part in parts:
        said = _terms(material, part) & known
        rows = [row for row, terms in enumerate(called) if said and said <= terms]
        exact = [row for row in rows if called[row] == said]
        if len(rows) > 1 and len(exact) == 1:
            rows = exact
        if len(rows) != 1 or rows[0] in found:
            return []
        found += rows
    return found


def rows_called(material: Material, grid: TableRows) -> list[int]:
    """Get the rows whose label has all words of the question that any label of the table has.

    A word of the notes of another row (`to hire`, `going`) does not keep it from being meant.
    """
    called = list(_called(material, grid))
    around = grid.rows[0][0].find(" | ".join(grid.header))
    said = frozenset[int]().union(*called) - called[0].intersection(*called) - around
    if which := _WHICH.search(material.asked.text):
        said = (said & _terms(material, which["en"] or which["vi"])) or said
    rows = [row for row, terms in enumerate(called) if said and said <= terms]
    return rows if 1 < len(rows) < len(called) else []


def _called(material: Material, grid: TableRows) -> Iterator[frozenset[int]]:
    """The terms of each row's label, and of the cell beside it, as a label may be a code."""
    label = label_column(grid)
    language, terms = material.question.language, material.question.terms
    for row, (reading, _) in enumerate(grid.rows):
        held = reading.find(" | ".join(grid.cells(row)[label : label + 2]))
        yield frozenset(at for at in held if not is_function_word(terms[at].text, language))


def _terms(material: Material, part: str) -> frozenset[int]:
    words = frozenset(part.split())
    return frozenset(
        at
        for at, term in enumerate(material.question.terms)
        if words.issuperset(fold(term.text.lower()).split())
    )
