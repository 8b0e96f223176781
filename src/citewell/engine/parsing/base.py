"""The parser protocol: blocks of clean text in reading order, streamed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol


class BlockKind(StrEnum):
    """Role of a block in its document."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """One structural unit of a document.

    A table's text is one line per row, header first, cells joined by " | ".
    """

    kind: BlockKind
    text: str
    page: int | None = None
    """1-based page, slide or sheet; None where the format has none."""
    level: int = 0
    """Depth of a heading, 1 to 6; 0 for everything else."""
    breaks: tuple[int, ...] = ()
    """Offsets in the text at which a page ends within the block, in order."""
    starts_sheet: bool = False
    """Whether it is the name of a sheet, whose text shares no chunk with that of another."""


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """Facts about a document besides its text."""

    mime_type: str
    title: str | None = None
    page_count: int | None = None
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    attachments: tuple[str, ...] = ()
    """Names of files within it that are documents of their own."""


class ParseFailure(StrEnum):
    """Reason why a document cannot be read; stable codes that the API shows."""

    EMPTY = "empty_document"
    CORRUPT = "corrupt_document"
    ENCRYPTED = "encrypted_document"
    RECOGNITION_MISSING = "recognition_missing"
    UNSUPPORTED = "unsupported_format"
    TOO_LARGE = "document_too_large"
    TIMEOUT = "parse_timeout"
    MEMORY = "parse_memory_exceeded"
    CRASHED = "parser_crashed"


class WarningCode(StrEnum):
    """Reason why a document that was read deserves a look; stable codes that the API shows."""

    ENCODING_UNSURE = "encoding_unsure"
    ENCODING_MISTAKES = "encoding_mistakes"
    TEXT_LOST = "text_lost"
    HIDDEN_LEFT_OUT = "hidden_left_out"
    HIDDEN_KEPT = "hidden_kept"
    TEXT_RECOGNISED = "text_recognised"
    RECOGNITION_UNSURE = "recognition_unsure"
    PAGES_WITHOUT_TEXT = "pages_without_text"
    FORMULAS_WITHOUT_VALUES = "formulas_without_values"
    HIDDEN_UNSURE = "hidden_unsure"
    PARTS_LEFT_OUT = "parts_left_out"


@dataclass(frozen=True, slots=True)
class ParseWarning:
    """A remark on a document that was read. `code` is stable, the message is for people."""

    code: str
    message: str


class ParseError(Exception):
    """The document cannot be read. `code` is stable, the message is for people; never retryable."""

    def __init__(self, code: ParseFailure, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file within a document, in a temporary file without a name."""

    name: str
    content: BinaryIO


class ParsedDocument(Protocol):
    """An open parse: its facts at once, its blocks as they come."""

    info: DocumentInfo
    warnings: Sequence[ParseWarning]
    """Complete when the last block was yielded."""

    def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks in reading order.

        Raises:
            ParseError: The rest of the document cannot be read.
        """
        ...


class Parser(Protocol):
    """Turns one file into blocks."""

    def open(self, path: Path, filename: str) -> AbstractAsyncContextManager[ParsedDocument]:
        """Start to parse `path`; `filename` is the name the user gave, never used as a path.

        Raises:
            ParseError: The document cannot be read at all.
        """
        ...

    def attachments(
        self, path: Path, filename: str
    ) -> AbstractAsyncContextManager[list[AttachedFile]]:
        """The files that `DocumentInfo.attachments` names, open for as long as the block lasts.

        Raises:
            ParseError: They cannot be read.
        """
        ...
