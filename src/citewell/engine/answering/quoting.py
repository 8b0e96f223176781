# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Finds the quotes of a model in the passages, at offsets of the stored text."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from citewell.engine.answering.base import Passage
from citewell.engine.answering.candidates import Candidate, candidates_of

MIN_LENGTH = 6
"""Characters that count, below which a quote is found by chance: `24`, `the fee`."""

MIN_WORTH = 0.8
"""Of a sentence that is evidence, see `Candidate.worth`: headings, questions, header rows and bare
names are below it."""

MAX_PLACES = 20
"""Places of one quote that are looked at in a passage: boilerplate repeats."""

_RAISED = re.compile("[0-9⁰¹²³⁴-⁹⁺⁻][⁰¹²³⁴-⁹⁺⁻]")
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_DROPPED = frozenset("\"'“”„‟‘’‚‛«»‹›<>`´*_|")
"""Quotation marks, and what Markdown and tables put around words; models write others, or none."""

_FOLDED = str.maketrans({"[": "(", "]": ")", **dict.fromkeys("‐‑‒–—―−﹣－", "-")})
_SKIPPED = _DROPPED | frozenset(" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f")
"""Characters of ASCII that do not count: the dropped ones and white space."""
_PLAIN = re.compile("[\x00-\x7f]+(?![^\x00-\x7f])")
"""Runs of ASCII without their last character before another one, which may combine with it."""
_OMISSION = re.compile(r"[\[(]?(?:…|\.{3,})[\])]?")
_ENDS = " .,;:!?…-()"


@dataclass(frozen=True, slots=True)
class WrittenQuote:
    """A quote as the model gave it."""

    text: str
    passage: int | None
    """Number of the passage it names, from 1."""


@dataclass(frozen=True, slots=True)
class FoundQuote:
    """Whole sentences of a passage that hold a quote."""

    passage: int
    """Index of the passage."""
    start: int
    end: int
    """Offsets in the passage's text."""
    readings: tuple[str, ...] = ()
    """Rows of a table among them, with the names of their columns."""


class QuoteFinder:
    """Knows the passages of one question.

    A quote may differ from the text in white space, quotation marks, dashes, hyphens within words,
    case, Unicode normal form and Markdown. It is widened to the sentences it stands in: a fragment
    could leave out a negation or a condition.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._folded: dict[int, tuple[str, list[int]]] = {}
        self._evidence: dict[int, list[Candidate]] = {}

    def find(self, quote: WrittenQuote) -> list[FoundQuote]:
        """Return where a quote stands; nothing if it does not, or only in what is no evidence.

        The passage it names is tried first, then the others: a wrong number is a slip, the words
        are the proof.
        """
        named = (quote.passage or 0) - 1
        order = sorted(range(len(self._passages)), key=lambda number: number != named)
        parts = [fold_quote(part) for part in _OMISSION.split(quote.text)]
        parts = [part for part in parts if part]
        if not parts or any(len(part) < MIN_LENGTH for part in parts):
            return []
        for number in order:
            for places in self._places(number, parts):
                if found := self._sentences(number, places):
                    return found
        return []

    def _places(self, number: int, parts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Ranges of the text, one for each part in order; several when it stands there twice."""
        folded, offsets = self._fold(number)
        text = self._passages[number].text
        found: list[list[tuple[int, int]]] = []
        at = 0
        while len(found) < MAX_PLACES:
            ranges: list[tuple[int, int]] = []
            begin = at
            for part in parts:
                start = folded.find(part, begin)
                if start < 0:
                    return found
                ranges.append((offsets[start], offsets[start + len(part) - 1] + 1))
                begin = start + len(part)
            if all(_is_whole(text, first, last) for first, last in ranges):
                found.append(ranges)
            at = folded.find(parts[0], at) + 1
        return found

    def _sentences(self, number: int, ranges: Sequence[tuple[int, int]]) -> list[FoundQuote]:
        """The sentences that the ranges touch, adjacent ones together."""
        if number not in self._evidence:
            self._evidence[number] = list(candidates_of(self._passages[number]))
        groups: list[list[Candidate]] = []
        previous = -2
        for place, candidate in enumerate(self._evidence[number]):
            span = candidate.span
            is_touched = any(start < span.end and span.start < end for start, end in ranges)
            if not is_touched or candidate.worth < MIN_WORTH:
                continue
            if place == previous + 1:
                groups[-1].append(candidate)
            else:
                groups.append([candidate])
            previous = place
        return [
            FoundQuote(
                number,
                group[0].span.start,
                max(one.span.end for one in group),
                tuple(one.text for one in group if one.is_row),
            )
            for group in groups
        ]

    def _fold(self, number: int) -> tuple[str, list[int]]:
        if number not in self._folded:
            self._folded[number] = _fold(self._passages[number].text)
        return self._folded[number]


def fold_quote(text: str) -> str:
    """Return the characters of a quote that count when it is compared."""
    return _fold(text)[0].strip(_ENDS)


def _fold(text: str) -> tuple[str, list[int]]:
    """The characters of a text that count, each with its offset."""
    folded: list[str] = []
    offsets: list[int] = []
    start = 0
    while start < len(text):
        plain = _PLAIN.match(text, start)
        if plain is not None:
            # Of most texts nearly all: one character at a time takes five times as long.
            for at, character in enumerate(plain[0].lower().translate(_FOLDED), start):
                if character not in _SKIPPED:
                    folded.append(character)
                    offsets.append(at)
            start = plain.end()
            continue
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        cluster = text[start:end]
        # "30¹" is not 301: a raised digit stays one behind a digit.
        is_raised = bool(_RAISED.match(text, start - 1)) if start else False
        if not cluster.isascii() and not is_raised:
            cluster = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", cluster))
        for character in cluster.casefold().translate(_FOLDED):
            is_seen = not (character.isspace() or character in _DROPPED)
            if is_seen and not _UNSEEN.match(character):
                folded.append(character)
                offsets.append(start)
        start = end
    kept = [at for at in range(len(folded)) if not _is_hyphen(folded, at)]
    return "".join(folded[at] for at in kept), [offsets[at] for at in kept]


def _is_hyphen(characters: Sequence[str], at: int) -> bool:
    """Whether it is a hyphen within a word: broken at a line's end, or written with and without."""
    return (
        characters[at] == "-"
        and 0 < at < len(characters) - 1
        and characters[at - 1].isalpha()
        and characters[at + 1].isalpha()
    )


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a range begins and ends where words do."""
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    cuts_start = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    cuts_end = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return not (cuts_start or cuts_end) or _is_unspaced(text[start])


def _is_unspaced(character: str) -> bool:
    # Han, kana, Thai and other scripts that write no spaces between words.
    return "\u0e00" <= character <= "\u0eff" or "\u3005" <= character <= "\u9fff"
