"""Letters and signs that a PDF page draws in two parts: "u" and its dots, "5" and a raised circle.

TeX sets accents of its older fonts as glyphs of their own over the letter, and degrees as a raised
circle, which the library takes for a bullet. PDFium gives both as they are drawn: "M¨uller", "◦C".
"""

# ruff: noqa: RUF001 - accents are meant
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.readers.pdf_shifts import (
    SPACES,
    Glyphs,
    after_of,
    before_of,
    context_of,
)

_ACCENTS = dict(
    zip(
        "`´ˆ˜¨¯˘˙¸˚˝ˇ˛^~",
        "\u0300\u0301\u0302\u0303\u0308\u0304\u0306\u0307\u0327\u030a\u030b\u030c\u0328\u0302\u0303",
        strict=True,
    )
)
"""Accents as characters of their own -> as marks on a letter (Unicode 16, 7.9)."""
_CIRCLES = frozenset("\u25e6\u2218")
_FOUND = re.compile(f"[{re.escape(''.join(_ACCENTS))}{''.join(_CIRCLES)}]")
_DOTLESS = {"ı": "i", "ȷ": "j"}
_CONTEXT = 12
"""Characters before a sign by which it is found again in the page's blocks."""
_LEAST_CONTEXT = 3
_NEAR = 0.35
"""Distance of a circle from its figure, as a share of the size: a space at most."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter or sign that is drawn in two parts."""

    before: str
    """The text before it, without spaces."""
    drawn: str
    text: str
    """The letter or sign that it shows."""
    after: str
    """The text behind it, without spaces."""
    is_apart: bool
    """Whether a space stands before it."""


def find_composed(raw: object, shown: str) -> Iterator[Composed]:
    """Yield the letters and signs of a page that are drawn in two parts, in their order.

    Args:
        raw: PDFium's text page.
        shown: Its text, each character in its place.
    """
    glyphs = Glyphs(raw)
    for found in _FOUND.finditer(shown):
        at = found.start()
        before, after = before_of(shown, at), after_of(shown, at + 1)
        if shown[at] in _CIRCLES:
            if before >= 0 and shown[before].isdecimal() and _is_degree(glyphs, before, at):
                yield _composed(shown, before, at + 1, shown[at], "°", is_apart=False)
        elif after < len(shown) and (letter := _letter(shown[at], shown[after])):
            left, right = glyphs.box(after)
            start, end = glyphs.box(at)
            if left <= (start + end) / 2 <= right:
                is_apart = shown[before + 1 : before + 2] == " "
                drawn = shown[at] + shown[after]
                yield _composed(shown, before, after + 1, drawn, letter, is_apart=is_apart)


def _is_degree(glyphs: Glyphs, figure: int, circle: int) -> bool:
    size = abs(glyphs.size(figure))
    gap = glyphs.box(circle)[0] - glyphs.box(figure)[1]
    return abs(gap) < _NEAR * size and 0 < glyphs.line(circle) - glyphs.line(figure) < size


def _letter(accent: str, letter: str) -> str:
    """The letter with its accent; empty if there is no such letter."""
    text = unicodedata.normalize("NFC", _DOTLESS.get(letter, letter) + _ACCENTS[accent])
    return text if len(text) == 1 and letter.isalpha() else ""


def _composed(
    shown: str, before: int, end: int, drawn: str, text: str, *, is_apart: bool
) -> Composed:
    after = SPACES.sub("", shown[end : end + 2 * _CONTEXT])[:2]
    return Composed(context_of(shown, before, _CONTEXT), drawn, text, after, is_apart)


def with_composed(blocks: list[Block], composed: Iterable[Composed]) -> list[Block]:
    """The blocks of a page with what it draws in two parts in one."""
    blocks = list(blocks)
    ends = {SPACES.sub("", block.text)[-_LEAST_CONTEXT:] for block in blocks}
    for sign in composed:
        for number, block in enumerate(blocks):
            following = blocks[number + 1] if number + 1 < len(blocks) else None
            if sign.text == "°" and following and _is_cut(block, following, sign):
                # The library has begun an item at the circle.
                text = f"{block.text.rstrip()}°{following.text.lstrip().removeprefix(sign.drawn)}"
                blocks[number : number + 2] = [Block(BlockKind.PARAGRAPH, text, block.page)]
                break
            if block.kind is BlockKind.CODE:
                continue
            # A sign begins a block only if what is before it on the page ends another one.
            may_begin = not sign.before or sign.before[-_LEAST_CONTEXT:] in ends
            if (text := _replaced(block.text, sign, may_begin=may_begin)) is not None:
                blocks[number] = replace(block, text=text)
                break
    return blocks


def _replaced(text: str, sign: Composed, *, may_begin: bool) -> str | None:
    if sign.drawn[0] not in text:
        return None
    for length in (_CONTEXT, _LEAST_CONTEXT, 1):
        before = r"\s*".join(map(re.escape, sign.before[-length:]))
        drawn = r"\s*".join(map(re.escape, sign.drawn))
        start = rf"{before}|\A" if may_begin else before
        if found := re.search(rf"({start})(\s*){drawn}", text):
            gap = found[2] if sign.is_apart else ""
            return text[: found.end(1)] + gap + sign.text + text[found.end() :]
    return None


def _is_cut(block: Block, following: Block, sign: Composed) -> bool:
    if {block.kind, following.kind} & {BlockKind.TABLE, BlockKind.CODE}:
        return False
    end = SPACES.sub("", block.text)[-_CONTEXT:]
    start = SPACES.sub("", following.text).lstrip("".join(_CIRCLES))
    is_before = bool(end) and sign.before.endswith(end[-len(sign.before) :])
    return is_before and start.startswith(sign.after)
