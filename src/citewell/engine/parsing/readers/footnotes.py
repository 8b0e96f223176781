"""Footnotes of PDFs: they stand at the end of their page, often within a sentence that goes on."""

import re
from dataclasses import replace

from citewell.engine.parsing.base import Block, BlockKind

# A mark and a word with a capital, as notes begin; text behind a number within a sentence mostly
# begins small.
_NOTE = re.compile(r"(?:\d{1,3}|[*\u2020\u2021]|[⁰¹²³⁴-⁹]{1,3})\.?\s+[^\W\d_a-z]")
_ENDS = (".", "!", "?", "…", ":", ";", '"', "”", ")")
_LINES = 12
"""Lines at the end of a page among which its notes are looked for."""

_TEXT = (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)


def with_notes_aside(pages: list[list[Block]]) -> list[list[Block]]:
    """The pages with notes that interrupt a sentence put before the paragraph they interrupt.

    A page interrupts its sentence with a note if the line before the note ends no sentence, the
    note ends one, and the next page begins with a small letter. Notes behind whole sentences stay
    where they are: they interrupt nothing. Both are judged by text alone, so a numbered line that
    goes on as described is taken for a note; it moves before its paragraph and is not lost.
    """
    starts = [next((block.text.lstrip()[:1] for block in page), "") for page in pages]
    return [
        _aside(page) if following.islower() else page
        for page, following in zip(pages, [*starts[1:], ""], strict=True)
    ]


def _aside(page: list[Block]) -> list[Block]:
    lines = [(at, line) for at, block in enumerate(page) for line in block.text.split("\n")]
    if not lines or not lines[-1][1].rstrip().endswith(_ENDS):
        return page
    for place in range(max(1, len(lines) - _LINES), len(lines)):
        at, line = lines[place]
        before_at, before = lines[place - 1]
        if (
            _NOTE.match(line.lstrip())
            and not before.rstrip().endswith(_ENDS)
            and all(page[n].kind in _TEXT for n in range(before_at, len(page)))
        ):
            head = [line for n, line in lines[:place] if n == before_at]
            note = [line for _, line in lines[place:]]
            broken = page[before_at]
            return [
                *page[:before_at],
                Block(BlockKind.LIST_ITEM, "\n".join(note), page[at].page),
                replace(broken, text="\n".join(head)),
            ]
    return page
