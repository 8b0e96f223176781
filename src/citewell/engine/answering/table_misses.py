"""Rows of tables that have the words of a question and tell another thing: no price, no yes."""

import re
from collections.abc import Sequence

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.implied import PRICED
from citewell.engine.answering.asking.periods import lacks_period
from citewell.engine.answering.asking.predicates import asks_listed
from citewell.engine.answering.asking.quantities import asks_price
from citewell.engine.answering.candidates import cells_of
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.answering.signals import content_of, told_by
from citewell.engine.text.normalisation import fold, normalise

_PRICED_FOR = re.compile(
    r"\bhow much (?:is|are|does|do|would|for) (?P<thing>(?:[^\W_]+ ){1,6}?)"
    r"(?:for|on|to fit) (?:the |a |an |my |our )?(?P<whole>[^\W_]+(?: [^\W_]+){0,3})"
)
"""A thing whose price is asked, and the greater one that it belongs to."""

_PAID = PRICED | {"ticket", "tickets", "entry", "entrance", "admission", "hire", "rental"}
"""Words for what a table of prices is of, which its rows seldom say again."""

_FITS = re.compile(r"^(?:fits|for|models?|suits|suitable for|compatible with|dung cho|cho may)\b")
"""Name of the column with the things that another one is for."""

_MAY = re.compile(
    r"(?:can|could|may|might|must|should|am|are) (?:i|we|my|one|you|people|visitors)\b"
)
_DECIDES = re.compile(
    r"\b(?:yes|no|not|never|only|must|may|can|cannot|allowed|permitted|forbidden|prohibited|banned|"
    r"free|available|open|closed|included|excluded|required|needed|needs?|compulsory|optional|admitted|"
    r"co|khong|chi|duoc|cam|phai|mien phi|mo cua|dong cua)\b|[✓✔✗✘☑☐]"
)
"""Words of a row for yes or no; `duoc` and `co` are Vietnamese, folded."""


def is_priced_otherwise(material: Material, statement: Statement) -> bool:
    """Whether a price is asked for that the row of a table does not tell.

    The table has its prices by other periods, or the row is one that the thing is for: a floor
    sander's row does not tell what a sheet for it costs.
    """
    reading, at = next(iter(told_by(material, statement)), (None, 0))
    if reading is None or not asks_price(material.asked):
        return False
    row, passage = reading.candidates[at], reading.passage
    header = cells_of(row.header)
    if lacks_period(material.question.text, header, " ".join(row.cells)):
        return True
    if _is_what_it_fits(reading, header, row.cells, content_of(material)):
        return True
    match = _PRICED_FOR.search(material.asked.text)
    if match is None or material.question.language != "en":
        return False
    terms, content = material.question.terms, content_of(material)
    thing, whole = (
        {
            at
            for at in content
            if (word := fold(terms[at].text.lower())) in match[name].split() and word not in _PAID
        }
        for name in ("thing", "whole")
    )
    near = (statement.text, row.header, passage.title, *passage.heading, row.lead)
    said = frozenset[int]().union(*map(reading.find, near))
    return bool(thing) and thing.isdisjoint(said) and not whole.isdisjoint(said)


def _is_what_it_fits(
    reading: ReadPassage, header: Sequence[str], cells: Sequence[str], content: frozenset[int]
) -> bool:
    """Whether a row is found by the thing alone that its own thing fits: a filter by its machine.

    The filter's price is not the machine's.
    """
    fits = [at for at, name in enumerate(header) if _FITS.search(fold(normalise(name)))]
    if not fits or len(header) != len(cells):
        return False
    of_it = frozenset[int]().union(*(reading.find(cells[at]) for at in fits)) & content
    others = (cell for at, cell in enumerate(cells) if at not in fits)
    return bool(of_it) and content.isdisjoint(
        frozenset[int]().union(*map(reading.find, others)) - of_it
    )


def decides_nothing(material: Material, statement: Statement) -> bool:
    """Whether it is asked if one may do something, and the cells of a row allow and forbid nothing.

    A gallery of photographs does not tell whether one may take them.
    """
    if material.asked.kind is not Kind.YES_NO or statement.operands is not None:
        return False
    if not asks_listed(material.asked.text) and not _MAY.match(material.asked.text):
        return False
    return _DECIDES.search(fold(normalise(statement.text))) is None
