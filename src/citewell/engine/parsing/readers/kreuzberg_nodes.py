"""Calls the extraction library and turns its document tree into blocks."""

from collections.abc import Iterator
from typing import Any, cast

import kreuzberg

from citewell.engine.parsing.archives import locked_error
from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.readers.tables import table_blocks

Node = dict[str, Any]
"""A `DocumentNode` of the library; its stubs lag behind what it returns."""

_KINDS = {
    "title": BlockKind.HEADING,
    "heading": BlockKind.HEADING,
    "paragraph": BlockKind.PARAGRAPH,
    "quote": BlockKind.PARAGRAPH,
    "formula": BlockKind.PARAGRAPH,
    "footnote": BlockKind.PARAGRAPH,
    "list_item": BlockKind.LIST_ITEM,
    "code": BlockKind.CODE,
}

_METADATA = {"authors": "author", "created_at": "created", "language": "language"}


def extract(
    source: ReaderInput,
    *,
    structure: bool = True,
    layout: bool = False,
    content: bytes | None = None,
) -> kreuzberg.ExtractionResult:
    """Extract a file: no OCR, no cache, no pictures, one thread.

    Args:
        source: The file.
        structure: Whether to build the document tree.
        layout: Whether a PDF's pages are analysed into headings, lists and paragraphs; their
            bare texts come as well.
        content: What is read instead of the file itself.

    Raises:
        ParseError: Encrypted, damaged, or of a kind the library does not know.
    """
    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        include_document_structure=structure,
        output_format="markdown" if layout else "plain",
        pages=kreuzberg.PageConfig(extract_pages=True) if layout else None,
        # Off: it takes text near an edge for a header as well. `furniture.py` does this.
        pdf_options=kreuzberg.PdfConfig(top_margin_fraction=0.0, bottom_margin_fraction=0.0),
        content_filter=kreuzberg.ContentFilterConfig(
            include_headers=True, include_footers=True, strip_repeating_text=False
        ),
        postprocessor=kreuzberg.PostProcessorConfig(enabled=False),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        if content is not None:
            return kreuzberg.extract_bytes_sync(content, source.mime_type, config)
        return kreuzberg.extract_file_sync(source.path, source.mime_type, config)
    except kreuzberg.ParsingError as error:
        # The library has one exception for all damage; its messages (4.10) are all there is to tell
        # them apart. An unknown message counts as damage.
        if "password" in str(error).lower():
            raise locked_error() from error
        if "Pdfium initialization failed" in str(error):
            reason = (
                "The PDF library cannot be started; the folder for temporary files may be full."
            )
            raise ParseError(ParseFailure.CRASHED, reason) from error
        if "No page boundaries" in str(error):
            raise ParseError(ParseFailure.EMPTY, "The file has no pages.") from error
        raise ParseError(ParseFailure.CORRUPT, "The file is damaged and cannot be read.") from error
    except (kreuzberg.KreuzbergError, OSError, ValueError) as error:
        raise ParseError(ParseFailure.CORRUPT, "The file cannot be read.") from error


def document_info(source: ReaderInput, result: kreuzberg.ExtractionResult) -> DocumentInfo:
    """The facts that the library found."""
    found: dict[str, Any] = dict(result.metadata)
    metadata: dict[str, str] = {}
    for theirs, ours in _METADATA.items():
        value = found.get(theirs)
        if isinstance(value, list):
            value = ", ".join(str(item) for item in cast(list[Any], value) if item)
        if value:
            metadata[ours] = str(value)
    title = found.get("title") or None
    pages = found.get("page_count")
    return DocumentInfo(
        source.mime_type,
        title=str(title) if title else None,
        page_count=pages if isinstance(pages, int) else None,
        metadata=metadata,
    )


def document_nodes(result: kreuzberg.ExtractionResult) -> list[Node]:
    """The nodes of the tree in reading order."""
    document: Any = result.document
    return list(document["nodes"]) if document else []


def node_blocks(nodes: list[Node]) -> Iterator[Block]:
    """Yield the blocks of the tree's body."""
    for node in nodes:
        if node.get("content_layer") in ("header", "footer"):
            continue
        yield from node_block(node)


def node_block(node: Node) -> Iterator[Block]:
    """Yield the block of a node; groups, pictures and page breaks have none."""
    content: Node = node["content"]
    kind, page = content["node_type"], node.get("page")
    if kind == "table":
        yield from table_blocks(_grid_rows(content.get("grid") or {}), page)
    elif kind == "metadata_block":
        entries: list[tuple[str, str]] = content.get("entries") or []
        lines = [f"{name}: {value}" for name, value in entries]
        yield Block(BlockKind.PARAGRAPH, "\n".join(lines), page)
    elif kind in _KINDS and content.get("text"):
        level = content.get("level") or 1
        is_heading = _KINDS[kind] is BlockKind.HEADING
        yield Block(_KINDS[kind], content["text"], page, level if is_heading else 0)


def _grid_rows(grid: Node) -> Iterator[list[str]]:
    columns: int = grid.get("cols") or 0
    cells: list[Node] = grid.get("cells") or []
    row: list[str] = []
    number = 0
    for cell in cells:
        if cell["row"] != number:
            yield row
            row, number = [], cell["row"]
        row += [""] * (min(cell["col"], columns) - len(row)) + [cell["content"]]
    if row:
        yield row
