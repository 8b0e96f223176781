"""Plain text: paragraphs between empty lines."""

import re
from collections.abc import Iterator

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.cleaning import join_lines
from citewell.engine.parsing.encoding import SAMPLE, choose_encoding, read_lines
from citewell.engine.parsing.readers.base import ReaderInput, Reading

BULLET = re.compile(r"\s{0,12}(?:[-*•◦▪‣·–]|\(?(?:\d{1,3}|[a-zđ])[.)])\s+\S")  # noqa: RUF001
"""The begin of a list item: a bullet, `1.`, `a)` or `(1)`."""

_GLYPH = re.compile(r"\s*[-*•◦▪‣·–]\s+")  # noqa: RUF001
"""A bullet, which is removed; the number of an item is kept."""

# Four or more of one mark: the underline of a heading, or a rule, which is no text.
_RULE = re.compile(r"\s*([=\-_*~#])\1{3,}\s*")

_WRAP_WIDTH = 45
"""Length from which a line that is followed by another was probably broken to fit a page; verses
and addresses are shorter."""

_PARAGRAPH_CHARS = 65_536
"""A paragraph without end is passed on in pieces of this size."""


def read(source: ReaderInput) -> Reading:
    """Begin to read a text file."""
    return Reading(DocumentInfo(source.mime_type), _blocks(source))


def choose_file_encoding(source: ReaderInput, *, is_markup: bool = False) -> str:
    """Choose the encoding of a text file from its beginning."""
    with source.path.open("rb") as file:
        return choose_encoding(file.read(SAMPLE), is_markup=is_markup)


def _blocks(source: ReaderInput) -> Iterator[Block]:
    paragraph: list[str] = []
    held = 0
    for line in read_lines(source.path, choose_file_encoding(source)):
        if line.strip():
            paragraph.append(line)
            held += len(line)
            if held < _PARAGRAPH_CHARS:
                continue
        yield from paragraph_blocks(paragraph)
        paragraph, held = [], 0
    yield from paragraph_blocks(paragraph)


def paragraph_blocks(lines: list[str]) -> Iterator[Block]:
    """Yield the blocks between two empty lines: list items, an underlined heading, or text."""
    # 120: a longer line above a rule is a paragraph that the rule merely follows.
    if len(lines) == 2 and _RULE.fullmatch(lines[1]) and len(lines[0]) < 120:
        yield Block(BlockKind.HEADING, lines[0], level=1 if "=" in lines[1] else 2)
        return
    kept = [line for line in lines if not _RULE.fullmatch(line)]
    part: list[str] = []
    is_item = False
    for line in kept:
        if BULLET.match(line):
            yield from _paragraph(part, is_item=is_item)
            part, is_item = [], True
        part.append(line)
    yield from _paragraph(part, is_item=is_item)


def _paragraph(lines: list[str], *, is_item: bool) -> Iterator[Block]:
    if not lines:
        return
    kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
    if is_item:
        yield Block(kind, join_lines([_GLYPH.sub("", lines[0]), *lines[1:]]))
    elif _is_wrapped(lines):
        yield Block(kind, join_lines(lines))
    else:
        yield Block(kind, "\n".join(lines))


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the line ends come from the width of a page rather than from the author."""
    return len(lines) > 1 and all(
        len(line.strip()) >= _WRAP_WIDTH and "\t" not in line for line in lines[:-1]
    )
