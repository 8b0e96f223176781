"""Texts of old Vietnamese fonts that come without the fonts' names, read as the fonts showed them.

Slides, web pages, PDF and old Word files keep the letters (`®­îc`), not always the name of the
font (`.VnTime`). A document's foreign letters are judged together, once there are enough of them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from citewell.engine.parsing.base import Block
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.marks import HYPHEN
from citewell.engine.parsing.vietnamese import from_tcvn3, has_vietnamese, with_horns

_ENOUGH = 2_000
"""Characters of blocks with foreign letters by which a document is judged, or all it has."""
_MOST_HELD = 64_000
"""Characters held back for it: a document without foreign letters so far has none of old fonts."""

_FOREIGN = re.compile("[\u00a1-\u00ff]")


def as_shown_by_fonts(blocks: Iterator[Block], findings: Findings) -> Iterator[Block]:
    """Yield the blocks, those of old Vietnamese fonts in Unicode."""
    held: list[Block] = []
    evidence: list[str] = []
    size = seen = 0
    decode: Callable[[str], str] | None = None
    for block in blocks:
        if HYPHEN in block.text:
            block = replace(block, text=block.text.replace(HYPHEN, "\u00ad"))
        held.append(block)
        size += len(block.text)
        if not block.text.isascii() and _FOREIGN.search(block.text):
            evidence.append(block.text[:_ENOUGH])
            seen += len(evidence[-1])
        if seen >= _ENOUGH or size >= _MOST_HELD:
            break
    if evidence:
        decode = _judge("\n".join(evidence))
    for block in held:
        yield _shown(block, decode, findings)
    for block in blocks:
        if HYPHEN in block.text:
            block = replace(block, text=block.text.replace(HYPHEN, "\u00ad"))
        yield _shown(block, decode, findings)


def _judge(text: str) -> Callable[[str], str] | None:
    if has_vietnamese(text):
        return None
    # Imported here: most documents are ASCII, or say in Unicode what they say.
    from citewell.engine.parsing.guessing import legacy_font  # noqa: PLC0415

    return legacy_font(text)


def _shown(block: Block, decode: Callable[[str], str] | None, findings: Findings) -> Block:
    if decode is None or block.text.isascii() or has_vietnamese(block.text):
        return block
    # The letters that are gone were none.
    findings.left_out.add(block.text)
    text = decode(block.text)
    return replace(block, text=with_horns(text) if decode is from_tcvn3 else text)
