"""Ranks sentences by how much of the question they cover."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.boundaries import Boundary, asks_boundary, tells_boundary
from citewell.engine.answering.asking.causes import asks_cause, tells_cause
from citewell.engine.answering.asking.events import events_in, is_of_another_event
from citewell.engine.answering.asking.evidence import asks_for_a_type, offers
from citewell.engine.answering.asking.implied import PRICED
from citewell.engine.answering.asking.kinds import Asked, read_question
from citewell.engine.answering.asking.labels import tells_number
from citewell.engine.answering.asking.quantities import asks_money, is_free
from citewell.engine.answering.asking.series import is_series
from citewell.engine.answering.asking.spellings import other_spellings
from citewell.engine.answering.base import Passage, Question, QuestionTerm
from citewell.engine.answering.candidates import Candidate, candidates_of
from citewell.engine.answering.pointing import points_back
from citewell.engine.answering.question import term_array
from citewell.engine.answering.ranges import column_of, is_range_row, number_asked, rows_of
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.numerals import number_values

# Shares of a term's weight a sentence is given for terms that stand near it, and weights of the
# other signals. Set on 800 questions each of SQuAD dev, ViQuAD dev and XQuAD-vi over BM25's top 5:
# against plain IDF overlap plus passage score the answer is in the first sentence for 0.756 (was
# 0.736), in the first three for 0.889 (was 0.873) of SQuAD's; Vietnamese gains 0.005 to 0.01.
_NEAR = 0.3
"""For terms of the sentence before."""

_REFERRED = 0.6
"""The same for a sentence that begins with a word for what that one names: `It lasts an hour`."""

_ABOVE = 0.5
"""For terms of the title, the headings, the table's header or the list's lead-in."""

_NAMED = 0.9
"""For names that the document bears: its clauses call the parties by their roles."""

_ASKED = 0.9
"""For terms of the FAQ question that the sentence answers."""

_LOCAL = 0.5
"""A term in every sentence of the passage counts this much less: it tells none of them apart."""

_PASSAGE = 0.7
"""Weight of the passage's score relative to the best passage."""

_TYPE = 0.25
"""For a sentence that holds the kind of thing asked for. On 500 ViQuAD questions 0.1 to 0.4 are
alike (0.764 to 0.768 in the first two sentences, 0.750 without); documents of an organisation, in
which neighbouring sentences share their words, gain most from the higher ones."""

_TYPE_COVERED = 0.15
"""As much more, by how much of the question it holds itself: a number beside the words of the
question outranks the words alone. On 200 SQuAD questions one more is right, with 0.3 two."""

_BOUNDARY = 0.6
"""The same where the beginning or the end of something
is asked for: every clause of a contract speaks of its end, one tells the day."""

_SUBJECT = 0.2
"""Share of the heaviest weight that a word has which can be what a question is about."""

_LABEL = 0.3
"""For a row whose first cell holds words of the question: `R310-4` is that row, not the one that
says `as R310-4` in its third cell."""

_IN_RANGE = 0.2
"""For a row whose range holds the number that the question states: it asks by it, and no other row
has it. 0.1 leaves sentences of the same words ahead, 0.3 changes nothing more."""

_CELL_PRICE = 0.6
"""Least score of a number that may be a price though its currency stands elsewhere, as
`quantities.offers` gives it."""

_ASIDE = 0.5
"""Factor for comments and hidden text, which are not the document's word."""

_ANY_ROW = 0.6
"""Factor for a table row none of whose cells tells it from the other rows, or whose range does not
hold the number that is asked about, where another one does."""

_OTHER_EVENT = 0.5
"""Factor for what is told of another event of a life than the one asked about: days off for a death
have all words of `when my wife gives birth` but one. Low enough to put a shorter match first."""

_NUMBER = re.compile(r"\d[\d.,]{0,20}")


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence with its score and how much of the question's weight it covers, 0..1."""

    candidate: Candidate
    score: float
    coverage: float
    reading: "ReadPassage"
    at: int
    """Its place in `reading.candidates`."""


@dataclass(frozen=True, slots=True)
class Scores:
    """All sentences, best first, and the passages as they were read."""

    sentences: list[Scored]
    readings: list["ReadPassage"]
    """In the order of the passages."""


def score_sentences(
    question: Question, passages: Sequence[Passage], asked: Asked | None = None
) -> Scores:
    """Score every sentence of the passages against the question.

    Args:
        question: With the weights of its terms.
        passages: Best first.
        asked: What the question asks for; read from it when not given.
    """
    finder = Finder(question.terms)
    asked = asked or read_question(question.text, question.language)
    best = max((passage.score for passage in passages), default=0.0)
    scored: list[Scored] = []
    readings = [ReadPassage(passage, finder, asked) for passage in passages]
    events = events_in(question.text)
    if asks_money(asked):
        priced = max((reading.priced(asked) for reading in readings), default=0.0)
        for reading in readings:
            reading.grant_free(asked, priced)
    for reading in readings:
        share = reading.passage.score / best if best > 0 else 0.0
        for at, candidate in enumerate(reading.candidates):
            coverage, telling = reading.coverage(at)
            # `It is serviced again in May` is about what the sentence before names.
            own = coverage if points_back(candidate.text) else reading.own_coverage(at)
            offered = 0.0 if at in reading.elsewhere else _offered(asked, candidate, own)
            is_asked = 0 < candidate.worth < 1 and tells_number(
                asked, candidate.text, question.language
            )
            worth = 1.0 if is_asked else candidate.worth
            score = (telling + _PASSAGE * share + offered) * worth
            if candidate.is_aside:
                score *= _ASIDE
            if events and is_of_another_event(events, candidate.text, reading.near_text(at)):
                score *= _OTHER_EVENT
            if candidate.is_row:
                label = reading.find(candidate.cells[0]) | reading.in_range.get(at, frozenset())
                score += _LABEL * finder.share(label)
                is_any = at in reading.out_of_range or not reading.is_told_apart(at)
                score *= _ANY_ROW if is_any else 1.0
                score += _IN_RANGE * (at in reading.in_range)
            scored.append(Scored(candidate, score, coverage, reading, at))
    scored.sort(key=lambda one: -one.score)
    return Scores(scored, readings)


def _offered(asked: Asked, candidate: Candidate, own: float) -> float:
    """The score of a sentence for what it offers of the kind that is asked for.

    Args:
        asked: What the question asks for.
        candidate: The sentence.
        own: Share of the question that the sentence holds with its headings: the price beside the
            words of the sentence before is that of another thing.
    """
    if asked.kind is Kind.LIST:
        return _TYPE * (not candidate.is_row and is_series(candidate.text))
    if not asks_for_a_type(asked):
        return _TYPE * (asks_cause(asked) and tells_cause(candidate.text))
    more = _BOUNDARY if asks_boundary(asked) else _TYPE_COVERED
    return (_TYPE + more * own) * offers(asked, candidate.text)


def _is_free(candidate: Candidate) -> bool:
    return is_free(fold(normalise(candidate.text)))


def _is_priced(asked: Asked, candidate: Candidate) -> bool:
    return offers(asked, candidate.text) >= (_CELL_PRICE if candidate.is_row else 1.0)


class Finder:
    """Tells which of the question's terms a text holds, by their positions."""

    def __init__(self, terms: Sequence[QuestionTerm]) -> None:
        self.weights = [term.weight for term in terms]
        self.total = sum(self.weights) or 1.0
        least = _SUBJECT * max(self.weights, default=0.0)
        self.telling = frozenset(at for at, one in enumerate(self.weights) if one >= least)
        """Positions of the terms that can be what the question is about."""
        self._positions: dict[int, tuple[int, ...]] = {}
        for at, term in enumerate(terms):
            for one in term.ids:
                self._positions[one] = (*self._positions.get(one, ()), at)
            for spelling in other_spellings(term.text):
                for one in {*term_array(spelling, "en"), *term_array(spelling, "vi")}:
                    self._positions[one] = (*self._positions.get(one, ()), at)
        self._called = {fold(term.text.lower()): at for at, term in enumerate(terms)}

    def find(self, text: str, language: str) -> frozenset[int]:
        """Get the positions of the terms that the text holds."""
        if not text:
            return frozenset()
        ids = self._positions.keys() & term_array(text, language)
        return frozenset(at for one in ids for at in self._positions[one])

    def called(self, words: frozenset[str]) -> frozenset[int]:
        """Get the positions of the terms that are one of these folded words."""
        return frozenset(self._called[word] for word in words & self._called.keys())

    def numbered(self, value: float) -> frozenset[int]:
        """Get the positions of the terms that are this number in digits."""
        return frozenset(
            at
            for text, at in self._called.items()
            if text[:1].isdigit() and _NUMBER.fullmatch(text) and value in number_values(text)
        )

    def share(self, terms: Iterable[int]) -> float:
        """Get the share of the question's weight that these terms have."""
        return sum(self.weights[term] for term in terms) / self.total


class ReadPassage:
    """One passage, its sentences and the question's terms in them."""

    def __init__(self, passage: Passage, finder: Finder, asked: Asked | None = None) -> None:
        self.passage = passage
        self.finder = finder
        self._found: dict[str, frozenset[int]] = {"": frozenset()}
        self.candidates = list(candidates_of(passage))
        self.own = [finder.find(one.text, passage.language) for one in self.candidates]
        """For each sentence the positions in `question.terms` of those it holds."""
        above = "\n".join((passage.title, *passage.heading, passage.names))
        self.above = self.find(above)
        self.in_range: dict[int, frozenset[int]] = {}
        """The terms that rows hold by a range, by the places of the rows."""
        self.chosen: dict[int, int] = {}
        """Of these the rows of which one cell holds it, with the place of that cell."""
        self.out_of_range: set[int] = set()
        """Places of the rows beside those, whose ranges do not hold the number."""
        self.elsewhere: set[int] = set()
        """Places of sentences that say another thing than the one asked about is free."""
        if asked is not None and asks_money(asked):
            self.own = [
                self._with_price(own, one, asked)
                for own, one in zip(self.own, self.candidates, strict=True)
            ]
        if asked is not None and asks_boundary(asked):
            self.own = [
                self._with_boundary(own, tells_boundary(asked, one.text, above), above)
                for own, one in zip(self.own, self.candidates, strict=True)
            ]
        if asked is not None and any(one.is_row for one in self.candidates):
            self._grant_ranges(asked)
        self.named = self.find(passage.names)
        """Names that its document bears."""
        self._gather()

    def near_text(self, at: int) -> str:
        """Get the text of a sentence with its title, headings and what leads to it."""
        one, passage = self.candidates[at], self.passage
        return "\n".join((passage.title, *passage.heading, one.lead, one.question, one.text))

    def _gather(self) -> None:
        """Sum up what its sentences hold."""
        self.terms = self.above.union(*self.own, self.find(self.passage.context))
        """Those of the whole passage, title included."""
        self._spread = Counter(at for own in self.own for at in own)
        self._rows: Counter[int] = Counter()
        for at, candidate in enumerate(self.candidates):
            if candidate.is_row:
                self._rows.update(self.in_cells(at))

    def _grant_ranges(self, asked: Asked) -> None:
        """Grant rows whose range holds the number of the question the words that say it."""
        number = number_asked(asked)
        if number is None:
            return
        value, units, saying = number
        granted = self.finder.called(saying) | self.finder.numbered(value)
        tables: dict[str, dict[int, list[str]]] = {}
        for at, one in enumerate(self.candidates):
            if one.is_row:
                tables.setdefault(one.header, {})[at] = one.cells
        for header, rows in tables.items():
            named = [at for at, cells in rows.items() if self._is_named(cells[0])]
            held = set(rows_of(value, units, header, rows, named))
            for at, cells in rows.items():
                column = column_of(value, units, cells)
                if column is not None:
                    self.chosen[at] = column
                    held.add(at)
            for at in held:
                self.own[at] |= granted
                self.in_range[at] = granted
        if self.in_range:
            self.out_of_range = {
                at
                for at, one in enumerate(self.candidates)
                if one.is_row and at not in self.in_range and is_range_row(one.cells)
            }

    def _is_named(self, cell: str) -> bool:
        """Whether a cell that is no range has words of the question."""
        is_held = not self.find(cell).isdisjoint(self.finder.telling)
        return is_held and not is_range_row([cell])

    def _with_boundary(
        self, own: frozenset[int], said: Boundary | None, above: str
    ) -> frozenset[int]:
        """The terms of a sentence, with those it says by telling when something begins or ends.

        Only beside its subject: the market that ends in May is not the exhibition that is asked
        about.
        """
        if said is None:
            return own
        granted = self.finder.called(said.words)
        others = (own | self.find(above)) - granted
        if said.is_of_agreement or others & self.finder.telling:
            return own | granted
        return own

    def _with_price(
        self, own: frozenset[int], candidate: Candidate, asked: Asked
    ) -> frozenset[int]:
        """The terms of a sentence, with those for a price, if it tells one of something asked for.

        A cell often has its currency in the name of the column, and is a price nevertheless. What
        is free is left to `grant_free`.
        """
        granted = self.finder.called(PRICED)
        is_of_it = ((own | self.above) - granted) & self.finder.telling
        if is_of_it and not _is_free(candidate) and _is_priced(asked, candidate):
            return own | granted
        return own

    def priced(self, asked: Asked) -> float:
        """Get the most that a sentence with a price holds of what the price is asked of.

        As a share of the question's weight.
        """
        return max(
            (
                self._subject_share(at)
                for at, one in enumerate(self.candidates)
                if not _is_free(one) and offers(asked, one.text) >= _CELL_PRICE
            ),
            default=0.0,
        )

    def grant_free(self, asked: Asked, priced: float) -> None:
        """Grant the terms for a price to sentences that say that something asked for is free.

        `Locker: free` answers `What does a locker cost?` better than what costs 340 a year; but
        what holds less of the question than a price does is of another thing.

        Args:
            asked: What the question asks for, a price.
            priced: The most that any sentence with a price holds, see `priced`.
        """
        granted = self.finder.called(PRICED)
        for at, one in enumerate(self.candidates):
            share = self._subject_share(at)
            if not _is_free(one):
                continue
            if share < priced:
                self.elsewhere.add(at)
            elif share and offers(asked, one.text) == 1.0:
                self.own[at] |= granted
        self._gather()

    def _subject_share(self, at: int) -> float:
        """The weight of a sentence's words, with those above it, that can be what is asked of."""
        held = (self.own[at] | self.above) - self.finder.called(PRICED)
        return self.finder.share(held & self.finder.telling)

    def find(self, text: str) -> frozenset[int]:
        """Get the positions of the terms that a text of the passage holds."""
        if text not in self._found:
            self._found[text] = self.finder.find(text, self.passage.language)
        return self._found[text]

    def coverage(self, at: int) -> tuple[float, float]:
        """Get the share of the question a sentence covers, plain and with common terms less."""
        candidate = self.candidates[at]
        own = self.own[at]
        before = self.own[at - 1] if at else self._found[""]
        nearness = _REFERRED if points_back(candidate.text) else _NEAR
        asked = self.find(candidate.question)
        above = self.above | self.find(candidate.lead)
        plain = telling = 0.0
        for term in own | asked | above | before:
            if term in own:
                share = 1.0
            elif term in asked:
                share = _ASKED
            elif term in self.named:
                share = _NAMED
            else:
                share = max(nearness, _ABOVE if term in above else 0.0)
            covered = self.finder.weights[term] * share
            plain += covered
            telling += covered * (1 - _LOCAL * self._spread[term] / len(self.own))
        return plain / self.finder.total, telling / self.finder.total

    def own_coverage(self, at: int) -> float:
        """Get the share of the question a sentence covers without the sentence before it."""
        own, above = self.own[at], self.above | self.find(self.candidates[at].lead)
        return self.finder.share(own) + _ABOVE * self.finder.share(above - own)

    def in_cells(self, at: int) -> frozenset[int]:
        """Get the terms in the cells of a row, without those of its header."""
        held = self.find(" | ".join(self.candidates[at].cells))
        return held | self.in_range.get(at, frozenset())

    def is_told_apart(self, at: int) -> bool:
        """Whether a cell of the row holds a term that not all rows have; a single row does."""
        count = sum(candidate.is_row for candidate in self.candidates)
        return count < 2 or any(self._rows[term] < count for term in self.in_cells(at))
