"""The text layer of zipped documents, by their raw marks: a second opinion on what they hold.

The readers build trees and follow styles; here a pattern takes what stands between the tags of
text. It is faster by a factor of ten and shares no code with them, so that what a reader passes
over is missed.
"""

import html
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from citewell.engine.parsing.archives import READ_ERRORS
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.old_layers import rich_text_layer, word_layer
from citewell.engine.parsing.readers.base import ReaderInput

_PIECE = 1 << 20
_LONGEST = 4 << 20
"""Bytes of a run of text that are held together; a longer one is cut."""

# A tag, or the text of a run. Each alternative begins with its own character and none repeats
# another's, so that time is linear.
_WORD = re.compile(
    rb"<(/?)w:(?:moveFrom|rt|pict)(?=[ >])[^>]*>|<(/?)mc:Fallback>|<w:t(?: [^>]*)?>([^<]*)"
)
_SLIDE = re.compile(
    rb"<(/?)p:sp>|<(/?)mc:Fallback>|type=\"(dt|ftr|hdr|sldNum|sldImg)\"|<a:t>([^<]*)"
)
_ODF = re.compile(
    rb"<(/?)(?:text:tracked-changes|office:annotation|office:forms|svg:desc|svg:title"
    rb"|text:sequence-decls|office:automatic-styles|office:scripts)(?=[ >])[^>]*>|>([^<]+)"
)


def text_layer(source: ReaderInput) -> Iterator[str]:
    """Yield the pieces of text of a file; none for formats without a layer of this kind."""
    if old := _OLD_LAYERS.get(source.format):
        yield from old(source.path)
        return
    layer = _LAYERS.get(source.format)
    if layer is None:
        return
    try:
        with zipfile.ZipFile(source.path) as archive:
            yield from layer(archive)
    except (*READ_ERRORS, zlib.error):
        # The reader has read it; a part that only this look needs may be damaged.
        return


def _word(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        folder, part = posixpath.split(name)
        if folder == "word" and part in ("document.xml", "footnotes.xml", "endnotes.xml"):
            skipped = 0
            with archive.open(name) as content:
                for found in _tokens(content, _WORD):
                    if found[3] is not None:
                        if not skipped:
                            yield _plain(found[3])
                    elif not found[0].endswith(b"/>"):
                        is_end = b"/" in (found[1] or found[2] or b"")
                        skipped = max(skipped + (-1 if is_end else 1), 0)


def _slides(archive: zipfile.ZipFile) -> Iterator[str]:
    names = [name for name in archive.namelist() if name.endswith(".xml")]
    hidden: set[bytes] = set()
    for name in names:
        if posixpath.dirname(name) == "ppt/slides":
            with archive.open(name) as content:
                beginning = content.read(_PIECE)
                # An attribute of the first element (ECMA-376, 19.3.1.38).
                if b'show="0"' in beginning[:2_000]:
                    hidden.add(posixpath.basename(name).encode())
                else:
                    yield from _slide(content, beginning)
    for name in names:
        folder, part = posixpath.split(name)
        if folder == "ppt/notesSlides" and not (hidden and _is_of(archive, part, hidden)):
            with archive.open(name) as content:
                yield from _slide(content)


def _is_of(archive: zipfile.ZipFile, notes: str, slides: set[bytes]) -> bool:
    with archive.open(f"ppt/notesSlides/_rels/{notes}.rels") as content:
        relations = content.read(_PIECE)
    return any(b"/" + slide in relations for slide in slides)


def _slide(content: IO[bytes], beginning: bytes = b"") -> Iterator[str]:
    skipped, is_furniture, held = 0, False, list[str]()
    for found in _tokens(content, _SLIDE, beginning):
        if found[4] is not None:
            if not skipped:
                held.append(_plain(found[4]))
        elif found[3] is not None:
            is_furniture = True
        elif found[2] is not None:
            skipped = max(skipped + (-1 if found[2] else 1), 0)
        else:
            # The beginning or the end of a shape: what was held belongs to the one before.
            if not is_furniture:
                yield from held
            held, is_furniture = [], False
    if not is_furniture:
        yield from held


def _open_document(archive: zipfile.ZipFile) -> Iterator[str]:
    skipped = 0
    with archive.open("content.xml") as content:
        for found in _tokens(content, _ODF):
            if found[2] is not None:
                if not skipped and not found[2].isspace():
                    yield _plain(found[2])
            elif not found[0].endswith(b"/>"):
                skipped = max(skipped + (-1 if found[1] else 1), 0)


def _drawings(archive: zipfile.ZipFile) -> Iterator[str]:
    """Text boxes of a workbook; its cells are counted as they are read."""
    for name in archive.namelist():
        if posixpath.dirname(name) == "xl/drawings" and name.endswith(".xml"):
            with archive.open(name) as content:
                for found in _tokens(content, _SLIDE):
                    if found[4] is not None:
                        yield _plain(found[4])


_OLD_LAYERS: dict[DocumentFormat, Callable[[Path], Iterator[str]]] = {
    DocumentFormat.RTF: rich_text_layer,
    DocumentFormat.DOC: word_layer,
}

_LAYERS: dict[DocumentFormat, Callable[[zipfile.ZipFile], Iterator[str]]] = {
    DocumentFormat.DOCX: _word,
    DocumentFormat.PPTX: _slides,
    DocumentFormat.ODT: _open_document,
    DocumentFormat.ODP: _open_document,
    DocumentFormat.XLSX: _drawings,
}


def _tokens(
    content: IO[bytes], pattern: re.Pattern[bytes], tail: bytes = b""
) -> Iterator[re.Match[bytes]]:
    while data := content.read(_PIECE):
        data = tail + data
        # Text before the last tag is whole; the tag itself may go on in the next piece.
        cut = data.rfind(b"<")
        cut = len(data) if cut < 0 or len(data) - cut > _LONGEST else cut
        yield from pattern.finditer(data, 0, cut)
        tail = data[cut:]
    yield from pattern.finditer(tail)


def _plain(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return html.unescape(text) if "&" in text else text
