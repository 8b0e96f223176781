"""PowerPoint 97-2003: slide by slide; titles, texts and notes.

The extraction library gives the texts of all slides and of their masters in a row, without pages,
hidden slides among them, and raised text as if it were not. It reads the files that this reader
finds damaged.
"""

import struct
from collections.abc import Iterator

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo
from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import hidden, lowered, raised
from citewell.engine.parsing.readers import other
from citewell.engine.parsing.readers.base import ReaderInput, Reading
from citewell.engine.parsing.readers.office_facts import facts_of
from citewell.engine.parsing.readers.slide_binary import Slide, SlideText, read_slides

_TITLES = (0, 6)
_BODIES = (1, 7, 8)
_FURNITURE = (7, 8, 9, 10)
"""Placeholders of date, number, footer and header, which repeat on every slide."""


def read(source: ReaderInput) -> Reading:
    """Read a presentation."""
    try:
        container = open_compound(source.path.read_bytes())
        main = container.stream("PowerPoint Document") or b""
        slides = read_slides(main, container.stream("Current User") or b"")
        title, metadata = facts_of(container)
    except (ValueError, struct.error, IndexError, OverflowError):
        return other.read_damaged(source)
    info = DocumentInfo(source.mime_type, title, len(slides), metadata)
    return Reading(info, _blocks(slides, source.findings))


def _blocks(slides: list[Slide], findings: Findings) -> Iterator[Block]:
    for number, slide in enumerate(slides, 1):
        blocks = [block for text in slide.texts for block in _text_blocks(text, number, findings)]
        blocks += [
            Block(BlockKind.PARAGRAPH, block.text, number)
            for text in slide.notes
            for block in _text_blocks(text, number, findings)
        ]
        if not slide.is_hidden:
            yield from blocks
            continue
        findings.hidden_chars += sum(len(block.text) for block in blocks)
        if findings.keeps_hidden:
            yield from (
                Block(block.kind, hidden(block.text), number, block.level) for block in blocks
            )


def _text_blocks(text: SlideText, number: int, findings: Findings) -> Iterator[Block]:
    if text.placeholder in _FURNITURE:
        return
    shown = "".join(
        run.text if not run.shift else raised(run.text) if run.shift > 0 else lowered(run.text)
        for run in text.runs
    )
    lines = [line.replace("\x0b", "\n") for line in shown.split("\r")]
    if text.is_hidden:
        if kept := findings.hide("\n".join(lines)):
            yield Block(BlockKind.PARAGRAPH, kept, number)
        return
    if text.kind in _TITLES:
        yield Block(BlockKind.HEADING, " ".join(lines).replace("\n", " "), number, level=1)
        return
    is_list = text.kind in _BODIES and len(lines) > 1
    for line in lines:
        yield Block(BlockKind.LIST_ITEM if is_list else BlockKind.PARAGRAPH, line, number)
