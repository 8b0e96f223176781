"""Questions made from a document by rule: each with its answer and the stretch it was read from.

The rules take what a text marks itself: questions of an FAQ, cells of a table, definitions, dates,
lists and headings. They ask in the words of the document, so such a question is easier than a
person's, and some read oddly: a person has to look at each before it counts.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from citewell.engine.answering.base import Passage
from citewell.engine.answering.candidates import Candidate, candidates_of, cells_of
from citewell.engine.text.language import detect_language
from citewell.engine.text.vocabulary import MONTH_NAMES

RULES = "rules"
"""Writer of what is made here."""

WINDOW = 20_000
"""Characters that are read together: some ten pages. What spans two windows is not asked for."""

MAX_CHARS = 200_000
"""Characters of a document that are read, so that a long one holds no process for long."""

MAX_ITEMS = 8
"""A longer list is no answer that can be checked item by item."""

_MAX_GOLD_WORDS = 8
"""An answer of more words is compared as a reference: no reply repeats it word for word."""

_MAX_SUBJECT_WORDS = 7
_ITEM_WORDS = 5
"""Words of a list's item by which a reply is known to hold it."""

_LIST_SENTENCES = 4 * MAX_ITEMS
_TELLING = 60
"""Characters of a paragraph that tell its language."""

_MIN_WORTH = 0.9
"""Of a sentence that states something, see `Candidate.worth`."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """A document's text to ask about."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ProposedCase:
    """A question with its answer, to be looked at by a person."""

    question: str
    kind: str
    start: int
    end: int
    """Offsets in the text of the passage that answers it."""
    gold: tuple[str, ...] = ()
    """One of these words is in a right answer."""
    all: tuple[str, ...] = ()
    """Each of these is."""
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """Templates of one language."""

    cell: str
    definition: str
    listed: str
    heading: str
    defined: re.Pattern[str]
    """A definition: `subject`, `meaning`."""
    date: re.Pattern[str]
    """A sentence that says when: `before`, `date`, `after`."""
    lead_noise: re.Pattern[str]
    """Words of a lead-in that only announce the list."""


_MONTHS = "|".join(MONTH_NAMES).title()
_CLAUSE = r"(?:(?! and | may | can | that )[^.;:!?,])"
"""A character of a clause that does not go on with another one, which would be torn apart."""

_MEANING = r"(?P<meaning>\w(?:[^.;:]|\.\d){8,200})[.;]"
_EN = _Words(
    cell="What is the {column} of {row} in {title}?",
    definition="What is {subject}?",
    listed="What does {title} list under “{lead}”?",
    heading="What does {title} say about {heading}?",
    # Subjects with a verb of their own or a pronoun are no terms: `this is`, `the reason it is`.
    defined=re.compile(
        r"(?P<subject>[\w“\"][\w“”\"' ()/-]{1,60}?) "
        rf"(?:is(?= an? | the )|means|refers to|stands for|denotes) {_MEANING}"
    ),
    date=re.compile(
        rf"(?P<before>[A-Z]{_CLAUSE}{{3,90}}?) (?P<verb>is|are|was|were|must be|will be) "
        rf"(?P<after>[a-z]{_CLAUSE}{{2,60}}?) (?:on|by|from|until|before|since) "
        rf"(?P<date>\d{{1,2}} (?:{_MONTHS})(?: \d{{4}})?|(?:{_MONTHS}) \d{{1,2}}(?:, \d{{4}})?)"
    ),
    lead_noise=re.compile(
        r"^the following\s+|\s+(?:as follows|the following)\b|[:\uff1a]\s*$", re.I
    ),
)
_VI = _Words(
    cell="{column} của {row} trong {title} là gì?",
    definition="{subject} là gì?",
    listed="{title} liệt kê những gì ở mục “{lead}”?",
    heading="{title} quy định gì về {heading}?",
    defined=re.compile(
        r"(?P<subject>[\w“\"][\w“”\"' ()/-]{1,60}?) "
        rf"(?:là|được hiểu là|có nghĩa là|nghĩa là) {_MEANING}"
    ),
    date=re.compile(
        r"(?P<before>[A-ZĐÀ-Ỹ][^.;:!?]{8,120}?),? (?:vào |từ |trước |kể từ |đến )?(?:hết )?"
        r"(?:ngày )(?P<date>\d{1,2}(?:/\d{1,2}/\d{4}| tháng \d{1,2}(?: năm \d{4})?))"
    ),
    lead_noise=re.compile(r"\s*(?:như sau|sau đây|dưới đây)\b|[:\uff1a]\s*$", re.I),
)
"""Templates. Vietnamese asks where the answer stands, so its dates need no turning round."""

_NO_TERM = re.compile(
    r"^(?:it|this|that|there|these|those|he|she|they|we|you|here|what|which|who|if|when|where|as|"
    r"in|on|at|by|for|with|from|each|every|no|nobody|only|one|trong|tại|theo|mỗi|"
    r"the (?:following|above|reason|aim|purpose)|đây|đó|nó|họ|này|nếu|khi|việc|điều|ngoài ra|"
    r"trong đó|tuy nhiên)\b|\b(?:is|are|was|were|has|have|must|can|may|will|không|phải|được|có)\b",
    re.IGNORECASE,
)
"""Of a definition's subject: pronouns, prepositions, conjunctions and verbs. Also refuses a name
that holds one of these words, `Right to be heard`, which costs a question and no wrong one."""

_NO_SUBJECT = frozenset({"contents", "table of contents", "mục lục"})
"""Headings with nothing below that could be asked for."""

_DIGIT = re.compile(r"\d")


def generate(source: SourceText, limit: int) -> list[ProposedCase]:
    """Make questions from a document, of each kind in turn, the first of each kind first.

    Args:
        source: The text.
        limit: Most questions.
    """
    language = _language(source.text)
    words = _VI if language == "vi" else _EN
    by_kind: dict[str, list[ProposedCase]] = {}
    for case in _all(source, language, words):
        by_kind.setdefault(case.kind, []).append(case)
    turns = chain.from_iterable(zip_longest(*by_kind.values()))
    found: dict[str, ProposedCase] = {}
    for case in turns:
        if case is not None and case.question.casefold() not in found:
            found[case.question.casefold()] = case
    return list(found.values())[:limit]


def _language(text: str) -> str:
    """The language of most paragraphs: names of places and people mislead a look at all at once."""
    paragraphs = [each for each in text[:WINDOW].split("\n\n") if len(each) >= _TELLING]
    return Counter(map(detect_language, paragraphs)).most_common(1)[0][0] if paragraphs else "en"


def _all(source: SourceText, language: str, words: _Words) -> Iterator[ProposedCase]:
    for start in range(0, min(len(source.text), MAX_CHARS), WINDOW):
        window = source.text[start : start + WINDOW]
        read = list(candidates_of(_passage(source, window, start, language)))
        for at, candidate in enumerate(read):
            yield from _of_sentence(source, words, candidate)
            if candidate.is_lead_in:
                yield from _of_list(source, words, read[at : at + _LIST_SENTENCES])


def _passage(source: SourceText, window: str, start: int, language: str) -> Passage:
    """The window as answers read passages, so that rows, headings and FAQ are told as there."""
    return Passage(
        chunk_id="", document_id="", title=source.title, version=1, page=None, heading=(),
        start=start, end=start + len(window), text=window, score=0.0, language=language,
    )  # fmt: skip


def _of_sentence(source: SourceText, words: _Words, candidate: Candidate) -> Iterator[ProposedCase]:
    if candidate.is_row:
        yield from _of_row(source, words, candidate)
        return
    if candidate.worth < _MIN_WORTH or candidate.is_lead_in:
        return
    if candidate.question:
        yield _case(candidate, "faq", _plain(candidate.question), reference=candidate.text)
        return
    yield from _of_definition(words, candidate)
    yield from _of_date(words, candidate)
    if candidate.previous is None and _is_name(candidate.lead, source.title):
        question = words.heading.format(title=source.title, heading=f"“{_plain(candidate.lead)}”")
        yield _case(candidate, "heading", question, reference=candidate.text)


def _of_row(source: SourceText, words: _Words, candidate: Candidate) -> Iterator[ProposedCase]:
    """The last cell with a number of a row that has a name: what tables are looked into for."""
    header, cells = cells_of(candidate.header), candidate.cells
    if len(header) != len(cells) or len(cells) < 2 or _DIGIT.search(cells[0]) or not cells[0]:
        return
    for column in range(len(cells) - 1, 0, -1):
        if header[column] and _DIGIT.search(cells[column]) and len(cells[column].split()) <= 4:
            question = words.cell.format(column=header[column], row=cells[0], title=source.title)
            yield _case(candidate, "table", question, gold=(cells[column],))
            return


def _of_definition(words: _Words, candidate: Candidate) -> Iterator[ProposedCase]:
    match = words.defined.match(candidate.text)
    if match is None:
        return
    subject = match["subject"].strip(' “”"')
    bare = re.sub(r"^(?:An?|The) ", "", subject)
    if _NO_TERM.search(bare) or len(subject.split()) > _MAX_SUBJECT_WORDS:
        return
    question = words.definition.format(subject=_within(subject))
    meaning = _plain(match["meaning"])
    gold = (meaning,) if len(meaning.split()) <= _MAX_GOLD_WORDS else ()
    yield _case(candidate, "definition", question, gold=gold, reference=candidate.text)


def _of_date(words: _Words, candidate: Candidate) -> Iterator[ProposedCase]:
    match = words.date.match(candidate.text)
    if match is None:
        return
    before = _plain(match["before"]).rstrip(",")
    if words is _VI:
        question = f"{before} khi nào?"
    else:
        verb, _, more = match["verb"].partition(" ")
        rest = f"{more} {match['after']}".strip()
        question = f"When {verb} {_within(before)} {rest}?"
    yield _case(candidate, "date", question, gold=(match["date"],), reference=candidate.text)


def _of_list(
    source: SourceText, words: _Words, members: Sequence[Candidate]
) -> Iterator[ProposedCase]:
    """A lead-in with the items in the lines right below it."""
    lead, items = members[0], list[Candidate]()
    for member in members[1:]:
        if _LIST_ITEM.match(_written(member)) and not member.is_row:
            items.append(member)
        elif not items or member.is_row or member.previous is None:
            break  # else it goes on with the item before it
    if not 2 <= len(items) <= MAX_ITEMS:
        return
    heads = [" ".join(_LIST_ITEM.sub("", _written(item)).split()[:_ITEM_WORDS]) for item in items]
    called = words.lead_noise.sub("", lead.text).strip()
    question = words.listed.format(title=source.title, lead=called)
    start, end = _stretch(lead)[0], _stretch(items[-1])[1]
    yield ProposedCase(
        question, "list", start, end, all=tuple(each.strip(" .;,:") for each in heads)
    )


_LIST_ITEM = re.compile(r"\s*(?:[-*•‣◦▪–—+·]|\(?(?:\d{1,3}|[a-zđ])[.)])\s+")  # noqa: RUF001


def _written(candidate: Candidate) -> str:
    return candidate.passage.text[candidate.span.start : candidate.span.end]


def _stretch(candidate: Candidate) -> tuple[int, int]:
    """Offsets in the document's text."""
    base = candidate.passage.start
    return base + candidate.span.start, base + candidate.span.end


def _case(
    candidate: Candidate,
    kind: str,
    question: str,
    *,
    gold: tuple[str, ...] = (),
    reference: str | None = None,
) -> ProposedCase:
    start, end = _stretch(candidate)
    return ProposedCase(question, kind, start, end, gold=gold, reference=reference)


def _is_name(lead: str, title: str) -> bool:
    plain = _plain(lead).casefold()
    if plain in _NO_SUBJECT or plain == _plain(title).casefold():
        return False
    return 1 <= len(lead.split()) <= _MAX_SUBJECT_WORDS and lead[-1] not in ".!?:"


def _within(text: str) -> str:
    """The beginning of a sentence as it reads within one: only articles lose their capital."""
    return re.sub(r"^(?:The|An?)(?= )", lambda match: match.group().lower(), text)


def _plain(text: str) -> str:
    return " ".join(text.split())
