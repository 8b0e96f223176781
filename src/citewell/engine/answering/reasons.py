"""Reasons for a confidence, in words."""

from collections.abc import Iterator

from citewell.engine.answering.asking.kinds import Kind
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.signals import Signals, content_of, near_terms

_MOST_WORDS = 4
"""Words of the question that are named as missing."""

_CLEAR_LEAD = 0.2
"""Lead over the next sentence, in scores, that is worth saying: beyond it no other is given."""

_SAYINGS = {
    "en": {
        "covered": "The passage holds every word of the question.",
        "missing": "Not in the passage: {words}.",
        "typed": "It holds {kind}, as asked.",
        "untyped": "It holds no {kind}, which is asked for.",
        "lead": "No other sentence comes near it.",
        "agree": "Said in {count} documents.",
        "miscounted": "Its number counts something else.",
    },
    "vi": {
        "covered": "Đoạn văn có mọi từ của câu hỏi.",
        "missing": "Không có trong đoạn văn: {words}.",
        "typed": "Có {kind} như câu hỏi cần.",
        "untyped": "Không có {kind} mà câu hỏi cần.",
        "lead": "Không câu nào khác sát bằng.",
        "agree": "Có trong {count} tài liệu.",
        "miscounted": "Con số trong đó đếm thứ khác.",
    },
}
_KINDS = {
    "en": {
        Kind.PERSON: "name",
        Kind.PLACE: "place",
        Kind.TIME: "date or time",
        Kind.COUNT: "number",
        Kind.AMOUNT: "amount",
        Kind.DURATION: "length of time",
        Kind.CONTACT: "address or number",
    },
    "vi": {
        Kind.PERSON: "tên",
        Kind.PLACE: "địa điểm",
        Kind.TIME: "ngày giờ",
        Kind.COUNT: "con số",
        Kind.AMOUNT: "mức",
        Kind.DURATION: "khoảng thời gian",
        Kind.CONTACT: "địa chỉ hoặc số",
    },
}


def reasons_of(material: Material, statement: Statement, signals: Signals) -> Iterator[str]:
    """Yield what speaks for and against an answer: coverage, kind, margin, agreement.

    Args:
        material: The question and what was found.
        statement: The first of the answer.
        signals: What its confidence was read from.
    """
    question = material.question
    sayings = _SAYINGS.get(question.language, _SAYINGS["en"])
    kinds = _KINDS.get(question.language, _KINDS["en"])
    lacking = content_of(material) - near_terms(material, statement)
    if not lacking:
        yield sayings["covered"]
    else:
        # Whether the library knows a word is not said: the reader may not see all of it.
        words = ", ".join(question.terms[at].text for at in sorted(lacking)[:_MOST_WORDS])
        yield sayings["missing"].format(words=words)
    if (kind := kinds.get(material.asked.kind)) and signals.has_type:
        yield sayings["typed"].format(kind=kind)
    elif kind and signals.no_type:
        yield sayings["untyped"].format(kind=kind)
    if signals.miscounted and not signals.no_type:
        yield sayings["miscounted"]
    if signals.margin >= _CLEAR_LEAD:
        yield sayings["lead"]
    if (count := _documents(material, statement)) > 1:
        yield sayings["agree"].format(count=count)


def _documents(material: Material, statement: Statement) -> int:
    """In how many documents a sentence says the same words."""
    text = statement.text.casefold()
    return len(
        {
            one.candidate.passage.document_id
            for one in material.ranked
            if one.candidate.text.casefold() == text
        }
    )
