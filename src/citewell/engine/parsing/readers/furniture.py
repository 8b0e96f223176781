"""Takes running headers, footers and page numbers off the edges of pages."""

import re
from collections.abc import Iterator
from dataclasses import replace

from citewell.engine.parsing.base import Block

EDGE_LINES = 2
"""Lines at the top and at the bottom of a page that may be furniture."""

MIN_PAGES = 3
"""Pages on which a line must stand, page numbers aside, to be furniture; two of a short file."""

_LONGEST = 140

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"[-–—\s]*(?:page|trang|p\.)?\s*(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:/|of|trên)\s*\d{1,4})?[-–—\s]*",  # noqa: RUF001
    re.IGNORECASE,
)


def without_furniture(pages: dict[int | None, list[Block]]) -> Iterator[list[Block]]:
    """Yield the pages' blocks without what repeats at their edges.

    A line is furniture when it stands at the edge of at least `MIN_PAGES` pages, numbers aside.
    One that never changes is kept where it stands first: it may be the title, or the header row
    of a table that goes on over pages. A bare page number always goes.
    """
    lines: dict[str, list[str]] = {}
    for page in pages.values():
        for text in {line.strip() for line in _edges(page)}:
            lines.setdefault(_shape(text), []).append(text)
    least = 2 if len(pages) <= MIN_PAGES + 1 else MIN_PAGES
    repeated = {shape for shape, found in lines.items() if len(found) >= least and shape}
    # What changes from page to page counts as seen: none of it is kept.
    seen = {shape for shape in repeated if len(set(lines[shape])) > 1}
    for page in pages.values():
        yield _strip(page, repeated, seen, has_numbers=len(pages) > 1)


def _shape(line: str) -> str:
    line = line.strip()
    return _DIGITS.sub("#", line).casefold() if len(line) <= _LONGEST else ""


def _edges(page: list[Block]) -> list[str]:
    lines = [line for block in page[:EDGE_LINES] for line in block.text.split("\n")[:EDGE_LINES]]
    ends = [line for block in page[-EDGE_LINES:] for line in block.text.split("\n")[-EDGE_LINES:]]
    return lines[:EDGE_LINES] + ends[-EDGE_LINES:]


def _strip(
    page: list[Block], repeated: set[str], seen: set[str], *, has_numbers: bool
) -> list[Block]:
    lines = [(number, line) for number, b in enumerate(page) for line in b.text.split("\n")]
    top = _count_furniture(lines, repeated, seen, has_numbers)
    bottom = _count_furniture(lines[top:][::-1], repeated, seen, has_numbers)
    kept = lines[top : len(lines) - bottom]
    if len(kept) == len(lines):
        return page
    texts: dict[int, list[str]] = {}
    for number, line in kept:
        texts.setdefault(number, []).append(line)
    return [replace(page[number], text="\n".join(part)) for number, part in texts.items()]


def _count_furniture(
    lines: list[tuple[int, str]], repeated: set[str], seen: set[str], has_numbers: bool
) -> int:
    for count, (_, line) in enumerate(lines[:EDGE_LINES]):
        if has_numbers and _PAGE_NUMBER.fullmatch(line):
            continue
        shape = _shape(line)
        if shape not in repeated:
            return count
        if shape not in seen:
            seen.add(shape)
            return count
    return min(EDGE_LINES, len(lines))
