"""Tells tables of PDFs from paragraphs that the library has taken for tables."""

import re
import unicodedata
from collections.abc import Mapping
from itertools import accumulate

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.tables import CELL_SEPARATOR

_RUNS_ON = 0.7
"""Share of the cells behind another that go on with its sentence, from which a table is a
paragraph: its "columns" are gaps between words. Cells of tables mostly begin with a capital or a
figure."""

# A cell of figures: amounts, shares, dates, codes, or a dash for none.
_FIGURES = re.compile(r"[\s\d.,:/%$€£¥+\-–—−()*]+|n/?a", re.IGNORECASE)  # noqa: RUF001


def without_false_table(
    block: Block, lines: Mapping[str, str], gaps: Mapping[str, frozenset[int]]
) -> Block:
    """A table as it is, or the paragraph that it really is.

    Args:
        block: Any block of the page.
        lines: The lines of the page's bare text by `line_key`, which have the spaces right.
        gaps: Wide gaps of the lines (`PageFacts.gaps`).
    """
    if block.kind is not BlockKind.TABLE:
        return block
    rows = [line.split(CELL_SEPARATOR) for line in block.text.split("\n")]
    if not _is_apart(rows, gaps) or _goes_on(rows):
        texts = (" ".join(cell for cell in row if cell) for row in rows)
        text = "\n".join(lines.get(line_key(text), text) for text in texts)
        return Block(BlockKind.PARAGRAPH, text, block.page)
    return block


def _is_apart(rows: list[list[str]], gaps: Mapping[str, frozenset[int]]) -> bool:
    """Whether more than a word's space lies between most cells, as far as it can be told."""
    known = wide = 0
    for row in rows:
        cells = [line_key(cell) for cell in row if cell.strip()]
        found = gaps.get("".join(cells))
        if found is None:
            continue
        ends = list(accumulate(len(cell) for cell in cells))[:-1]
        known += len(ends)
        wide += sum(end in found for end in ends)
    return 2 * wide >= known


def _goes_on(rows: list[list[str]]) -> bool:
    """Whether the cells read on as sentences."""
    cells = [cell.strip() for row in rows for cell in row[1:] if cell.strip()]
    if not cells:
        return False
    figures = sum(bool(_FIGURES.fullmatch(cell)) for cell in cells)
    goes_on = sum(cell[0].islower() for cell in cells)
    return figures <= len(cells) // 4 and goes_on > _RUNS_ON * len(cells)


def line_key(line: str) -> str:
    """The text by which a line is known: composed, without its spaces, with the library's minus."""
    key = squeezed(line)
    if key.isascii():
        return key
    return unicodedata.normalize("NFC", key).replace("\u2212", "-")


def squeezed(line: str) -> str:
    """A line without its spaces."""
    return "".join(line.split())
