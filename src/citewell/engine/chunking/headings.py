# ruff: noqa: RUF001 - the marks of other scripts are meant
"""The headings above a passage, Vietnamese legal structure included."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from citewell.engine.parsing.base import Block, BlockKind

MAX_HEADING_CHARS = 200
"""A longer paragraph is no heading, and a longer heading is shortened in the path."""

_LEGAL_RANKS = {"phần": 0, "chương": 1, "mục": 2, "tiểu mục": 3, "điều": 4}
"""Order of the units of a Vietnamese legal document (Decree 78/2025/NĐ-CP, article 8)."""

# A unit of a legal document at the beginning of a line: its kind, its number (roman, arabic with a
# letter, or an ordinal word) and what follows. Running text mentions units as well ("Điều 5 quy
# định ..."), so what follows decides whether this is a heading. All repetitions are bounded.
_LEGAL = re.compile(
    r"(?P<unit>phần|chương|tiểu mục|mục|điều)\s{1,4}"
    r"(?P<number>[ivxlc]{1,7}|\d{1,4}[a-zđ]?|thứ \w{1,8})(?P<mark>[ \t]{0,4}[.:–-])?"
    r"(?P<rest>\s{0,4}[^\n]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    level: int
    """The parser's level; legal units found in paragraphs come below all of those."""
    rank: int | None
    """Place in `_LEGAL_RANKS`; None for an ordinary heading."""
    is_bare: bool
    """A unit without its name, as `Chương I`: the name is the next line."""


class SectionRole(NamedTuple):
    """Role of a block among the sections."""

    starts_section: bool
    is_heading: bool
    """The whole block is a heading; a provision may also begin in the line of its heading."""


_BODY = SectionRole(starts_section=False, is_heading=False)


class HeadingPath:
    """The stack of headings while a document is read."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    @property
    def path(self) -> tuple[str, ...]:
        """Headings above the current place, outermost first."""
        return tuple(entry.text for entry in self._entries)

    def take(self, block: Block) -> SectionRole:
        """Take the next block into the path; returns its role."""
        opening = block.text[: 2 * MAX_HEADING_CHARS].strip()
        if not opening or block.kind not in (BlockKind.HEADING, BlockKind.PARAGRAPH):
            return _BODY
        if self._names_bare_unit(block, opening):
            last = self._entries.pop()
            name = f"{last.text} {_one_line(opening)}"[:MAX_HEADING_CHARS]
            self._entries.append(_Entry(name, last.level, last.rank, is_bare=False))
            return SectionRole(starts_section=False, is_heading=True)
        entry = _legal_entry(block, opening)
        if block.kind is BlockKind.HEADING:
            if entry is None:
                name = _one_line(opening)[:MAX_HEADING_CHARS]
                entry = _Entry(name, max(block.level, 1), None, is_bare=False)
            self._push(entry)
            return SectionRole(starts_section=True, is_heading=True)
        if entry is None:
            return _BODY
        self._push(entry)
        is_whole = _one_line(opening) == entry.text and len(block.text) <= 2 * MAX_HEADING_CHARS
        # A provision in the heading's line ends like a sentence, so the line is body as well.
        return SectionRole(True, is_whole and opening[-1] not in ".;:,")

    def _push(self, entry: _Entry) -> None:
        for at, above in enumerate(self._entries):
            if entry.rank is not None and above.rank is not None:
                closes = above.rank >= entry.rank
            else:
                closes = above.level >= entry.level
            if closes:
                del self._entries[at:]
                break
        self._entries.append(entry)

    def _names_bare_unit(self, block: Block, opening: str) -> bool:
        """Whether the block is the name of the bare unit above it, as of `Chương I`."""
        return (
            bool(self._entries)
            and self._entries[-1].is_bare
            and len(block.text) <= MAX_HEADING_CHARS
            and opening.isupper()
            and _LEGAL.match(opening) is None
        )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _legal_entry(block: Block, opening: str) -> _Entry | None:
    """The legal unit that the first line opens; None if the line only mentions one."""
    match = _LEGAL.match(opening)
    if match is None:
        return None
    rest = match["rest"].strip()
    unit = match["unit"].lower()
    if not match["mark"] and (unit == "điều" or not _is_name(match["rest"])):
        return None
    rank = _LEGAL_RANKS[unit]
    level = max(block.level, 1) if block.kind is BlockKind.HEADING else 7 + rank
    text = _one_line(match[0])
    if len(text) > MAX_HEADING_CHARS:
        # The name and the provision stand in one line: the path keeps the opening words.
        text = text[: MAX_HEADING_CHARS // 2].rpartition(" ")[0]
    return _Entry(text, level, rank, is_bare=not rest)


def _is_name(rest: str) -> bool:
    """Whether the text after `Mục 1` is its name rather than the rest of a sentence."""
    name = rest.strip()
    if not name:
        return True
    return rest[0].isspace() and name[0].isupper() and name[-1] not in ".;,:"
