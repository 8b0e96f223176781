"""Divides a block into pieces that fit a chunk: sentences, rows or lines, in even groups."""

from collections.abc import Iterator
from dataclasses import dataclass

from citewell.engine.chunking.base import TokenCounter
from citewell.engine.chunking.packing import CHARS_PER_TOKEN
from citewell.engine.parsing.base import BlockKind
from citewell.engine.text.sentences import Span, cut_long, split_sentences

WINDOW = 65_536
"""Characters of a block that are divided together, which bounds memory on a block of any size."""

# White space beyond this before a line of code is layout of a page, not indentation.
_MAX_INDENT = 64


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a block's text, free of white space at its ends."""

    start: int
    end: int
    tokens: int
    slack: int = 0
    """Characters of white space inside, which the counts leave out."""

    @property
    def cost(self) -> int:
        """Tokens it takes up in a chunk, with long words charged by their length."""
        return max(self.tokens, -(-(self.end - self.start) // CHARS_PER_TOKEN))


class Divider:
    """Divides blocks; `target` and the limits are tokens."""

    def __init__(self, count_tokens: TokenCounter, target: int, language: str) -> None:
        self._count_tokens = count_tokens
        self._target = target
        self._language = language

    def units(self, text: str, kind: BlockKind, limit: int) -> Iterator[Part]:
        """Yield sentences, or rows and lines of tables and code, each within the limit."""
        for base, window, spans in self._windows(text, kind):
            yield from self._measure(window, spans, base, limit)

    def runs(self, text: str, size: int, limit: int) -> Iterator[Part]:
        """Yield runs of words of about `size` characters, each within the limit."""
        for base in range(0, len(text), WINDOW):
            window = text[base : base + WINDOW]
            spans = [
                span for span in cut_long(window, _trim(window), size) if span.end > span.start
            ]
            yield from self._measure(window, spans, base, limit)

    def parts(self, text: str, kind: BlockKind, limit: int) -> Iterator[Part]:
        """Yield the block whole if it fits, else even groups of its units, each within `limit`."""
        # Three characters a token at least, so the text likely fits: one count settles it.
        if len(text) <= 3 * self._target:
            span = _trim(text)
            tokens = self._count_tokens([text[span.start : span.end]])[0]
            if span.start < span.end and tokens <= limit:
                yield Part(span.start, span.end, tokens)
                return
        for base, window, spans in self._windows(text, kind):
            yield from self._group(list(self._measure(window, spans, base, limit)), limit)

    def _windows(self, text: str, kind: BlockKind) -> Iterator[tuple[int, str, list[Span]]]:
        """Yield (offset, window, unit spans in it); the unit a window cuts opens the next one."""
        base = 0
        while base < len(text):
            window = text[base : base + WINDOW]
            is_last = base + WINDOW >= len(text)
            if kind in (BlockKind.TABLE, BlockKind.CODE):
                spans = list(_line_spans(window))
            else:
                spans = split_sentences(window, self._language)
            if is_last:
                yield base, window, spans
                return
            if len(spans) > 1:
                cut = spans.pop().start
            else:
                cut = WINDOW
            yield base, window, spans
            base += cut

    def _measure(self, window: str, spans: list[Span], base: int, limit: int) -> Iterator[Part]:
        counts = self._count_tokens([window[s.start : s.end] for s in spans]) if spans else []
        for span, tokens in zip(spans, counts, strict=True):
            part = Part(base + span.start, base + span.end, tokens)
            length = span.end - span.start
            if part.cost <= limit or length == 1:
                yield part
                continue
            # Each round at least halves what is too long, so there are few rounds.
            size = max(1, min(length // 2, int(length * limit / part.cost * 0.9)))
            smaller = [piece for piece in cut_long(window, span, size) if piece.start < piece.end]
            yield from self._measure(window, smaller, base, limit)

    def _group(self, units: list[Part], limit: int) -> Iterator[Part]:
        """Join neighbouring units into groups of about equal size, none over the target."""
        total = sum(unit.cost for unit in units)
        if not units:
            return
        target = min(self._target, limit)
        if total + _gaps(units) <= limit:
            target = limit
        else:
            # The total divided by the number of groups it needs, rounded up: even groups.
            target = min(target, -(-total // -(-total // target)))
        group: list[Part] = []
        cost = 0
        for unit in units:
            gap = unit.start - group[-1].end if group else 0
            over = cost + gap + unit.cost - target
            # Half over is nearer to even than half under, as long as it fits.
            if group and (cost + gap + unit.cost > limit or over > max(0, unit.cost // 2)):
                yield _join(group)
                group, cost, gap = [], 0, 0
            group.append(unit)
            cost += gap + unit.cost
        yield _join(group)


def _gaps(units: list[Part]) -> int:
    return units[-1].end - units[0].start - sum(unit.end - unit.start for unit in units)


def _join(group: list[Part]) -> Part:
    return Part(
        group[0].start, group[-1].end, sum(unit.tokens for unit in group), slack=_gaps(group)
    )


def _trim(text: str) -> Span:
    start = len(text) - len(text.lstrip())
    return Span(start, max(start, len(text.rstrip())))


def _line_spans(text: str) -> Iterator[Span]:
    """The lines that are not blank, with a moderate indentation kept."""
    at = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        if body:
            start = line.index(body)
            indent = start if start <= _MAX_INDENT else 0
            yield Span(at + start - indent, at + start + len(body))
        at += len(line)
