"""Features of an answer's first statement, from which its confidence is computed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.boundaries import tells_boundary
from citewell.engine.answering.asking.evidence import asks_for_a_type, offers
from citewell.engine.answering.asking.focus import focus_of
from citewell.engine.answering.asking.implied import implied_by, names_another_currency
from citewell.engine.answering.asking.series import is_series
from citewell.engine.answering.asking.spellings import other_spellings
from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.answering.base import Passage
from citewell.engine.answering.pointing import points_back
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.compounds import UnsaidWord, unsaid_words
from citewell.engine.answering.reading.counting import counts_items
from citewell.engine.answering.reading.subjects import (
    absent,
    is_function_word,
    names_of,
)
from citewell.engine.answering.scoring import ReadPassage
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.numerals import scaled_numbers
from citewell.engine.text.sentences import is_table_row
from citewell.engine.text.stopwords import CUT_ENGLISH, STOPWORDS

_WORD = re.compile(r"[^\W_]+")

_CLITICS = {"en": frozenset(("s", "t", "d", "m", "ll", "re", "ve")) | CUT_ENGLISH}
"""Parts of words that apostrophes cut in two (`company's`, `don't`)."""

_THEMSELVES = re.compile(
    r"(?<!which )(?<!what )\b(company|organi[sz]ation|employees?|staff|cong ty|nhan vien|"
    r"nguoi lao dong)\b(?! nao\b)",
    re.IGNORECASE,
)
"""The library's owner and its people, whom documents mostly leave unnamed; not where a company is
asked for."""

_DURATION = frozenset({"long", "lau"})
"""Words that ask for a length of time (`how long`, `bao lâu`): no answer repeats them."""

_MOST_WORDS = 12
"""Content words of a question beyond which more of them say no more of its answer."""

_COUNTS = 0.5
"""Least score of a text whose number counts the thing asked for (`quantities.offers`)."""

_MOST_MARGIN = 0.5
"""Lead of the best sentence, in scores, beyond which more of it says no more."""


class Signals(NamedTuple):
    """Features of a first statement for its confidence; shares are of weight."""

    coverage: float
    """Share of the question that the statement covers, with its headings."""
    own: float
    """Share of the question's content words that its own sentences hold."""
    near: float
    """The same with what stands around them: heading, header row, lead-in, the sentence before."""
    best: float
    """The same for the passage that holds the most of them, whichever it is."""
    missing: float
    """Weight of the heaviest content word that the cited passages lack, relative to the heaviest
    of the question."""
    gap: float
    """The same for what its sentences and what stands around them lack."""
    second_gap: float
    """The next heaviest of these."""
    absent: float
    """Names, codes and years that the cited passages lack, at most 2."""
    unknown_names: float
    """Those of them that the whole library lacks, at most 2."""
    unknown: float
    """Share of the content words that the whole library lacks."""
    unknown_sure: float
    """The same times what a library of this size can tell."""
    near_words: float
    """Share of the content words near the statement, each counting alike."""
    focus_gap: float
    """Share of the words that name what is asked for that are not near the statement."""
    focus_gap_typed: float
    """The same where a kind of thing is asked for (a name, a date), which need not be named."""
    names_gap: float
    """Share of the question's names, codes and years that are not near the statement."""
    certainty: float
    """How much a library of this size can tell of its words."""
    numbers: float
    """Numbers of the question that are not in the statement or around it, at most 2."""
    no_type: float
    """0.5 where what is asked for (a date, a number of things, a name) is not in the statement."""
    has_type: float
    """0.5 where it certainly is."""
    miscounted: float
    """Whether a number of things is asked for and no number here counts them."""
    dense: float
    """Cosine of the best cited passage above the midpoint; 0 where it says nothing."""
    passage: float
    """Fused score of the best cited passage."""
    lead: float
    """Lead of the best cited passage over the best other one, in fused scores; below 0 where it is
    not the first, 0 where there is no other."""
    dense_lead: float
    """The same in cosines; 0 where one of the two has none."""
    elsewhere: float
    """Share of the content words that are not near the statement and that passages of other
    documents hold, none of its own: the question may be about those."""
    margin: float
    """Lead of the best sentence over the next, in scores."""
    pairs: float
    """Share of the question's pairs of syllables that its own sentences hold."""
    pairs_near: float
    """The same with what stands around them."""
    pair_gap: float
    """Weight of the heaviest pair that is neither here nor there, relative to the heaviest."""
    new_words: float
    """Words of the statement that the question does not hold, in tens, at most 2."""
    is_row: float
    is_list: float
    no_list: float
    """Whether a list or a procedure is asked for and this is neither."""
    is_asked: float
    """Whether it answers a question that the document itself asks."""
    is_yes_no: float
    is_person: float
    vietnamese: float
    vietnamese_coverage: float
    vietnamese_own: float
    vietnamese_words: float
    words: float
    """Content words of the question, in tens."""
    row_gap: float
    """`gap` of a row: it is terse, so what it lacks tells more."""
    headed: float
    """Whether the cited passages stand under headings."""
    headed_gap: float
    """`gap` under headings: they say what a passage is about, so what is not there tells more."""
    other_currency: float
    """Whether a currency is named and the amounts are in another."""
    typed_gap: float
    """`gap` where it certainly holds the kind of thing asked for: of another thing, perhaps."""


def content_of(material: Material) -> frozenset[int]:
    """Get the positions of the single words that tell of a question's subject."""
    question = material.question
    clitics = _CLITICS.get(question.language, frozenset[str]())
    called = _THEMSELVES.findall(material.asked.text)
    themselves = frozenset(word for one in called for word in one.split())
    asking = _DURATION if material.asked.kind is Kind.DURATION else frozenset[str]()
    return frozenset(
        at
        for at, term in enumerate(question.terms)
        if (" " not in term.text or term.is_form)
        and not is_function_word(term.text, question.language)
        and fold(term.text.lower()) not in asking
        and term.text not in clitics
        and fold(term.text.lower()) not in themselves
        and term.text.lower() not in material.asked.instructions
    )


def judged(material: Material, statements: Sequence[Statement]) -> Statement:
    """Get what the confidence is read from: the first statement, or both sides of a comparison."""
    first = statements[0]
    if material.asked.kind is not Kind.COMPARISON:
        return first
    return replace(
        first,
        text="\n".join(one.text for one in statements),
        quotes=tuple(quote for one in statements for quote in one.quotes),
    )


def signals_of(material: Material, statement: Statement, midpoint: float | None) -> Signals:
    """Gather what a statement's confidence is read from.

    Args:
        material: The question and what was found.
        statement: As `judged` gives it.
        midpoint: Cosine that speaks neither for nor against an answer; None leaves cosines out.
    """
    question = material.question
    readings, told, text, offered, own, near = _seen(material, statement)
    held = near.union(*(reading.terms for reading in readings))
    content = content_of(material)
    weights = [term.weight for term in question.terms]

    def weight(terms: frozenset[int]) -> float:
        return sum(weights[at] for at in terms)

    total = weight(content) or 1.0
    heaviest = max((weights[at] for at in content), default=1.0) or 1.0
    lacking = sorted((weights[at] / heaviest for at in content - near), reverse=True)
    unknown = frozenset(at for at in content - held if not question.terms[at].is_known)
    pairs = frozenset(at for at, term in enumerate(question.terms) if " " in term.text)
    gap = lacking[0] if lacking else 0.0
    is_headed = any(reading.passage.heading for reading in readings)
    names = names_of(question) & content
    focus_gap = _gap_among(focus_of(material.asked, question.language), material, content, near)
    is_list = "\n" in statement.text or is_series(statement.text)
    # Items that were counted need not say a number; else one must hold what is asked for.
    is_typed = asks_for_a_type(material.asked) and not _is_counted(material, statement)
    cosines = [one.passage.dense_score for one in readings if one.passage.dense_score is not None]
    is_vietnamese = float(question.language == "vi")
    return Signals(
        coverage=statement.coverage,
        own=weight(content & own) / total,
        near=weight(content & near) / total,
        best=max(weight(content & one.terms) for one in material.scores.readings) / total,
        missing=max((weights[at] for at in content - held), default=0.0) / heaviest,
        gap=gap,
        second_gap=lacking[1] if lacking[1:] else 0.0,
        absent=min(len(absent(question, [q.passage for q in statement.quotes], held)), 2),
        unknown_names=min(len(unknown & names_of(question)), 2),
        unknown=weight(unknown) / total,
        unknown_sure=weight(unknown) / total * question.certainty,
        near_words=len(content & near) / (len(content) or 1),
        focus_gap=0.0 if asks_for_a_type(material.asked) else focus_gap,
        focus_gap_typed=focus_gap if asks_for_a_type(material.asked) else 0.0,
        names_gap=len(names - near) / len(names) if names else 0.0,
        certainty=question.certainty,
        numbers=min(_lacking_numbers(material, text, near), 2),
        no_type=max(0.0, 0.5 - offered) if is_typed else 0.0,
        has_type=max(0.0, offered - 0.5) if is_typed else 0.0,
        miscounted=float(_is_miscounted(material, statement, offered)),
        dense=max(cosines) - midpoint if midpoint is not None and cosines else 0.0,
        passage=max((one.passage.score for one in readings), default=0.0),
        lead=_lead(material, statement),
        dense_lead=0.0 if midpoint is None else _dense_lead(material, statement),
        elsewhere=weight(content & _held_elsewhere(material, readings) - near) / total,
        margin=_margin(material),
        pairs=weight(pairs & own) / (weight(pairs) or 1.0),
        pairs_near=weight(pairs & near) / (weight(pairs) or 1.0),
        pair_gap=max((weights[at] for at in pairs - near), default=0.0)
        / (max((weights[at] for at in pairs), default=1.0) or 1.0),
        new_words=min(_new_words(material, statement) / 10, 2.0),
        is_row=float(is_table_row(statement.quotes[0].text)),
        is_list=float(is_list),
        no_list=float(material.asked.kind in (Kind.LIST, Kind.PROCEDURE) and not is_list),
        is_asked=float(any(reading.candidates[at].question != "" for reading, at in told)),
        is_yes_no=float(material.asked.kind is Kind.YES_NO),
        is_person=float(material.asked.kind is Kind.PERSON),
        vietnamese=is_vietnamese,
        vietnamese_coverage=is_vietnamese * statement.coverage,
        vietnamese_own=is_vietnamese * weight(content & own) / total,
        vietnamese_words=is_vietnamese * min(len(content), _MOST_WORDS) / 10,
        words=min(len(content), _MOST_WORDS) / 10,
        row_gap=gap * is_table_row(statement.quotes[0].text),
        headed=float(is_headed),
        headed_gap=gap if is_headed else 0.0,
        other_currency=float(names_another_currency(material.asked, text)),
        typed_gap=gap if is_typed and offered == 1.0 else 0.0,
    )


def unsaid_by(material: Material, statement: Statement) -> list[UnsaidWord]:
    """Get the Vietnamese words of a question that a statement does not hold whole.

    What stands around it counts as well, and what it says in another way.
    """
    if material.question.language != "vi":
        return []
    seen = _seen(material, statement)
    implied = implied_by(material.asked, seen.text, seen.offered)
    implied |= said_otherwise(material.question.text, "vi", seen.text)
    if statement.operands:  # computed as the question says: `đắt nhất` is done, not told
        implied |= frozenset(map(fold, material.asked.instructions))
    if boundary := tells_boundary(material.asked, statement.text, seen.text):
        implied |= boundary.words  # hours that end say `đóng cửa`
    return unsaid_words(material.question.text, [seen.text], implied)


def text_near(material: Material, statement: Statement) -> str:
    """The text of a statement and what stands around it: title, headings, lead-in."""
    return _seen(material, statement).text


def near_terms(material: Material, statement: Statement) -> frozenset[int]:
    """Get the positions of the question's terms in a statement and what stands around it."""
    return _seen(material, statement).near


def own_terms(material: Material, statement: Statement) -> frozenset[int]:
    """Get the positions of the question's terms in a statement itself."""
    return _seen(material, statement).own


def told_by(material: Material, statement: Statement) -> list[tuple[ReadPassage, int]]:
    """Get the sentences and rows that a statement quotes, with their passages."""
    return _seen(material, statement).told


class _Seen(NamedTuple):
    """A statement where it stands."""

    readings: list[ReadPassage]
    """The cited passages."""
    told: list[tuple[ReadPassage, int]]
    """The sentences it quotes."""
    text: str
    """Its own and what stands around it."""
    offered: float
    """How far it offers what is asked for."""
    own: frozenset[int]
    """Positions of the question's terms that it holds or says in another way."""
    near: frozenset[int]
    """The same with those around it."""


def _seen(material: Material, statement: Statement) -> _Seen:
    cited = {id(quote.passage) for quote in statement.quotes}
    readings = [one for one in material.scores.readings if id(one.passage) in cited]
    told = list(_told(readings, statement))
    text = f"{statement.text}\n{_surroundings(told)}"
    offered = offers(material.asked, statement.text)
    own = frozenset[int]().union(*(reading.own[at] for reading, at in told))
    own |= _implied(material, text, offered)
    near = own.union(*(_around(reading, at) for reading, at in told))
    return _Seen(readings, told, text, offered, own, near)


def _told(
    readings: Sequence[ReadPassage], statement: Statement
) -> Iterator[tuple[ReadPassage, int]]:
    """The sentences that the statement quotes."""
    for reading in readings:
        for at, candidate in enumerate(reading.candidates):
            if any(
                quote.passage is reading.passage
                and quote.span.start <= candidate.span.start < quote.span.end
                for quote in statement.quotes
            ):
                yield reading, at


def _around(reading: ReadPassage, at: int) -> frozenset[int]:
    """The terms of what stands around a sentence and is said of it too."""
    candidate = reading.candidates[at]
    above = reading.above | reading.find(candidate.lead) | reading.find(candidate.question)
    before = frozenset[int]()
    while at and (reading.candidates[at].previous is not None or _is_back(reading, at)):
        at -= 1
        before |= reading.own[at]
        if not points_back(reading.candidates[at].text):
            break
    return above | before


def _is_back(reading: ReadPassage, at: int) -> bool:
    """Whether a paragraph goes on about what the one before it tells of."""
    before, text = reading.candidates[at - 1], reading.candidates[at].text
    return points_back(text) and before.worth == 1 and not before.is_row


def _implied(material: Material, text: str, offered: float) -> frozenset[int]:
    """The positions of the terms that a text says in another way."""
    words = implied_by(material.asked, text, offered)
    return frozenset(
        at
        for at, term in enumerate(material.question.terms)
        if words.issuperset(fold(term.text.lower()).split())
    )


def _gap_among(
    words: frozenset[str], material: Material, content: frozenset[int], near: frozenset[int]
) -> float:
    """The share of these words that is not near, of those that tell of the subject."""
    named = [at for at in content if fold(material.question.terms[at].text.lower()) in words]
    return sum(at not in near for at in named) / len(named) if named else 0.0


def _surroundings(told: Sequence[tuple[ReadPassage, int]]) -> str:
    texts: dict[str, None] = {}
    for reading, at in told:
        candidate = reading.candidates[at]
        passage = reading.passage
        for text in (passage.title, *passage.heading, candidate.lead, candidate.question):
            texts[text] = None
        texts[candidate.text] = None
    return "\n".join(texts)


def _lacking_numbers(material: Material, text: str, near: frozenset[int]) -> int:
    plain = fold(normalise(text))
    in_range = {
        at
        for reading in material.scores.readings
        for granted in reading.in_range.values()
        for at in granted & near
    }
    held = {fold(material.question.terms[at].text.lower()) for at in in_range}
    asked = [word for word in material.asked.text.split() if any(c.isdigit() for c in word)]
    in_full = _IN_GROUPS.sub("", plain)
    for written, digits in scaled_numbers(normalise(material.question.text)):
        if _says_number(digits, in_full):  # `60 triệu` stands there as `60.000.000`
            held.update(words(written))
    return sum(
        word not in held
        and not any(_says_number(fold(one), plain) for one in (word, *other_spellings(word)))
        for word in asked
    )


_IN_GROUPS = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")


def _says_number(word: str, plain: str) -> bool:
    """Whether a folded text holds a number of a question whole: `500` is no part of `11,500`."""
    return re.search(rf"(?<![\w.,]){re.escape(word)}(?!\w|[.,]\d)", plain) is not None


def _new_words(material: Material, statement: Statement) -> int:
    words = set(_WORD.findall(fold(normalise(statement.text))))
    return len(words - material.asked.words - _stopwords(material.question.language))


@cache
def _stopwords(language: str) -> frozenset[str]:
    return frozenset(fold(word) for word in STOPWORDS.get(language, frozenset[str]()))


def _is_miscounted(material: Material, statement: Statement, offered: float) -> bool:
    asked = material.asked
    is_row = is_table_row(statement.quotes[0].text)
    is_count = asked.kind is Kind.COUNT and bool(asked.counted)
    is_told = is_row or statement.operands is not None
    return is_count and not is_told and offered < _COUNTS


def _is_counted(material: Material, statement: Statement) -> bool:
    """Whether what is asked for was counted, or is listed in one sentence to be counted."""
    asked, text = material.asked, statement.text
    if asked.aggregate in (Aggregate.MAXIMUM, Aggregate.MINIMUM) and statement.operands:
        return True  # `Which room has the most seats?` asks for a row, whatever it is called
    if asked.kind is not Kind.COUNT or statement.operands is not None:
        return asked.kind is Kind.COUNT
    return is_series(text) and counts_items(
        asked, material.question.language, [text.partition(":")[0]], ()
    )


def _held_elsewhere(material: Material, cited: Sequence[ReadPassage]) -> frozenset[int]:
    """The terms that passages of other documents hold, and none of the cited documents."""
    documents = {reading.passage.document_id for reading in cited}
    own, others = set[int](), set[int]()
    for reading in material.scores.readings:
        (own if reading.passage.document_id in documents else others).update(reading.terms)
    return frozenset(others - own)


def _lead(material: Material, statement: Statement) -> float:
    cited, others = _cited_and_others(material, statement)
    if not cited or not others:
        return 0.0
    return max(one.score for one in cited) - max(one.score for one in others)


def _dense_lead(material: Material, statement: Statement) -> float:
    cited, others = (
        [one.dense_score for one in passages if one.dense_score is not None]
        for passages in _cited_and_others(material, statement)
    )
    return max(cited) - max(others) if cited and others else 0.0


def _cited_and_others(
    material: Material, statement: Statement
) -> tuple[list[Passage], list[Passage]]:
    ids = {quote.passage.chunk_id for quote in statement.quotes}
    cited = [one for one in material.passages if one.chunk_id in ids]
    return cited, [one for one in material.passages if one.chunk_id not in ids]


def _margin(material: Material) -> float:
    ranked = material.ranked
    if len(ranked) < 2:
        return _MOST_MARGIN
    return min(ranked[0].score - ranked[1].score, _MOST_MARGIN)
