"""Questions that may come next or first: from the headings of passages and of documents."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from citewell.engine.answering.base import Answer, Passage
from citewell.engine.text.normalisation import fold, normalise

MOST = 3
"""Suggestions of one answer: more is a menu, not a hint."""

_MAX_CHARS = 80
_NUMBER = re.compile(
    r"^\s*(?:(?:section|chapter|article|part|annex|schedule|table|figure"
    r"|chương|điều|mục|phần|phụ lục|bảng|hình)\s+)?"
    r"(?:[\dIVXivx]+|[A-Za-z])(?:\.\d+)*[.)]?[\s:–-]+",  # noqa: RUF001
    re.IGNORECASE,
)
"""`2.4`, `Điều 12.`, `Annex B:` in front of a heading."""

_ABOUT = {"en": "What is there about {heading}?", "vi": "{heading} được quy định thế nào?"}
"""Chosen by answers: of 42 English and 30 Vietnamese headings of the sample library that name a
subject all are answered in these forms, 28 and 28 first from their own section. As `What do the
documents say about` it is 10 of 42, as `What should I know about` 22, as `Tài liệu nói gì về` 16 of
30: words of the form are looked for too. With the title of the document in the question it was 6 of
90, since the passages that name a document are not those that say something; "what about" does as
well, and begins a follow-up."""

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
    r"(?:after|because|before|how|if|not|what|when|where|which|while|who|why"
    r"|ai|bao giờ|bao nhiêu|khi|nếu|tại sao|trước khi|sau khi|vì sao)\b",
    re.IGNORECASE,
)
"""Headings that go on as a clause, `Before you travel`: nothing can be asked about them."""
_POINTS = re.compile(r"\b(?:last|next|our|these|this|your|này)\b", re.IGNORECASE)
"""Words that point at something in the document, which a question outside it does not have."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_NO_SUBJECT = re.compile(r"[\d|:;/\t(){}\[\]=…]|\.\.")
"""Signs of a row of a table, a field, a number, or the line of a table of contents."""

_JOINED_NAME = re.compile(r"\w_\w|\w\.[A-Za-z]\w{1,4}\b")
"""Words joined by underscores, and an extension: `on_call`, `slots.csv`, as sheets and attachments
are called. It leaves out names of sites (`example.org`) too: a suggestion less, not a wrong one."""

_WORDS = {"vi": range(3, 10)}
_USUAL_WORDS = range(2, 7)
"""Words of a heading that names a subject: one is too general to ask about (`Data`), many are
a sentence. Vietnamese is counted by syllables, of which a word has two."""


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
    is_stray = _strays([each.heading for each in headings])
    for each in headings:
        asked = None if is_stray(each.heading) else _asked(each.heading, each.language, each.title)
        if asked is not None:
            made.setdefault(fold(normalise(asked)), FirstQuestion(asked, each))
    return sorted(made.values(), key=lambda each: not each.about.heading.strip().endswith("?"))


def suggest_questions(
    question: str, answer: Answer, passages: Sequence[Passage]
) -> tuple[str, ...]:
    """Get questions about the headings that were found beside those that are cited.

    They are of the documents that the answer cites, the most cited one first; none for one that
    cites nothing.

    Args:
        question: As it was answered.
        answer: Its answer.
        passages: What was read, best first; their headings are for who may read them.
    """
    cited = {_key(each.passage) for each in answer.citations}
    documents = Counter(each.passage.document_id for each in answer.citations)
    asked = fold(normalise(question))
    made: list[str] = []
    beside = [each for each in passages if each.heading and each.document_id in documents]
    strays = {
        document: _strays([each.heading[-1] for each in beside if each.document_id == document])
        for document in documents
    }
    for passage in sorted(beside, key=lambda each: -documents[each.document_id]):
        key = _key(passage)
        if key in cited or strays[passage.document_id](passage.heading[-1]):
            continue
        cited.add(key)
        suggested = _asked(passage.heading[-1], passage.language, passage.title)
        # A heading of the question's words is what was asked for already.
        heading = fold(normalise(_NUMBER.sub("", passage.heading[-1]).strip()))
        if suggested is None or suggested in made or heading in asked:
            continue
        made.append(suggested)
        if len(made) == MOST:
            break
    return tuple(made)


def _strays(headings: Sequence[str]) -> Callable[[str], bool]:
    """Predicate of the headings that are none where most of a document have numbers.

    The head of a table in a PDF looks like one: `Light Meaning` among `6.1` and `6.2`.
    """
    own = set(headings)
    has_numbers = 2 * sum(bool(_NUMBER.match(each)) for each in own) > len(own)
    return lambda heading: has_numbers and not _NUMBER.match(heading)


def _asked(heading: str, language: str, title: str) -> str | None:
    """A question about a heading, in its language; None for one that names no subject."""
    heading = _NUMBER.sub("", heading).strip().rstrip(".")
    if heading.endswith("?"):
        return heading if 3 < len(heading) <= _MAX_CHARS else None
    if not _is_subject(heading, language, title):
        return None
    form = _ABOUT.get(language, _ABOUT["en"])
    return form.format(heading=heading if form.startswith("{") else _inside(heading))


def _is_subject(heading: str, language: str, title: str) -> bool:
    """Whether a heading without its number reads as what something is about."""
    key = fold(normalise(heading))
    if key in _OF_EVERY_DOCUMENT or key == fold(normalise(title)):
        return False
    if len(heading) > _MAX_CHARS or any(
        found(heading)
        for found in (_NO_SUBJECT.search, _JOINED_NAME.search, _CLAUSE.match, _POINTS.search)
    ):
        return False
    words = _WORD.findall(heading)
    return (
        len(words) in _WORDS.get(language, _USUAL_WORDS)
        and not (len(words) > 1 and heading.isupper())
        and not (language == "vi" and _is_joined(heading.split()))
    )


def _is_joined(words: Sequence[str]) -> bool:
    """Whether a capital stands alone within, as where cells of a table's head follow each other.

    Names of people and places have several: `Tình huống Việc cần làm` against `đường Trần Phú`.
    """
    capital = [word[:1].isupper() for word in words]
    return any(
        here and not capital[at] and (at + 2 >= len(words) or not capital[at + 2])
        for at, here in enumerate(capital[1:])
    )


def _key(passage: Passage) -> tuple[str, tuple[str, ...]]:
    return passage.document_id, passage.heading


def _inside(heading: str) -> str:
    """The heading as it is written inside a sentence: a name or an acronym keeps its capital."""
    first, _, rest = heading.partition(" ")
    is_word = first[:1].isupper() and (len(first) == 1 or first[1:].islower())
    return f"{first.lower()} {rest}".strip() if is_word and not rest[:1].isupper() else heading
