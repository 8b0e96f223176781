"""Decisions that stand behind what was proposed: minutes tell the two in sentences of their own.

`Mr Hale proposed to buy a new oven. Not decided.` answers whether the oven is bought by the second
sentence, which has no word of the question.
"""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.reading.base import Material, Quote, Statement
from citewell.engine.text.normalisation import normalise
from citewell.engine.text.sentences import Span, is_table_row

_PROPOSES = re.compile(
    r"\b(?:đề xuất|đề nghị|kiến nghị|trình|xin phép|propos(?:es?|ed|al)|suggest(?:s|ed)?|"
    r"request(?:s|ed)?|recommend(?:s|ed)?|asked (?:for|to|that))\b"
)
_DECIDES = re.compile(
    r"^(?:\W*(?:kết luận|quyết định|ý kiến chủ tọa|decision|outcome|result)[^:\n]{0,30}: .|"
    r"\W*(?:chưa|không|đã|được|hội nghị|cuộc họp|chủ tọa|giám đốc|cả)?(?: \w+){0,3} ?"
    r"(?:kết luận|thống nhất|đồng ý|chấp thuận|thông qua|phê duyệt|bác bỏ|tạm hoãn|hoãn lại)\b|"
    r"\W*(?:the (?:board|meeting|committee|chair) |it was |this was |not )?(?:yet )?"
    r"(?:agreed|approved|rejected|declined|deferred|postponed|adopted|accepted|decided|"
    r"turned down|no decision)\b)"
)
"""Begin of a sentence that tells what became of a proposal. `The price was agreed` begins with a
thing of its own and tells of that."""

_MOST = 3
"""Sentences behind the proposal among which its outcome stands: opinions come between."""


def with_outcome(material: Material, statement: Statement) -> Statement:
    """Get a statement on a proposal with the decision behind it, where yes or no is asked."""
    if material.asked.kind is not Kind.YES_NO or len(statement.quotes) != 1:
        return statement
    quote = statement.quotes[0]
    if is_table_row(quote.text) or not _PROPOSES.search(normalise(statement.text)):
        return statement
    for reading in material.scores.readings:
        if reading.passage is not quote.passage:
            continue
        behind = [one for one in reading.candidates if one.span.start >= quote.span.end]
        end = quote.span.end
        for one in behind[:_MOST]:
            if "\n" in quote.passage.text[end : one.span.start]:
                break  # the next item is of something else
            end = one.span.end
            if _DECIDES.match(normalise(one.text)):
                outcome = Quote(quote.passage, Span(one.span.start, one.span.end))
                return Statement(
                    f"{statement.text} {one.text}",
                    (quote, outcome),
                    statement.score,
                    statement.coverage,
                )
    return statement
