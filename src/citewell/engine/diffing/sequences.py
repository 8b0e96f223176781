"""Differing stretches of two sequences.

Small ranges get the shortest edit (Myers, "An O(ND) Difference Algorithm and Its Variations",
1986). Larger ones are cut first at what occurs once in both (Cohen's patience diff). A budget of
steps bounds the whole; what it does not suffice for differs as one piece, which is still true.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Range = tuple[int, int, int, int]
"""`a[0:1]` was replaced by `b[2:3]`, as indexes `(a_start, a_end, b_start, b_end)`."""

SMALL = 4_000
"""Elements of both sides up to which the shortest edit is looked for before cutting."""

MAX_EDITS = 500
"""Longest edit that is looked for: it takes its square in steps and in memory."""

MAX_DEPTH = 16
"""Most cuts of a range within ranges; each level reads everything once."""

MAX_STEPS = 4_000_000
"""Elements that are looked at in one comparison: two seconds for the worst of half a million."""


@dataclass(slots=True)
class Budget:
    """Steps that are left, over all ranges of one comparison."""

    steps: int = MAX_STEPS


def changed_ranges(a: Sequence[int], b: Sequence[int], budget: Budget) -> list[Range]:
    """The stretches that differ, in order; between them both sequences are equal.

    Args:
        a: The old sequence.
        b: The new one.
        budget: What is spent on it is taken off.
    """
    found: list[Range] = []
    waiting: list[tuple[Range, int]] = [((0, len(a), 0, len(b)), 0)]
    while waiting:
        whole, depth = waiting.pop()
        # Equal ends cost a step each and shrink what the quadratic part has to look at.
        part = _trimmed(a, b, whole) if budget.steps > 0 else whole
        a_start, a_end, b_start, b_end = part
        budget.steps -= 1 + whole[1] - whole[0] - (a_end - a_start)
        if a_start == a_end or b_start == b_end:
            if a_start != a_end or b_start != b_end:
                found.append(part)
            continue
        is_small = a_end - a_start + b_end - b_start <= SMALL
        edit = _shortest_edit(a, b, part, budget) if is_small else None
        if edit is None:
            # Cut what is large or differs too much. Without an element to cut at, a large range
            # gets one try at a shortest edit before it counts as one piece.
            is_cut = depth < MAX_DEPTH and budget.steps > 0
            anchors = _anchors(a, b, part, budget) if is_cut else []
            if anchors:
                waiting += [(gap, depth + 1) for gap in _gaps(part, anchors)]
                continue
            edit = None if is_small else _shortest_edit(a, b, part, budget)
        found += [part] if edit is None else edit
    return _joined(sorted(found))


def _trimmed(a: Sequence[int], b: Sequence[int], part: Range) -> Range:
    a_start, a_end, b_start, b_end = part
    while a_start < a_end and b_start < b_end and a[a_start] == b[b_start]:
        a_start += 1
        b_start += 1
    while a_start < a_end and b_start < b_end and a[a_end - 1] == b[b_end - 1]:
        a_end -= 1
        b_end -= 1
    return a_start, a_end, b_start, b_end


def _anchors(
    a: Sequence[int], b: Sequence[int], part: Range, budget: Budget
) -> list[tuple[int, int]]:
    """Places of elements that occur once in both, as many as stand in the same order."""
    a_start, a_end, b_start, b_end = part
    budget.steps -= a_end - a_start + b_end - b_start
    in_a, in_b = Counter(a[a_start:a_end]), Counter(b[b_start:b_end])
    places = {b[j]: j for j in range(b_start, b_end) if in_b[b[j]] == 1}
    pairs = [(i, places[a[i]]) for i in range(a_start, a_end) if in_a[a[i]] == 1 and a[i] in places]
    # The longest increasing run of places, by piles (Schensted).
    # `tops` holds the smallest last place of a run of each length; `before` leads back through the
    # run.
    tops: list[int] = []
    indexes: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        before.append(indexes[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(j)
            indexes.append(index)
        else:
            tops[pile], indexes[pile] = j, index
    chain: list[tuple[int, int]] = []
    at = indexes[-1] if indexes else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _gaps(part: Range, anchors: list[tuple[int, int]]) -> list[Range]:
    a_at, a_end, b_at, b_end = part
    gaps: list[Range] = []
    for i, j in anchors:
        if i > a_at or j > b_at:
            gaps.append((a_at, i, b_at, j))
        a_at, b_at = i + 1, j + 1
    return [*gaps, (a_at, a_end, b_at, b_end)]


def _shortest_edit(
    a: Sequence[int], b: Sequence[int], part: Range, budget: Budget
) -> list[Range] | None:
    """The shortest edit as single steps, last first; None if it is too long for the budget."""
    a_start, a_end, b_start, b_end = part
    n, m = a_end - a_start, b_end - b_start
    most = min(n + m, MAX_EDITS)
    # Each surplus element is an edit of its own, so the longest edit allowed cannot suffice.
    if n - m > most or m - n > most:
        return None
    # For each diagonal `k = x - y` the furthest `x` reached; two more, so that the neighbours of
    # the outermost diagonals can be read.
    reached = [0] * (2 * most + 3)
    middle = most + 1
    trace: list[list[int]] = []
    for d in range(most + 1):
        if budget.steps <= 0:
            return None
        for k in range(-d, d + 1, 2):
            if k == -d or (k != d and reached[middle + k - 1] < reached[middle + k + 1]):
                x = reached[middle + k + 1]
            else:
                x = reached[middle + k - 1] + 1
            begun, y = x, x - k
            while x < n and y < m and a[a_start + x] == b[b_start + y]:
                x += 1
                y += 1
            budget.steps -= 1 + x - begun
            reached[middle + k] = x
            if x >= n and y >= m:
                return _backtracked(trace, part)
        # Only the diagonals in use: whole copies would be 8 kB a step, however short the edit.
        trace.append(reached[middle - d : middle + d + 1])
    return None


def _backtracked(trace: list[list[int]], part: Range) -> list[Range]:
    a_start, a_end, b_start, b_end = part
    x, y = a_end - a_start, b_end - b_start
    edit: list[Range] = []
    for d in range(len(trace), 0, -1):
        earlier, k = trace[d - 1], x - y  # diagonal k is at k + d - 1
        is_insertion = k == -d or (k != d and earlier[k + d - 2] < earlier[k + d])
        before = k + 1 if is_insertion else k - 1
        x = earlier[before + d - 1]
        y = x - before
        at = a_start + x, b_start + y
        edit.append(
            (at[0], at[0], at[1], at[1] + 1) if is_insertion else (at[0], at[0] + 1, at[1], at[1])
        )
    return edit


def _joined(ranges: list[Range]) -> list[Range]:
    """Ranges that touch as one."""
    joined: list[Range] = []
    for part in ranges:
        if joined and joined[-1][1] == part[0] and joined[-1][3] == part[2]:
            joined[-1] = (joined[-1][0], part[1], joined[-1][2], part[3])
        else:
            joined.append(part)
    return joined
