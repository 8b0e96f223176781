"""The answer without a model: the passages' best sentences, quoted and cited."""

import re
from collections.abc import Sequence

from citewell.engine.answering.base import (
    Answer,
    AnswerSentence,
    Citation,
    Confidence,
    ConfidenceLevel,
    Passage,
    Question,
)
from citewell.engine.answering.confidence import abstention_text, assess
from citewell.engine.answering.scoring import Scored, score_sentences
from citewell.engine.text.sentences import Span

MODEL = "extractive"

MAX_SENTENCES = 3

_KEEP_ABOVE = 0.7
"""Sentences below this share of the best one's score are dropped."""

_SAME = 0.8
"""Jaccard similarity of their words from which two sentences say the same."""

_MAX_PAIR_CHARS = 400
"""Longest quote that takes in the sentence before, for a pronoun's sake."""

_TOP_SCORE = 1.8
"""The most a sentence can score: full coverage, the best passage, what is asked for."""

_POINTS_BACK = re.compile(
    r"(?:this|these|those|that|it|its|he|his|she|her|they|their|such|the (?:latter|former|same)|"
    r"nó|họ|ông ấy|ông ta|bà ấy|anh ấy|cô ấy|chúng|điều này|điều đó|việc này|việc đó|đây là|"
    r"trong đó|trường hợp này|quy định này)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def extract_answer(
    question: Question,
    passages: Sequence[Passage],
    *,
    max_sentences: int = MAX_SENTENCES,
    dense_midpoint: float | None = None,
) -> Answer:
    """Answer with whole sentences of the passages, best first.

    Args:
        question: With the weights of its terms, see `question_of`.
        passages: Best first; five to eight are enough.
        max_sentences: How many sentences to quote at most.
        dense_midpoint: See `measure_confidence`.

    Returns:
        Sentences with their marks and citations, or an abstention in the question's language
        when the confidence is too low.
    """
    scores = score_sentences(question, passages)
    confidence = assess(question, passages, scores, dense_midpoint)
    if confidence.level is ConfidenceLevel.NONE:
        return _abstain(question, confidence)
    chosen = _choose(scores.sentences, max_sentences)
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    for number, (one, span, text) in enumerate(chosen, start=1):
        passage = one.candidate.passage
        sentences.append(AnswerSentence(text, (number,)))
        citations.append(
            Citation(
                number=number,
                passage=passage,
                start=passage.start + span.start,
                end=passage.start + span.end,
                quote=passage.text[span.start : span.end],
                score=round(min(1.0, one.score / _TOP_SCORE), 3),
            )
        )
    return Answer(
        text=" ".join(f"{one.text} [{one.citations[0]}]" for one in sentences),
        sentences=tuple(sentences),
        citations=tuple(citations),
        confidence=confidence,
        is_abstained=False,
        model=MODEL,
    )


def _abstain(question: Question, confidence: Confidence) -> Answer:
    return Answer(
        text=abstention_text(question.language),
        sentences=(),
        citations=(),
        confidence=confidence,
        is_abstained=True,
        model=MODEL,
    )


def _choose(ranked: Sequence[Scored], count: int) -> list[tuple[Scored, Span, str]]:
    """Pick the sentences to quote: near the best, none twice, each readable by itself."""
    chosen: list[tuple[Scored, Span, str]] = []
    least = next((one.score for one in ranked if one.candidate.worth), 0.0) * _KEEP_ABOVE
    for one in ranked:
        if len(chosen) == count or one.score < least:
            break
        if not one.candidate.worth:
            continue
        span, text = _readable(one)
        if not any(_repeats(one, span, text, *other) for other in chosen):
            chosen.append((one, span, text))
    return chosen


def _readable(one: Scored) -> tuple[Span, str]:
    """Take in the sentence before when this one points back to it."""
    candidate = one.candidate
    before = candidate.previous
    if before is None or not _POINTS_BACK.match(candidate.text):
        return candidate.span, candidate.text
    span = Span(before.start, candidate.span.end)
    if span.end - span.start > _MAX_PAIR_CHARS:
        return candidate.span, candidate.text
    return span, " ".join(candidate.passage.text[span.start : span.end].split())


def _repeats(
    one: Scored, span: Span, text: str, other: Scored, other_span: Span, other_text: str
) -> bool:
    """Whether a sentence is one already chosen: the same place, or nearly the same words."""
    mine, its = one.candidate.passage, other.candidate.passage
    if mine.document_id == its.document_id and mine.version == its.version:
        start, end = mine.start + span.start, mine.start + span.end
        if start < its.start + other_span.end and its.start + other_span.start < end:
            return True
    words, known = _words(text), _words(other_text)
    if {w for w in words if w.isdigit()} != {w for w in known if w.isdigit()}:
        return False
    return len(words & known) >= _SAME * len(words | known)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
