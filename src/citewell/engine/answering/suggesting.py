"""Questions that may come next or first: from the headings of passages and of documents."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

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

_ABOUT = {"en": "What is there about {heading}?", "vi": "{heading} như thế nào?"}
"""Chosen by answers: of 90 headings of the sample library 63 are answered first from their own
section in these forms. With the title of the document in the question it was 6, since the passages
that name a document are not those that say something; "what about" does as well, and begins a
follow-up."""

_OF_EVERY_DOCUMENT = frozenset({
    "abbreviations", "about this document", "agenda", "annex", "appendix", "background", "can cu",
    "can cu phap ly", "changelog", "conclusion", "contact", "contents", "danh muc", "definitions",
    "dieu khoan chung", "dieu khoan thi hanh", "document history", "doi tuong ap dung",
    "foreword", "general", "general principles", "general provisions", "giai thich tu ngu",
    "gioi thieu", "glossary", "hieu luc", "hieu luc thi hanh", "history", "index", "introduction",
    "ket luan", "lich su sua doi", "loi mo dau", "loi noi dau", "miscellaneous", "mo dau",
    "muc dich", "muc dich va pham vi", "muc luc", "nguyen tac", "nguyen tac chung",
    "nhung quy dinh chung", "notes", "overview", "pham vi ap dung", "pham vi dieu chinh",
    "pham vi dieu chinh va doi tuong ap dung", "phu luc", "preface", "principle", "principles",
    "purpose", "purpose and scope", "quy dinh chung", "references", "related documents",
    "revision history", "scope", "summary", "table of contents", "tai lieu lien quan",
    "tai lieu tham khao", "terms and definitions", "thuat ngu va dinh nghia", "to chuc thuc hien",
    "tong quan", "version history",
})  # fmt: skip
"""Headings, folded, that say nothing of what a document is about: collected from the sample library
and from office and legal templates. One that is missing here makes a dull suggestion, no wrong one.
"""

_CLAUSE = re.compile(
    r"(?:after|because|before|how|if|not|what|when|where|which|while|who|why)\b", re.IGNORECASE
)
"""Headings that go on as a clause, `Before you travel`: nothing can be asked about them."""

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class DocumentHeading:
    """A heading of a document that answers."""

    document_id: str
    title: str
    heading: str
    language: str
    """Of the passage below it."""


@dataclass(frozen=True, slots=True)
class FirstQuestion:
    """A question to begin with, and the heading it was made of."""

    text: str
    about: DocumentHeading


def first_questions(
    headings: Sequence[DocumentHeading], *, language: str | None, most: int
) -> tuple[FirstQuestion, ...]:
    """Get questions that a library answers, for somebody who has not asked it anything.

    Args:
        headings: Of documents the asker may read, in the order of the documents, which is kept:
            one question of each, then a second one of each.
        language: Documents in it come first.
        most: Number of questions; fewer where the headings do not give as many.
    """
    by_document: dict[str, list[DocumentHeading]] = {}
    for each in headings:
        by_document.setdefault(each.document_id, []).append(each)
    turns = [turn for each in by_document.values() if (turn := _telling(each))]
    turns.sort(key=lambda turn: turn[0].about.language != language)
    made: dict[str, FirstQuestion] = {}
    for each in chain.from_iterable(zip_longest(*turns)):
        if each is not None:
            made.setdefault(fold(normalise(each.text)), each)
    return tuple(made.values())[:most]


def _telling(headings: Sequence[DocumentHeading]) -> list[FirstQuestion]:
    """Questions about one document; headings that are questions themselves come first."""
    made: dict[str, FirstQuestion] = {}
    for each in headings:
        heading = _NUMBER.sub("", each.heading).strip()
        key = fold(normalise(heading))
        is_dull = key in _OF_EVERY_DOCUMENT or key == fold(normalise(each.title))
        is_dull |= bool(_CLAUSE.match(heading)) and not heading.endswith("?")
        if is_dull or not 3 < len(heading) <= _MAX_CHARS or not _WORD.search(heading):
            continue
        made.setdefault(key, FirstQuestion(_asked(heading, each.language), each))
    return sorted(made.values(), key=lambda each: _vagueness(each.about.heading.strip()))


def _vagueness(heading: str) -> int:
    """0 for a question, 1 for several words, 2 for one, such as `Term` or `Data`."""
    return 0 if heading.endswith("?") else 1 if len(_WORD.findall(heading)) > 1 else 2


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
        made.append(_asked(heading, passage.language))
        if len(made) == MOST:
            break
    return tuple(made)


def _asked(heading: str, language: str) -> str:
    """A question about a heading, in its language, so that the whole is one."""
    if heading.endswith("?"):
        return heading
    form = _ABOUT.get(language, _ABOUT["en"])
    return form.format(heading=heading if form.startswith("{") else _inside(heading))


def _key(passage: Passage) -> tuple[str, tuple[str, ...]]:
    return passage.document_id, passage.heading


def _inside(heading: str) -> str:
    """The heading as it is written inside a sentence: a name or an acronym keeps its capital."""
    first, _, rest = heading.partition(" ")
    is_word = first[:1].isupper() and first[1:].islower()
    return f"{first.lower()} {rest}".strip() if is_word and not rest.istitle() else heading
