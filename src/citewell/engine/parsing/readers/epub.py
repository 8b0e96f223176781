"""EPUB: the chapters in the order of the spine.

Source: EPUB 3.3, sections 4 (container) and 5 (package document).
"""

import posixpath
import zipfile
from collections.abc import Callable, Iterator
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import locked_error, parse_part
from citewell.engine.parsing.base import Block, DocumentInfo
from citewell.engine.parsing.encoding import SAMPLE, decoded_chunks, guess_encoding
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.html import HtmlBlockParser, markup_blocks
from citewell.engine.parsing.readers.ooxml import local
from citewell.engine.parsing.readers.text import note_doubt

_SHEET_BYTES = 512 * 1024

_META = {"title": "title", "creator": "author", "language": "language", "date": "created"}


def read(source: ReaderInput) -> Reading:
    """Begin to read a book."""
    with zipfile.ZipFile(source.path) as archive:
        container = parse_part(archive, "META-INF/container.xml")
        paths = (
            item.get("full-path") for item in container.iter() if local(item.tag) == "rootfile"
        )
        # A name that no part has, where none is named: the book is damaged.
        package_path = next(paths, None) or ""
        package = parse_part(archive, package_path)
        chapters = _chapters(package, posixpath.dirname(package_path))
        if _is_locked(archive, chapters):
            raise locked_error()
    metadata: dict[str, str] = {}
    for item in package.iter():
        name = _META.get(local(item.tag))
        if name and item.text:
            metadata.setdefault(name, item.text)
    info = DocumentInfo(source.mime_type, metadata.pop("title", None), metadata=metadata)
    return Reading(info, _blocks(source, chapters))


def _chapters(package: ET.Element, folder: str) -> list[str]:
    items = {
        item.get("id", ""): item.get("href", "")
        for item in package.iter()
        if local(item.tag) == "item" and "html" in item.get("media-type", "html")
    }
    references = (item.get("idref", "") for item in package.iter() if local(item.tag) == "itemref")
    return [
        posixpath.normpath(posixpath.join(folder, unquote(items[reference])))
        for reference in references
        if reference in items
    ]


def _is_locked(archive: zipfile.ZipFile, chapters: list[str]) -> bool:
    """Whether chapters are encrypted; fonts often are, which does not matter."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return False
    references = {
        unquote(item.get("URI", ""))
        for item in parse_part(archive, "META-INF/encryption.xml").iter()
        if local(item.tag) == "CipherReference"
    }
    return not references.isdisjoint(chapters)


def _sheets(archive: zipfile.ZipFile, present: set[str], chapter: str) -> Callable[[str], str]:
    """Gives the style sheets that a chapter links."""

    def sheet_of(target: str) -> str:
        folder = posixpath.dirname(chapter)
        name = posixpath.normpath(posixpath.join(folder, unquote(target)))
        if name not in present:
            return ""
        with archive.open(name) as part:
            return part.read(_SHEET_BYTES).decode("utf-8", "replace")

    return sheet_of


def _blocks(source: ReaderInput, chapters: list[str]) -> Iterator[Block]:
    with zipfile.ZipFile(source.path) as archive:
        present = set(archive.namelist())
        for chapter in chapters:
            if chapter not in present:
                continue
            with archive.open(chapter) as part:
                guess = guess_encoding(part.read(SAMPLE), is_markup=True)
                note_doubt(source.findings, guess)
            with archive.open(chapter) as part:
                page = HtmlBlockParser(
                    findings=source.findings, sheet_of=_sheets(archive, present, chapter)
                )
                yield from markup_blocks(decoded_chunks(part, guess.name), page)
