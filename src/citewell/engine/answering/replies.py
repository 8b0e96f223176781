"""Reads the reply of a model while it comes: sentences with the quotes they rest on.

Models are asked for one of two forms, see `prompts`: JSON where the provider holds them to a
schema, tags elsewhere. Small ones write prose with marks all the same, so that is read too.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel, Field, ValidationError

from citewell.engine.answering.drafting import Draft, SentenceStream
from citewell.engine.answering.quoting import WrittenQuote

MAX_REPLY = 60_000
"""Characters of one tag or JSON element; what is longer is no sentence with its quotes."""

_TAG = re.compile(r"<\s{0,3}(/?)\s{0,3}(quote|say)\b([^<>]{0,80})>", re.IGNORECASE)
_MAY_BE_TAG = re.compile(r"<[^<>]{0,100}$")
_NUMBER = re.compile(r"\d{1,4}")
_JSON = re.compile(
    r"\s{0,100}+(?:```(?:json)?\s{0,100}+)?(?=\[?\s{0,100}+\{\s{0,100}+[\"}])", re.IGNORECASE
)
_MAY_BE_JSON = re.compile(
    r"\s{0,100}+`{0,3}(?:j|js|jso|json)?\s{0,100}+\[?\s{0,100}+\{?\s{0,100}+", re.IGNORECASE
)
_ITEM = re.compile(r"(?:[-*•]|\(?\d{1,3}[.)])\s")


class QuoteForm(BaseModel):
    """Words of a passage, copied letter for letter."""

    passage: int = Field(description="Number of the passage.")
    text: str = Field(description="The words, copied letter for letter.")


class SentenceForm(BaseModel):
    """One sentence of the answer with the quotes it rests on."""

    quotes: list[QuoteForm] = Field(description="What the sentence rests on.")
    text: str = Field(description="The sentence, without marks.")


class ReplyForm(BaseModel):
    """The answer, sentence by sentence; no sentences when the passages do not answer."""

    sentences: list[SentenceForm]


class ReplyReader:
    """Turns the pieces of a reply into finished sentences.

    Args:
        language: ISO 639-1 code of the reply.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._beginning: str | None = ""
        """The reply so far while its form is not known."""
        self._form: _JsonForm | _TaggedForm = _TaggedForm(language)

    @property
    def is_empty_list(self) -> bool:
        """Whether the reply is JSON that ended in good form without a sentence."""
        return isinstance(self._form, _JsonForm) and self._form.is_empty_list

    def feed(self, piece: str) -> Iterator[Draft]:
        """Take the next piece; yield each sentence once it is complete."""
        if self._beginning is not None:
            piece = self._beginning + piece
            if _MAY_BE_JSON.fullmatch(piece):
                self._beginning = piece
                return
            self._beginning = None
            if _JSON.match(piece):
                self._form = _JsonForm(self._language)
        yield from self._form.feed(piece)

    def finish(self, *, is_cut: bool) -> Iterator[Draft]:
        """Yield what is left; half a sentence of a reply that was cut is dropped.

        It can say the opposite of the whole one.
        """
        if is_cut:
            return
        if self._beginning:
            yield from self._form.feed(self._beginning)
        yield from self._form.finish()


class _TaggedForm:
    """`<quote passage="1">...</quote><say>...</say>`; what stands outside of tags is prose."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._prose = SentenceStream(language)
        self._buffer = ""
        self._open: tuple[str, int | None] | None = None
        """Name of the open tag, and the passage it names."""
        self._quotes: list[WrittenQuote] = []
        self._last = ""
        """The sentence said before."""

    def feed(self, piece: str) -> Iterator[Draft]:
        self._buffer += piece
        while tag := _TAG.search(self._buffer):
            before, self._buffer = self._buffer[: tag.start()], self._buffer[tag.end() :]
            yield from self._close(before) if self._open else self._outside(before, is_last=True)
            if not tag[1]:
                number = _NUMBER.search(tag[3])
                self._open = (tag[2].lower(), int(number[0]) if number else None)
        if self._open is None:
            held = _MAY_BE_TAG.search(self._buffer)
            end = held.start() if held else len(self._buffer)
            before, self._buffer = self._buffer[:end], self._buffer[end:]
            yield from self._outside(before, is_last=False)
        elif len(self._buffer) > MAX_REPLY:
            self._buffer, self._open = "", None

    def finish(self) -> Iterator[Draft]:
        if self._open is not None:
            yield from self._close(self._buffer)
        else:
            yield from self._outside(self._buffer, is_last=True)

    def _outside(self, text: str, *, is_last: bool) -> Iterator[Draft]:
        yield from self._prose.feed(text)
        if is_last:
            yield from self._prose.finish()
            self._prose = SentenceStream(self._language)

    def _close(self, text: str) -> Iterator[Draft]:
        """End the open tag with the text in it."""
        assert self._open is not None
        (name, number), self._open = self._open, None
        if name == "quote":
            self._quotes.append(WrittenQuote(text, number))
            return
        quotes, self._quotes = tuple(self._quotes), []
        yield from said(text, quotes, self._last, self._language)
        self._last = text.strip() or self._last


class _JsonForm:
    """The elements of `{"sentences": [...]}`, each once its bracket closes."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._buffer = ""
        self._read = 0
        """Characters of the buffer that were looked at."""
        self._brackets = ""
        self._is_text = self._is_escaped = False
        self._start: int | None = None
        self._depth = 0
        self._last = ""
        self._elements = 0
        self._is_closed = False

    @property
    def is_empty_list(self) -> bool:
        return self._is_closed and not self._elements

    def feed(self, piece: str) -> Iterator[Draft]:
        self._buffer += piece
        while self._read < len(self._buffer):
            element = self._step(self._buffer[self._read])
            if element is not None:
                yield from self._sentence(element)
        if self._start is None or len(self._buffer) > MAX_REPLY:
            self._buffer, self._read, self._start = "", 0, None

    def finish(self) -> Iterator[Draft]:
        yield from ()

    def _step(self, character: str) -> str | None:
        """Look at one character; return the element that it ends."""
        self._read += 1
        if self._is_text:
            if self._is_escaped:
                self._is_escaped = False
            elif character == "\\":
                self._is_escaped = True
            elif character == '"':
                self._is_text = False
            return None
        if character == '"':
            self._is_text = True
        elif character in "{[":
            if character == "{" and self._start is None and self._brackets.endswith("["):
                self._start, self._depth = self._read - 1, len(self._brackets)
            self._brackets += character
        elif character in "}]":
            self._brackets = self._brackets[:-1]
            self._is_closed = not self._brackets
            if self._start is not None and len(self._brackets) == self._depth:
                element = self._buffer[self._start : self._read]
                self._start = None
                return element
        return None

    def _sentence(self, element: str) -> Iterator[Draft]:
        self._elements += 1
        try:
            form = SentenceForm.model_validate(json.loads(element))
        except (ValueError, ValidationError, RecursionError):
            return
        quotes = tuple(WrittenQuote(quote.text, quote.passage) for quote in form.quotes)
        yield from said(form.text, quotes, self._last, self._language)
        self._last = form.text.strip() or self._last


def said(
    text: str, quotes: tuple[WrittenQuote, ...], before: str, language: str
) -> Iterator[Draft]:
    """Yield the sentences of what was said on some quotes: one, if the model does as it is told.

    Args:
        text: The sentence, perhaps with marks.
        quotes: What it rests on.
        before: What was said before it; items of a list begin a line.
        language: ISO 639-1 code.
    """
    stream = SentenceStream(language)
    lead = "\n" if _ITEM.match(text.lstrip()) or _ITEM.match(before) or "\n" in before else " "
    for draft in (*stream.feed(text), *stream.finish()):
        yield replace(draft, lead=draft.lead or lead, quotes=quotes)
        lead = " "
