"""Phrases and regular expressions that are looked for in one pass over a text.

An expression becomes a set of positions with the positions that may follow each (Glushkov 1961);
all that a text may be in the middle of are carried along character by character. So the time
grows with the text times the expression, whatever both are: there is nothing to go back to, which
is what makes `(a+)+$` take for ever elsewhere.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from citewell.engine.text.normalisation import fold, is_unspaced, normalise, words

MOST_CHARS = 500
"""Characters of an expression: a line that a person still reads."""

MOST_POSITIONS = 256
"""Characters that an expression stands for, repetitions written out: bounds the work of each
character of a text to some microseconds."""

MOST_NESTED = 20
"""Parentheses within parentheses: the reader of expressions calls itself for each."""

MOST_KNOWN = 4_096
"""Steps that an expression remembers; a text has few different characters."""

_BEGIN, _END = "\x02", "\x03"
"""Marks of the edges of a text, for `^`, `$` and the edges of words."""

_OWN = str.maketrans("", "", _BEGIN + _END)

_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}")

Test = Callable[[str], bool]
"""Whether a character fits."""


class ExpressionError(ValueError):
    """An expression cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class _Character:
    fits: Test


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Repeated:
    part: "_Node"
    least: int
    most: int | None
    """None: any number."""


_Node = _Character | _Sequence | _Choice | _Repeated


@dataclass(slots=True)
class Expression:
    """An expression that was read; `is_in` looks for it."""

    _fits: list[Test] = field(default_factory=list[Test])
    _follow: list[int] = field(default_factory=list[int])
    """For each position the set of those that may come next, as bits."""
    _first: int = 0
    _last: int = 0
    _masks: dict[str, int] = field(default_factory=dict[str, int])
    _steps: dict[tuple[int, str], int] = field(default_factory=dict[tuple[int, str], int])

    @property
    def positions(self) -> int:
        """Characters it stands for; the work for each character of a text grows with it."""
        return len(self._fits)

    def is_in(self, text: str) -> bool:
        """Whether the expression is anywhere in a text, whatever its case.

        A letter with a diacritic fits the same letter without, in the text or in the expression;
        two different diacritics do not fit each other.

        Args:
            text: As it was written.
        """
        state = 0
        for character in (_BEGIN, *" ".join(normalise(text).translate(_OWN).split()), _END):
            known = self._steps.get((state, character))
            if known is None:
                known = self._step(state, character)
            state = known
            if state & self._last:
                return True
        return False

    def _step(self, state: int, character: str) -> int:
        wanted = self._first
        for position in _bits(state):
            wanted |= self._follow[position]
        if len(self._steps) >= MOST_KNOWN:
            self._steps.clear()
            self._masks.clear()
        mask = self._masks.get(character)
        if mask is None:
            mask = sum(1 << at for at, fits in enumerate(self._fits) if fits(character))
            self._masks[character] = mask
        reached = self._steps[state, character] = wanted & mask
        return reached

    def _add(self, node: _Node) -> tuple[bool, int, int]:
        """Add the positions of a node: whether it may be empty, its first and last positions."""
        match node:
            case _Character(fits):
                self._fits.append(fits)
                self._follow.append(0)
                only = 1 << (len(self._fits) - 1)
                return False, only, only
            case _Sequence(parts):
                return self._add_all(iter(parts))
            case _Choice(ways):
                is_empty, first, last = False, 0, 0
                for way in ways:
                    may_be_empty, begin, end = self._add(way)
                    is_empty, first, last = is_empty or may_be_empty, first | begin, last | end
                return is_empty, first, last
            case _Repeated(part, least, most):
                needed: list[_Node] = [part] * least
                if most is not None:
                    optional = _Choice((part, _Sequence(())))
                    return self._add_all(iter([*needed, *[optional] * (most - least)]))
                is_empty, first, last = self._add_all(iter(needed[1:]))
                may_be_empty, begin, end = self._add(part)
                self._join(end, begin)
                return self._joined(
                    (is_empty, first, last), (least == 0 or may_be_empty, begin, end)
                )

    def _add_all(self, parts: Iterator[_Node]) -> tuple[bool, int, int]:
        whole = True, 0, 0
        for part in parts:
            whole = self._joined(whole, self._add(part))
        return whole

    def _joined(
        self, before: tuple[bool, int, int], after: tuple[bool, int, int]
    ) -> tuple[bool, int, int]:
        self._join(before[2], after[1])
        return (
            before[0] and after[0],
            before[1] | (after[1] if before[0] else 0),
            after[2] | (before[2] if after[0] else 0),
        )

    def _join(self, ends: int, begins: int) -> None:
        for position in _bits(ends):
            self._follow[position] |= begins

    @classmethod
    def of(cls, node: _Node) -> "Expression":
        """The expression of a node that was read.

        Raises:
            ExpressionError: It is too long, or is found in every text.
        """
        if _size(node) > MOST_POSITIONS:
            raise ExpressionError(
                f"it stands for more than {MOST_POSITIONS} characters with its repetitions"
            )
        made = cls()
        is_empty, made._first, made._last = made._add(node)
        if is_empty:
            raise ExpressionError("it fits nothing at all too, and so every question")
        return made


def phrase(text: str) -> Expression:
    """Words that stand one after another, with anything between them that is no word.

    Raises:
        ExpressionError: There is no word, or there are too many.
    """
    if len(text) > MOST_CHARS:
        raise ExpressionError(f"it is longer than {MOST_CHARS} characters")
    found = words(normalise(text))
    if not found:
        raise ExpressionError("there is no word in it")
    gap, parts = _Character(_is_gap), list[_Node]()
    for place, word in enumerate(found):
        # Scripts without spaces have no edges of words.
        if not (is_unspaced(word) and (place == 0 or is_unspaced(found[place - 1]))):
            parts.append(gap if place == 0 else _Repeated(gap, 1, None))
        elif place:
            parts.append(_Repeated(gap, 0, None))
        parts += [_Character(_like(character)) for character in word]
    if not is_unspaced(found[-1]):
        parts.append(gap)
    return Expression.of(_Sequence(tuple(parts)))


def expression(text: str) -> Expression:
    r"""Read a regular expression: `. [a-z] [^a] \d \w \s \D \W \S ( ) | ? * + {2,5} ^ $`.

    Raises:
        ExpressionError: It cannot be read, stands for too much, or is found in every text.
    """
    if len(text) > MOST_CHARS:
        raise ExpressionError(f"it is longer than {MOST_CHARS} characters")
    reader = _Reader(unicodedata.normalize("NFC", text))
    return Expression.of(reader.read())


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = 0

    def read(self) -> _Node:
        node = self._choice()
        if self.at < len(self.text):
            raise ExpressionError("a `)` closes nothing")
        return node

    def _choice(self) -> _Node:
        ways = [self._sequence()]
        while self._takes("|"):
            ways.append(self._sequence())
        return ways[0] if len(ways) == 1 else _Choice(tuple(ways))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return _Sequence(tuple(parts))

    def _repeated(self, part: _Node) -> _Node:
        counts = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        character = self.text[self.at : self.at + 1]
        if character in counts:
            self.at += 1
            least, most = counts[character]
        elif (count := _COUNT.match(self.text, self.at)) is not None:
            self.at = count.end()
            least = int(count[1])
            most = least if count[2] is None else int(count[3]) if count[3] else None
            if most is not None and most < least:
                raise ExpressionError(f"`{count[0]}` counts backwards")
        else:
            return part
        if self.text[self.at : self.at + 1] in ("?", "*", "+") and self.at < len(self.text):
            raise ExpressionError("one repetition follows another; put the first in parentheses")
        repeated = _Repeated(part, least, most)
        # Before it is written out anywhere, so that nothing grows beyond it.
        if _size(repeated) > MOST_POSITIONS:
            raise ExpressionError(
                f"it stands for more than {MOST_POSITIONS} characters with its repetitions"
            )
        return repeated

    def _atom(self) -> _Node:
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return _Character(self._class())
            case "\\":
                return _plain(self._escaped()) if not self._is_kind() else _Character(self._kind())
            case ".":
                return _Character(_is_inside)
            case "^":
                return _Character(_BEGIN.__eq__)
            case "$":
                return _Character(_END.__eq__)
            case "?" | "*" | "+":
                raise ExpressionError(f"there is nothing for `{character}` to repeat")
            case _:
                return _plain(character)

    def _group(self) -> _Node:
        if self.text.startswith("?:", self.at):
            self.at += 2
        elif self._takes("?"):
            raise ExpressionError("of the groups with `(?` only `(?:` is read")
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise ExpressionError(f"more than {MOST_NESTED} parentheses stand in one another")
        node = self._choice()
        if not self._takes(")"):
            raise ExpressionError("a `(` is not closed")
        self.depth -= 1
        return node

    def _class(self) -> Test:
        is_negated, tests = self._takes("^"), list[Test]()
        while not self._takes("]"):
            if self.at >= len(self.text):
                raise ExpressionError("a `[` is not closed")
            character = self._next()
            if character == "\\" and self._is_kind():
                tests.append(self._kind())
                continue
            begin = self._escaped() if character == "\\" else character
            rest = self.text[self.at : self.at + 2]
            if len(rest) == 2 and rest[0] == "-" and rest[1] != "]":
                self.at += 1
                end = self._next()
                tests.append(_between(begin, self._escaped() if end == "\\" else end))
            else:
                tests.append(_like(normalise(begin) or begin))
        if not tests:
            raise ExpressionError("a `[]` fits nothing")
        if is_negated:
            return lambda each: _is_inside(each) and not any(fits(each) for fits in tests)
        return lambda each: any(fits(each) for fits in tests)

    def _is_kind(self) -> bool:
        return self.text[self.at : self.at + 1] in tuple("dwsDWS")

    def _kind(self) -> Test:
        return _KINDS[self._next()]

    def _escaped(self) -> str:
        character = self._next()
        if character.isalnum():
            raise ExpressionError(rf"`\{character}` is not read")
        return character

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise ExpressionError("it ends in the middle")
        self.at += 1
        return self.text[self.at - 1]

    def _takes(self, character: str) -> bool:
        is_there = self.text.startswith(character, self.at)
        self.at += len(character) if is_there else 0
        return is_there


def _size(node: _Node) -> int:
    """Positions of a node, repetitions written out."""
    match node:
        case _Character():
            return 1
        case _Sequence(parts) | _Choice(parts):
            return sum(map(_size, parts))
        case _Repeated(part, least, most):
            return _size(part) * (max(1, least) if most is None else most)


def _plain(character: str) -> _Node:
    """A character that stands for itself; some become two when their case is folded."""
    written = normalise(character) or character
    return _Sequence(tuple(_Character(_like(each)) for each in written))


def _like(wanted: str) -> Test:
    if wanted.isspace():
        return str.isspace
    bare = fold(wanted)
    # Of letters with a mark each side may be typed without; with two marks they must be the same.
    return lambda each: each in (wanted, bare) or (bare == wanted and fold(each) == wanted)


def _between(begin: str, end: str) -> Test:
    low, high = normalise(begin) or begin, normalise(end) or end
    if len(low) != 1 or len(high) != 1 or high < low:
        raise ExpressionError(f"`{begin}-{end}` is no range of characters")
    return lambda each: low <= each <= high or low <= fold(each) <= high


def _is_inside(character: str) -> bool:
    return character not in (_BEGIN, _END)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def _is_gap(character: str) -> bool:
    return not _is_word(character)


_KINDS: dict[str, Test] = {
    "d": str.isdigit,
    "w": _is_word,
    "s": str.isspace,
    "D": lambda each: _is_inside(each) and not each.isdigit(),
    "W": _is_gap,
    "S": lambda each: _is_inside(each) and not each.isspace(),
}
r"""`\W` fits the edges of the text too, so that it says where a word ends."""


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
