"""Cuts the text a model is writing into sentences, each with the passages the model names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from citewell.engine.answering.marks import MarkFilter
from citewell.engine.answering.quoting import WrittenQuote
from citewell.engine.text.sentences import split_sentences

_TERMINATOR = re.compile(r"[.!?…。！？\n][\"'”’)\]]*\s*(?=.{0,15}\Z)", re.DOTALL)  # noqa: RUF001
"""An end of a sentence with too little after it to be sure."""

_BARE_WORDS = 2
"""A sentence of so few words (`Yes.`) is read together with the next one."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished sentence of a model."""

    lead: str
    """White space between the sentence before and this one."""
    text: str
    claimed: tuple[int, ...] = ()
    """Numbers of the passages the model named for it, as they came, not checked."""
    quotes: tuple[WrittenQuote, ...] | None = None
    """The quotes it gave for it, not checked; None: it wrote prose with marks."""


class SentenceStream:
    """Turns pieces of prose into finished sentences."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._marks = MarkFilter()
        self._text = ""
        """Text that belongs to no finished sentence yet; begins with the lead."""
        self._claims: list[tuple[int, tuple[int, ...]]] = []
        """Where in `_text` marks stood."""

    def feed(self, piece: str) -> Iterator[Draft]:
        """Take the next piece; yield each sentence once it is complete."""
        for marked in self._marks.feed(piece):
            self._append(marked.text, marked.numbers)
        yield from self._settle(is_last=False)

    def finish(self) -> Iterator[Draft]:
        """Yield what is left, however it ends."""
        for marked in self._marks.finish():
            self._append(marked.text, marked.numbers)
        self._text = self._text.rstrip()
        yield from self._settle(is_last=True)

    def _append(self, text: str, numbers: tuple[int, ...]) -> None:
        # `days.[1]Next`: the mark was all that kept the sentences apart.
        if self._claims and self._claims[-1][0] == len(self._text) and text[:1].isalnum():
            text = f" {text}"
        self._text += text
        if numbers:
            self._claims.append((len(self._text), numbers))

    def _settle(self, *, is_last: bool) -> Iterator[Draft]:
        held = None if is_last else _TERMINATOR.search(self._text)
        certain = len(self._text[: held.end() if held else None].rstrip())
        spans = split_sentences(self._text[:certain], self._language)
        done = taken = 0
        for number, span in enumerate(spans, start=1):
            is_end = number == len(spans)
            is_bare = len(self._text[: span.end - taken].split(None, _BARE_WORDS)) <= _BARE_WORDS
            if (is_end or is_bare) and not (is_end and is_last):
                continue
            start, end = spans[done].start - taken, span.end - taken
            follower = len(self._text) if is_end else spans[number].start - taken
            yield self._draft(start, end, follower)
            done, taken = number, span.end

    def _draft(self, start: int, end: int, follower: int) -> Draft:
        claimed = tuple(n for at, numbers in self._claims if at <= follower for n in numbers)
        draft = Draft(self._text[:start], self._text[start:end], tuple(dict.fromkeys(claimed)))
        self._claims = [(at - end, numbers) for at, numbers in self._claims if at > follower]
        self._text = self._text[end:]
        return draft
