"""Questions that may come next: from the headings beside what an answer was made of."""

import re
from collections.abc import Sequence

from citewell.engine.answering.base import Answer, Passage
from citewell.engine.text.normalisation import fold, normalise

MOST = 3
"""Suggestions of one answer: more is a menu, not a hint."""

_MAX_CHARS = 80
_NUMBER = re.compile(
    r"^\s*(?:(?:section|chapter|article|part|annex|chương|điều|mục|phần|phụ lục)\s+)?"
    r"(?:[\dIVXivx]+|[A-Za-z])(?:\.\d+)*[.)]?[\s:–-]+",  # noqa: RUF001
    re.IGNORECASE,
)
"""`2.4`, `Điều 12.`, `Annex B:` in front of a heading."""

_ABOUT = {
    "en": "What does “{title}” say about {heading}?",
    "vi": "“{title}” nói gì về {heading}?",
}


def suggest_questions(
    question: str, answer: Answer, passages: Sequence[Passage]
) -> tuple[str, ...]:
    """Get questions about the headings that were found beside those that are cited.

    Args:
        question: As it was answered.
        answer: Its answer.
        passages: What was read, best first; their headings are for who may read them.
    """
    cited = {_key(each.passage) for each in answer.citations}
    asked = fold(normalise(question))
    made: list[str] = []
    for passage in passages:
        key = _key(passage)
        if key in cited or not passage.heading:
            continue
        cited.add(key)
        heading = _NUMBER.sub("", passage.heading[-1]).strip()
        # A heading of the question's words is what was asked for already.
        if not 3 < len(heading) <= _MAX_CHARS or fold(normalise(heading)) in asked:
            continue
        # In the language of the heading, so that the whole is one.
        form = _ABOUT.get(passage.language, _ABOUT["en"])
        is_question = heading.endswith("?")
        made.append(
            heading if is_question else form.format(title=passage.title, heading=_inside(heading))
        )
        if len(made) == MOST:
            break
    return tuple(made)


def _key(passage: Passage) -> tuple[str, tuple[str, ...]]:
    return passage.document_id, passage.heading


def _inside(heading: str) -> str:
    """The heading as it is written inside a sentence: a name or an acronym keeps its capital."""
    first, _, rest = heading.partition(" ")
    is_word = first[:1].isupper() and first[1:].islower()
    return f"{first.lower()} {rest}".strip() if is_word and not rest.istitle() else heading
