# ruff: noqa: RUF001 - typographic dashes are meant
"""Forms of a text whose words say less than what is written, each with the terms it is found by.

Words are letters and digits (`text.normalisation`), which makes one word of C, C++ and C#, and many
of a date or a telephone number. A form adds terms to those of its words:

- apart: C++, C#, .NET, Notepad++, -1067. Their bare word is another one, and counts half.
- days, see `text.days`: found by each other however they are written.
- numbers: telephone numbers by their digits, and by the last eight of them, so that `+84 24` and
  `024` meet; 1,000,000 by 1000000, and so does a question's `1 million`.
- mixed words: getUserById by get, user, by, id, and get_user_by_id by getuserbyid; RTX4090 by rtx
  and 4090, so that it meets `RTX 4090`.
- codes by their letters and digits without what joins them: DE89 3704 0044 by de8937040044.
- German (and Nordic) spellings and compounds, see `german`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Literal

from citewell.engine.lexical.codes import Code, find_codes
from citewell.engine.lexical.german import has_umlaut, parts_of_compound, spelled_out
from citewell.engine.lexical.terms import MAX_WORD, hash64, look_up, passage_hashes, term_id
from citewell.engine.text.days import find_days
from citewell.engine.text.normalisation import UNSPACED, fold, normalise, words
from citewell.engine.text.numerals import scaled_numbers
from citewell.engine.text.shapes import CACHED_WORDS
from citewell.engine.text.stopwords import ENGLISH

MAX_FORMS = 200
"""Of each kind per text, which bounds a table of numbers."""

Kind = Literal["apart", "day", "number", "mixed", "code", "spelling"]

# Letters with the signs that make another name of them. Signs after letters only and once: `18+`,
# `a+b` and `Item# 4` are none of these. A leading dot counts before capitals: `.pdf` is a kind of
# file, and whoever asks for pdf means it.
_SIGNED_NAME = re.compile(
    r"(?<![\w+#.])(?:[^\W\d_]{1,12}\+\+|[^\W\d_]#)(?![\w+#])|(?<![\w.])\.(?:[A-Z]{2,6}|net)(?!\w)"
)
# A sign belongs to a number unless a word, a digit or a bracket stands before it: `10-20`, `10 -20`
# and `B-4417` have none. A list mark written without a space (`-5 apples`) is taken for one.
_SIGNED_NUMBER = re.compile(
    r"(?:(?<![\w.,)\]%°\-–−])(?<!\d )[-–−](?:[$€£¥] ?)?|\b(?:minus|âm) )(\d+(?:[.,]\d+)*)"
)
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?![\d]|[.,]\d)")
# Runs of digits with at most two marks between. Tables of figures and spans of years match; what
# cannot be a number of a telephone, an account or an article is sorted out afterwards.
_RUNS = re.compile(
    rf"(?<![^\W{UNSPACED}])(?<![.,])\+?\(?\d+\)?(?:[ .\-/\u00a0\u2010-\u2013]{{1,2}}\(?\d+\)?)*"
    rf"(?![^\W{UNSPACED}])"
)
# Groups of a code with spaces between: in capitals, as codes are printed, or as people type them,
# where up to three letters may open a group of digits and two may stand alone.
_MARK = r"[ .\-/\u2010-\u2013]"
_GROUPED = re.compile(rf"(?<![^\W_])[A-ZĐ\d]{{1,6}}(?:{_MARK}[A-ZĐ\d]{{1,6}}){{1,8}}(?![^\W_])")
_TYPED = r"(?:[^\W\d_]{1,2}(?![^\W\d_])|[^\W\d_]{0,4}\d[^\W_]{0,5})"
_GROUPED_TYPED = re.compile(
    rf"(?<![^\W_])(?:[^\W\d_]{{1,4}}{_MARK})?{_TYPED}(?:{_MARK}{_TYPED}){{1,8}}(?![^\W_])"
)
_TRUNK = "(0)"
"""Of `+49 (0)30`: not dialled from abroad."""

_SHORTEST, _LONGEST = 7, 20
"""Digits of a telephone number without its area, and of the longest accounts."""

_TAIL = 8
"""Digits at the end of a telephone number that no prefix of a country or a network changes."""

# Looks back from the rarer character, which is several times faster than forth to it.
_JOINT = re.compile(
    r"[A-Z0-9_](?:(?<=[a-z][A-Z])|(?<=[A-Z]{2})(?=[a-z])|(?<=[^\W\d_]\d)|(?<=\d)(?=[^\W\d_])|"
    r"(?<=\w_)(?=\w))"
)
_TOKEN = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_MOST_PARTS = 8
"""Of a mixed word; hashes and keys have more."""

_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
_SIGN = re.compile(r"[+#.](?:(?<=[+#])|(?=[A-Z]{2}|net))")
_MINUS = re.compile(r"[-–−sm](?:(?<=minus)|(?<=âm))?(?: ?[$€£¥]? ?)\d")
_MAY_HOLD = re.compile(r"\d|[+#_]|[a-z][A-Z]|[A-Z]{2}[a-z]|\.(?:[A-Z]{2}|net)|[äöüøåÄÖÜØÅ]|\u0308")
"""Quick test: most sentences hold no form."""


@dataclass(frozen=True, slots=True)
class Form:
    """Something written, with the terms it is found by."""

    kind: Kind
    text: str
    stored: tuple[int, ...]
    """Terms a passage gets."""
    asked: tuple[int, ...]
    """Terms a question looks for; any of them is it."""
    words: tuple[str, ...] = ()
    """Normalised words that it stands for, where it is there."""
    parts: tuple[str, ...] = ()
    """Words it is made of, found by themselves as well."""


def find_forms(
    text: str,
    language: str,
    *,
    plain: str | None = None,
    codes: Sequence[Code] | None = None,
    is_query: bool = False,
    is_stored: bool = False,
) -> list[Form]:
    """Return the forms of a text.

    Args:
        text: In its own case.
        language: ISO 639-1 code, or "und".
        plain: The text normalised, where that is known.
        codes: Those of the text, where they are known.
        is_query: Whether codes may be in any case, as people type them.
        is_stored: Whether they are for an index: those of one version are alike, and have no number
            that a word multiplies.
    """
    found: list[Form] = []
    plain = normalise(text) if plain is None else plain
    if _MAY_HOLD.search(text):
        text = text if text.isascii() else unicodedata.normalize("NFKC", text)
        found += _apart(text)
        if _DIGIT.search(text):
            found += _days(plain, language)
            found += _numbers(text, {each.text for each in found})
            found += [] if is_stored else _scaled(plain)
            codes = find_codes(text, is_query=is_query) if codes is None else codes
            found += _codes(text, codes, is_query=is_query)
        found += _mixed(text, language)
    if language == "de" or (language != "vi" and has_umlaut(plain)):
        found += _spelled(plain, language)
    return found


def form_term(key: str) -> int:
    """Return the term of a form's key."""
    return term_id(hash64("form", key))


@lru_cache(maxsize=CACHED_WORDS)
def word_terms(word: str, language: str) -> frozenset[int]:
    """Return the terms of a word by itself, as a passage of the language stores them."""
    singles, pairs = passage_hashes([look_up(word)], language)
    return frozenset(map(term_id, (*singles, *pairs)))


def apart_words(forms: Iterable[Form]) -> Counter[str]:
    """Return how often each word stands in a form that makes another word of it."""
    return Counter(word for each in forms if each.kind == "apart" for word in each.words)


def _apart(text: str) -> Iterator[Form]:
    names = _SIGNED_NAME.finditer(text) if _SIGN.search(text) else ()
    for match in islice(names, MAX_FORMS):
        written = normalise(match.group())
        term = form_term(f"name {written}")
        yield Form("apart", match.group(), (term,), (term,), tuple(words(written)))
    numbers = _SIGNED_NUMBER.finditer(text) if _MINUS.search(text) else ()
    for match in islice(numbers, MAX_FORMS):
        number = match[1]
        bare = re.sub(r"[.,]", "", number) if _THOUSANDS.fullmatch(number) else number
        term = form_term(f"number -{bare.replace(',', '.')}")
        yield Form("apart", match.group().strip(), (term,), (term,), tuple(words(number)))


def _days(text: str, language: str) -> Iterator[Form]:
    for day in find_days(text, language):
        stored = tuple(form_term(key) for key in day.keys)
        asked = tuple(form_term(key) for key in day.asked)
        yield Form("day", day.written, stored, asked, tuple(words(day.written)))


def _numbers(text: str, taken: set[str]) -> Iterator[Form]:
    for match in islice(_THOUSANDS.finditer(text), MAX_FORMS):
        yield _digits(match.group(), re.sub(r"[.,]", "", match.group()))
    for match in islice(_RUNS.finditer(text), MAX_FORMS):
        written = match.group()
        groups = re.findall(r"\d+", written.replace(_TRUNK, " "))
        digits = "".join(groups)
        if not _SHORTEST <= len(digits) <= _LONGEST or written in taken:
            continue
        # A decimal number, a span of years, a row of figures.
        is_decimal = len(groups) == 2 and "." in written
        is_span = len(groups) == 2 and len(groups[0]) == len(groups[1]) == 4
        is_row = len(groups) > 7 or sum(len(group) == 1 for group in groups) > 2
        if not (is_decimal or is_span or is_row or _is_address(written)):
            yield _digits(written, digits)


def _scaled(plain: str) -> Iterator[Form]:
    """The numbers with a word that multiplies them: `60 triệu` by 60000000."""
    for written, digits in scaled_numbers(plain):
        # Not by their last digits: `5 tỷ` and `15 tỷ` end alike.
        terms = (term_id(look_up(digits).stem),)
        yield Form("number", written, terms, terms, tuple(words(written)))


def _is_address(written: str) -> bool:
    """Whether it is the address of a machine, whose dots count: 192.168.1.10 is no 192.168.110."""
    groups = written.split(".")
    is_even = len({len(group) for group in groups}) == 1  # a telephone number: 38.23.45.67
    return len(groups) == 4 and not is_even and all(g.isdigit() and int(g) < 256 for g in groups)


def _digits(written: str, digits: str) -> Form:
    terms = [term_id(look_up(digits).stem)]
    if len(digits) >= _TAIL:
        terms.append(form_term(f"tail {digits[-_TAIL:]}"))
    groups = tuple(words(normalise(written)))
    return Form("number", written, tuple(terms), tuple(terms), groups if len(groups) > 1 else ())


def _codes(text: str, codes: Sequence[Code], *, is_query: bool) -> Iterator[Form]:
    for code in codes:
        if _LETTER.search(code.key):
            yield _code(code.text, code.key.replace("-", ""))
    pattern = _GROUPED_TYPED if is_query else _GROUPED
    for match in islice(pattern.finditer(text), MAX_FORMS):
        groups = words(fold(normalise(match.group())))
        while groups and groups[0] in ENGLISH:
            groups.pop(0)
        while groups and groups[-1] in ENGLISH:
            groups.pop()
        joined = "".join(groups)
        digits = len(_DIGIT.findall(joined))
        # Four digits among letters: fewer are `Section 12 A`, none of both a row of figures.
        if len(groups) > 1 and digits >= 4 and digits < len(joined) <= _LONGEST * 2:
            yield _code(" ".join(groups), joined)
            # A word before it may say what it is: `IBAN DE89 3704`, `SKU AB 1234`.
            rest = groups[1:]
            if is_query and groups[0].isalpha() and any(map(str.isalpha, "".join(rest))):
                yield _code(" ".join(rest), "".join(rest))


def _code(written: str, joined: str) -> Form:
    term = form_term(f"code {joined}")
    # A code's words count beside it, as its number or its issuer may stand alone (`Thông tư 12`).
    inside = tuple(words(normalise(written))) if " " in written else ()
    return Form("code", written, (term,), (term,), inside)


def _mixed(text: str, language: str) -> Iterator[Form]:
    for written in _mixed_words(text):
        parts = tuple(map(normalise, _PART.findall(written)))
        if not 2 <= len(parts) <= _MOST_PARTS or _ORDINAL.fullmatch(written.lower()):
            continue
        whole = "".join(parts)[:MAX_WORD]
        stored = {one for part in parts for one in word_terms(part, language)}
        if "_" in written:
            stored |= word_terms(whole, language)
        asked = {*word_terms(whole, "en"), *word_terms(whole, "other")}
        yield Form("mixed", whole, tuple(stored), tuple(asked), (), parts)


def _mixed_words(text: str) -> Iterator[str]:
    """Words in which letters of two cases, letters and digits, or lines meet."""
    until = 0
    for joint in islice(_JOINT.finditer(text), MAX_FORMS):
        start = joint.start()
        if start < until:
            continue
        least = max(until, start - MAX_WORD)
        while start > least and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        if match := _TOKEN.match(text, start):
            until = match.end()
            yield match.group().strip("_")


def _spelled(plain: str, language: str) -> Iterator[Form]:
    for word in dict.fromkeys(words(plain)):
        if has_umlaut(word):
            yield _spelling(word, spelled_out(word), language)
        if language == "de":
            for part in parts_of_compound(word):
                terms = tuple(word_terms(part, language))
                yield Form("spelling", word, terms, (), (), (part,))


def _spelling(word: str, other: str, language: str) -> Form:
    stored = tuple(word_terms(other, language))
    asked = {*word_terms(other, "en"), *word_terms(other, "other")}
    return Form("spelling", word, stored, tuple(asked))
