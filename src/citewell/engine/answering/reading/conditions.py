"""Rows of a table that meet the condition of a question: `rooms that have no projector`.

The condition is read off the table: words of the question that some cells hold, a number in the
column that the question names, yes or no where a named column says nothing else.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.reading.base import Material
from citewell.engine.answering.reading.grid import (
    TableRows,
    label_column,
    named_columns,
    number_in,
)
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.numerals import number_values, read_quantities
from citewell.engine.text.stemming import stem_english

_YES = frozenset(("yes", "y", "true", "x", "✓", "✔", "☑", "co", "1"))
_NO = frozenset(("no", "n", "false", "✗", "✘", "☐", "khong", "0"))
_NOTHING = frozenset(("", "-", "–", "—", "none", "nil", "n/a", "na", "khong", "khong co", "no"))  # noqa: RUF001
"""Folded cells that say yes, no, or that there is nothing."""

_MOSTLY = 0.8
"""Share of a column's cells that must say yes, no or nothing before it is one of marks."""

_NEGATED = re.compile(
    r"\b(?:no|not|without|never|lack(?:s|ing)?|cannot|isnt|arent|dont|doesnt|havent|hasnt|"
    r"khong(?! ?$)|chua(?! ?$)|thieu)\b|n['’]t\b"  # noqa: RUF001 - a typographic apostrophe
)
"""Words that turn a condition round; `không` at the end asks for yes or no."""

_HAVING = re.compile(r"\b(?:have|has|having|with|without|lack|lacks|co|thieu)\b")
_ASKED_NUMBER = re.compile(r"(?<![\w.,-])[$€£¥₫]?(\d[\d.,]*)(?![\w-])")

_ABOVE = r"more|over|above|greater|longer|higher|larger|exceed(?:s|ing)?|hon|tren|vuot(?: qua)?"
_BELOW = r"less|fewer|under|below|shorter|lower|smaller|cheaper|duoi|it hon|thap hon|re hon"
_BOUND = re.compile(
    rf"\b(?:(?P<least>at least|or more|it nhat|toi thieu)|(?P<most>at most|up to|toi da)|"
    rf"(?P<below>{_BELOW})|(?P<above>{_ABOVE}))(?: than)? (?:[^\W\d_]+ )?[$€£¥₫]?\d"
)

_LISTED = re.compile(
    r"^(?:which|what|list|name|enumerate|show)(?: me| are| were| all| of| the| our)* "
    r"(?P<en>[^\W_]+(?: [^\W_]+){0,3})|"
    r"\b(?:nhung|cac|liet ke|ke ten) (?P<vi>[^\W_]+(?: [^\W_]+){0,2}?) (?:nao|gi|co|trong|o)\b"
)
"""The first words of a question for a list, which name what it is of."""

_Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Picked:
    """The rows that meet a condition."""

    rows: list[int]
    column: int | None = None
    """The column that decides; None: several do, or cells of several columns."""


def asks_for_rows(material: Material, grid: TableRows) -> bool:
    """Whether a question asks which rows of a table there are: a list, or by the rows' name."""
    asked = material.asked
    if asked.kind in (Kind.LIST, Kind.YES_NO):
        return asked.kind is Kind.LIST and _names_rows(material, grid)
    name = fold(normalise(grid.header[label_column(grid)]))
    called = "|".join(re.escape(stem_english(word)) for word in re.findall(r"[^\W_]+", name))
    if not called:
        return False
    pattern = rf"\b(?:which|what) (?:\w+ ){{0,2}}?(?:{called})\w*s\b"
    if material.question.language == "vi":
        pattern = rf"\b(?:{called})(?: \w+)? nao\b"
    return re.search(pattern, asked.text) is not None


def _names_rows(material: Material, grid: TableRows) -> bool:
    """Whether what a list is asked of is in the header of a table or above it.

    A row of error codes with the word `model` is no list of models; `hotel limits for Vietnam` asks
    for figures of a column, which rows of other names have as well.
    """
    found = _LISTED.search(material.asked.text)
    if found is None:
        return True
    words = (found["en"] or found["vi"]).split()
    language, terms = material.question.language, material.question.terms
    ends = next((at for at, word in enumerate(words) if at and is_function_word(word, language)), 4)
    said = frozenset(words[:ends] if found["en"] else words)
    first = grid.rows[0][0]
    figures = [name for column, name in enumerate(grid.header) if _is_of_figures(grid, column)]
    names = [name for name in grid.header if name not in figures]
    line = grid.candidate(0).lead.removesuffix(grid.candidate(0).header)
    above = (first.find(line) | first.above) - first.find(" | ".join(figures))
    around = above | first.find(" | ".join(names))
    named = {
        at for at, term in enumerate(terms) if said.issuperset(fold(term.text.lower()).split())
    }
    return not named or not named.isdisjoint(around)


def _is_of_figures(grid: TableRows, column: int) -> bool:
    cells = [grid.cells(row)[column] for row in range(len(grid.rows))]
    return sum(number_in(cell) is not None for cell in cells) * 2 > len(cells)


def is_denied(text: str) -> bool:
    """Whether a folded question asks for what does not meet its condition."""
    return _NEGATED.search(text) is not None


def pick_rows(material: Material, grid: TableRows) -> Picked | None:
    """Pick the rows that meet the condition of a question.

    Returns:
        The rows, none where no cell meets what is asked; None: the question states no condition
        that this table has anything of.
    """
    if any(at in reading.in_range for reading, at in grid.rows):
        return None  # a range of another reader holds the number
    reader = _ConditionReader(material, grid)
    steps = [reader.by_numbers(), reader.by_words()]
    found = [step for step in steps if step is not None]
    if not found:
        marked = reader.by_marks()
        return marked if marked is not None or not reader.lacks_object() else Picked([])
    rows = set[int].intersection(*(set(step.rows) for step in found))
    columns = {step.column for step in found}
    return Picked(sorted(rows), columns.pop() if len(columns) == 1 else None)


def pick_marked(material: Material, grid: TableRows) -> list[int]:
    """Pick the rows by a column of yes and no alone: what is counted may bear any other word."""
    reader = _ConditionReader(material, grid)
    if reader.by_numbers() is not None or reader.by_words() is not None:
        return []
    marked = reader.by_marks()
    return marked.rows if marked else []


class _ConditionReader:
    """Reads the parts of a question's condition against one table."""

    def __init__(self, material: Material, grid: TableRows) -> None:
        self._material, self._grid = material, grid
        self._text = material.asked.text
        self._first = grid.rows[0][0]
        self._label = label_column(grid)
        self._is_negated = is_denied(self._text)
        named = named_columns(material.asked, grid)
        self._named = sorted(
            (column for column in named if column != self._label), key=lambda one: -named[one]
        )
        header = self._first.find(" | ".join(grid.header))
        self._around = header | self._first.find(grid.candidate(0).lead) | self._first.above

    def by_numbers(self) -> Picked | None:
        """Rows by the number that the question states: of a named column first."""
        told = list(_ASKED_NUMBER.finditer(self._text))
        if len(told) != 1 or self._is_in_a_name(told[0][1]):
            return None
        number = told[0][1].strip(".,")
        at = told[0].start(1)
        quantity = next(read_quantities(self._text[at:], folded=True), None)
        values = quantity.values if quantity else number_values(number)
        test = self._test_of(max(values), values)
        for column in [*self._named, None]:
            columns = range(len(self._grid.header)) if column is None else [column]
            if column is None and self._is_bounded():
                continue  # `over 500` of nothing that has a column
            held = {
                row: one
                for one in columns
                if self._is_of_unit(one, quantity.unit if quantity else None)
                for row, cell in self._cells(one)
                if test(cell)
            }
            if held:
                one = next(iter(held.values())) if len(set(held.values())) == 1 else None
                return Picked(self._turned(sorted(held)), one)
        is_above = any(self._material.question.terms[term].text == number for term in self._around)
        return None if is_above else Picked([])

    def by_words(self) -> Picked | None:
        """Rows by the words of the question that some of their cells hold, and not all."""
        held = [self._grid.terms(row) for row in range(len(self._grid.rows))]
        everywhere = held[0].intersection(*held)
        some = frozenset(
            at
            for at in frozenset[int]().union(*held) - everywhere - self._around
            if self._is_telling(at)
        )
        if not some:
            return None
        for column in [*self._named, None]:
            rows = [
                row
                for row in range(len(held))
                if some
                <= (held[row] if column is None else self._first.find(self._cell(row, column)))
            ]
            if rows:
                return Picked(self._turned(rows), column)
        return Picked([])

    def by_marks(self) -> Picked | None:
        """Rows by a named column that says yes or no, or by its cells that say nothing."""
        for column in self._named:
            cells = [_plain(cell) for _, cell in self._cells(column)]
            yes = [row for row, cell in enumerate(cells) if cell in _YES]
            nothing = [row for row, cell in enumerate(cells) if cell in _NO | _NOTHING]
            if len(yes) + len(nothing) >= _MOSTLY * len(cells) and yes:
                return Picked(nothing if self._is_negated else yes, column)
            if _HAVING.search(self._text) is None:
                continue
            if self._is_negated:
                return Picked(nothing, column)
            if nothing:
                return Picked([row for row in range(len(cells)) if row not in nothing], column)
        return None

    def lacks_object(self) -> bool:
        """Whether the table has no word of what its rows should have: `rooms with a whiteboard`."""
        found = _HAVING.search(self._text)
        if found is None:
            return False
        said = frozenset(self._text[found.end() :].split())
        terms = {
            at
            for at, term in enumerate(self._material.question.terms)
            if fold(term.text.lower()) in said and self._is_telling(at)
        }
        held = self._around.union(*(self._grid.terms(row) for row in range(len(self._grid.rows))))
        return bool(terms) and terms.isdisjoint(held)

    def _turned(self, rows: Sequence[int]) -> list[int]:
        """The rows, or the others where the question denies; a cell may deny itself."""
        if not self._is_negated:
            return list(rows)
        denied = [
            row for row in rows if any(_NEGATED.search(_plain(c)) for c in self._grid.cells(row))
        ]
        return denied or [row for row in range(len(self._grid.rows)) if row not in rows]

    def _is_telling(self, at: int) -> bool:
        term, asked = self._material.question.terms[at], self._material.asked
        return (
            " " not in term.text
            and not term.text.isdigit()
            and term.text.lower() not in asked.instructions
            and not is_function_word(term.text, self._material.question.language)
        )

    def _test_of(self, value: float, values: frozenset[float]) -> _Test:
        bound = _BOUND.search(self._text)

        def meets(cell: str) -> bool:
            number = number_in(cell)
            if number is None:
                return False
            if bound is None:
                return number in values
            kept = {
                "least": number >= value,
                "most": number <= value,
                "below": number < value,
                "above": number > value,
            }
            return kept[bound.lastgroup or "above"]

        return meets

    def _is_bounded(self) -> bool:
        return _BOUND.search(self._text) is not None

    def _is_of_unit(self, column: int, unit: str | None) -> bool:
        """Whether a column has a unit that may be meant: no months where years are asked for."""
        if unit is None:
            return True
        texts = [self._grid.header[column], *(cell for _, cell in self._cells(column))]
        units = {
            one.unit
            for text in texts
            for word in re.findall(r"[^\W\d_]+", fold(normalise(text)))
            for one in read_quantities(f"2 {word}", folded=True)
        }
        return unit in units or units <= {None}

    def _is_in_a_name(self, number: str) -> bool:
        """Whether cells have a number behind a word, as `Rill 310`: it is a name's."""
        text = "\n".join(
            _plain(cell) for row in range(len(self._grid.rows)) for cell in self._grid.cells(row)
        )
        said = re.search(rf"([^\W\d_]+) {re.escape(number)}", self._text)
        return said is not None and f"{said[1]} {number}" in text

    def _cells(self, column: int) -> Iterator[tuple[int, str]]:
        for row in range(len(self._grid.rows)):
            yield row, self._cell(row, column)

    def _cell(self, row: int, column: int) -> str:
        return self._grid.cells(row)[column]


def _plain(cell: str) -> str:
    return fold(normalise(cell)).strip(" .")
