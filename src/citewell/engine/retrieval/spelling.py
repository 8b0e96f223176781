"""Other spellings of a question's words that the library does not know, taken from its own.

A slip of the finger (`vacaton`), and words written apart or together (`wifi`, `wi-fi`, `wi fi`;
`hanoi`, `ha noi`). The index knows terms by their hash alone, so there is no vocabulary to compare
with: the spellings that are near are made here, and the index is asked which of them there are.
What is asked is what the caller may find, so nothing is told of other documents.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_lowercase
from typing import Literal

from citewell.engine.embedding.vocabulary import is_frequent_word
from citewell.engine.lexical import acronyms
from citewell.engine.lexical.base import Namespace, QueryTerm
from citewell.engine.lexical.bm25 import acronym_term
from citewell.engine.lexical.terms import hash64, look_up, pair, term_id
from citewell.engine.retrieval.analysis import QueryAnalysis, function_words
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.stopwords import ENGLISH
from citewell.engine.text.vietnamese import folded_key, is_syllable

MIN_SLIP = 4
"""Shorter words have too many neighbours: `pay`, `day`, `way`."""

MIN_TWO_SLIPS = 8
"""From this length two slips are looked for, where no word is one away."""

MAX_FAR_LETTERS = 14
"""Up to this length: the spellings grow with its square, from 4,000 to 12,000."""

MOST_FAR = 16_000
"""Spellings two slips away for all words of a question; a word that exceeds them has none."""

MAX_LETTERS = 20
"""Longer words are chemical names and codes; each letter costs 54 spellings to ask for."""

MAX_UNKNOWN = 2
"""Unknown words of a question that are looked into. One with more of them, or with more than half
of its words (`wi fi password` has two of three), is about something else or in another language."""

MOST_SPELLINGS = 2
"""Spellings taken for one word: `complaint` and `compliant` are as near to a slip of either."""

SPELLING_SHARE = 0.8
"""Weight of another spelling, as a share of the word's own."""

SURE_CHUNKS = 10_000
"""Size of a library from which a spelling must occur `SURE_COUNT` times.

Of 500 spellings one meets a term of another word by the chance of hashing (2**29 ids) in a library
of a million terms; most terms occur once or twice, so three occurrences tell them apart.
"""

SURE_COUNT = 3

_CLITICS = frozenset(("s", "t", "d", "m", "ll", "re", "ve"))
"""Letters that apostrophes cut off (`canteen's`, `don't`), no words to be looked into."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """Another way to write a word, or two neighbouring ones, of a question."""

    word: str
    """As the question has it; two words with a space."""
    written: str
    how: Literal["slip", "spacing", "acronym"]
    namespace: Namespace
    ids: tuple[int, ...]
    """Its terms; all must be there."""
    is_far: bool = False
    """Whether it is two slips away: of thousands of these one may be another word's by hashing, so
    that what is found must be seen to hold it."""


@dataclass(frozen=True, slots=True)
class Respelling:
    """Spellings of the library that stand for unknown words of a question."""

    spellings: tuple[Spelling, ...]
    terms: tuple[QueryTerm, ...]
    """Terms that are looked for besides."""
    frequency: Mapping[int, int]
    """Of these terms."""


def content_terms(analysis: QueryAnalysis) -> dict[str, list[int]]:
    """The terms of each word that may be misspelt, by word: no numbers, codes, function words."""
    skipped = function_words(analysis.language) | ENGLISH | _CLITICS
    words = {
        word
        for word in analysis.words
        if word.isalpha() and look_up(word).is_latin and word not in skipped
    }
    found = defaultdict[str, list[int]](list)
    for term in analysis.terms:
        if term.text in words and term.namespace != "code":
            found[term.text].append(term.id)
    return dict(found)


def unknown_words(terms: Mapping[str, Sequence[int]], known: Collection[int]) -> list[str]:
    """Words of which no term is known; none if there are too many for slips.

    Args:
        terms: As `content_terms` gives them.
        known: Terms that the caller's passages hold.
    """
    unknown = [word for word, ids in terms.items() if not any(one in known for one in ids)]
    is_known = len(terms) <= MAX_UNKNOWN or 2 * len(unknown) <= len(terms) + 1
    return unknown if is_known and len(unknown) <= MAX_UNKNOWN else []


def spellings_of(analysis: QueryAnalysis, unknown: Sequence[str]) -> list[Spelling]:
    """All spellings near the unknown words of a question."""
    found: list[Spelling] = []
    for first, second in pairwise(analysis.words):
        is_near = first in unknown or second in unknown
        if is_near and first.isalpha() and second.isalpha():
            found += _joined(first, second)
    for word in unknown:
        if 2 <= len(word) <= acronyms.MAX_LETTERS:
            term = acronym_term(fold(word))
            found.append(Spelling(word, word.upper(), "acronym", "acronym", (term,)))
        found += _divided(word)
        bare = fold(word)
        if MIN_SLIP <= len(bare) <= MAX_LETTERS:
            found += _slips(word, bare, analysis.language)
    return found


def far_spellings(analysis: QueryAnalysis, words: Iterable[str]) -> list[Spelling]:
    """The spellings two likely slips away from words, in the index' English and other terms.

    All pairs of slips would be 90,000 for eight letters. A finger leaves a letter out, doubles it,
    hits its neighbour or exchanges it with the next; a writer takes one vowel for another, or
    forgets one. The first letter is right.

    A frequent word and a name are no slips, however near another word is (`prosecution`,
    `persecution`), nor is a word with a prefix or ending for another of its kind (`hypertension`,
    `hypotension`) or with a syllable more (`Australia`, `Austria`).
    """
    found: list[Spelling] = []
    left = MOST_FAR
    for word in dict.fromkeys(words):
        bare = fold(word)
        if analysis.language == "vi" or not _may_be_far(bare) or _is_name(word, analysis):
            continue
        near = _likely(bare)
        far = {bare[0] + each for one in near for each in _likely(one[1:], is_rest=True)}
        shorter = {bare[:at] + bare[at + 2 :] for at in range(1, len(bare) - 1)}
        prefixes, endings = _opposites(bare)
        spellings = sorted(
            each
            for each in far - near - shorter - {bare}
            if not (each.startswith(prefixes) or each.endswith(endings))
        )
        if len(spellings) > left:
            continue
        left -= len(spellings)
        for written in spellings:
            found += _terms_of(word, written, is_far=True)
    return found


def _may_be_far(bare: str) -> bool:
    is_long = MIN_TWO_SLIPS <= len(bare) <= MAX_FAR_LETTERS
    return is_long and bare.isascii() and bare.isalpha() and not is_frequent_word(bare)


def _is_name(word: str, analysis: QueryAnalysis) -> bool:
    """Whether a word is written as a name, with a capital letter behind the first word."""
    if analysis.language == "de":
        return False
    written = re.findall(rf"(?<=\S )\W*({re.escape(word)})(?!\w)", analysis.text, re.IGNORECASE)
    others = re.findall(r"(?<=\S )\W*([^\W\d_]+)", analysis.text)
    # Of a title, or a question in capitals, they tell nothing.
    is_told = any(each[0].islower() for each in others)
    return bool(written) and is_told and all(each[0].isupper() for each in written)


_PREFIXES = (
    ("hyper", "hypo"), ("inter", "intra", "intro"), ("per", "pro", "pre"),
    ("super", "supra", "sub"), ("macro", "micro"), ("extra", "exo"), ("ante", "anti"),
    ("mono", "multi"), ("bienn", "biann"), ("para", "peri"),
)  # fmt: skip
_SUFFIXES = (
    (("er", "or", "ers", "ors"), ("ee", "ees")), (("ate", "ite", "ates", "ites"), ("ide", "ides")),
    (("ful",), ("less",)),
)  # fmt: skip
"""Beginnings and ends of words that mean something else instead of one another."""


def _opposites(asked: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Prefixes and endings that a word has others of the same kind in place of."""
    prefixes = [
        each
        for kinds in _PREFIXES
        if asked.startswith(kinds)
        for each in kinds
        if not asked.startswith(each)
    ]
    endings = [
        ending
        for kinds in _SUFFIXES
        if any(asked.endswith(each) for each in kinds)
        for each in kinds
        if not asked.endswith(each)
        for ending in each
    ]
    return tuple(prefixes), tuple(endings)


def seen(spelling: Spelling, texts: Iterable[str]) -> bool:
    """Whether some text has a word of a spelling."""
    stem = stem_english(spelling.written)
    return any(
        fold(word) == spelling.written or stem_english(fold(word)) == stem
        for text in texts
        for word in words(normalise(text))
    )


def respell(
    analysis: QueryAnalysis,
    spellings: Sequence[Spelling],
    frequency: Mapping[int, int],
    chunk_count: int,
) -> Respelling:
    """Choose among the spellings those that the library has.

    Args:
        analysis: The question.
        spellings: As `spellings_of` gives them.
        frequency: Their terms that the caller's passages hold, with the number of passages.
        chunk_count: Passages of the library.
    """
    least = SURE_COUNT if chunk_count > SURE_CHUNKS else 1
    by_word = defaultdict[str, list[Spelling]](list)
    for each in spellings:
        if min(frequency.get(one, 0) for one in each.ids) >= least:
            by_word[each.word].append(each)
    chosen: list[Spelling] = []
    settled: set[str] = set()
    # Pairs come before their words: what is written together is no slip of either part.
    for word, found in sorted(by_word.items(), key=lambda item: " " not in item[0]):
        if not settled & {word, *word.split()}:
            chosen += _best(word, found, frequency)
            settled |= {word, *word.split()}
    return _taken(analysis, chosen, frequency)


def without_far(analysis: QueryAnalysis, found: Respelling, words: Collection[str]) -> Respelling:
    """A respelling without the spellings of some words that are two slips away."""
    kept = [each for each in found.spellings if not (each.is_far and each.word in words)]
    return _taken(analysis, kept, found.frequency)


def _taken(
    analysis: QueryAnalysis, chosen: Sequence[Spelling], frequency: Mapping[int, int]
) -> Respelling:
    boosts = _boosts(analysis)
    terms: dict[int, QueryTerm] = {}
    for each in chosen:
        boost = SPELLING_SHARE * max(boosts.get(part, 1.0) for part in each.word.split())
        for one in each.ids:
            terms.setdefault(one, QueryTerm(one, each.written, each.namespace, 1, boost))
    counts = {one: frequency[one] for one in terms}
    return Respelling(tuple(chosen), tuple(terms.values()), counts)


def _boosts(analysis: QueryAnalysis) -> dict[str, float]:
    boosts: dict[str, float] = {}
    for term in analysis.terms:
        boosts[term.text] = max(boosts.get(term.text, 0.0), term.boost)
    return boosts


def _best(word: str, found: list[Spelling], frequency: Mapping[int, int]) -> list[Spelling]:
    exact = [each for each in found if each.how != "slip"]
    if exact:
        return [max(exact, key=lambda each: min(frequency[one] for one in each.ids))]
    # The first letter is rarely wrong (Pollock and Zamora 1984: 3 to 8 % of slips); then the more
    # frequent word is the likelier one (Norvig 2007).
    # Of forms with one stem the longest is shown: `vacation` rather than `vacator`.
    found.sort(
        key=lambda each: (
            each.written[0] != word[0], -frequency[each.ids[0]], -len(each.written), each.written
        )
    )  # fmt: skip
    best: dict[tuple[int, ...], Spelling] = {}
    for each in found:
        if each.written[0] == word[0] or not best:
            best.setdefault(each.ids, each)
    return list(best.values())[:MOST_SPELLINGS]


def _joined(first: str, second: str) -> Iterator[Spelling]:
    word = f"{first} {second}"
    bare = fold(first + second)
    if len(bare) <= MAX_LETTERS and bare.isascii():
        yield Spelling(word, bare, "spacing", "en", (_stem_id(bare),))
        yield Spelling(word, bare, "spacing", "other", (term_id(hash64("other", bare)),))


def _divided(word: str) -> Iterator[Spelling]:
    bare = fold(word)
    for at in range(2, len(bare) - 1) if len(bare) <= MAX_LETTERS else ():
        first, second = bare[:at], bare[at:]
        written = f"{first} {second}"
        if is_syllable(first) and is_syllable(second):
            folded = pair(look_up(first).folded, look_up(second).folded)
            yield Spelling(word, written, "spacing", "folded", (term_id(folded),))
        elif first not in ENGLISH and second not in ENGLISH:
            # Parts that are function words are everywhere: `another` is no `an other`.
            yield Spelling(word, written, "spacing", "en", (_stem_id(first), _stem_id(second)))


def _slips(word: str, bare: str, language: str) -> Iterator[Spelling]:
    for near in _edits(bare):
        if near in ENGLISH or len(near) < MIN_SLIP - 1:
            continue
        yield from _terms_of(word, near)
        if language == "vi" and is_syllable(near):
            folded = term_id(hash64("folded", folded_key(near)))
            yield Spelling(word, near, "slip", "folded", (folded,))


def _terms_of(word: str, written: str, *, is_far: bool = False) -> Iterator[Spelling]:
    """A spelling by the terms of English passages, and of those in other languages."""
    yield Spelling(word, written, "slip", "en", (_stem_id(written),), is_far)
    yield Spelling(word, written, "slip", "other", (term_id(hash64("other", written)),), is_far)


_VOWELS = "aeiou"
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for at, key in enumerate(row):
            beside = row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
            above = _ROWS[number - 1][at : at + 2] if number else ""
            below = _ROWS[number + 1][max(at - 1, 0) : at + 1] if number < 2 else ""
            found[key] = beside + above + below
    return found


_NEAR_KEYS = _neighbours()
"""Key of an English keyboard -> those beside it."""


def _likely(word: str, *, is_rest: bool = False) -> set[str]:
    """Words one likely slip away, with the same first letter unless the word is only the rest."""
    first = 0 if is_rest else 1
    edits: set[str] = set()
    for at in range(first, len(word) + 1):
        head, tail = word[:at], word[at:]
        edits |= {head + letter + tail for letter in _VOWELS}
        if head:
            edits.add(head + head[-1] + tail)
        if not tail:
            continue
        edits.add(head + tail[1:])
        if len(tail) > 1:
            edits.add(head + tail[1] + tail[0] + tail[2:])
        others = _NEAR_KEYS.get(tail[0], "") + (_VOWELS if tail[0] in _VOWELS else "")
        edits |= {head + letter + tail[1:] for letter in others}
    return edits - {word}


def _edits(word: str) -> set[str]:
    """Words one slip away: a letter left out, added, changed, or two in the wrong order."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    edits = {head + tail[1:] for head, tail in parts if tail}
    edits |= {head + tail[1] + tail[0] + tail[2:] for head, tail in parts if len(tail) > 1}
    for letter in ascii_lowercase:
        edits |= {head + letter + tail[1:] for head, tail in parts if tail}
        edits |= {head + letter + tail for head, tail in parts}
    return edits - {word}


def _stem_id(bare: str) -> int:
    return term_id(hash64("en", stem_english(bare)))
