"""Reasons for a confidence, in words."""

import re
from collections.abc import Iterator

from citewell.engine.answering.asking.answer_kinds import Kind
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
        "typed": "It holds {article} {kind}, as asked.",
        "untyped": "It holds no {kind}, which is asked for.",
        "lead": "No other sentence comes near it.",
        "agree": "Said in {count} documents.",
        "miscounted": "Its number counts something else.",
        "unclear": "No sentence answers it clearly.",
    },
    "vi": {
        "covered": "Đoạn văn có mọi từ của câu hỏi.",
        "missing": "Không có trong đoạn văn: {words}.",
        "typed": "Có {kind} như câu hỏi cần.",
        "untyped": "Không có {kind} mà câu hỏi cần.",
        "lead": "Không câu nào khác sát bằng.",
        "agree": "Có trong {count} tài liệu.",
        "miscounted": "Con số trong đó đếm thứ khác.",
        "unclear": "Không câu nào trả lời rõ ràng.",
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


def reasons_of(
    material: Material, statement: Statement, signals: Signals, *, is_given: bool
) -> list[str]:
    """Get what speaks for and against an answer: coverage, kind, margin, agreement.

    Args:
        material: The question and what was found.
        statement: The first of the answer.
        signals: What its confidence was read from.
        is_given: Whether it is given; of one that is not, only what speaks against it is said.
    """
    language = material.question.language
    sayings = _SAYINGS.get(language, _SAYINGS["en"])
    against = list(_against(material, statement, signals))
    if is_given:
        return [*against, *_for(material, statement, signals)]
    return against or [sayings["unclear"]]


def _against(material: Material, statement: Statement, signals: Signals) -> Iterator[str]:
    question = material.question
    sayings = _SAYINGS.get(question.language, _SAYINGS["en"])
    if lacking := content_of(material) - near_terms(material, statement):
        # Whether the library knows a word is not said: the reader may not see all of it.
        words = ", ".join(question.terms[at].text for at in sorted(lacking)[:_MOST_WORDS])
        yield sayings["missing"].format(words=words)
    if (kind := _kind_of(material)) and signals.no_type and not _shows_number(material, statement):
        yield sayings["untyped"].format(kind=kind)
    if signals.miscounted and not signals.no_type:
        yield sayings["miscounted"]


def _shows_number(material: Material, statement: Statement) -> bool:
    """Whether a count that is asked for can be seen, though nothing says of what it is one."""
    return material.asked.kind is Kind.COUNT and re.search(r"\d", statement.text) is not None


def _for(material: Material, statement: Statement, signals: Signals) -> Iterator[str]:
    sayings = _SAYINGS.get(material.question.language, _SAYINGS["en"])
    if not content_of(material) - near_terms(material, statement):
        yield sayings["covered"]
    if (kind := _kind_of(material)) and signals.has_type:
        yield sayings["typed"].format(kind=kind, article="an" if kind[0] in "aeiou" else "a")
    if signals.margin >= _CLEAR_LEAD:
        yield sayings["lead"]
    if (count := _documents(material, statement)) > 1:
        yield sayings["agree"].format(count=count)


def _kind_of(material: Material) -> str | None:
    kinds = _KINDS.get(material.question.language, _KINDS["en"])
    return kinds.get(material.asked.kind)


def _documents(material: Material, statement: Statement) -> int:
    """In how many documents a sentence says the same words, copies of one passage taken as one."""
    text = statement.text.casefold()
    passages = [
        one.candidate.passage for one in material.ranked if one.candidate.text.casefold() == text
    ]
    # A copy agrees with itself: what was written once is one source, however often it is kept.
    texts = {" ".join(passage.text.casefold().split()) for passage in passages}
    return min(len({passage.document_id for passage in passages}), len(texts))
