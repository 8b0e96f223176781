"""From the lines of a set page back to headings, list items and paragraphs."""

# ruff: noqa: RUF001 - dashes, bullets and full-width marks are meant
import re
from collections.abc import Iterator
from dataclasses import replace

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.cleaning import clean_line, join_lines

SHORT = 0.7
"""Share of the page's width below which a line ended because its author ended it."""

MAX_HEADING = 160

_BULLET = re.compile(
    r"\s*(?:[•◦▪‣●○■□\uf0b7\uf0a7]|[-–*](?=\s)|\(?(?:\d{1,2}|[a-zđ])[.)](?=\s))\s*"
)
_GLYPH_BULLET = re.compile(r"\s*(?:[•◦▪‣●○■□\uf0b7\uf0a7]|[-–*](?=\s))\s*")
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,4})\.?\s+[^\W\d_]")
_UNIT = re.compile(
    r"(?:chương|điều|mục|phần|phụ lục|chapter|article|section|part|appendix)"
    r"\s+(?:\d+|[ivxlc]+|[a-z])\b",
    re.IGNORECASE,
)
_CAPTION = re.compile(r"(?:figure|fig|table|source|note|hình|bảng|nguồn|ghi chú)\b", re.IGNORECASE)
_ENDS = (".", "!", "?", ":", ";", "…", "。", "？", "！")
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)\]]*(?=\s)")


def page_blocks(page: list[Block]) -> Iterator[Block]:
    """Yield the blocks of one page with their lines joined.

    The library gives groups of lines of like type; it misses paragraphs that begin without a
    gap, and takes emphasised lines for headings. Both are put right by the lines themselves: one
    that stops well before the page's width ended on purpose.
    """
    width = _width(page)
    for block in page:
        if block.kind in (BlockKind.TABLE, BlockKind.CODE):
            yield block
        elif block.kind is BlockKind.HEADING and _is_heading(block.text):
            yield replace(block, text=clean_line(block.text))
        else:
            yield from _paragraphs(block, width)


def _width(page: list[Block]) -> int:
    lengths = sorted(
        len(line)
        for block in page
        if block.kind is not BlockKind.TABLE
        for line in block.text.split("\n")
    )
    return lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0


def _is_heading(text: str) -> bool:
    line = clean_line(text)
    letters = sum(character.isalpha() for character in line)
    return (
        len(line) <= MAX_HEADING
        and text.count("\n") < 3
        and 2 * letters >= len(line.replace(" ", ""))
        and not line[0].islower()
        and not line.endswith((".", ",", ";"))
        and " . . " not in line
        and "...." not in line
    )


def _paragraphs(block: Block, width: int) -> Iterator[Block]:
    lines = [line.strip() for line in block.text.split("\n") if line.strip()]
    is_item = block.kind is BlockKind.LIST_ITEM
    part: list[str] = []
    for line in lines:
        if part and _starts_anew(part, line, width):
            yield _close(block, part, width, is_item=is_item, is_followed=True)
            part, is_item = [], False
        part.append(line)
    if part:
        yield _close(block, part, width, is_item=is_item, is_followed=False)


def _starts_anew(part: list[str], line: str, width: int) -> bool:
    if _BULLET.match(line) or _UNIT.match(line) or _NUMBERED.match(line):
        return True
    last = part[-1]
    if len(last) >= SHORT * width:
        return False
    if last.endswith(_ENDS):
        return not line[0].islower()
    # A short line above a long one is a title; short lines in a row belong together.
    is_long = len(line) >= SHORT * width
    return is_long and not line[0].islower() and not last.endswith((",", "-"))


def _close(
    block: Block, lines: list[str], width: int, *, is_item: bool, is_followed: bool
) -> Block:
    first = lines[0]
    bullet = _BULLET.match(first)
    if bullet or is_item:
        glyph = _GLYPH_BULLET.match(first)
        text = join_lines([first[glyph.end() :] if glyph else first, *lines[1:]])
        return Block(BlockKind.LIST_ITEM, text, block.page)
    if len(lines) == 1 and (level := _heading_level(first, width, is_followed=is_followed)):
        return Block(BlockKind.HEADING, first, block.page, level)
    if all(len(line) < SHORT * width for line in lines[:-1]) and len(lines) > 1:
        return Block(BlockKind.PARAGRAPH, _short_lines(lines), block.page)
    return Block(BlockKind.PARAGRAPH, join_lines(lines), block.page)


def _heading_level(line: str, width: int, *, is_followed: bool) -> int:
    """Level of a line that stands alone and looks like a heading; 0 when it does not."""
    if len(line) > min(SHORT * max(width, 40), 100) or not _is_heading(line):
        return 0
    if _CAPTION.match(line) or line.endswith(_ENDS):
        return 0
    numbered = _NUMBERED.match(line)
    if numbered:
        return min(numbered[1].count(".") + 1, 6)
    is_titled = is_followed and line[0].isupper() and len(line.split()) <= 10
    return 4 if is_titled else 0


def _short_lines(lines: list[str]) -> str:
    """Keep the ends of short lines, but not within a sentence."""
    text = lines[0]
    for line in lines[1:]:
        if line[0].islower():
            text = join_lines([text, line]) if "\n" not in text else f"{text} {line}"
        else:
            text = f"{text}\n{line}"
    return text


def join_split_sentences(blocks: Iterator[Block]) -> Iterator[Block]:
    """Join paragraphs that a column, a picture or a page's end cut within a sentence.

    Over a page's end only the rest of the sentence moves back, so the pages stay right.
    """
    held: Block | None = None
    for block in blocks:
        if held and _continues(held, block):
            end = len(block.text)
            if block.page != held.page and (found := _SENTENCE_END.search(block.text)):
                end = found.end()
            held = replace(held, text=join_lines([held.text, block.text[:end]]))
            rest = block.text[end:].strip()
            if not rest:
                continue
            block = replace(block, text=rest)
        if held:
            yield held
        held = block
    if held:
        yield held


def _continues(before: Block, block: Block) -> bool:
    return (
        before.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        and block.kind is BlockKind.PARAGRAPH
        and bool(block.text)
        and block.text[0].islower()
        and (before.text[-1:].isalnum() or before.text.endswith((",", "-")))
        and "\n" not in before.text
        and "\n" not in block.text
    )
