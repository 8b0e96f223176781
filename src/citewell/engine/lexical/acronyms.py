# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Acronyms and what they stand for, as a text itself says: `data protection officer (DPO)`.

A passage gets the acronym as a term where it has the words, and the words where it has the acronym,
as far as its document defines them; and the initials of names in capitals (`Data Protection
Officer`), which need no definition. So each is found by the other at no cost to the search.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from citewell.engine.text.normalisation import fold, normalise, words

MAX_LETTERS = 6
MAX_DEFINITIONS = 200
"""Per document; a glossary has more, but its lines are found by their own words."""

_MOST_MATCHES = 400
"""Brackets and runs looked at in a text, which bounds a hostile one."""

_ACRONYM = r"[A-ZĐ][A-ZĐ0-9&]{1,5}"
# The acronym in brackets after its words, also with quotation marks or a lead-in: sau đây gọi là,
# hereinafter. The words before are taken apart afterwards.
_DEFINED = re.compile(rf"[(（][^()（）\n]{{0,40}}?[\"“'‘]?\b({_ACRONYM})s?[\"”'’]?[)）]")
# The other way round, acronym first.
_EXPLAINED = re.compile(rf"\b({_ACRONYM})\s?\(([^()\n]{{5,120}})\)")
_WORD = re.compile(r"[^\W\d_]+")
_LOOK_BACK = 120
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|\n")


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Left out of acronyms: `Department of Motor Vehicles`, `Bộ Giáo dục và Đào tạo`.
_SMALL = _words("of and the for in on to de la du und der và của về cho")
# Words that open a sentence in capitals before a name does.
_OPENERS = _words("the a an this that these our your its in at on for if when as by")

# Runs of an ASCII text, found without looking at each of its words; `_TOKEN` reads the others.
_GAP = rf"(?:[^\S\n]|_)+(?:(?:{'|'.join(sorted(w for w in _SMALL if w.isascii()))})(?:[^\S\n]|_)+)*"
_NAME = r"[A-Z][0-9A-Za-z]*"
_RUN = re.compile(rf"(?<![0-9A-Za-z]){_NAME}(?:{_GAP}{_NAME}){{2,}}")
_IN_RUN = re.compile(rf"(?<![0-9A-Za-z]){_NAME}")

Definitions = Mapping[str, tuple[str, ...]]
"""Acronym in lower case -> the words it stands for, normalised."""


def is_acronym(word: str) -> bool:
    """Whether a word of a text, in its own case, is written as acronyms are."""
    return re.fullmatch(_ACRONYM, word) is not None


def definitions_in(text: str) -> dict[str, tuple[str, ...]]:
    """The acronyms that a text defines."""
    found: dict[str, tuple[str, ...]] = {}
    if "(" not in text and "（" not in text:
        return found
    for match in islice(_DEFINED.finditer(text), _MOST_MATCHES):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()].rpartition("\n")[2]
        named = _expansion(match[1], _WORD.findall(before))
        if named:
            found.setdefault(match[1].lower(), named)
    for match in islice(_EXPLAINED.finditer(text), _MOST_MATCHES):
        inside = _WORD.findall(match[2])
        named = _expansion(match[1], inside)
        if named and len(named) == len(inside):
            found.setdefault(match[1].lower(), named)
    return found


def _expansion(acronym: str, before: list[str]) -> tuple[str, ...]:
    """The last words that begin with the letters of an acronym; empty if they do not."""
    letters = [fold(normalise(letter)) for letter in acronym if letter.isalpha()]
    at = len(before)
    for letter in reversed(letters):
        at -= 1
        while at >= 0 and before[at].lower() in _SMALL and _initial(before[at]) != letter:
            at -= 1
        if at < 0 or _initial(before[at]) != letter:
            return ()
    return tuple(normalise(word) for word in before[at:])


def _initial(word: str) -> str:
    return fold(normalise(word[0]))


def acronyms_of(text: str, known: Definitions) -> Iterator[str]:
    """The acronyms of what a passage names in words, in lower case, with repetitions."""
    for run in _runs(text):
        yield from _initials(run)
    spaced = f" {' '.join(words(normalise(text)))} " if known else ""
    for acronym, named in known.items():
        for _ in range(spaced.count(f" {' '.join(named)} ")):
            yield fold(acronym)


def _runs(text: str) -> Iterator[list[str]]:
    """Capitalised words with at most small ones between; of an ASCII text those of three words."""
    if text.isascii():
        for match in _RUN.finditer(text):
            yield _IN_RUN.findall(match.group())
        return
    run: list[str] = []
    for word in [*_TOKEN.findall(text), "\n"]:
        if word[0].isupper():
            run.append(word)
        elif run and word.lower() not in _SMALL:
            yield run
            run = []


def _initials(run: list[str]) -> Iterator[str]:
    """The acronym of a run of capitalised words, if it may be a name.

    Two words are mostly a person; the initials of three seldom are one.
    """
    opener = 1 if run and run[0].lower() in _OPENERS else 0
    named = [word for word in run[opener:] if word.lower() not in _SMALL]
    if 3 <= len(named) <= MAX_LETTERS and not all(word.isupper() for word in named):
        yield "".join(_initial(word) for word in named)


def words_behind(text: str, known: Definitions) -> Iterator[tuple[str, ...]]:
    """The words of the acronyms that a passage has without them."""
    if not known:
        return
    written = set(re.findall(rf"\b{_ACRONYM}\b", text))
    spaced = f" {' '.join(words(normalise(text)))} "
    for acronym, named in known.items():
        if acronym.upper() in written and f" {' '.join(named)} " not in spaced:
            yield named
