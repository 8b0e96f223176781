"""XML of any kind: elements named like titles, paragraphs, items or tables are read as such."""

from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.encoding import (
    SAMPLE,
    EncodingGuess,
    decoded_chunks,
    guess_encoding,
)
from citewell.engine.parsing.marks import LEVEL, LOWER, RAISE
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.grids import Grid
from citewell.engine.parsing.readers.ooxml import local
from citewell.engine.parsing.readers.text import note_doubt

_TITLES = frozenset({"title", "article-title", "head", "heading", "subtitle", "label-title"})
_PARAGRAPHS = frozenset({"p", "para", "simpara", "abstract-p", "disp-quote", "td-p", "caption"})
_ITEMS = frozenset({"li", "list-item", "listitem", "item-text", "ref"})
_CODE = frozenset({"code", "programlisting", "screen", "preformat", "literallayout"})
_SECTIONS = frozenset({"sec", "section", "chapter", "part", "div", "appendix", "sect1", "sect2"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "entry", "cell"})
_TABLES = frozenset({"table", "tgroup", "informaltable"})
_WHOLE = _TITLES | _PARAGRAPHS | _ITEMS | _CODE | _ROWS
_RECORD_CHARS = 2_000
"""Names used by JATS, DocBook, TEI and XHTML."""


def read(source: ReaderInput) -> Reading:
    """Begin to read an XML file."""
    return Reading(DocumentInfo(source.mime_type), _blocks(source))


def _blocks(source: ReaderInput) -> Iterator[Block]:
    with source.path.open("rb") as file:
        guess = guess_encoding(file.read(SAMPLE), is_markup=True)
        note_doubt(source.findings, guess)
        file.seek(0)
        # Expat reads Unicode and, through Python, encodings of one byte that are declared.
        yield from _Walk().blocks(file if guess.name.startswith("utf-") else _Decoded(file, guess))


class _Decoded:
    """A file that expat gets as text, which makes it ignore the declared encoding."""

    def __init__(self, file: IO[bytes], guess: EncodingGuess) -> None:
        self._chunks = decoded_chunks(file, guess.name)

    def read(self, size: int = -1) -> str:  # noqa: ARG002 - the protocol's
        """The next piece; the size is the file's own."""
        return next((chunk for chunk in self._chunks if chunk), "")


class _Walk:
    """One pass over the file; an element is freed as soon as its text was yielded.

    Elements without a known name are data: their texts become lines of `name: text`, those of
    one record together.
    """

    def __init__(self) -> None:
        self._sections = 0
        self._whole: ET.Element | None = None
        self._grids: list[Grid] = []
        self._record: list[str] = []
        self._record_chars = 0

    def blocks(self, file: "IO[bytes] | _Decoded") -> Iterator[Block]:
        # The child process bounds time and memory; expat 2.4 and later refuses entity bombs.
        parents: list[ET.Element] = []
        for event, element in ET.iterparse(file, ("start", "end")):  # noqa: S314
            name = local(element.tag).lower() if isinstance(element.tag, str) else ""
            if event == "start":
                yield from self._open(element, name)
                parents.append(element)
                continue
            parents.pop()
            yield from self._close(element, name)
            if self._whole is None and parents:
                del parents[-1][:]
        yield from self._say_record()

    def _open(self, element: ET.Element, name: str) -> Iterator[Block]:
        if self._whole is not None:
            return
        if name in _WHOLE:
            yield from self._say_record()
            self._whole = element
        elif name in _SECTIONS:
            self._sections += 1
        elif name in _TABLES:
            self._grids.append(Grid())

    def _close(self, element: ET.Element, name: str) -> Iterator[Block]:
        if self._whole is element:
            self._whole = None
            yield from self._say(element, name)
        elif self._whole is not None:
            return
        elif name in _SECTIONS:
            self._sections = max(self._sections - 1, 0)
            yield from self._say_record()
        elif name in _TABLES and self._grids:
            yield from self._grids.pop().close()
        elif element.text and element.text.strip():
            line = f"{local(element.tag)}: {' '.join(element.text.split())}"
            self._record.append(line)
            self._record_chars += len(line)
            if self._record_chars > _RECORD_CHARS:
                yield from self._say_record()
        elif self._record:
            # The end of an element that holds others: the end of a record.
            yield from self._say_record()

    def _say(self, element: ET.Element, name: str) -> Iterator[Block]:
        if name in _ROWS:
            yield from self._say_row(element)
        elif name in _TITLES:
            text = _text(element)
            yield Block(BlockKind.HEADING, text, level=min(self._sections + 1, 6))
        elif name in _CODE:
            yield Block(BlockKind.CODE, "".join(element.itertext()))
        elif name in _ITEMS:
            yield Block(BlockKind.LIST_ITEM, _text(element))
        else:
            yield Block(BlockKind.PARAGRAPH, _text(element))

    def _say_row(self, element: ET.Element) -> Iterator[Block]:
        cells = [part for part in element if local(part.tag).lower() in _CELLS]
        if not self._grids:
            text = " | ".join(_text(cell) for cell in cells) or _text(element)
            yield Block(BlockKind.PARAGRAPH, text)
            return
        grid = self._grids[-1]
        yield from grid.begin_row()
        for cell in cells:
            grid.begin_cell(cell.get("colspan", ""), cell.get("rowspan", ""))
            grid.add_text(_text(cell))
            grid.end_cell()

    def _say_record(self) -> Iterator[Block]:
        if self._record:
            yield Block(BlockKind.PARAGRAPH, "\n".join(self._record))
            self._record, self._record_chars = [], 0


# Names of JATS, DocBook and XHTML.
_SHIFTS = {"sup": RAISE, "superscript": RAISE, "sub": LOWER, "subscript": LOWER}


def _text(element: ET.Element) -> str:
    # Most elements hold nothing else, and asking them all costs half of the reading.
    plain = all(local(str(part.tag)).lower() not in _SHIFTS for part in element.iter())
    return " ".join("".join(element.itertext() if plain else _pieces(element)).split())


def _pieces(element: ET.Element) -> Iterator[str]:
    mark = _SHIFTS.get(local(str(element.tag)).lower())
    yield mark or ""
    yield element.text or ""
    for part in element:
        yield from _pieces(part)
        yield part.tail or ""
    yield LEVEL if mark else ""
