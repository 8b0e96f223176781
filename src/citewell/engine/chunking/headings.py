"""The headings above a passage, legal structure included."""

from dataclasses import dataclass
from typing import NamedTuple

from citewell.engine.chunking.legal_units import MAX_HEADING_CHARS, VIETNAMESE, LegalGrammar
from citewell.engine.parsing.base import Block, BlockKind


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    level: int
    """The parser's level; legal units found in paragraphs come below all of those."""
    rank: int | None
    """Place in `LegalGrammar.ranks`; None for an ordinary heading."""
    is_bare: bool
    """A unit without its name, as `Chương I`: the name is the next line."""


class SectionRole(NamedTuple):
    """Role of a block among the sections."""

    starts_section: bool
    is_heading: bool
    """The whole block is a heading; a provision may also begin in the line of its heading."""


_BODY = SectionRole(starts_section=False, is_heading=False)


class HeadingPath:
    """The stack of headings while a document is read.

    Units of Vietnamese legal texts count in any document: no other text has lines like them.
    """

    def __init__(self, grammar: LegalGrammar = VIETNAMESE) -> None:
        self._grammar = grammar
        self._entries: list[_Entry] = []

    @property
    def path(self) -> tuple[str, ...]:
        """Headings above the current place, outermost first."""
        return tuple(entry.text for entry in self._entries)

    @property
    def is_in_article(self) -> bool:
        """Whether the innermost heading is a unit that is cited by its number: Điều, Article."""
        rank = self._entries[-1].rank if self._entries else None
        return rank is not None and rank == max(self._grammar.ranks.values())

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
        entry = _legal_entry(self._grammar, block, opening)
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
            and self._is_unit_name(opening)
            and self._grammar.unit.match(opening) is None
        )

    def _is_unit_name(self, opening: str) -> bool:
        if self._grammar.language == "vi":
            return opening.isupper()
        # English names are written in any case; a provision ends like a sentence.
        is_marked = self._grammar.lines.match(opening) is not None
        return opening[0].isupper() and opening[-1] not in ".;:," and not is_marked


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _legal_entry(grammar: LegalGrammar, block: Block, opening: str) -> _Entry | None:
    """The legal unit that the first line opens; None if the line only mentions one."""
    match = grammar.unit.match(opening)
    if match is None:
        return None
    rest = match["rest"].strip()
    unit = match["unit"].lower()
    if not match["mark"] and not _opens_unit(grammar, unit, match["rest"]):
        return None
    rank = grammar.ranks[unit]
    level = max(block.level, 1) if block.kind is BlockKind.HEADING else 7 + rank
    text = _one_line(match[0])
    if len(text) > MAX_HEADING_CHARS:
        # The name and the provision stand in one line: the path keeps the opening words.
        text = text[: MAX_HEADING_CHARS // 2].rpartition(" ")[0]
    return _Entry(text, level, rank, is_bare=not rest)


def _opens_unit(grammar: LegalGrammar, unit: str, rest: str) -> bool:
    """Whether a line without a mark after the number opens a unit rather than mentions one."""
    if unit not in grammar.basic:
        return _is_name(rest)
    # English provisions may follow in the line: "Section 2 Notice. Notice shall be given."
    return not grammar.needs_mark and (not rest.strip() or rest.strip()[0].isupper())


def _is_name(rest: str) -> bool:
    """Whether the text after `Mục 1` is its name rather than the rest of a sentence."""
    name = rest.strip()
    if not name:
        return True
    return rest[0].isspace() and name[0].isupper() and name[-1] not in ".;,:"
