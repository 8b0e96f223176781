"""Differences between two texts: words with their offsets, or lines as a unified diff."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TypedDict

from citewell.engine.diffing.sequences import Budget, Range, changed_ranges

CONTEXT_LINES = 3
"""Unchanged lines around a change in a unified diff, as `diff -u` has them."""

MAX_WORDS_CHARS = 200_000
"""Most characters of adjacent changed lines, both sides together, compared word by word."""

# Marks are part of their word: a letter with one is not always a single character.
_WORD = re.compile(r"[\w\u0300-\u036f]+|[^\S\n]+|\n|[^\w\s]")
# Lines with their end, and a last one without: joined they are the text again, so offsets add up.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BLANKS = re.compile(r"[^\S\n]*")


@dataclass(frozen=True, slots=True)
class Hunk:
    """`old[old_start:old_end]` was replaced by `new[new_start:new_end]`; offsets in characters."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


class FirstHunks(TypedDict):
    """The first hunks of a comparison, as JSON can hold them."""

    hunks: list[tuple[int, int, int, int]]
    """`old_start, old_end, new_start, new_end` of each."""
    count: int
    """Of all hunks there are."""


def first_hunks(old: str, new: str, max_chars: int, max_hunks: int) -> FirstHunks:
    """The first of `word_hunks`, as many as replace so many characters at most."""
    found = word_hunks(old, new)
    sizes = accumulate(h.old_end - h.old_start + h.new_end - h.new_start for h in found)
    listed = [
        (hunk.old_start, hunk.old_end, hunk.new_start, hunk.new_end)
        for hunk, size in zip(found[:max_hunks], sizes, strict=False)
        if size <= max_chars
    ]
    return {"hunks": listed, "count": len(found)}


def word_hunks(old: str, new: str) -> list[Hunk]:
    """The words that differ, in order; what lies between two hunks is the same in both texts.

    Lines are compared first, and words within lines that changed. A stretch that is too long, or
    too different to be taken apart in bounded time, is one hunk.
    """
    # One budget for lines and words together, so that the worst case is bounded as a whole.
    budget = Budget()
    old_lines, new_lines = _LINE.findall(old), _LINE.findall(new)
    old_at, new_at = _starts(old_lines), _starts(new_lines)
    hunks: list[Hunk] = []
    for a_start, a_end, b_start, b_end in changed_ranges(*_numbered(old_lines, new_lines), budget):
        block = Hunk(old_at[a_start], old_at[a_end], new_at[b_start], new_at[b_end])
        hunks += _within(old, new, block, budget)
    return _joined(old, hunks)


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """The same as a unified diff of lines, which `patch` understands; empty if nothing differs."""
    old_lines, new_lines = _LINE.findall(old), _LINE.findall(new)
    changes = changed_ranges(*_numbered(old_lines, new_lines), Budget())
    if not changes:
        return ""
    written = [f"--- {old_name}\n", f"+++ {new_name}\n"]
    for group in _groups(changes):
        written += _unified_hunk(old_lines, new_lines, group)
    return "".join(written)


def _within(old: str, new: str, block: Hunk, budget: Budget) -> Iterator[Hunk]:
    """The hunks of lines that changed."""
    removed, added = old[block.old_start : block.old_end], new[block.new_start : block.new_end]
    if not removed or not added or len(removed) + len(added) > MAX_WORDS_CHARS:
        yield block
        return
    old_words, new_words = _WORD.findall(removed), _WORD.findall(added)
    old_at, new_at = _starts(old_words), _starts(new_words)
    # Numbers compare faster than words, and both sides share one numbering.
    ranges = changed_ranges(*_numbered(old_words, new_words), budget)
    for a_start, a_end, b_start, b_end in ranges:
        yield Hunk(
            block.old_start + old_at[a_start],
            block.old_start + old_at[a_end],
            block.new_start + new_at[b_start],
            block.new_start + new_at[b_end],
        )


def _joined(old: str, hunks: list[Hunk]) -> list[Hunk]:
    """Hunks with nothing but blanks between them as one: so people read changed words."""
    joined: list[Hunk] = []
    for hunk in hunks:
        if joined and _BLANKS.fullmatch(old, joined[-1].old_end, hunk.old_start):
            first = joined.pop()
            hunk = Hunk(first.old_start, hunk.old_end, first.new_start, hunk.new_end)
        joined.append(hunk)
    return joined


def _numbered(old: list[str], new: list[str]) -> tuple[list[int], list[int]]:
    numbers: dict[str, int] = {}

    def number(parts: list[str]) -> list[int]:
        return [numbers.setdefault(part, len(numbers)) for part in parts]

    return number(old), number(new)


def _starts(parts: Iterable[str]) -> list[int]:
    """Where each part starts, and where the last one ends."""
    return list(accumulate(map(len, parts), initial=0))


def _groups(changes: list[Range]) -> Iterator[list[Range]]:
    """Changes whose contexts touch stand together."""
    group: list[Range] = []
    for change in changes:
        # Contexts that would overlap or touch are one hunk; else lines would come twice.
        if group and change[0] - group[-1][1] > 2 * CONTEXT_LINES:
            yield group
            group = []
        group.append(change)
    yield group


def _unified_hunk(old: list[str], new: list[str], group: list[Range]) -> Iterator[str]:
    lead = min(CONTEXT_LINES, group[0][0])
    a_at, b_at = group[0][0] - lead, group[0][2] - lead
    tail = min(CONTEXT_LINES, len(old) - group[-1][1])
    a_last, b_last = group[-1][1] + tail, group[-1][3] + tail
    yield f"@@ -{_place(a_at, a_last)} +{_place(b_at, b_last)} @@\n"
    for a_start, a_end, b_start, b_end in group:
        yield from _marked(" ", old[a_at:a_start])
        yield from _marked("-", old[a_start:a_end])
        yield from _marked("+", new[b_start:b_end])
        a_at = a_end
    yield from _marked(" ", old[a_at:a_last])


def _place(start: int, end: int) -> str:
    # An empty stretch is named by the line before it.
    return f"{start + (end > start)},{end - start}"


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield mark + line
        # The remark `patch` expects, in its words.
        if not line.endswith("\n"):
            yield "\n\\ No newline at end of file\n"
