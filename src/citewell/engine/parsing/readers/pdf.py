"""PDF: the library's pages, without running headers, and with lines joined to paragraphs."""

from collections.abc import Iterator

from citewell.engine.parsing.base import Block, BlockKind, ParseError, ParseFailure
from citewell.engine.parsing.cleaning import clean_line, scrub
from citewell.engine.parsing.readers.base import Reading, Source
from citewell.engine.parsing.readers.furniture import without_furniture
from citewell.engine.parsing.readers.kreuzberg_nodes import (
    document_info,
    document_nodes,
    extract,
    node_block,
)
from citewell.engine.parsing.readers.layout import join_split_sentences, page_blocks


def read(source: Source) -> Reading:
    """Read a PDF."""
    result = extract(source, markdown=True)
    info = document_info(source, result)
    if info.page_count == 0:
        raise ParseError(ParseFailure.EMPTY, "The file has no pages.")
    nodes = document_nodes(result)
    del result
    blocks = [block for node in nodes for block in node_block(node)]
    if info.title and clean_line(info.title).lower() in ("untitled", "unspecified"):
        info = type(info)(info.mime_type, None, info.page_count, info.metadata)
    return Reading(info, _blocks(blocks))


def _blocks(found: list[Block]) -> Iterator[Block]:
    pages: dict[int | None, list[Block]] = {}
    for block in found:
        text = block.text if block.kind is BlockKind.TABLE else _lines(block.text)
        pages.setdefault(block.page, []).append(Block(block.kind, text, block.page, block.level))
    laid_out = (block for page in without_furniture(pages) for block in page_blocks(page))
    yield from join_split_sentences(laid_out)


def _lines(text: str) -> str:
    """Keep what control characters stand for before they go.

    PDFium writes U+0002 or U+FFFE for a hyphen at a line's end, and symbol fonts put their
    bullets on control characters.
    """
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        start = line.lstrip()
        if len(start) > 2 and start[0] < " " and start[1] in " \t":
            line = "• " + start[2:]
        elif len(start) > 3 and start[1] < " " and start[2] in " \t":
            line = "• " + start[3:]
        lines.append(line.replace("\x02", "-\n").replace("\ufffe", "-\n"))
    return scrub("\n".join(lines))
