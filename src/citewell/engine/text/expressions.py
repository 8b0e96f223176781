r"""Phrases and regular expressions that are looked for in time that grows with the text alone.

They are read by RE2, which goes over a text once whatever the expression is. What RE2 does not
know is done before it: texts are freed of what is not seen, and each letter of a pattern becomes
the letters that people type for it. RE2's own `\w`, `\d`, `\s` are of ASCII and so are exchanged
for kinds of Unicode; its `\b` cannot be, and is refused.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs] - it has none

from citewell.engine.text.normalisation import fold, is_unspaced, normalise, words

MOST_CHARS = 500
"""Characters of an expression: a line that a person still reads."""

MOST_SIZE = 20_000
"""Instructions of the program of an expression: where it has more states than memory allows, RE2
takes up to 2 ns for each of them at each character of a text."""

MOST_MEMORY = 1 << 20
"""Bytes that RE2 may take for a program and the states it has met: ten times what the states of a
line that a person writes need, and a hundred of them are still 100 MB."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u0334-\u0338\u034f\u0488\u0489\u061c\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20ff\u3164\ud800-\udfff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's default ignorables, controls that are no white space, strokes through letters, and
frames and signs around them: none makes another letter of the one it stands by."""

_STRAY = re.compile(
    r"(?<![\u0590-\u1cff\ua800-\uabff\U00010a00-\U00011fff\U0001e000-\U0001efff])[^\w\s\x00-\x7f]+"
)
"""Signs, marks among them, that follow no letter of a script whose marks are letters."""

_COUNT = re.compile(r"\{[0-9]{1,6}(,([0-9]{1,6})?)?\}")
_GROUP = re.compile(r"\?(P?<\w{1,60}>|[imsU]{0,4}(-[imsU]{1,4})?(?P<ends>[:)]))")
_CODE = re.compile(r"x(\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_KIND = re.compile(r"[pP]([A-Z]|\{\^?[A-Za-z_]{1,40}\})")

_WORDS = (
    r"0-9A-Z_a-z\x{df}-\x{f6}\x{f8}-\x{559}\x{560}-\x{588}\x{591}-\x{5bd}\x{5bf}\x{5c1}-\x{5c2}"
    r"\x{5c4}-\x{5c5}\x{5c7}-\x{5f2}\x{610}-\x{61a}\x{620}-\x{669}\x{66e}-\x{6d3}\x{6d5}-\x{6ff}"
    r"\x{70e}-\x{963}\x{966}-\x{df3}\x{e01}-\x{e3a}\x{e40}-\x{e4e}\x{e50}-\x{e59}\x{e81}-\x{f03}"
    r"\x{f18}-\x{1049}\x{1050}-\x{135f}\x{1369}-\x{17d3}\x{17d7}-\x{1fff}\x{2c00}-\x{2dff}"
    r"\x{3005}-\x{3007}\x{3021}-\x{302f}\x{3031}-\x{303c}\x{303e}-\x{309f}\x{30a1}-\x{30fa}\x{30fc}-\x{d7ff}\x{f900}-\x{fdff}\x{10000}-\x{1cfff}"
    r"\x{1df00}-\x{1efff}\x{20000}-\x{3ffff}"
)
"""Letters, digits and marks of normalised text, without the punctuation of scripts in use. RE2's
own kinds (`\\pL\\pN\\pM`) are exact to the last sign of scripts that nobody writes any more, and
its program for them is sixteen times larger."""

_GAPS = (
    r"\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{de}\x{f7}\x{55a}-\x{55f}"
    r"\x{589}-\x{590}\x{5be}\x{5c0}\x{5c3}\x{5c6}\x{5f3}-\x{60f}\x{61b}-\x{61f}\x{66a}-\x{66d}"
    r"\x{6d4}\x{700}-\x{70d}\x{964}-\x{965}\x{df4}-\x{e00}\x{e3b}-\x{e3f}\x{e4f}\x{e5a}-\x{e80}"
    r"\x{f04}-\x{f17}\x{104a}-\x{104f}\x{1360}-\x{1368}\x{17d4}-\x{17d6}\x{2000}-\x{2bff}"
    r"\x{2e00}-\x{3004}\x{3008}-\x{3020}\x{3030}\x{303d}\x{30a0}\x{30fb}\x{d800}-\x{f8ff}\x{fe00}-\x{ffff}"
    r"\x{1d000}-\x{1deff}\x{1f000}-\x{1ffff}\x{40000}-\x{10ffff}"
)
"""All other characters."""

_KINDS = {
    "d": r"\p{Nd}",
    "D": r"\P{Nd}",
    "w": _WORDS,
    "W": _GAPS,
    "s": " ",
    "S": r"\x{0}-\x{1f}\x{21}-\x{10ffff}",
}
"""Kinds as RE2 reads them in a class; all white space of a text is plain spaces by then."""

_SPACES = "tnfrv"
_MARKED_SCRIPTS = ((0xC0, 0x530), (0x620, 0x6D4), (0x1E00, 0x2000))
"""Where letters are composed with marks: Latin, Greek, Cyrillic and Arabic."""


_RE2_ERROR = cast(type[Exception], re2.error)  # pyright: ignore[reportUnknownMemberType]
_TOO_MUCH = "it stands for too much, with its repetitions written out"


class ExpressionError(ValueError):
    """An expression cannot be used; the message says why."""


class _Program(Protocol):
    """A compiled expression of RE2."""

    @property
    def programsize(self) -> int: ...

    def search(self, text: bytes) -> object | None: ...


@dataclass(frozen=True, slots=True)
class SeenText:
    """A text as people see it, made once for all expressions that are looked for in it."""

    line: bytes
    """In lower case and NFC, white space collapsed, without what is not seen."""
    words: bytes
    """Its words, each between spaces."""

    @classmethod
    def of(cls, text: str) -> "SeenText":
        """The text as it is looked at.

        Args:
            text: As it was written.
        """
        seen = _seen(text)
        return cls(seen.encode(), f" {' '.join(words(seen))} ".encode())


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read; `is_in` looks for it."""

    _program: _Program
    _is_phrase: bool

    @property
    def size(self) -> int:
        """Instructions of its program; the most that a byte of a text costs grows with it."""
        return self._program.programsize

    def is_in(self, text: str | SeenText) -> bool:
        """Whether the expression is anywhere in a text, whatever its case.

        A letter with a diacritic fits the same letter without, in the text or in the expression;
        two different diacritics do not fit each other.

        Args:
            text: As it was written, or made ready for many expressions.
        """
        seen = SeenText.of(text) if isinstance(text, str) else text
        return self._program.search(seen.words if self._is_phrase else seen.line) is not None


def phrase(text: str) -> Expression:
    """Words that stand one after another, with anything between them that is no word.

    Raises:
        ExpressionError: There is no word, or there are too many.
    """
    if len(text) > MOST_CHARS:
        raise ExpressionError(f"it is longer than {MOST_CHARS} characters")
    found = words(_seen(text))
    if not found:
        raise ExpressionError("there is no word in it")
    parts: list[str] = []
    for place, word in enumerate(found):
        # Scripts without spaces have no edges of words.
        if not (is_unspaced(word) and (place == 0 or is_unspaced(found[place - 1]))):
            parts.append(" ")
        elif place:
            parts.append(" ?")
        parts += map(_like, word)
    if not is_unspaced(found[-1]):
        parts.append(" ")
    return _compiled("".join(parts), is_phrase=True)


def expression(text: str) -> Expression:
    r"""Read a regular expression of RE2's syntax; `\w \d \s \W \D \S` are of all scripts.

    Raises:
        ExpressionError: It cannot be read, stands for too much, or is found in every text.
    """
    if len(text) > MOST_CHARS:
        raise ExpressionError(f"it is longer than {MOST_CHARS} characters")
    made = _compiled(_Translator(_STRAY.sub(_unmarked, _composed(text))).read(), is_phrase=False)
    if made.is_in(SeenText(b"", b"")):
        raise ExpressionError("it fits nothing at all too, and so every question")
    return made


@dataclass(slots=True)
class _Class:
    """Members of a class `[ ]`, as they are collected."""

    members: list[str] = field(default_factory=list[str])
    """In the syntax of a class of RE2."""
    strings: list[str] = field(default_factory=list[str])
    """Members that are written as several characters: `ß` is `ss`."""
    has_edges: bool = False

    def add(self, character: str) -> None:
        """Add a character and the letters that people type for it."""
        written = " " if character.isspace() else normalise(character) or character
        if len(written) > 1:
            self.strings.append("".join(map(_like, written)))
        else:
            self.members.append(_code(_typed(written)))

    def add_range(self, low: str, high: str) -> None:
        """Add the characters from one to another, with the marked forms of their letters."""
        begin, end = normalise(low) or low, normalise(high) or high
        if len(begin) != 1 or len(end) != 1 or end < begin:
            raise ExpressionError(f"`{low}-{high}` is no range of characters")
        self.members.append(f"{_code(begin)}-{_code(end)}")
        self.members += [_code(forms) for bare, forms in _marked().items() if begin <= bare <= end]

    def read(self, *, is_negated: bool) -> str:
        """The class in RE2's syntax."""
        if is_negated:
            return f"[^{''.join(self.members)}]" if self.members else "."
        ways = [f"[{''.join(self.members)}]"] if self.members else []
        ways += [*self.strings, *(["^", "$"] if self.has_edges else [])]
        return ways[0] if len(ways) == 1 and self.members else f"(?:{'|'.join(ways)})"


@dataclass(slots=True)
class _Translator:
    """Writes an expression as RE2 is to read it; RE2 judges what stands where."""

    text: str
    at: int = 0

    def read(self) -> str:
        parts: list[str] = []
        while self.at < len(self.text):
            character = self._next()
            if character == "\\":
                parts.append(self._escaped())
            elif character == "[":
                parts.append(self._class())
            elif character == "(":
                parts.append(self._group())
            elif character == "{" and (count := _COUNT.match(self.text, self.at - 1)):
                self.at = count.end()
                parts.append(count[0])
            elif character in ".)|?*+^$":
                parts.append(character)
            elif character.isspace():
                self.at = len(self.text) - len(self.text[self.at :].lstrip())
                parts.append(" ")
            else:
                parts.append(_plain(character))
        return "".join(parts)

    def _group(self) -> str:
        if not self.text.startswith("?", self.at):
            return "("
        group = _GROUP.match(self.text, self.at)
        if group is None:
            raise ExpressionError(
                "of the groups with `(?` only `(?:`, names and flags are read: one that looks "
                "ahead or back would have to read a text more than once"
            )
        self.at = group.end()
        # Flags change nothing: case makes no difference, and a question is one line.
        return "(?:)" if group["ends"] == ")" else "(?:"

    def _class(self) -> str:
        is_negated, found, is_first = self._takes("^"), _Class(), True
        while is_first or not self._takes("]"):
            is_first = False
            if self.text.startswith("[:", self.at):
                raise ExpressionError(r"kinds as `[:alpha:]` are of ASCII; write \pL, \w or \d")
            begin = self._member(found)
            if begin is None:
                continue
            rest = self.text[self.at : self.at + 2]
            if len(rest) == 2 and rest[0] == "-" and rest[1] != "]":
                self.at += 1
                end = self._member(None)
                found.add_range(begin, end or begin)
            else:
                found.add(begin)
        return found.read(is_negated=is_negated)

    def _member(self, found: _Class | None) -> str | None:
        """A character of a class; None: it was a kind, which was added."""
        if self.at >= len(self.text):
            raise ExpressionError("a `[` is not closed")
        character = self._next()
        if character != "\\":
            return character
        kind = self._kind()
        if kind is None:
            return self._literal()
        if found is None:
            raise ExpressionError("a range ends with a kind of characters")
        found.members.append(kind)
        found.has_edges |= kind == _GAPS
        return None

    def _kind(self) -> str | None:
        at = self.at
        if self.text[at : at + 1] in tuple(_KINDS):
            return _KINDS[self._next()]
        if (kind := _KIND.match(self.text, at)) is not None:
            self.at = kind.end()
            # Texts are in lower case.
            return "\\" + kind[0].replace("Lu", "Ll").replace("Lt", "Ll")
        return None

    def _escaped(self) -> str:
        if self._takes("W"):
            # The edges too, any number of times, so that it says where a word ends.
            return f"(?:[{_GAPS}]|^|$)"
        if (kind := self._kind()) is not None:
            return f"[{kind}]"
        for edge, read in (("A", "^"), ("z", "$")):
            if self._takes(edge):
                return read
        return _plain(self._literal())

    def _literal(self) -> str:
        """The character that an escape stands for."""
        if (code := _CODE.match(self.text, self.at)) is not None:
            self.at = code.end()
            number = int(code[2] or code[3], 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise ExpressionError(rf"`\{code[0]}` is no character")
            return chr(number)
        character = self._next()
        if character in ("b", "B"):
            raise ExpressionError(
                rf"`\{character}` is not read, it knows only unmarked letters; "
                r"write (^|\W) before a word and (\W|$) after it"
            )
        if character in _SPACES:
            return " "
        if character in "123456789":
            raise ExpressionError(rf"`\{character}` is not read: nothing refers to a group")
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


def _compiled(pattern: str, *, is_phrase: bool) -> Expression:
    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = MOST_MEMORY, True, False
    try:
        made = Expression(cast(_Program, re2.compile(pattern, options)), is_phrase)  # pyright: ignore[reportUnknownMemberType]
    except _RE2_ERROR as error:
        raise ExpressionError(_said(error)) from None
    if made.size > MOST_SIZE:
        raise ExpressionError(_TOO_MUCH)
    return made


def _said(error: Exception) -> str:
    """RE2's message in words of ours."""
    told = error.args[0] if error.args else b""
    message = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    reason, _, part = message.partition(": ")
    match reason:
        case "missing )":
            return "a `(` is not closed"
        case "unexpected )":
            return "a `)` closes nothing"
        case "bad repetition operator":
            return "one repetition follows another; put the first in parentheses"
        case "no argument for repetition operator":
            return f"there is nothing for `{part}` to repeat"
        case "invalid repetition size":
            low, _, high = part.strip("{}").partition(",")
            if high and int(high) < int(low):
                return f"`{part}` counts backwards"
            return f"`{part}` repeats more than 1000 times, with those around it"
        case "invalid character class range":
            return f"`{part}` is no kind of characters"
        case "pattern too large - compile failed":
            return _TOO_MUCH
        case _:
            return f"RE2 does not read it ({reason})"


def _composed(text: str) -> str:
    # Before letters are composed: a stroke between a letter and its mark would keep them apart.
    return unicodedata.normalize("NFC", _UNSEEN.sub("", text))


def _seen(text: str) -> str:
    """The text normalised, with single spaces and without what is not seen."""
    # Compatible forms may hide more: a filler of half width is one of full width.
    seen = _UNSEEN.sub("", normalise(text if text.isascii() else _composed(text)))
    if not seen.isascii():
        seen = _STRAY.sub(_unmarked, seen)
    return " ".join(seen.split())


def _unmarked(run: re.Match[str]) -> str:
    return "".join(each for each in run[0] if unicodedata.category(each)[0] != "M")


def _plain(character: str) -> str:
    """A character that stands for itself; some become two when their case is folded."""
    written = " " if character.isspace() else normalise(character) or character
    read = "".join(map(_like, written))
    return read if len(written) == 1 else f"(?:{read})"


def _like(wanted: str) -> str:
    """One character as RE2 looks for it."""
    bare = fold(wanted)
    if len(bare) > 1:
        return f"(?:{_code(wanted)}|{''.join(map(_like, bare))})"
    typed = _typed(wanted)
    return _code(typed) if len(typed) == 1 else f"[{_code(typed)}]"


def _typed(wanted: str) -> str:
    """The letters that people type for one.

    Each side may be typed without its mark; with two marks they must be the same.
    """
    bare = fold(wanted)
    if bare == wanted:
        return wanted + _marked().get(wanted, "")
    return wanted + bare if len(bare) == 1 else wanted


@cache
def _marked() -> dict[str, str]:
    """The marked forms of each letter."""
    found: dict[str, str] = {}
    for begin, end in _MARKED_SCRIPTS:
        for each in map(chr, range(begin, end)):
            bare = fold(each)
            if normalise(each) == each and bare != each and len(bare) == 1:
                found[bare] = found.get(bare, "") + each
    return found


def _code(characters: Iterable[str]) -> str:
    """Characters as RE2 reads them anywhere, whatever else they mean."""
    return "".join(rf"\x{{{ord(each):x}}}" for each in characters)
