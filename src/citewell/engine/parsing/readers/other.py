"""Reads all other formats through the extraction library's tree."""

import re
from collections.abc import Iterator

from citewell.engine.parsing.base import Block, BlockKind, WarningCode
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.kreuzberg_nodes import (
    document_info,
    document_nodes,
    extract,
    node_blocks,
)

_EMPTY_LINE = re.compile(r"(?:\r?\n[ \t]*){2,}")


def read(source: ReaderInput) -> Reading:
    """Read a file with the library."""
    result = extract(source)
    info = document_info(source, result)
    nodes = document_nodes(result)
    del result
    return Reading(info, _paragraphs(node_blocks(nodes)))


def read_damaged(source: ReaderInput) -> Reading:
    """Read a file that its own reader finds damaged, with a warning."""
    warn_of_damage(source.findings)
    return read(source)


def warn_of_damage(findings: Findings) -> None:
    """Say that hidden text may have been read, as a damaged file does not tell it."""
    findings.warn(
        WarningCode.HIDDEN_UNSURE,
        "The file is damaged: hidden text in it may have been read. Save it anew in its program.",
    )


def _paragraphs(blocks: Iterator[Block]) -> Iterator[Block]:
    """Split paragraphs at empty lines, which the bodies of e-mails have."""
    for block in blocks:
        if block.kind is not BlockKind.PARAGRAPH:
            yield block
            continue
        for part in _EMPTY_LINE.split(block.text):
            yield Block(block.kind, part, block.page)
