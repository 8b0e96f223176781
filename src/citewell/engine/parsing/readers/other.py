"""Reads all other formats through the extraction library's tree."""

import re
from collections.abc import Iterator

from citewell.engine.parsing.base import Block, BlockKind
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


def _paragraphs(blocks: Iterator[Block]) -> Iterator[Block]:
    """Split paragraphs at empty lines, which the bodies of e-mails have."""
    for block in blocks:
        if block.kind is not BlockKind.PARAGRAPH:
            yield block
            continue
        for part in _EMPTY_LINE.split(block.text):
            yield Block(block.kind, part, block.page)
