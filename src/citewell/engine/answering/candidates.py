# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Cuts passages into the sentences an answer may quote, with what surrounds each of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from citewell.engine.answering.base import Passage
from citewell.engine.text.sentences import Span, is_table_row, split_sentences

_HEADING_WORDS = 10
"""A line of its own with at most this many words and no full stop reads as a heading."""

_SHOUTED_WORDS = 25
"""The same in capitals: the name of an organisation above that of its minutes. Half of the
characters are letters, as `AB-12 3,400` may be a value."""

_LEAD_WORTH = 0.5
"""Of a line that looks like a heading but may be a short list item."""

_BARE_WORDS = 2
"""A line of so few words that ends in a letter states nothing: a list's item, a name."""

_DATA_WORTH = 0.85
"""Of such a line when it holds a number, as headings seldom do behind their own."""

_VALUE = re.compile(r"[^\w\s]{0,2}\d{3}|[$€£¥₫]|\d{1,9}(?:[.,:/%]|\s\w)")
_VALUE_WORDS = 4
"""A line of so few words with a number of more than two digits, a unit or a currency is the value
of the heading-like line above it: dashboards and forms are written so."""

_DATA = re.compile(r"\D{3,80}\d")
_ANSWER_MARK = re.compile(r"(?:A|Answer|Đ|Đáp|Trả lời|TL)\s?[:.]\s{1,4}", re.IGNORECASE)
_QUESTION_MARK = re.compile(r"(?:Q|Question|H|Hỏi|Câu hỏi)\s?[:.]\s", re.IGNORECASE)
_LABEL = re.compile(r"\(?[A-Za-z]{0,2}\d{0,3}(?:\.\d{1,3}){0,4}[.):]")
"""The number of a section or a question that a format parts from its text: `C3.`, `12.4)`."""

_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,2}){1,3}\.?\s{1,4}[^\W\d_]")
"""Begin of a numbered section: a heading, even where another line that looks like one follows."""

_LIST_MARK = re.compile(r"(?:[-*•+]|\(?(?:\d{1,3}|\w)[.)])\s")


_COMMENT = re.compile(r"Comment(?: by [^:\n]{1,120})?: ")
"""Begin of what somebody remarked beside a text, as the readers of files write it."""

_BRACKET = re.compile(r"[\[\]]")
_HIDDEN = "[hidden: "
"""Begin of what the author hid, up to its `]`."""

_NUMBERS = re.compile(r"(?<![\w.,])\d[\d.,]*")
_LEAST_NUMBERS = 2
"""Numbers in each row of a table that was flattened to lines; its header has fewer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence of a passage."""

    passage: Passage
    span: Span
    """Place in `passage.text`."""
    text: str
    """As it is shown: a table row with its column names, white space made single."""
    lead: str
    """The heading-like line above it, or the header row of its table."""
    question: str
    """The question of an FAQ that it answers, else empty."""
    previous: Span | None
    """The sentence before it in the same paragraph."""
    worth: float
    """1 for a statement; less for what may only lead to one; 0 for what surely does."""
    header: str = ""
    """The header row of the table it is a row of."""
    is_aside: bool = False
    """Whether it is a comment or hidden: not the document's word, and its text says so."""

    @property
    def is_row(self) -> bool:
        """Whether it is a row of a table."""
        return bool(self.header)

    @property
    def is_lead_in(self) -> bool:
        """Whether it only announces the items that follow it."""
        return self.text.endswith((":", "：")) and not self.header

    @property
    def cells(self) -> list[str]:
        """The cells of a table row."""
        return cells_of(self.passage.text[self.span.start : self.span.end])


def candidates_of(passage: Passage) -> Iterator[Candidate]:
    """Yield the sentences of a passage in reading order."""
    spans = split_sentences(passage.text, passage.language)
    reader = _Reader(passage)
    for at, span in enumerate(spans):
        yield reader.read(span, spans[at + 1] if at + 1 < len(spans) else None)


class _Reader:
    """Remembers what stands above while a passage is read."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self._headings = {_plain(name) for name in (*passage.heading, passage.title)}
        self._lead = ""
        innermost = passage.heading[-1] if passage.heading else ""
        self._question = innermost if innermost.endswith(("?", "？")) else ""
        self._header: str | None = passage.context if is_table_row(passage.context) else None
        if self._header is None:
            self._lead = passage.context
        self._last: Span | None = None
        self._name: Span | None = None
        """The heading-like line right above, which a value may follow."""
        self._item = ""
        """The line right above, if it looks like a heading and is an item of a list."""
        self._is_behind_item = False
        """Whether the block right above is an item of a list, and the one that is read."""
        self._is_in_item = False
        self._comment = ""
        """The label of the comment whose sentences are read, else empty."""
        self._hidden = list(_hidden_in(passage.text))

    def read(self, span: Span, following: Span | None) -> Candidate:
        whole = self._passage.text
        raw = whole[span.start : span.end]
        is_block_start = self._last is None or "\n\n" in whole[self._last.end : span.start]
        previous = None if is_block_start or is_table_row(raw) else self._last
        if is_block_start:
            begin = _COMMENT.match(raw)
            self._comment = begin.group() if begin else ""
        ends_block = following is None or "\n" in whole[span.end : following.start]
        self._last = span
        if is_table_row(raw):
            return self._row(span, raw, is_block_start=is_block_start)
        if is_block_start:
            self._header = None
            self._is_behind_item, self._is_in_item = self._is_in_item, bool(_LIST_MARK.match(raw))
        if raw.endswith(("?", "？")) or _QUESTION_MARK.match(raw):
            self._question = raw
            return self._make(span, raw, previous, worth=0)
        stands_alone = is_block_start and ends_block
        name, self._name = self._name, None
        item, self._item = self._item, ""
        if stands_alone and name is not None and _is_value(raw):
            text = f"{whole[name.start : name.end]}: {raw}"
            return self._make(Span(name.start, span.end), text, None, worth=1)
        if stands_alone and "," in item and "," in raw and _looks_like_heading(raw):
            self._item = raw  # the last one of `Ann Lee, treasurer` leads to nothing either
            return self._make(span, raw, None, worth=1)
        if stands_alone and _names_columns(raw, whole[span.end :]):
            self._lead, self._question = raw, ""
            return self._make(span, raw, None, worth=0)
        if stands_alone and (worth := self._heading_worth(raw, following)) < 1:
            made = self._make(span, raw, None, worth=worth)
            self._lead, self._question = raw, ""
            self._name = span if worth else None
            return made
        self._item = raw if stands_alone and _looks_like_heading(raw) else ""
        mark = _ANSWER_MARK.match(raw) if self._question else None
        if mark:
            span = Span(span.start + mark.end(), span.end)
        text = whole[span.start : span.end]
        if _LABEL.fullmatch(text):
            return self._make(span, text, previous, worth=0)
        is_bare = len(text.split()) <= _BARE_WORDS and not self._question and text[-1].isalpha()
        return self._make(span, text, previous, worth=_LEAD_WORTH if is_bare else 1)

    def _row(self, span: Span, raw: str, *, is_block_start: bool) -> Candidate:
        is_continued = self._header is not None and span.start == 0
        if is_block_start and not is_continued:
            self._header = raw
            return self._make(span, raw, None, worth=0)
        header = self._header or ""
        made = self._make(span, _named_cells(header, raw), None, worth=1)
        return replace(made, lead=f"{self._lead} {header}", question="", header=header or raw)

    def _heading_worth(self, raw: str, following: Span | None) -> float:
        if _plain(raw) in self._headings:
            return 0
        if following is not None and _is_shouted(raw):
            return _LEAD_WORTH  # or a notice: `EMERGENCY DESK PHONE 4120`
        if following is None or not _looks_like_heading(raw) or self._is_item(raw, following):
            return 1
        if _SECTION.match(raw):
            return _LEAD_WORTH
        after = self._passage.text[following.start : following.end]
        if _looks_like_heading(after) and not _is_value(after) and not is_table_row(after):
            return 1  # a form or a list without marks: headings seldom follow one another
        return _DATA_WORTH if _DATA.match(raw) else _LEAD_WORTH

    def _is_item(self, raw: str, following: Span) -> bool:
        """Whether a line is an item of a list; a numbered one may head a section instead.

        `6. Special leave` behind a paragraph and before a table or another one lists nothing.
        """
        if _LIST_MARK.match(raw) is None:
            return False
        if self._is_behind_item or not raw[0].isdigit():
            return True
        after = self._passage.text[following.start : following.end]
        is_prose = after[-1] in ".。" and _LIST_MARK.match(after) is None
        return not (is_table_row(after) or is_prose)

    def _make(self, span: Span, text: str, previous: Span | None, *, worth: float) -> Candidate:
        labelled = self._labelled(span, text)
        return Candidate(
            passage=self._passage,
            span=span,
            text=" ".join(labelled.split()),
            is_aside=is_aside(labelled),
            lead=self._lead,
            question=self._question,
            previous=previous,
            worth=worth,
        )

    def _labelled(self, span: Span, text: str) -> str:
        """The text of a sentence with the label of the comment or hidden text that it is in."""
        if self._comment and not _COMMENT.match(text):
            return f"{self._comment}{text}"
        for start, end in self._hidden:
            if start < span.start < end:
                text = f"{_HIDDEN}{text}"
            if span.start < end and start < span.end < end:
                text = f"{text}]"
        return text


def is_aside(text: str) -> bool:
    """Whether a text begins as a comment or holds hidden text: not the document's word."""
    return _COMMENT.match(text) is not None or _HIDDEN in text


def _hidden_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of hidden text with its marks; one that is cut off ends with the text."""
    start = text.find(_HIDDEN)
    while start >= 0:
        depth = 0
        end = len(text)
        for mark in _BRACKET.finditer(text, start):
            depth += 1 if mark.group() == "[" else -1
            if not depth:
                end = mark.end()
                break
        yield start, end
        start = text.find(_HIDDEN, end)


def _names_columns(line: str, behind: str) -> bool:
    """Whether a line heads a table that was flattened to lines of figures: it says nothing."""
    if not _looks_like_heading(line) or _is_figures(line):
        return False
    rows = behind.lstrip().split("\n\n", 1)[0].splitlines()
    return len(rows) > 1 and all(_is_figures(row.strip()) for row in rows)


def _is_figures(line: str) -> bool:
    """Whether a line may be a row of a table without its cells: some numbers, no end mark."""
    return len(_NUMBERS.findall(line)) >= _LEAST_NUMBERS and _looks_like_heading(line)


def _looks_like_heading(line: str) -> bool:
    return line[-1] not in ".!;:。" and len(line.split()) <= _HEADING_WORDS and ": " not in line


def _is_shouted(raw: str) -> bool:
    """Whether a paragraph in capitals, of a line or of a title page's few, heads what follows."""
    is_short = len(raw.split()) <= _SHOUTED_WORDS and raw[-1] not in ".!;:。"
    return is_short and raw.isupper() and sum(map(str.isalpha, raw)) * 2 > len(raw)


def _is_value(raw: str) -> bool:
    return len(raw.split()) <= _VALUE_WORDS and _VALUE.match(raw) is not None


def cells_of(row: str) -> list[str]:
    """Cut a table row into its cells, without the white space around them."""
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _named_cells(header: str, row: str) -> str:
    """Write a table row as `Column: value; Column: value`."""
    names, cells = cells_of(header), cells_of(row)
    if len(names) != len(cells):
        return "; ".join(cell for cell in cells if cell)
    return "; ".join(
        f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=True) if cell
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(" .:").casefold()
