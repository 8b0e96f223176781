"""Words of a question and the words documents have for the same: `fix` and `repair`.

People ask in everyday words, documents write formal ones. The thesauri are files of this package,
`thesaurus/LANGUAGE.txt`, one relation a line:

- `a = b = c`: each stands for every other;
- `a > b, c`: asked `a`, told `b` or `c`, and not the other way round.

A word that goes with another one in some documents only is left out, as that makes near misses of
it. Lines are not chained: `a > b` and `b > c` do not make `a > c`.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import permutations
from typing import NamedTuple

from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vietnamese import has_diacritics

LANGUAGES = ("en", "vi")

_LONGEST = 5
"""Words of the longest phrase that is looked for in a question."""

Key = tuple[str, ...]


class Synonym(NamedTuple):
    """Words of a question with the phrases that say the same."""

    asked: frozenset[str]
    """Lower case, as written."""
    told: tuple[str, ...]


def relations(text: str) -> Iterator[tuple[str, str]]:
    """Read a thesaurus.

    Args:
        text: In the form that the module describes; `#` begins a comment.

    Yields:
        A phrase that is asked, and one that is told for it.

    Raises:
        ValueError: A line is in none of the forms.
    """
    for number, line in enumerate(text.splitlines(), 1):
        relation = line.partition("#")[0].strip()
        if not relation:
            continue
        asked, arrow, told = relation.partition(">")
        if arrow:
            pairs = [(asked, one) for one in told.split(",")]
        else:
            pairs = list(permutations(relation.split("="), 2))
        if not pairs or not all(one.strip() and other.strip() for one, other in pairs):
            raise ValueError(f"line {number} is no relation: {line}")
        for one, other in pairs:
            yield one.strip(), other.strip()


def thesaurus(language: str) -> str:
    """Read the file of a language in `LANGUAGES`."""
    folder = files("citewell.engine.answering.asking").joinpath("thesaurus")
    return folder.joinpath(f"{language}.txt").read_text("utf-8")


@cache
def _table(language: str) -> dict[Key, tuple[str, ...]]:
    if language not in LANGUAGES:
        return {}
    by_phrase: dict[str, dict[str, None]] = {}
    for asked, told in relations(thesaurus(language)):
        by_phrase.setdefault(asked, {})[told] = None
    found: dict[Key, dict[str, None]] = {}
    for asked, told in by_phrase.items():  # `dress` and `dresses` have one key
        found.setdefault(_keys(asked, language), {}).update(told)
    return {key: tuple(told) for key, told in found.items()}


@cache
def _folded_table() -> dict[Key, tuple[str, ...]]:
    """The Vietnamese table for questions without tone marks: phrases only.

    Without marks a single syllable stands for too many words, and so does a phrase that two of
    them fold to (`thứ hai`, `thu hái`), unless these say the same themselves (`hàng`, `hằng năm`).
    """
    found: dict[Key, tuple[str, ...]] = {}
    unclear = set[Key]()
    for asked, told in _table("vi").items():
        key = tuple(map(fold, asked))
        if len(key) == 1:
            continue
        if key in found and not {" ".join(asked), *told} & set(found[key]):
            unclear.add(key)
        found[key] = tuple(dict.fromkeys((*found.get(key, ()), *told)))
    return {key: told for key, told in found.items() if key not in unclear}


def _keys(text: str, language: str) -> Key:
    found = words(normalise(text))
    return tuple(map(stem_english, found)) if language == "en" else tuple(found)


def _line(text: str, language: str) -> str:
    """The words of a text as they are compared, between spaces."""
    return f" {' '.join(_keys(text, language))} "


_phrase_line = cache(_line)
"""For phrases of the thesauri, of which there are few."""


def synonyms_in(question: str, language: str) -> Iterator[Synonym]:
    """Yield what documents may say for words of a question.

    Args:
        question: As asked.
        language: ISO 639-1 code.
    """
    written = words(normalise(question))
    keys = list(_keys(question, language))
    table = _table(language)
    if language == "vi" and not has_diacritics(normalise(question)):
        table, keys = _folded_table(), [fold(word) for word in written]
    for at in range(len(keys)):
        for size in range(_LONGEST, 0, -1):
            if told := table.get(tuple(keys[at : at + size])):
                yield Synonym(frozenset(written[at : at + size]), told)
                break


def said_otherwise(question: str, language: str, text: str) -> frozenset[str]:
    """Get the folded words of a question for which a text has a synonym."""
    line = _line(text, language)
    return frozenset(
        fold(word)
        for asked, told in synonyms_in(question, language)
        if any(_phrase_line(one, language) in line for one in told)
        for word in asked
    )


def only_otherwise(question: str, language: str, text: str) -> frozenset[str]:
    """Get the folded words of a question that a text holds by a synonym alone."""
    held = frozenset(map(fold, words(normalise(text))))
    stems = frozenset(map(stem_english, held)) if language == "en" else held
    return frozenset(
        word
        for word in said_otherwise(question, language, text)
        if word not in held and (language != "en" or stem_english(word) not in stems)
    )
