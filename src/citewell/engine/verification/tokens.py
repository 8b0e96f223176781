"""Sentences as the rules compare them: keys of words, numbers and dates, with their boundaries."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from citewell.engine.text import vocabulary
from citewell.engine.text.normalisation import normalise
from citewell.engine.text.numerals import number_values
from citewell.engine.verification import lexicon
from citewell.engine.verification.clocks import CLOCK, read_clock

CLOCK_KEY = "clock"
"""Key of a time of day with minutes, whose value is in hours."""


class TokenKind(Enum):
    """Role of a token in the comparison."""

    WORD = "word"
    RELATION = "relation"
    NUMBER = "number"
    DATE = "date"
    NEUTRAL = "neutral"
    BOUNDARY = "boundary"


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, date or boundary of a sentence."""

    kind: TokenKind
    key: str
    """Synonyms have the same; of a boundary its sign."""
    text: str
    start: int
    end: int
    values: frozenset[float] = frozenset()
    """Readings of a number."""
    date: tuple[int | None, int | None, int | None] = (None, None, None)
    """Year, month, day as far as they are said."""
    is_name: bool = False
    """Written with a capital."""
    is_indefinite: bool = False
    """Of a sentence: said of some of a kind, as in `a vehicle`."""
    is_definite: bool = False
    """Of a sentence: behind `the` or the like, so that it may be the one spoken of."""
    is_now: bool = False
    """Of a sentence: a verb that the quote must say of the present."""
    is_passive: bool = False
    """Of a sentence: a verb in the passive, whose subject the deed is done to."""
    is_linked: bool = False
    """Of a sentence: what somebody is, behind `is`, so that no other verb may stand before it."""

    @property
    def word(self) -> str:
        """The text as word lists have it: in lower case, several words joined by `_`."""
        return self.text.casefold().replace(" ", "_")

    @property
    def is_content(self) -> bool:
        """Whether a sentence that says it needs a quote that says it."""
        return self.kind not in (TokenKind.NEUTRAL, TokenKind.BOUNDARY)


_MONTHS = "|".join(sorted(vocabulary.MONTHS, key=len, reverse=True))
_YEAR = r"(?:1[0-9]|20)\d\d"
_SUFFIX = r"(?:st|nd|rd|th)?"
# Order matters: dates before the numbers they begin with, `n't` and `'s` before marks, and a word
# stops before `n't`, so that `isn't` is `is` and `not`.
_TOKEN = re.compile(
    rf"(?P<dmy>(?<![\w.])(?P<d1>\d{{1,2}}){_SUFFIX}(?:\s+of)?\s+(?P<n1>{_MONTHS})\b\.?"
    rf"(?:,?\s+(?P<y1>{_YEAR})(?!\d))?)"
    rf"|(?P<mdy>(?<!\w)(?P<n2>{_MONTHS})\b\.?\s+(?P<d2>\d{{1,2}}){_SUFFIX}(?![\w.]\d)"
    rf"(?:,?\s+(?P<y2>{_YEAR})(?!\d))?)"
    rf"|(?P<my>(?<!\w)(?P<n3>{_MONTHS})\b\.?,?\s+(?P<y3>{_YEAR})(?!\d))"
    # A month alone after a preposition, or `may` would be one.
    rf"|(?P<mo>(?:(?<=\bin )|(?<=\bsince )|(?<=\buntil )|(?<=\bduring ))(?P<n0>{_MONTHS})(?!\w))"
    r"|(?P<vi>(?:ngày\s+)?(?P<d4>\d{1,2})\s+tháng\s+(?P<m4>\d{1,2})"
    rf"(?:,?\s+năm\s+(?P<y4>{_YEAR})(?!\d))?)"
    rf"|(?P<viy>năm\s+(?P<y8>{_YEAR})(?!\d))"
    rf"|(?P<vim>tháng\s+(?P<m5>\d{{1,2}})(?:\s+năm\s+|/)(?P<y5>{_YEAR})(?!\d))"
    rf"|(?P<dig>(?<![\d/-])(?<!\d\.)(?P<d6>\d{{1,2}})[/.-](?P<m6>\d{{1,2}})[/.-](?P<y6>{_YEAR})(?![\d/]))"
    rf"|(?P<iso>(?<![\d/-])(?<!\d\.)(?P<y7>{_YEAR})-(?P<m7>\d{{1,2}})-(?P<d7>\d{{1,2}})(?![\d/]))"
    rf"|{CLOCK}"
    # A minus right before a number. A hyphen at the beginning of a line is a bullet, one after a
    # number the middle of a range; there the sign is lost.
    r"|(?P<sign>(?:(?<![^\s(\[])\u2212|(?<=[ \u00a0\u202f(\[])(?<!\d\s)[-\u2013])(?=\d))?"
    r"(?P<number>(?<![\w.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,]\d+)*)"
    r"(?P<ordinal>(?:st|nd|rd|th)(?!\w))?"
    r"|(?P<possessive>(?<=\w)['’]s?(?!\w))"  # noqa: RUF001
    r"|(?P<negated>(?<=\w)n['’]t(?!\w))"  # noqa: RUF001
    r"|(?P<symbol>[%$€£¥₫&])"
    r"|(?P<word>(?:(?!n['’]t\b)[^\W\d_])+(?:\.(?=[^\W\d_]\.)[^\W\d_]\.?)*)"  # noqa: RUF001
    r"|(?P<mark>[,;:()\[\]\"“”«»–—|!?]|\.(?=\s|$))"  # noqa: RUF001
)
"""One alternative for each thing; every one is linear, as nothing repeats inside a repetition but
the groups of a number, which are of fixed width."""

# `first` and `second` are ordinals here, where they stand on both sides; `engine.text.numerals`
# leaves them out, as they have other meanings.
_ORDINALS = {"first": 1.0, "second": 2.0} | {
    word: float(value) for word, value in vocabulary.ORDINALS.items()
}
_NUMBER_WORDS = {
    word: float(value) for word, value in vocabulary.ENGLISH_NUMBERS.items() if word != "one"
}
_VIETNAMESE_NUMBERS = {
    word: float(value)
    for word, value in vocabulary.VIETNAMESE_DIGITS.items()
    if word not in ("một", "năm", "tư", "ba", "mốt", "lăm")
}
"""Those left out mean something else as often (`năm` is a year)."""

_SYMBOLS = {"%": "percent", "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₫": "dong"}
_LEVELLED = {"percent": "percent", "percentage": "percent", "per": "per"}


def read_tokens(text: str, language: str) -> list[Token]:
    """The tokens of a sentence, in order.

    Args:
        text: As written.
        language: ISO 639-1 code; words of other languages than English and Vietnamese are compared
            by their normalised form, and none of them is neutral.
    """
    return _joined(list(_tokens(text, language)), language)


def has_content(text: str, language: str) -> bool:
    """Whether a sentence says anything that needs a quote; most often its first words tell."""
    return any(token.is_content for token in _tokens(text, language)) or any(
        token.is_content for token in read_tokens(text, language)
    )


def _tokens(text: str, language: str) -> Iterator[Token]:
    # Offsets stay those of `text`: NFC only joins what is apart, so it is applied when it changes
    # nothing in length and left out otherwise.
    composed = unicodedata.normalize("NFC", text)
    source = composed if len(composed) == len(text) else text
    # A letter whose lower case is longer (`İ`) would shift offsets too: then the text is read as
    # written, and words with capitals are not recognised.
    lowered = source.lower()
    if len(lowered) != len(source):
        lowered = source
    for match in _TOKEN.finditer(lowered):
        token = _token(match, source, language)
        if token is not None:
            yield token


def _token(match: re.Match[str], source: str, language: str) -> Token | None:
    start, end = match.span()
    text = source[start:end]
    if date := _date(match):
        return Token(TokenKind.DATE, "date", text, start, end, date=date)
    if (hours := read_clock(match)) is not None:
        values = frozenset({round(hours, 3)})
        return Token(TokenKind.NUMBER, CLOCK_KEY, text, start, end, values=values)
    if match["number"]:
        return _number(match, text)
    if match["possessive"]:
        return Token(TokenKind.NEUTRAL, "'s", text, start, end)
    if match["negated"]:
        return Token(TokenKind.WORD, "not", text, start, end)
    if match["symbol"]:
        if text == "&":
            return Token(TokenKind.WORD, "and", text, start, end)
        return Token(TokenKind.WORD, _SYMBOLS[text], text, start, end)
    if match["mark"]:
        return Token(TokenKind.BOUNDARY, text, text, start, end)
    return _word(match["word"], text, start, end, language)


def _date(match: re.Match[str]) -> tuple[int | None, int | None, int | None] | None:
    def number(name: str) -> int | None:
        return int(match[name]) if match[name] else None

    if match["dmy"]:
        return number("y1"), vocabulary.MONTHS[match["n1"]], number("d1")
    if match["mdy"]:
        return number("y2"), vocabulary.MONTHS[match["n2"]], number("d2")
    if match["my"]:
        return number("y3"), vocabulary.MONTHS[match["n3"]], None
    if match["mo"]:
        return None, vocabulary.MONTHS[match["n0"]], None
    if match["vi"]:
        return number("y4"), number("m4"), number("d4")
    if match["viy"]:
        return number("y8"), None, None
    if match["vim"]:
        return number("y5"), number("m5"), None
    if match["dig"]:
        return number("y6"), number("m6"), number("d6")
    if match["iso"]:
        return number("y7"), number("m7"), number("d7")
    return None


def _number(match: re.Match[str], text: str) -> Token:
    digits = match["number"]
    start, end = match.span()
    if match["ordinal"]:
        value = float(digits) if digits.isdigit() else -1.0
        return Token(TokenKind.NUMBER, "ordinal", text, start, end, values=frozenset({value}))
    # Four digits up to 2099 are a year more often than an amount. `1500 kg` is read as a date too,
    # in sentence and quote alike, so it is still compared.
    if not match["sign"] and len(digits) == 4 and digits.isdigit() and 1000 <= int(digits) < 2100:
        return Token(
            TokenKind.DATE,
            "date",
            text,
            start,
            end,
            values=frozenset({float(digits)}),
            date=(int(digits), None, None),
        )
    values = number_values(digits)
    if match["sign"]:
        values = frozenset(-value for value in values)
    key = "number" + _qualifier(match.string, start, end)
    return Token(TokenKind.NUMBER, key, text, start, end, values=values)


# A sign right before a number or after it that makes another amount of it. In `5%-7%` both numbers
# are read as plain ones.
_BEFORE = re.compile(r"[<>≤≥~≈±]\s?$|(?<!\w)\.$|\d\s?[-–/×x]$")  # noqa: RUF001
_AFTER = re.compile(r"\+|[-–/×x]\d")  # noqa: RUF001
_SIGNS = "<>≤≥~≈±./×x+-"  # noqa: RUF001


def _qualifier(source: str, start: int, end: int) -> str:
    """The sign of a bound, range or fraction that a number is part of; empty for a plain one."""
    before = _BEFORE.search(source[max(start - 3, 0) : start])
    after = _AFTER.match(source, end)
    # Of a range only the signs: its other number is a token of its own.
    signs = f"{before[0] if before else ''} {after[0] if after else ''}"
    return "".join(sign for sign in signs.replace("\u2013", "-") if sign in _SIGNS)


def _word(lowered: str, text: str, start: int, end: int, language: str) -> Token | None:
    word = normalise(lowered).replace(".", "")
    if not word:
        return None
    is_name = text[0].isupper()
    if language == "en" and word in _ORDINALS:
        return Token(
            TokenKind.NUMBER, "ordinal", text, start, end, values=frozenset({_ORDINALS[word]})
        )
    numbers = _VIETNAMESE_NUMBERS if language == "vi" else _NUMBER_WORDS
    # A Vietnamese number with a capital is a name (`Tám`, `Chín`); at the beginning of a sentence
    # that is wrong, and the number is compared as a word.
    if word in numbers and not (language == "vi" and is_name):
        return Token(
            TokenKind.NUMBER, "number", text, start, end, values=frozenset({numbers[word]})
        )
    is_letter = is_name and len(text) == 1 and start > 0  # `hall A`
    if word in lexicon.NEUTRAL.get(language, frozenset[str]()) and not is_letter:
        return Token(TokenKind.NEUTRAL, word, text, start, end)
    key = lexicon.synonym_key(_LEVELLED.get(word, lexicon.stem(word, language)), language)
    kind = (
        TokenKind.RELATION
        if word in lexicon.RELATIONS.get(language, frozenset[str]())
        else TokenKind.WORD
    )
    return Token(kind, key, text, start, end, is_name=is_name)


def _joined(tokens: Sequence[Token], language: str) -> list[Token]:
    """The tokens with those of a listed phrase made one."""
    known = lexicon.phrases(language)
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        for keys, key in known.get(tokens[at].key, ()):
            run = tokens[at : at + len(keys)]
            if len(run) == len(keys) and all(
                token.key == wanted for token, wanted in zip(run, keys, strict=True)
            ):
                kind = TokenKind.RELATION if run[0].kind is TokenKind.RELATION else TokenKind.WORD
                text = " ".join(token.text for token in run)
                joined.append(Token(kind, key, text, run[0].start, run[-1].end))
                at += len(keys)
                break
        else:
            joined.append(tokens[at])
            at += 1
    return joined
