"""Word 97-2003: paragraphs, headings, items with their numbers, tables, notes and text boxes.

The extraction library gives the text alone: no automatic numbers, raised text that joins the number
before it, and hidden text. It reads the files that this reader finds damaged. Source: [MS-DOC]
sections 2.4 (text), 2.6 (properties) and 2.8 (places of notes).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers import other
from citewell.engine.parsing.readers.base import ReaderInput, Reading, comment_text
from citewell.engine.parsing.readers.office_facts import facts_of
from citewell.engine.parsing.readers.symbols import symbol
from citewell.engine.parsing.readers.table_edges import EdgedRow, aligned
from citewell.engine.parsing.readers.tables import table_blocks
from citewell.engine.parsing.readers.word_binary import DAMAGE, WordFile
from citewell.engine.parsing.readers.word_tables import Properties, edged_row
from citewell.engine.parsing.vietnamese import in_unicode

_LEVEL, _LIST, _OUTLINE = 0x260A, 0x460B, 0x2640
_IN_TABLE, _ROW_END = 0x2416, 0x2417
_DELETED, _HIDDEN, _HEIGHT, _MOVED = 0x0800, 0x083C, 0x2A48, 0x4845
_FONT, _SPECIAL, _SYMBOL, _RUN_STYLE = 0x4A4F, 0x0855, 0x6A09, 0x4A30

_NO_LIST = (0, 0xF801)
_LEAST_MOVE = 4
"""Half-points; a run moved by less is fitted to a picture or a larger letter."""
_TITLE = 62
"""Number of the built-in style."""

_NOTE_PAIRS = ((1, 2, 3, 2), (5, 46, 47, 2), (4, 4, 5, 30))
"""Foot- and end notes, comments: the part of the text, the pairs of their references and their
places, and the bytes of a reference beside its place."""
_COMMENTS = 4
_BOXES = 6
_ENDS = "\r\x07\x0c"
"""Of a paragraph, a cell or row, and a section."""

_CHARACTERS = {
    "\t": "\t", "\x0b": "\n", "\x0e": "\n", "\x1e": "-", "\x1f": "", "\xa0": "\xa0",
}  # fmt: skip


def read(source: ReaderInput) -> Reading:
    """Read a document."""
    try:
        container = open_compound(source.path.read_bytes())
        word = _Word(WordFile(container), source.findings)
        blocks = list(word.blocks())
        if word.is_damaged:
            other.warn_of_damage(source.findings)
        title, metadata = facts_of(container)
    except DAMAGE:
        return other.read_damaged(source)
    return Reading(DocumentInfo(source.mime_type, title, metadata=metadata), iter(blocks))


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it is read."""

    runs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Texts with their fonts."""
    notes: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])
    """Places of references to notes, and whether they are hidden."""
    end: str = ""
    offset: int = 0
    """Of its mark in the stream."""


class _Word:
    """One pass over a file."""

    def __init__(self, file: WordFile, findings: Findings) -> None:
        self._file = file
        self._findings = findings
        self._fields: list[bool] = []
        """Open fields, and whether their results have begun."""
        try:
            self._notes = self._places_of_notes()
        except DAMAGE:
            self._notes = dict[int, tuple[int, int, int]]()
            file.damaged.add("notes")

    @property
    def is_damaged(self) -> bool:
        """Whether parts could not be read that say what is hidden, and what stands beside."""
        return bool(self._file.damaged & {"styles", "notes"})

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks: the text with its notes, then the text boxes."""
        yield from self._part(0)
        yield from self._part(_BOXES)

    def _start(self, part: int) -> int:
        return sum(max(count, 0) for count in self._file.counts[:part])

    def _part(self, part: int) -> Iterator[Block]:
        start = self._start(part)
        yield from self._stretch(start, start + max(self._file.counts[part], 0))

    def _stretch(self, start: int, end: int) -> Iterator[Block]:
        rows: list[EdgedRow] = []
        cells: list[str] = []
        cell: list[Block] = []
        for paragraph in self._paragraphs(start, end):
            style, own = self._file.paragraph(paragraph.offset)
            settings = self._settings(style, own)
            if not _is_on(settings.get(_IN_TABLE)):
                yield from _table(rows, cells, cell)
                rows, cells, cell = [], [], []
                yield from self._blocks(paragraph, style, settings)
            elif _is_on(own.get(_ROW_END)):
                rows.append(edged_row(cells, own))
                cells, cell = [], []
            else:
                cell += self._blocks(paragraph, style, settings)
                if paragraph.end == "\x07":
                    cells.append(" ".join(block.text for block in cell if block.text.strip()))
                    cell = []
        yield from _table(rows, cells, cell)

    def _blocks(self, paragraph: _Paragraph, style: int, settings: Properties) -> Iterator[Block]:
        text = self._text(paragraph)
        level = self._heading(style, settings)
        number = _list_of(settings.get(_LIST))
        label, is_item = "", False
        if text.strip() and number:
            depth = (settings.get(_LEVEL) or b"\0")[0]
            label, is_item = self._file.numbering.label(str(number), depth), True
        labelled = f"{label} {text}" if label else text
        if level:
            yield Block(BlockKind.HEADING, labelled, level=min(level, 6))
        else:
            yield Block(BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH, labelled)
        for place, is_hidden in paragraph.notes:
            if found := self._notes.get(place):
                begin, end, part = found
                texts = [self._text(each).strip() for each in self._paragraphs(begin, end)]
                text = " ".join(filter(None, texts))
                text = self._findings.hide(text) if is_hidden else text
                if part == _COMMENTS:
                    yield Block(BlockKind.LIST_ITEM, comment_text("", text))
                else:
                    yield Block(BlockKind.PARAGRAPH, text)

    def _settings(self, style: int, own: Properties) -> Properties:
        found: Properties = {}
        for each in reversed(self._file.chain(style)):
            found |= each.paragraph
        return found | own

    def _heading(self, style: int, settings: Properties) -> int:
        for each in self._file.chain(style):
            if 1 <= each.number <= 9:
                return each.number
            if each.number == _TITLE:
                return 1
        outline = (settings.get(_OUTLINE) or b"\x09")[0]
        return outline + 1 if outline < 6 else 0

    def _text(self, paragraph: _Paragraph) -> str:
        return in_unicode(paragraph.runs, self._findings.left_out.add)

    def _paragraphs(self, start: int, end: int) -> Iterator[_Paragraph]:
        held = _Paragraph()
        self._fields = []
        # The look of a run is that of its paragraph's style first, which only its end tells.
        waiting: list[tuple[str, int, int]] = []
        for text, at, offset in self._file.text(start, end):
            width = self._file.width_at(at)
            begin = 0
            for place, character in enumerate(text):
                if character not in _ENDS:
                    continue
                waiting.append((text[begin:place], at + begin, offset + begin * width))
                held.end, held.offset = character, offset + place * width
                yield self._ended(held, waiting)
                held, waiting, begin = _Paragraph(), [], place + 1
            if begin < len(text):
                waiting.append((text[begin:], at + begin, offset + begin * width))
        if waiting:
            yield self._ended(held, waiting)

    def _ended(self, paragraph: _Paragraph, waiting: list[tuple[str, int, int]]) -> _Paragraph:
        style, _ = self._file.paragraph(paragraph.offset)
        base: Properties = {}
        for each in reversed(self._file.chain(style)):
            base |= each.run
        for text, at, offset in waiting:
            self._add(paragraph, text, at, base, self._file.run(offset))
        return paragraph

    def _add(
        self, paragraph: _Paragraph, text: str, at: int, base: Properties, own: Properties
    ) -> None:
        named: Properties = {}
        if _RUN_STYLE in own:
            for each in reversed(self._file.chain(_number(own[_RUN_STYLE]))):
                named |= each.run
        look = {**base, **named, **own}
        shown, notes = self._shown(text, at, look)
        is_deleted, is_hidden = _is_on(look.get(_DELETED)), _toggled(base | named, own)
        if not is_deleted:
            paragraph.notes += ((place, is_hidden) for place in notes)
        if not shown:
            return
        if is_deleted:
            self._findings.left_out.add(shown)
        elif is_hidden:
            if kept := self._findings.hide(shown):
                paragraph.runs.append(("", kept))
        else:
            font = _number(look.get(_FONT), -1)
            name = self._file.fonts[font] if 0 <= font < len(self._file.fonts) else ""
            shift = _shift(look)
            if shift and shown.strip():
                shown = raised(shown) if shift > 0 else lowered(shown)
            paragraph.runs.append((name, shown))

    def _shown(self, text: str, at: int, look: Properties) -> tuple[str, list[int]]:
        """The characters that people see: no instructions of fields, no marks; places of notes."""
        is_special = _is_on(look.get(_SPECIAL))
        parts: list[str] = []
        notes: list[int] = []
        for place, character in enumerate(text, at):
            match character:
                case "\x13":
                    self._fields.append(False)
                case "\x14":
                    self._fields[-1:] = [True] if self._fields else []
                case "\x15":
                    self._fields[-1:] = []
                case _ if not all(self._fields):
                    continue
                case "\x02" | "\x05" if is_special:
                    notes.append(place)
                case "(" if is_special and len(code := look.get(_SYMBOL, b"")) == 4:
                    font, letter = struct.unpack("<HH", code)
                    known = self._file.fonts[font] if font < len(self._file.fonts) else ""
                    parts.append(symbol(known, f"{letter:04X}"))
                case _ if character in _CHARACTERS:
                    parts.append(_CHARACTERS[character])
                case _ if character >= " ":
                    parts.append(character)
                case _:
                    # A note's own mark, too, if it is not numbered automatically.
                    continue
        return "".join(parts), notes

    def _places_of_notes(self) -> dict[int, tuple[int, int, int]]:
        """Places of references in the text -> beginning and end of their notes, and the part."""
        found: dict[int, tuple[int, int, int]] = {}
        for part, references, places, size in _NOTE_PAIRS:
            start = self._start(part)
            data = self._file.part(references)
            count = max((len(data) - 4) // (4 + size), 0)
            where = struct.unpack_from(f"<{count}I", data)
            texts = self._file.part(places)
            bounds = struct.unpack_from(f"<{len(texts) // 4}I", texts)
            for place, begin, end in zip(where, bounds, bounds[1:], strict=False):
                found[place] = (start + begin, start + end, part)
        return found


def _table(rows: list[EdgedRow], cells: list[str], cell: list[Block]) -> Iterator[Block]:
    """Yield a table; one of a single cell is a frame around ordinary text."""
    rows = [*rows, EdgedRow(cells)] if any(cells) else rows
    filled = [text for row in rows for text in row.cells if text.strip()]
    if len(filled) == 1:
        yield Block(BlockKind.PARAGRAPH, filled[0])
    elif filled:
        yield from table_blocks(aligned(rows))
    yield from cell


def _is_on(value: bytes | None) -> bool:
    return bool(value and value[0])


def _toggled(base: Properties, own: Properties) -> bool:
    """Whether a run is hidden; 128 says as its style, 129 otherwise than its style."""
    styled = _is_on(base.get(_HIDDEN))
    value = own.get(_HIDDEN, b"\x80")[0]
    return styled if value == 0x80 else not styled if value == 0x81 else bool(value)


def _number(value: bytes | None, missing: int = 0) -> int:
    if value is None or len(value) < 2:
        return missing
    (number,) = struct.unpack_from("<H", value)
    return number


def _list_of(value: bytes | None) -> int:
    """The number of a paragraph's list, 0 for none; one kept from an older Word is negative."""
    number = _number(value)
    return 0 if number in _NO_LIST else 0x10000 - number if number > 0xF801 else number


def _shift(look: Properties) -> int:
    height = (look.get(_HEIGHT) or b"\0")[0]
    if height in (1, 2):
        return 1 if height == 1 else -1
    moved = look.get(_MOVED, b"\0\0")
    (by,) = struct.unpack("<h", moved) if len(moved) == 2 else (0,)
    return 0 if abs(by) < _LEAST_MOVE else 1 if by > 0 else -1
