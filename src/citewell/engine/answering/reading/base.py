"""Input and output of a reader: material and statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.answering.base import Passage, Question
from citewell.engine.answering.candidates import Candidate
from citewell.engine.answering.scoring import ReadPassage, Scored, Scores
from citewell.engine.text.sentences import Span


@dataclass(frozen=True, slots=True)
class Quote:
    """A stretch of a passage that a statement rests on."""

    passage: Passage
    span: Span
    """Place in `passage.text`."""
    readings: tuple[str, ...] = ()
    """Rows of a table in it as they are told, see `Citation.readings`."""

    @property
    def text(self) -> str:
        """The quoted text."""
        return self.passage.text[self.span.start : self.span.end]


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer, or one list, with what it rests on."""

    text: str
    quotes: tuple[Quote, ...]
    score: float
    """As a sentence scores, see `scoring`."""
    coverage: float
    """Share of the question's weight that it covers, with its headings."""
    operands: tuple[str, ...] | None = None
    """Numbers that its value was computed from, as the quotes have them; empty where quotes were
    counted, None where nothing was computed."""


@dataclass(frozen=True)
class Material:
    """A question with everything that was found for it."""

    question: Question
    asked: Asked
    passages: Sequence[Passage]
    scores: Scores

    @property
    def ranked(self) -> list[Scored]:
        """All sentences, best first, without those that are no statements."""
        return [one for one in self.scores.sentences if one.candidate.worth]

    @cached_property
    def streams(self) -> list[list[tuple[ReadPassage, int]]]:
        """The sentences in the order of their documents; adjacent passages are one stream.

        A list or table that was cut between two passages is whole again where both were found.
        """
        readings = sorted(
            self.scores.readings,
            key=lambda one: (one.passage.document_id, one.passage.version, one.passage.start),
        )
        streams: list[list[tuple[ReadPassage, int]]] = []
        last: Passage | None = None
        for reading in readings:
            if last is None or not _follows(last, reading.passage):
                streams.append([])
            streams[-1] += [(reading, at) for at in range(len(reading.candidates))]
            last = reading.passage
        return streams


def _follows(before: Passage, after: Passage) -> bool:
    same = (before.document_id, before.version) == (after.document_id, after.version)
    return same and before.end - 1 <= after.start <= before.end + _GAP


_GAP = 4
"""Characters of white space between two passages of one text."""


def stated(one: Scored) -> Statement:
    """Make a statement of one sentence."""
    candidate = one.candidate
    return Statement(candidate.text, (quote_of(candidate),), one.score, one.coverage)


def quote_of(candidate: Candidate) -> Quote:
    """Quote one sentence."""
    return Quote(candidate.passage, candidate.span)
