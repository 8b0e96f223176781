"""A parser for tests of other parts: plain text only, without a child process."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from citewell.engine.parsing.base import (
    AttachedFile,
    Block,
    BlockKind,
    DocumentInfo,
    ParseError,
    ParseFailure,
    ParseWarning,
)
from citewell.engine.parsing.cleaning import clean_line, clean_text


class TextDocument:
    """The paragraphs of a text; lines that begin with `#` are headings."""

    warnings: Sequence[ParseWarning] = ()

    def __init__(self, text: str) -> None:
        self._blocks = [_block(part) for part in text.split("\n\n") if part.strip()]
        headings = [block.text for block in self._blocks if block.kind is BlockKind.HEADING]
        self.info = DocumentInfo("text/plain", title=headings[0] if headings else None)
        if not self._blocks:
            raise ParseError(ParseFailure.EMPTY, "The document has no text.")

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks in order."""
        for block in self._blocks:
            yield block


class TextParser:
    """Reads UTF-8 text: blocks between empty lines, headings marked with `#`."""

    @asynccontextmanager
    async def open(self, path: Path, filename: str) -> AsyncGenerator[TextDocument]:
        """Read the file; its name does not matter.

        Raises:
            ParseError: It is empty or no UTF-8.
        """
        try:
            text = await asyncio.to_thread(path.read_text, "utf-8")
        except UnicodeDecodeError as error:
            raise ParseError(ParseFailure.UNSUPPORTED, f"{filename} is no text.") from error
        yield TextDocument(text)

    @asynccontextmanager
    async def attachments(
        self,
        path: Path,  # noqa: ARG002 - a text has no files within it
        filename: str,  # noqa: ARG002
    ) -> AsyncGenerator[list[AttachedFile]]:
        """No files."""
        yield []

    async def close(self) -> None:
        """Nothing to let go of."""


def _block(part: str) -> Block:
    marks = part.strip().split(" ", 1)[0]
    if marks and set(marks) == {"#"}:
        return Block(BlockKind.HEADING, clean_line(part.strip("# \n")), level=min(len(marks), 6))
    return Block(BlockKind.PARAGRAPH, clean_text(part))
