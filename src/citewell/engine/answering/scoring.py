"""Ranks sentences by how much of the question they cover."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from citewell.engine.answering.answer_types import AnswerType, expected_answer_type, holds
from citewell.engine.answering.base import Passage, Question, QuestionTerm
from citewell.engine.answering.candidates import Candidate, candidates_of
from citewell.engine.answering.question import text_terms

# Shares of a term's weight a sentence is given for terms that stand near it, and weights of the
# other signals. Set on 800 questions each of SQuAD dev, ViQuAD dev and XQuAD-vi over BM25's top 5:
# against plain IDF overlap plus passage score the answer is in the first sentence for 0.756 (was
# 0.736), in the first three for 0.889 (was 0.873) of SQuAD's; Vietnamese gains 0.005 to 0.01.
_NEAR = 0.3
"""For terms of the sentence before."""

_ABOVE = 0.5
"""For terms of the title, the headings, the table's header or the list's lead-in."""

_ASKED = 0.9
"""For terms of the FAQ question that the sentence answers."""

_LOCAL = 0.5
"""A term in every sentence of the passage counts this much less: it tells none of them apart."""

_PASSAGE = 0.7
"""Weight of the passage's score relative to the best passage."""

_HINT = 0.1
"""For a sentence that holds the kind of thing asked for."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence with its score and how much of the question's weight it covers, 0..1."""

    candidate: Candidate
    score: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Scores:
    """All sentences, best first, and what confidence needs to know of the passages."""

    sentences: list[Scored]
    passage_terms: list[frozenset[int]]
    """For each passage the positions in `question.terms` of those it holds, title included."""


def score_sentences(question: Question, passages: Sequence[Passage]) -> Scores:
    """Score every sentence of the passages against the question.

    Args:
        question: With the weights of its terms.
        passages: Best first.
    """
    finder = _Finder(question.terms)
    wanted = expected_answer_type(question.text)
    best = max((passage.score for passage in passages), default=0.0)
    scored: list[Scored] = []
    passage_terms: list[frozenset[int]] = []
    for passage in passages:
        reading = _Reading(passage, finder)
        share = passage.score / best if best > 0 else 0.0
        for at, candidate in enumerate(reading.candidates):
            coverage, telling = reading.coverage(at)
            hint = _HINT if _offers(wanted, candidate, question) else 0.0
            score = (telling + _PASSAGE * share + hint) * candidate.worth
            scored.append(Scored(candidate, score, coverage))
        passage_terms.append(reading.terms)
    scored.sort(key=lambda one: -one.score)
    return Scores(scored, passage_terms)


def _offers(wanted: AnswerType | None, candidate: Candidate, question: Question) -> bool:
    return wanted is not None and holds(wanted, candidate.text, question.text)


class _Finder:
    """Tells which of the question's terms a text holds, by their positions."""

    def __init__(self, terms: Sequence[QuestionTerm]) -> None:
        self.weights = [term.weight for term in terms]
        self.total = sum(self.weights) or 1.0
        self._positions = {one: at for at, term in enumerate(terms) for one in term.ids}

    def find(self, text: str, language: str) -> frozenset[int]:
        """Get the positions of the terms that the text holds."""
        if not text:
            return frozenset()
        ids = self._positions.keys() & text_terms(text, language)
        return frozenset(self._positions[one] for one in ids)


class _Reading:
    """One passage, its sentences and the question's terms in them."""

    def __init__(self, passage: Passage, finder: _Finder) -> None:
        self._finder = finder
        self._language = passage.language
        self._found: dict[str, frozenset[int]] = {"": frozenset()}
        self.candidates = list(candidates_of(passage))
        self._own = [finder.find(one.text, passage.language) for one in self.candidates]
        self._above = self._find("\n".join((passage.title, *passage.heading)))
        self.terms = self._above.union(*self._own, self._find(passage.context))
        self._spread = Counter(at for own in self._own for at in own)

    def coverage(self, at: int) -> tuple[float, float]:
        """Get the share of the question a sentence covers, plain and with common terms less."""
        candidate = self.candidates[at]
        own = self._own[at]
        before = self._own[at - 1] if at else self._found[""]
        asked = self._find(candidate.question)
        above = self._above | self._find(candidate.lead)
        plain = telling = 0.0
        for term in own | asked | above | before:
            if term in own:
                share = 1.0
            elif term in asked:
                share = _ASKED
            else:
                share = _ABOVE if term in above else _NEAR
            covered = self._finder.weights[term] * share
            plain += covered
            telling += covered * (1 - _LOCAL * self._spread[term] / len(self._own))
        return plain / self._finder.total, telling / self._finder.total

    def _find(self, text: str) -> frozenset[int]:
        if text not in self._found:
            self._found[text] = self._finder.find(text, self._language)
        return self._found[text]
