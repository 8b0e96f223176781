"""Reads the sources of the sample library: a small header and Markdown, as a list of blocks."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PUBLISHER = "Lamfen Instruments"
ACCENT = "#1b5e7a"


@dataclass(frozen=True, slots=True)
class Source:
    """One document: its header and its Markdown body."""

    meta: dict[str, str]
    body: str

    @property
    def output(self) -> str:
        """The name of the file to write."""
        return self.meta["output"]

    @property
    def date(self) -> datetime:
        """The document's own date, used wherever a format wants a time of writing."""
        day = datetime.fromisoformat(self.meta["date"])
        return datetime.combine(day, time(9), tzinfo=UTC)

    @property
    def is_vietnamese(self) -> bool:
        return self.meta["language"] == "vi"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one face."""

    text: str
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One block: `kind` is heading, paragraph, bullet, number or table; `rows` is for tables only.

    `level` is a heading's depth (1 to 6) or a list item's depth (1 for the outermost list).
    """

    kind: str
    spans: tuple[Span, ...] = ()
    level: int = 0
    marker: str = ""
    rows: tuple[tuple[tuple[Span, ...], ...], ...] = ()


def read_source(path: Path) -> Source:
    """Split `path` into header and body; both must be NFC, as people's own files are."""
    text = path.read_text(encoding="utf-8")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError(f"{path.name} is not in Unicode NFC")
    header, _, body = text.removeprefix("---\n").partition("\n---\n")
    meta = dict(line.split(": ", 1) for line in header.splitlines())
    missing = {"output", "title", "language", "date"} - meta.keys()
    if missing:
        raise ValueError(f"{path.name} lacks {', '.join(sorted(missing))} in its header")
    return Source(meta, body.strip() + "\n")


def markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def inline_spans(token: Token) -> tuple[Span, ...]:
    """The text of an inline token with its bold runs kept."""
    spans: list[Span] = []
    is_bold = False
    for child in token.children or []:
        if child.type in ("strong_open", "strong_close"):
            is_bold = child.type == "strong_open"
        elif child.type in ("softbreak", "hardbreak"):
            spans.append(Span(" ", is_bold))
        elif child.content:
            spans.append(Span(child.content, is_bold))
    return tuple(spans)


def parse_nodes(body: str) -> Iterator[Node]:
    """Yield the blocks of a Markdown body in reading order."""
    tokens = iter(markdown().parse(body))
    lists: list[tuple[str, int]] = []
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            kind = "bullet" if token.type.startswith("bullet") else "number"
            lists.append((kind, int(token.attrGet("start") or 1) - 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            lists[-1] = (lists[-1][0], lists[-1][1] + 1)
        elif token.type == "table_open":
            yield Node("table", rows=table_rows(tokens))
        elif token.type == "heading_open":
            yield Node("heading", inline_spans(next(tokens)), level=int(token.tag[1]))
        elif token.type == "inline" and lists:
            kind, count = lists[-1]
            marker = "•" if kind == "bullet" else f"{count}."
            yield Node(kind, inline_spans(token), level=len(lists), marker=marker)
        elif token.type == "inline":
            yield Node("paragraph", inline_spans(token))


def table_rows(tokens: Iterator[Token]) -> tuple[tuple[tuple[Span, ...], ...], ...]:
    """Consume tokens up to the end of the table; the first row is the header."""
    rows: list[list[tuple[Span, ...]]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline_spans(token))
    return tuple(tuple(row) for row in rows)


def plain(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def escape(text: str) -> str:
    """Make `text` safe inside HTML and reportlab's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
