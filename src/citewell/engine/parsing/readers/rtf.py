"""Rich Text: paragraphs, headings, items with their numbers, tables, notes and text boxes.

Source: Rich Text Format Specification 1.9.1. Hidden and deleted text, headers, footers and pictures
are left out. The extraction library writes raised text as if it were not ("301 euros"), loses
automatic numbers and reads every font in the document's code page.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import lowered, raised
from citewell.engine.parsing.readers.base import ReaderInput, Reading, comment_text
from citewell.engine.parsing.readers.paper import WHITE, is_paper, is_unseen
from citewell.engine.parsing.readers.rtf_text import (
    Fonts,
    codec_of_page,
    join_surrogates,
    white_places,
)
from citewell.engine.parsing.readers.table_edges import EdgedRow, aligned
from citewell.engine.parsing.readers.tables import table_blocks
from citewell.engine.parsing.vietnamese import in_unicode

# A control word with its number and the space that ends it; a byte; a control symbol; a brace; line
# ends, which mean nothing; and text. Every alternative begins differently, so it is linear.
_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9A-Fa-f]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)"
    rb"|\\",
    re.DOTALL,
)

_DEEPEST = 5_000
"""Groups within each other; Word itself stops at some hundred."""

# Groups whose text is not the document's; `\*` marks further ones that a reader may skip.
_UNREAD = frozenset(
    {
        "atnid", "colortbl", "colorschememapping", "datastore",
        "fldinst", "filetbl", "footer", "footerf", "footerl", "footerr", "ftncn",
        "ftnsep", "ftnsepc", "generator", "header", "headerf", "headerl", "headerr", "latentstyles",
        "listoverridetable", "listtable", "nonesttables", "nonshppict", "objdata", "pict", "pn",
        "revtbl", "rsidtbl", "rxe", "shprslt", "sn", "sp", "sv", "tc", "tcn", "template",
        "themedata", "userprops", "xe", "xmlnstbl",
    }
)  # fmt: skip
# Groups behind `\*` that hold text all the same.
_READ_ALL_THE_SAME = frozenset(
    {"shpinst", "shptxt", "footnote", "moMath", "moMathPara", "ud", "annotation", "atnauthor"}
)
_ASIDE = frozenset({"footnote", "shptxt", "annotation"})
"""Groups whose paragraphs stand beside the one they are anchored in."""

_SIGNS = {
    "emdash": "\u2014", "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018",
    "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d", "tab": "\t", "line": "\n",
    "emspace": " ", "enspace": " ", "qmspace": " ", "softline": "\n", "nestcell": " ",
    "nestrow": "\n", "zwj": "\u200d", "zwnj": "\u200c",
}  # fmt: skip
_BREAKS = frozenset({"par", "page", "sect", "column"})
# Patterns behind a paragraph; the percentage of a plain one is that of `shading`.
_PATTERNS = frozenset(
    f"bg{dark}{kind}"
    for dark in ("", "dk")
    for kind in ("horiz", "vert", "fdiag", "bdiag", "cross", "dcross")
)
# A drawing below the text, or the page's own ground, may lie behind any text.
_BEHIND = re.compile(rb"\\shpfblwtxt1|\\\*\s?\\background\b")
_HEADING = re.compile(r"heading ([1-9])\b", re.IGNORECASE)


@dataclass(slots=True)
class _Look:
    """Settings of a group until its end."""

    font: int = 0
    shift: int = 0
    is_hidden: bool = False
    colour: int = 0
    """Place in the table of colours; 0 is the usual one."""
    ground: int = 0
    """The same of what is behind the text."""
    highlight: int = 0
    is_patterned: bool = False
    """Whether a pattern is drawn behind the text; a solid one is a pattern too."""
    is_deleted: bool = False
    """Taken out of the text by a change that nobody has accepted yet."""
    skipped: int = 1
    """Characters that stand for one of Unicode, for programs that do not know it."""
    place: str = ""
    """Kind of the group that its text belongs to; `unread` for none."""
    is_starred: bool = False

    def note_colour(self, word: str, number: int) -> None:
        """Take a control word, if it sets a colour."""
        if word == "cf":
            self.colour = number
        elif word in ("cb", "chcbpat"):
            self.ground = number
        elif word == "highlight":
            self.highlight = number
        elif word == "chshdng":
            self.is_patterned = number > 0
        elif word.startswith("chbg"):
            self.is_patterned = True
        elif word == "plain":
            self.colour = self.ground = self.highlight = 0
            self.is_patterned = False


@dataclass(slots=True)
class _Flow:
    """The paragraph that is being read, of the document or of a note."""

    parts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """The old font, empty for others, and text of each run."""
    label: str = ""
    level: int = 0
    style: int = 0
    is_in_table: bool = False
    is_shaded: bool = False
    cells: list[str] = field(default_factory=list[str])
    rows: list[EdgedRow] = field(default_factory=list[EdgedRow])
    shape: EdgedRow = field(default_factory=lambda: EdgedRow([]))
    """Ends and merges of the cells of the row that is read, without their texts."""
    merges: set[str] = field(default_factory=set[str])
    """Words on the cell whose end comes next."""
    is_aside: bool = False
    author: str | None = None
    """Of a comment."""
    done: list[Block] = field(default_factory=list[Block])
    """Of a note or box: its paragraphs so far."""
    aside: list[Block] = field(default_factory=list[Block])
    """Notes and boxes, which come behind the paragraph."""

    def shape_row(self, word: str, number: int) -> None:
        """Take a control word, if it says something of the row of a table."""
        if word == "trowd":
            self.shape = EdgedRow([])
        elif word in ("clvmrg", "clmrg"):
            self.merges.add(word)
        elif word == "cellx":
            self.shape.ends.append(number)
            self.shape.is_continued.append("clvmrg" in self.merges)
            self.shape.is_covered.append("clmrg" in self.merges)
            self.merges.clear()

    def end_row(self) -> None:
        """End the row of a table; its shape holds for the next one that says none."""
        self.rows.append(replace(self.shape, cells=self.cells))
        self.cells = []

    def take(self, leave_out: Callable[[str], object]) -> str:
        """The text so far; the next begins."""
        text, self.parts = in_unicode(self.parts, leave_out), []
        return text


def read(source: ReaderInput) -> Reading:
    """Read a document; its facts are complete when its first block is."""
    document = _Document(source.path.read_bytes(), source.findings)
    blocks = list(document.blocks())
    facts = {"author": document.facts["author"]} if document.facts.get("author") else {}
    info = DocumentInfo(source.mime_type, document.facts.get("title") or None, metadata=facts)
    return Reading(info, iter(blocks))


def rtf_blocks(data: bytes) -> Iterator[Block]:
    """Yield the blocks of a text that is part of another document."""
    yield from _Document(data).blocks()


class _Document:
    """One pass over a file."""

    def __init__(self, data: bytes, findings: Findings | None = None) -> None:
        self._findings = findings or Findings()
        self.facts: dict[str, str] = {}
        self._data = data
        self._at = 0
        self._fonts = Fonts()
        self._whites = white_places(data)
        self._is_grounded = _BEHIND.search(data) is not None
        self._default_font = 0
        self._headings: dict[int, int] = {}
        self._look = _Look()
        self._groups: list[tuple[_Look, _Flow]] = []
        self._flow = _Flow()
        self._pending = bytearray()
        self._to_skip = 0
        self._aside_text: list[str] = []
        """Text of a group that is no paragraph: of a font, a style, a fact or a number."""
        self._style = 0
        self._style_level = 0
        self._author = ""
        """Of the comment that follows."""

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks."""
        while found := _TOKEN.match(self._data, self._at):
            self._at = found.end()
            word, number, byte, sign, brace, text = found.groups()
            if text is not None:
                self._add_bytes(text)
            elif byte is not None:
                self._add_bytes(bytes([int(byte, 16)]))
            elif brace == b"{":
                self._begin()
            elif brace == b"}":
                self._end()
            elif word is not None:
                found_blocks = self._control(word.decode(), int(number) if number else None)
                if self._flow.is_aside:
                    self._flow.done += found_blocks
                else:
                    yield from found_blocks
            elif sign is not None:
                self._symbol(sign)
        yield from self._close(is_end=True)

    # Text

    def _add_bytes(self, raw: bytes) -> None:
        if self._to_skip:
            count = min(self._to_skip, len(raw))
            self._to_skip -= count
            raw = raw[count:]
        if self._look.place != "unread":
            self._pending += raw

    def _settle(self) -> None:
        """Decode the bytes so far; those of a character may come one by one."""
        if self._pending:
            # Names of fonts are in the document's code page, not in their own.
            font = -1 if self._look.place in _TABLES else self._look.font
            text = self._fonts.decode(font, bytes(self._pending))
            self._pending.clear()
            self._add(text)

    def _add(self, text: str) -> None:
        look = self._look
        if look.place == "unread":
            return
        if look.is_deleted:
            self._findings.left_out.add(text)
            return
        if look.is_hidden or self._is_unseen(look):
            text = self._findings.hide(text)
        if not text:
            return
        if look.place:
            font = "" if look.place in _TABLES else self._fonts.old_font(look.font)
            self._aside_text.append(in_unicode([(font, text)], self._findings.left_out.add))
            return
        if look.shift:
            text = raised(text) if look.shift > 0 else lowered(text)
        self._flow.parts.append((self._fonts.old_font(look.font), text))

    def _is_unseen(self, look: _Look) -> bool:
        """Whether text is white on white paper: in no table, box or shade."""
        flow = self._flow
        return (
            is_unseen(self._colour(look.colour), self._colour(look.ground))
            and is_paper(self._colour(look.highlight))
            and not (look.is_patterned or flow.is_in_table or flow.is_aside or flow.is_shaded)
            and not self._is_grounded
        )

    def _colour(self, place: int) -> str:
        return WHITE if place in self._whites else "other" if place else ""

    # Groups

    def _begin(self) -> None:
        self._settle()
        if len(self._groups) >= _DEEPEST:
            raise ParseError(ParseFailure.CORRUPT, "The file nests its parts too deeply.")
        self._to_skip = 0
        self._groups.append((self._look, self._flow))
        self._look = replace(self._look, is_starred=False)

    def _end(self) -> None:
        self._settle()
        self._to_skip = 0
        if not self._groups:
            return
        place = self._look.place
        look, flow = self._groups.pop()
        # Entries of tables are groups within the table's own.
        if place in _TABLES or (place != look.place and place not in ("", "unread")):
            self._note(place)
        self._look = look
        if flow is not self._flow:
            aside = [*self._flow.done, *self._close(is_end=True)]
            if self._flow.author is not None:
                text = comment_text(self._flow.author, " ".join(block.text for block in aside))
                aside = [Block(BlockKind.LIST_ITEM, text)]
            flow.aside += aside
            self._flow = flow

    def _note(self, place: str) -> None:
        """Use the text of a group that is no paragraph."""
        text = "".join(self._aside_text).strip()
        self._aside_text = []
        match place:
            case "listtext" | "pntext":
                self._flow.label = text
            case "title" | "author":
                self.facts[place] = text
            case "atnauthor":
                self._author = text
            case "fonttbl":
                self._fonts.note_name(self._look.font, text)
            case "stylesheet":
                found = _HEADING.search(text)
                level = self._style_level or (int(found[1]) if found else 0)
                if level:
                    self._headings[self._style] = level
            case _:
                return

    def _open_place(self, word: str) -> bool:
        """Whether the word begins a group of a kind of its own."""
        look = self._look
        if look.place == "unread":
            return True
        if look.is_starred and word not in _READ_ALL_THE_SAME:
            look.place = "unread"
        elif word in _UNREAD or (word == "info" and not look.place):
            look.place = "unread" if word != "info" else "info"
        elif word in ("listtext", "pntext", "fonttbl", "stylesheet", "atnauthor"):
            look.place = word
            self._aside_text = []
        elif look.place == "info":
            look.place = word if word in ("title", "author") else "unread"
            self._aside_text = []
        elif word in _ASIDE:
            self._flow = _Flow(is_aside=True)
            if word == "annotation":
                self._flow.author, self._author = self._author, ""
        else:
            look.is_starred = False
            return False
        look.is_starred = False
        return True

    # Control words

    def _symbol(self, sign: bytes) -> None:
        if sign == b"*":
            self._look.is_starred = True
        elif self._to_skip:
            self._to_skip -= 1
        elif sign in b"{}\\":
            self._add_bytes(sign)
        elif sign in b"~_\r\n-":
            self._settle()
            # A soft hyphen, "\-", is seen only at a line's end; in old fonts it is a letter.
            soft = "\u00ad" if self._fonts.old_font(self._look.font) else ""
            self._add({b"~": "\u00a0", b"_": "-", b"-": soft}.get(sign, "\n"))

    def _control(self, word: str, number: int | None) -> Iterator[Block]:
        if word == "bin":
            self._at += max(number or 0, 0)
            return
        if self._look.is_starred or word in _OPENERS or self._look.place == "info":
            self._settle()
            if self._open_place(word):
                return
        if self._look.place == "unread":
            return
        if word == "u" and number is not None:
            self._settle()
            self._add(self._fonts.shown(self._look.font, number % 65536))
            self._to_skip = self._look.skipped
        elif self._to_skip:
            self._to_skip -= 1
        elif word in _SIGNS:
            self._settle()
            self._add(_SIGNS[word])
        elif self._look.place in ("", "listtext", "pntext"):
            self._settle()
            self._format(word, number)
            self._look.note_colour(word, number or 0)
            if not self._look.place:
                yield from self._layout(word, number)
        else:
            self._table_entry(word, number or 0)

    def _format(self, word: str, number: int | None) -> None:
        look = self._look
        match word:
            case "f":
                look.font = number or 0
            case "plain":
                look.font, look.shift = self._default_font, 0
                look.is_hidden = look.is_deleted = False
            case "v":
                look.is_hidden = number != 0
            case "deleted":
                look.is_deleted = number != 0
            case "super" | "up" | "sub" | "dn":
                is_on = number != 0
                look.shift = (1 if word in ("super", "up") else -1) if is_on else 0
            case "nosupersub":
                look.shift = 0
            case "uc":
                look.skipped = min(max(number or 0, 0), 10)
            case "ansicpg":
                self._fonts.codec = codec_of_page(number or 1252)
            case "mac" | "pc" | "pca":
                self._fonts.codec = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
            case "deff":
                self._default_font = look.font = number or 0
            case _:
                return

    def _table_entry(self, word: str, number: int) -> None:
        """Settings of an entry of the tables of fonts and styles."""
        self._settle()
        if self._look.place == "fonttbl":
            if word == "f":
                self._note_font()
                self._look.font = number
            elif word == "fcharset":
                self._fonts.note_charset(self._look.font, number)
            elif word == "cpg":
                self._fonts.note_page(self._look.font, number)
        elif word == "s":
            self._note("stylesheet")
            self._style, self._style_level = number, 0
        elif word == "outlinelevel" and 0 <= number < 9:
            self._style_level = number + 1

    def _note_font(self) -> None:
        """Use the name before the next font of a table without groups."""
        if text := "".join(self._aside_text).strip():
            self._fonts.note_name(self._look.font, text)
        self._aside_text = []

    def _layout(self, word: str, number: int | None) -> Iterator[Block]:
        flow = self._flow
        flow.shape_row(word, number or 0)
        match word:
            case "pard":
                flow.is_in_table, flow.level, flow.style = False, 0, 0
                flow.is_shaded = False
            case "cbpat":
                flow.is_shaded = flow.is_shaded or not is_paper(self._colour(number or 0))
            case "shading":
                flow.is_shaded = flow.is_shaded or (number or 0) > 0
            case _ if word in _PATTERNS:
                flow.is_shaded = True
            case "intbl":
                flow.is_in_table = True
            case "s":
                flow.style = number or 0
            case "outlinelevel":
                flow.level = number + 1 if number is not None and 0 <= number < 9 else 0
            case "cell":
                flow.cells.append(_labelled(flow.label, flow.take(self._findings.left_out.add)))
                flow.label = ""
            case "row":
                flow.end_row()
            case _ if word in _BREAKS:
                if flow.is_in_table and word == "par":
                    flow.parts.append(("", "\n"))
                else:
                    yield from self._close()
            case _:
                return

    def _close(self, *, is_end: bool = False) -> Iterator[Block]:
        """End the paragraph, and the table before it."""
        self._settle()
        flow = self._flow
        text = join_surrogates(flow.take(self._findings.left_out.add))
        if flow.cells:
            flow.end_row()
        if flow.rows and (text.strip() or is_end or not flow.is_in_table):
            for row in flow.rows:
                row.cells = [join_surrogates(cell) for cell in row.cells]
            rows, flow.rows = aligned(flow.rows), []
            yield from table_blocks(rows)
        label, flow.label = flow.label, ""
        if text.strip():
            level = flow.level or self._headings.get(flow.style, 0)
            shown = _labelled(label, text)
            if level:
                yield Block(BlockKind.HEADING, shown, level=level)
            else:
                kind = BlockKind.LIST_ITEM if label else BlockKind.PARAGRAPH
                yield Block(kind, shown)
        aside, flow.aside = flow.aside, []
        yield from aside


_TABLES = ("fonttbl", "stylesheet")
_OPENERS = _UNREAD | _ASIDE | {"info", "listtext", "pntext", "fonttbl", "stylesheet", "atnauthor"}


def _labelled(label: str, text: str) -> str:
    """A paragraph behind its number; bullets are left out, as in other formats."""
    is_number = any(character.isalnum() for character in label) and len(label) > 1
    return f"{label} {text}" if is_number else text
