"""Restores headings, list items and paragraphs from the lines of a laid-out page."""

# ruff: noqa: RUF001 - dashes, bullets and full-width marks are meant
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.cleaning import clean_line, join_lines
from citewell.engine.parsing.marks import ROW, TURN

FULL = 0.9
"""Share of the page's width, in characters, up to which a further word would have fitted. Letters
differ in width, so a count of characters only approximates it."""

# About two lines of a page; a longer text set like a heading is none.
MAX_HEADING = 160

# Glyphs of bullets, Word's private-use ones (Symbol and Wingdings) included, dashes, and short
# numbers or letters with a mark.
_BULLET = re.compile(
    r"\s*(?:[•◦▪‣●○■□\uf0b7\uf0a7]|[-–*](?=\s)|\(?(?:\d{1,2}|[a-zđ])[.)](?=\s))\s*"
)
# A number whose space to its item is that of the layout: "10.Take the box".
_TIGHT = re.compile(rf"\A({ROW}?\(?\d{{1,2}}[.)])(?=[^\W\d_][^\W\d_ ])")
# The same without numbers and letters, which may also begin a heading.
_GLYPH_BULLET = re.compile(r"\s*(?:[•◦▪‣●○■□\uf0b7\uf0a7]|[-–*](?=\s))\s*")
# "2.1 Scope": at least two levels, because a single number before a word is as often a list item or
# an amount.
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,4})\.?\s+[^\W\d_]")
# The same from one level on, for lines that look like a heading by their type already.
_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+[^\W\d_]")
# Names of units in English and Vietnamese with their number: headings of legal texts and books.
_UNIT = re.compile(
    r"(?:chương|điều|mục|phần|phụ lục|chapter|article|section|part|appendix)"
    r"\s+(?:\d+|[ivxlc]+|[a-z])\b",
    re.IGNORECASE,
)
# Figures: a line that ends with two words of these is a row of a table, not a heading.
_FIGURE = re.compile(r"\d|^[-–—%$€£()]+$")
# Captions are set apart like headings and are none.
_CAPTION = re.compile(r"(?:figure|fig|table|source|note|hình|bảng|nguồn|ghi chú)\b", re.IGNORECASE)
_ENDS = (".", "!", "?", ":", ";", "…", "。", "？", "！")
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)\]]*(?=\s)")


class NumberedLevels:
    """Levels of numbered headings: `1.1` comes below `1`, whatever its type size."""

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}

    def adjust(self, block: Block) -> Block:
        """A heading with the level that its number implies; other blocks unchanged."""
        found = _NUMBER.match(block.text)
        if block.kind is not BlockKind.HEADING or not found:
            return block
        depth = found[1].count(".") + 1
        above = self._levels.get(depth - 1)
        level = block.level if above is None else above + 1
        self._levels[depth] = level
        return replace(block, level=min(level, 6))


def page_blocks(page: list[Block]) -> Iterator[Block]:
    """Yield the blocks of one page with their lines joined.

    The library groups lines of equal type. It misses paragraphs that begin without a gap, and takes
    emphasised lines for headings. Both are corrected by line lengths: a line that had room for the
    next word was ended on purpose.
    """
    width = _width(page)
    held: Block | None = None
    for block in page:
        if block.kind is BlockKind.HEADING and (ROW in block.text or not _is_heading(block.text)):
            block = replace(block, kind=BlockKind.PARAGRAPH, level=0)
        if held and _is_one(held, block, width):
            held = replace(held, text=f"{held.text}\n{block.text}")
            continue
        if held:
            yield from _laid_out(held, width)
        held = block
    if held:
        yield from _laid_out(held, width)


def _laid_out(block: Block, width: int) -> Iterator[Block]:
    match block.kind:
        case BlockKind.TABLE | BlockKind.CODE:
            yield block
        case BlockKind.HEADING:
            yield replace(block, text=clean_line(block.text))
        case _:
            yield from _paragraphs(block, width)


def _width(page: list[Block]) -> int:
    lengths = sorted(
        len(line)
        for block in page
        if block.kind is not BlockKind.TABLE
        for line in block.text.split("\n")
    )
    # The 95th percentile: a line or two that run over (a wide table, a formula) do not set the
    # width.
    return lengths[min(int(0.95 * len(lengths)), len(lengths) - 1)] if lengths else 0


def _is_one(before: Block, block: Block, width: int) -> bool:
    """Whether the library cut a paragraph in two: its last line is full and ends no sentence."""
    kinds = (before.kind, block.kind)
    if kinds != (BlockKind.PARAGRAPH, BlockKind.PARAGRAPH) or not block.text.strip():
        return False
    last, line = before.text.rpartition("\n")[2], block.text.strip()
    return len(last) >= FULL * width and not last.endswith(_ENDS) and not _begins_part(line)


def _is_heading(text: str) -> bool:
    line = clean_line(text)
    letters = sum(character.isalpha() for character in line)
    return (
        0 < len(line) <= MAX_HEADING
        and text.count("\n") < 3
        # Items that stand below each other in the type of a heading.
        and sum(bool(_TIGHT.match(part) or _BULLET.match(part)) for part in text.split("\n")) < 2
        # At least half letters: rows of figures and formulas are set in bold too.
        and 2 * letters >= len(line.replace(" ", ""))
        and not line[0].islower()
        and not line.endswith((".", ",", ";"))
        and " . . " not in line
        and "...." not in line
    )


def _paragraphs(block: Block, width: int) -> Iterator[Block]:
    lines = [_TIGHT.sub(r"\1 ", line.strip()) for line in block.text.split("\n") if line.strip()]
    is_item = block.kind is BlockKind.LIST_ITEM
    part: list[str] = []
    for line in lines:
        if part and _starts_anew(part, line, width, is_item=is_item):
            yield _close(block, part, width, is_item=is_item, is_followed=True)
            part, is_item = [], False
        part.append(line)
        is_item = is_item or (len(part) == 1 and bool(_BULLET.match(line.removeprefix(ROW))))
    if part:
        yield _close(block, part, width, is_item=is_item, is_followed=False)


def _begins_part(line: str) -> bool:
    line = line.removeprefix(ROW)
    return bool(_BULLET.match(line) or _UNIT.match(line) or _NUMBERED.match(line))


def _ended_on_purpose(line: str, following: str, width: int) -> bool:
    return len(line) + 1 + len(following.split(" ", 1)[0]) <= FULL * width


def _starts_anew(part: list[str], line: str, width: int, *, is_item: bool) -> bool:
    if _begins_part(line):
        return True
    last = part[-1]
    if _are_labelled(last, line):
        return False
    if line.startswith(ROW):
        return True
    if line[0].islower() or not _ended_on_purpose(last, line, width):
        return False
    if is_item or last.endswith(_ENDS):
        return True
    # A short line above a full one is a title; short lines in a row belong together.
    return len(line) >= FULL * width and not last.endswith((",", "-"))


# "Amount: 1,284.60 EUR": a label, a colon and a value.
_LABEL = re.compile(r"(?=[^a-z])[^\W\d_][\w .,/()&'’-]{0,40}:\s+\S")


def _are_labelled(last: str, line: str) -> bool:
    """Whether two lines are a label and its value each."""
    if line.startswith(ROW) or last.startswith(ROW):
        return line.startswith(ROW) and last.startswith(ROW)
    are_sentences = last.endswith(_ENDS) or line.endswith(_ENDS)
    return not are_sentences and bool(_LABEL.match(last) and _LABEL.match(line))


def _close(
    block: Block, lines: list[str], width: int, *, is_item: bool, is_followed: bool
) -> Block:
    is_labelled = lines[0].startswith(ROW)
    first = lines[0].removeprefix(ROW)
    if is_item:
        glyph = _GLYPH_BULLET.match(first)
        rest = (line.removeprefix(ROW) for line in lines[1:])
        text = join_lines([first[glyph.end() :] if glyph else first, *rest])
        return Block(BlockKind.LIST_ITEM, text, block.page)
    if (
        len(lines) == 1
        and (not is_labelled or _begins_part(first))
        and (level := _heading_level(first, width, is_followed=is_followed))
    ):
        return Block(BlockKind.HEADING, first, block.page, level)
    return Block(BlockKind.PARAGRAPH, _joined(lines, width), block.page)


def _heading_level(line: str, width: int, *, is_followed: bool) -> int:
    """Level of a line that stands alone and looks like a heading; 0 when it does not."""
    # A heading ends well before the margin; 40 for pages of short lines, 100 for very wide ones.
    if len(line) > min(0.7 * max(width, 40), 100) or not _is_heading(line):
        return 0
    if _CAPTION.match(line) or line.endswith(_ENDS):
        return 0
    numbered = _NUMBERED.match(line)
    if numbered:
        return min(numbered[1].count(".") + 1, 6)
    # A guess, hence the low level 4: a short line that begins a paragraph in capitals. It also
    # takes some captions and salutations, which only costs them their paragraph.
    is_titled = is_followed and line[0].isupper() and len(line.split()) <= 10
    return 4 if is_titled else 0


def _is_row(line: str) -> bool:
    """Whether a line looks like a row of a table: it ends in numbers."""
    words = line.split()
    return len(words) > 2 and all(_FIGURE.search(word) for word in words[-2:])


def _joined(lines: list[str], width: int) -> str:
    """Join full lines; keep the ends of lines that were ended on purpose, such as table rows."""
    rows = [[lines[0]]]
    for last, line in pairwise(lines):
        is_row = _is_row(last) and _is_row(line)
        if _are_labelled(last, line) or (
            not line[0].islower() and (is_row or _ended_on_purpose(last, line, width))
        ):
            rows.append([line])
        else:
            rows[-1].append(line)
    return "\n".join(join_lines(row).removeprefix(ROW) for row in rows)


_OPEN_END = re.compile(
    r"(?<!\w)(?:the|an?|of|and|or|by|to|from|with|into|than|that|which|their|its|của|và|hoặc|với"
    r"|tại|theo|bởi|cho|der|die|das|des|und|oder|von|mit|für|le|la|les|de|du|et|ou|par|avec)\Z"
)
"""Words that no sentence and no heading ends in: what follows goes on, also with a name. A few of
those that are frequent at a line's end, in the languages of the samples; case matters, so that
"Appendix A" and titles in capitals are none."""

_AMOUNT = re.compile(r"\d+(?:[.,:/]\d+)*%? ([^\W\d_])")
"""A number and a letter. If that is a small one, it is what goes on behind a page's end, and
neither an item ("1. The") nor a heading ("2 Scope")."""


def join_split_sentences(blocks: Iterator[Block]) -> Iterator[Block]:
    """Join paragraphs that a column, a picture or a page's end has cut within a sentence.

    Across a page's end only the rest of the sentence is moved back, so page numbers stay right.
    """
    held: Block | None = None
    last_page: int | None = None
    for block in blocks:
        if held and _continues(held, block, is_turned=block.page != last_page):
            end = len(block.text)
            if block.page != last_page and (found := _SENTENCE_END.search(block.text)):
                end = found.end()
            joined = join_lines([held.text, moved := block.text[:end].strip()])
            turns = max((block.page or 0) - (last_page or 0), 0)
            at = len(joined) - len(moved)
            held = replace(held, text=joined[:at] + TURN * turns + joined[at:])
            last_page = block.page
            rest = block.text[end:].strip()
            if not rest:
                continue
            block = replace(block, text=rest)
        if held:
            yield held
        held, last_page = block, block.page
    if held:
        yield held


def _continues(before: Block, block: Block, *, is_turned: bool) -> bool:
    # A label on the same page may end in such a word too, before the next one.
    is_open = _OPEN_END.search(before.text) and (is_turned or not block.text[:1].isupper())
    amount = _AMOUNT.match(block.text) if is_turned else None
    return (
        before.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        and block.kind is BlockKind.PARAGRAPH
        and bool(block.text)
        and (
            block.text[0].islower()
            or bool(is_open)
            or (amount is not None and amount[1].islower() and before.text[-1:].islower())
        )
        and (before.text[-1:].isalnum() or before.text.endswith((",", "-")))
        and "\n" not in before.text
        and "\n" not in block.text
    )
