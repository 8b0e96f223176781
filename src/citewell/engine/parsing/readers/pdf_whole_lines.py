"""Joins the parts of a line of a PDF that the library takes for blocks of their own.

Browsers draw a dash, a raised mark and the words around them as texts of their own. The library
takes some of them for headings or bullets, and drops a dash that is alone: "290" and "310".
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_shifts import Shift
from citewell.engine.parsing.readers.pdf_tables import squeezed

_LEAST = 4
"""Characters of a line's beginning by which it is told."""
_SIGNS = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212+\u00b1~\u2248/\u00d7")
_MOST_SIGNS = 2
_JOINT = "\x1f"
"""Between parts of a line that PDFium gives as two; a blank to those who take blanks out."""


def with_whole_lines(blocks: Iterable[Block], bare: str, shifts: Sequence[Shift]) -> list[Block]:
    """The blocks of a page, those joined that are one line without a space between them.

    Args:
        blocks: As the library gives them.
        bare: The page's text, line by line.
        shifts: Its raised texts, behind which PDFium ends a line.
    """
    lines = _lines(bare, shifts)
    whole = {squeezed(line) for line in lines}
    starts: dict[str, list[str]] = {}
    for line in lines:
        starts.setdefault(squeezed(line)[:_LEAST], []).append(line)
    made: list[Block] = []
    for block in blocks:
        if not squeezed(block.text) and made:
            # A bullet without an item is a sign that was drawn by itself.
            continue
        before = made[-1] if made else None
        if before is not None and not {before.kind, block.kind} & _APART:
            head, _, last = before.text.rpartition("\n")
            if squeezed(last) not in whole and (
                joined := _joined(last, block.text, starts, shifts)
            ):
                text = f"{head}\n{joined}" if head else joined
                made[-1] = replace(before, text=text)
                continue
        made.append(block)
    return made


_APART = frozenset({BlockKind.TABLE, BlockKind.CODE})


def _lines(bare: str, shifts: Sequence[Shift]) -> list[str]:
    """The lines of a page, with those joined that a raised text has parted."""
    ends = tuple((each.before + each.text)[-12:] for each in shifts if each.is_followed)
    made: list[str] = []
    is_open = False
    for line in bare.replace("\r\n", "\n").split("\n"):
        if is_open:
            made[-1] += _JOINT + line.lstrip()
        else:
            made.append(line)
        is_open = squeezed(made[-1]).endswith(ends) if ends else False
    return made


def _joined(last: str, text: str, starts: dict[str, list[str]], shifts: Sequence[Shift]) -> str:
    """A line and the beginning of the next block as one; empty if they are none."""
    key = squeezed(last)
    first, _, rest = text.partition("\n")
    following = squeezed(first)
    for line in starts.get(key[:_LEAST], ()) if len(key) >= _LEAST else ():
        if not squeezed(line).startswith(key):
            continue
        at = _place(line, len(key))
        signs = 0
        while signs < _MOST_SIGNS and line[at + signs : at + signs + 1] in _SIGNS:
            signs += 1
        behind = line[at + signs :]
        # A space may part columns; a sign or the middle of a word does not.
        is_close = signs > 0 or not behind[:1].isspace() or behind[:1] == _JOINT
        # Cells of figures stand without a space between them, too.
        if not signs and key[-1:].isdigit() and behind[:1].isdigit():
            is_close = any(
                following.startswith(each.text) and key.endswith(each.before[-_LEAST:])
                for each in shifts
            )
        if is_close and squeezed(behind).startswith(following):
            end = at + signs + _place(behind, len(following))
            whole = line[:end].replace(_JOINT, " ").strip()
            return f"{whole}\n{rest}" if rest else whole
    return ""


def _place(line: str, count: int) -> int:
    """The place in a line behind so many characters that are no spaces."""
    for at, character in enumerate(line):
        if count == 0:
            return at
        count -= not character.isspace()
    return len(line)
