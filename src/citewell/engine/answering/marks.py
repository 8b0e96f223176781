# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Takes the citation marks of a model out of its text, while the text is still coming.

Models write `[1]`, `[1, 2]`, `[1][2]`, `[1-3]`, `【1】`, `[^1]` or `(1)` whatever they are told. A
number in round brackets is a mark only where a sentence ends after it, since `(3)` may be content.
"""

import re
from dataclasses import dataclass

_NUMBERS = r"\d{1,3}(?:\s*(?:,|;|-|–|and|và|&)\s*\d{1,3})*"
_LABEL = r"(?:\^|(?:passages?|sources?|refs?|đoạn|nguồn)\s*)?"
_MARK = re.compile(
    rf"(?<![ \t])[ \t]*(?:\[{_LABEL}(?P<square>{_NUMBERS})\]"
    rf"|【(?P<lens>{_NUMBERS})(?:†[^】]{{0,60}})?】"
    rf"|\((?P<round>{_NUMBERS})\)(?=\s*(?:[.!?…;]|$|\n|[\[【])))",
    re.IGNORECASE,
)
_LITERAL = re.compile(rf"\[\^?(?P<square>{_NUMBERS})\]|【(?P<lens>{_NUMBERS})】")

_MAX_HELD = 400
"""Characters that may wait for the end of a mark: a hundred marks in a row."""

_HELD = re.compile(
    rf"(?<![ \t])[ \t]*(?:(?:\[{_LABEL}{_NUMBERS}\]|【[^】]{{0,70}}】|\({_NUMBERS}\))[ \t]*)*"
    r"(?:[\[(][\w\s,;&^–-]{0,40}|【[^】]{0,70})?$",
    re.IGNORECASE,
)
"""The end of a text that may yet turn out to be a mark: it waits for more."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Text, and the passages a model named right after it."""

    text: str
    numbers: tuple[int, ...] = ()


class MarkFilter:
    """Separates text from marks, piece by piece."""

    def __init__(self) -> None:
        self._buffer = ""

    def feed(self, piece: str) -> list[Marked]:
        """Take the next piece; return what is certain by now."""
        self._buffer += piece
        # Marks in a row are tried from each of them: only so many may wait, or time is quadratic.
        held = _HELD.search(self._buffer, max(0, len(self._buffer) - _MAX_HELD))
        return self._take(held.start() if held else len(self._buffer))

    def finish(self) -> list[Marked]:
        """Return what was waiting."""
        return self._take(len(self._buffer))

    def _take(self, end: int) -> list[Marked]:
        found: list[Marked] = []
        start = 0
        for match in _MARK.finditer(self._buffer):
            if match.end() > end:
                break
            found.append(Marked(self._buffer[start : match.start()], _numbers(match)))
            start = match.end()
        if start < end:
            found.append(Marked(self._buffer[start:end]))
        self._buffer = self._buffer[max(start, end) :]
        return [item for item in found if item.text or item.numbers]


def without_marks(text: str) -> str:
    """Get a document's text whose footnote numbers `[1]` are no citation marks: `(1)`."""
    return _LITERAL.sub(lambda mark: f"({mark['square'] or mark['lens']})", text)


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    listed = match["square"] or match["lens"] or match["round"]
    numbers: list[int] = []
    for part in re.split(r"\s*(?:,|;|and|và|&)\s*", listed, flags=re.IGNORECASE):
        first, _, last = part.replace("–", "-").replace(" ", "").partition("-")
        # A range of more passages than a prompt holds is a slip, not a citation.
        numbers.extend(range(int(first), min(int(last or first), int(first) + 30) + 1))
    return tuple(numbers)
