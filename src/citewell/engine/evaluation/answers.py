"""Questions with known answers, and what a reply to one of them is worth."""

import re
import statistics
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

from citewell.engine.evaluation.datasets import DatasetError, read_objects

_MARK = re.compile(r"\s?\[\d{1,3}\]")
_BINS = 10


class Verdict(StrEnum):
    """Verdict on a reply."""

    RIGHT = "right"
    PARTLY = "partly"
    WRONG = "wrong"
    WRONGLY_ABSTAINED = "wrongly_abstained"
    SHOULD_HAVE_ABSTAINED = "should_have_abstained"


@dataclass(frozen=True, slots=True)
class AnswerCase:
    """A question with what its answer must and must not hold."""

    id: str
    question: str
    gold: tuple[re.Pattern[str], ...] = ()
    """One of these must be found."""
    all: tuple[re.Pattern[str], ...] = ()
    """All of these must be found."""
    forbid: tuple[re.Pattern[str], ...] = ()
    """None of these may be found."""
    abstain: bool = False
    """Whether the documents hold no answer."""
    before: tuple[str, ...] = ()
    """Questions of the same conversation that were asked before it."""
    kind: str | None = None
    """Group of the question in the counts."""


@dataclass(frozen=True, slots=True)
class JudgedReply:
    """A reply as far as it is judged."""

    answer: str
    is_abstained: bool
    sentences: int
    first_quote: str | None
    confidence: float
    level: str


def phrase(text: str) -> re.Pattern[str]:
    """Return the pattern of whole words, whatever their case: people write words, no patterns."""
    words = r"\s+".join(re.escape(word) for word in _plain(text).split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def read_cases(path: Path) -> Iterator[AnswerCase]:
    """Yield the questions of a file of JSON lines.

    Raises:
        DatasetError: The file is missing, or a line is malformed or does not say what is right.
    """
    for line, record in read_objects(path):
        question = record.get("q")
        if not isinstance(question, str) or not question.strip():
            raise DatasetError(path, "needs a question in 'q'", line)
        case = AnswerCase(
            id=str(record.get("id", line)),
            question=question,
            gold=_patterns(path, line, record, "gold"),
            all=_patterns(path, line, record, "all"),
            forbid=_patterns(path, line, record, "forbid"),
            abstain=record.get("abstain") is True,
            before=_before(path, line, record),
            kind=str(record["kind"]) if "kind" in record else None,
        )
        if not (case.gold or case.all or case.abstain):
            raise DatasetError(path, "needs 'gold', 'all' or 'abstain'", line)
        yield case


def _before(path: Path, line: int, record: dict[str, object]) -> tuple[str, ...]:
    values = record.get("before", [])
    if not isinstance(values, list) or not all(
        isinstance(value, str) and value.strip() for value in cast("list[object]", values)
    ):
        raise DatasetError(path, "needs a list of questions in 'before'", line)
    return tuple(cast("list[str]", values))


def _patterns(
    path: Path, line: int, record: dict[str, object], name: str
) -> tuple[re.Pattern[str], ...]:
    values = record.get(name, [])
    if not isinstance(values, list):
        raise DatasetError(path, f"needs a list of regular expressions in {name!r}", line)
    try:
        return tuple(re.compile(str(value)) for value in cast("list[object]", values))
    except re.error as error:
        raise DatasetError(path, f"has a bad expression in {name!r}: {error}", line) from error


def judge(case: AnswerCase, reply: JudgedReply) -> Verdict:
    """Tell what a reply is worth; citation marks and white space do not count.

    Partly right is what holds some of what it must, or all of it beside what it must not.
    """
    if case.abstain:
        return Verdict.RIGHT if reply.is_abstained else Verdict.SHOULD_HAVE_ABSTAINED
    if reply.is_abstained:
        return Verdict.WRONGLY_ABSTAINED
    text = _plain(_MARK.sub("", reply.answer))
    needed = [pattern.search(text) is not None for pattern in case.all]
    if case.gold:
        needed.append(any(pattern.search(text) for pattern in case.gold))
    if all(needed) and not any(pattern.search(text) for pattern in case.forbid):
        return Verdict.RIGHT
    return Verdict.PARTLY if any(needed) else Verdict.WRONG


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def first_quote_holds(case: AnswerCase, reply: JudgedReply) -> bool | None:
    """Whether the first quote holds the answer, or a part of it; None where nothing is quoted.

    A `^` is left out: `yes` or `no` lead the answer, not the quote.
    """
    if case.abstain or reply.first_quote is None:
        return None
    return quotes_hold(case, [reply.first_quote])


def quotes_hold(case: AnswerCase, quotes: Sequence[str]) -> bool:
    """Whether any of the quotes holds the answer, or a part of it."""
    texts = [_plain(quote) for quote in quotes]
    return any(
        re.search(pattern.pattern.removeprefix("^"), text, pattern.flags)
        for pattern in case.gold or case.all
        for text in texts
    )


def calibration_error(confidences: Sequence[float], are_right: Sequence[bool]) -> float:
    """Get the expected calibration error over ten bins of equal width; 0 for no answers.

    Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, 2015.
    """
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for confidence, is_right in zip(confidences, are_right, strict=True):
        bins[min(int(confidence * _BINS), _BINS - 1)].append((confidence, is_right))
    gaps = (
        len(held) * abs(statistics.fmean(c for c, _ in held) - statistics.fmean(r for _, r in held))
        for held in bins
        if held
    )
    return sum(gaps) / len(confidences) if confidences else 0.0
