"""Parts of other formats within a Word document (`w:altChunk`), which Word shows as its own text.

Source: ECMA-376 part 1, 17.17.2.1. Web archives within a document are not read.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from citewell.engine.parsing.base import Block
from citewell.engine.parsing.encoding import decode_text
from citewell.engine.parsing.readers.base import Reader, ReaderInput
from citewell.engine.parsing.readers.html import HtmlBlockParser, markup_blocks
from citewell.engine.parsing.readers.rtf import rtf_blocks
from citewell.engine.parsing.readers.text import paragraph_blocks

DEEPEST = 3
"""Documents within each other that are read; nobody nests them, and an attack may."""


class AltChunks:
    """The chunks of a document, by the ids of their relations."""

    def __init__(self, source: ReaderInput, parts: dict[str, str], read: Reader) -> None:
        """Note them.

        Args:
            source: The document.
            parts: Names of the parts by the ids of their relations.
            read: Reads a Word document.
        """
        self._source = source
        self._parts = parts
        self._read = read

    def blocks(self, key: str) -> Iterator[Block]:
        """Yield the blocks of a chunk; one that is missing or of another kind has none."""
        name = self._parts.get(key, "")
        with zipfile.ZipFile(self._source.path) as archive:
            if name not in archive.namelist():
                return
            data = archive.read(name)
        kind = PurePosixPath(name).suffix.lower()
        # By content first: Word takes what it finds, whatever it is called.
        if data.startswith(b"{\\rtf"):
            yield from rtf_blocks(data)
        elif data.startswith(b"PK\x03\x04"):
            yield from self._document(data)
        elif kind in (".htm", ".html", ".xhtml"):
            text = decode_text(data, is_markup=True)
            yield from markup_blocks([text], HtmlBlockParser(findings=self._source.findings))
        elif kind == ".txt":
            for lines in decode_text(data).split("\n\n"):
                yield from paragraph_blocks(lines.splitlines())

    def _document(self, data: bytes) -> Iterator[Block]:
        # The names of the files count the depth, which has no other place.
        depth = self._source.filename.count("\0") + 1
        if depth > DEEPEST:
            return
        with NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            inner = replace(self._source, path=Path(file.name), filename="\0" * depth)
            # Their pages are not those of the document.
            yield from (replace(block, page=None) for block in self._read(inner).blocks)
