"""Input and output of readers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from citewell.engine.parsing.base import Block, DocumentInfo
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import FORMATS, DocumentFormat
from citewell.engine.parsing.limits import ParseLimits


@dataclass(frozen=True, slots=True)
class ReaderInput:
    """A file of known format."""

    path: Path
    filename: str
    format: DocumentFormat
    limits: ParseLimits
    findings: Findings = field(default_factory=Findings)
    """Takes what people should know about the file."""

    @property
    def mime_type(self) -> str:
        """MIME type of the format."""
        return FORMATS[self.format].mime_type


class Reading(NamedTuple):
    """An opened document: its facts, and an iterator of its blocks.

    The blocks hold text as it is in the file; `reading.py` cleans, splits and bounds it.
    """

    info: DocumentInfo
    blocks: Iterator[Block]


def comment_text(author: str, text: str) -> str:
    """A remark that somebody has put beside a text; empty if it says nothing."""
    text = " ".join(text.split())
    author = " ".join(author.split())
    return text and (f"Comment by {author}: {text}" if author else f"Comment: {text}")


Reader = Callable[[ReaderInput], Reading]
"""Begins to read a file; it and its iterator may raise `ParseError` and `reading.DAMAGE`."""
