"""Which reader answers which kind of question."""

from dataclasses import replace

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.reading.aggregates import read_aggregate
from citewell.engine.answering.reading.articles import read_article, reference_of
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.comparison import compare
from citewell.engine.answering.reading.conflicts import newest_first
from citewell.engine.answering.reading.lists import find_list
from citewell.engine.answering.reading.membership import read_membership
from citewell.engine.answering.reading.outcomes import with_outcome
from citewell.engine.answering.reading.parallels import read_parallels
from citewell.engine.answering.reading.polarity import lead_with_polarity
from citewell.engine.answering.reading.products import read_product
from citewell.engine.answering.reading.rows import read_rows
from citewell.engine.answering.reading.statements import best_statements
from citewell.engine.lexical.codes import find_codes
from citewell.engine.text.sentences import is_table_row

_LISTED = (Kind.LIST, Kind.PROCEDURE)
_SEVERAL = (Kind.COUNT, Kind.LIST, Kind.PERSON)


def read(material: Material, max_sentences: int) -> list[Statement]:
    """Answer a question from what was found for it; empty when nothing answers it.

    Args:
        material: The question and the scored sentences.
        max_sentences: Most statements to give.
    """
    asked = material.asked
    if (reference := reference_of(material.question.text)) is not None:
        article = read_article(material, reference)
        return [article] if article else []
    if asked.kind is Kind.COMPARISON and (compared := compare(material)):
        return compared[: max(max_sentences, 2)]
    if asked.aggregate is Aggregate.SUM and (product := read_product(material)):
        return [product]
    if asked.aggregate not in (None, Aggregate.COUNT) and (made := read_aggregate(material)):
        return [made]
    if picked := read_rows(material):
        return [picked]
    if asked.kind in _LISTED and (listed := find_list(material)):
        return [listed]
    if member := read_membership(material):
        return [member]
    if asked.kind in _SEVERAL and material.ranked and (several := read_parallels(material)):
        is_of_rows = all(is_table_row(quote.text) for quote in several.quotes)
        is_counted = asked.aggregate is Aggregate.COUNT and is_of_rows
        return [(read_aggregate(material) if is_counted else None) or several]
    found = best_statements(material, max_sentences)
    if asked.aggregate is Aggregate.COUNT and not _says_how_many(material, found):
        made = read_aggregate(material)
        return [made] if made else found
    if not found:
        return []
    first = _with_title(material, lead_with_polarity(material, found[0]))
    first = with_outcome(material, first)
    return newest_first(material, [first, *found[1:]])


def _says_how_many(material: Material, found: list[Statement]) -> bool:
    """Whether a sentence gives the number; a row of a table gives one of something else."""
    if not found or is_table_row(found[0].quotes[0].text):
        return False
    return offers(material.asked, found[0].text) == 1.0


def _with_title(material: Material, statement: Statement) -> Statement:
    """Lead with the document's title where a question asks what a code is: it is the document."""
    title = statement.quotes[0].passage.title
    is_row = is_table_row(statement.quotes[0].text)
    if material.asked.kind is not Kind.DEFINITION or is_row or title in statement.text:
        return statement
    asked = {code.key for code in find_codes(material.question.text)}
    if not asked & {code.key for code in find_codes(statement.text)}:
        return statement
    return replace(statement, text=f"{title}: {statement.text}")
