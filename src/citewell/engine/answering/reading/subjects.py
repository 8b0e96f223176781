"""Subjects a question cannot do without: its names, codes and years."""

import re
from collections.abc import Sequence
from functools import cache

from citewell.engine.answering.base import Passage, Question
from citewell.engine.lexical.codes import find_codes
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.stopwords import INFORMAL_VIETNAMESE, STOPWORDS

_WORD = re.compile(r"[^\W_]+")
_ENDS = frozenset(".?!")
_YEAR = re.compile(r"(?<![\w.,/-])(?:19|20)\d\d(?![\w/-])")
_CAPITALISED_ASKING = (
    "who when where which what how why is are do does did can may list name compare according i "
    "ai khi nao bao cong ty co so sanh dieu quy che theo trong phu cap"
)
_ASKING = frozenset(_CAPITALISED_ASKING.split())
"""Words that are capitalised for where they stand, not for what they are."""


def names_of(question: Question) -> frozenset[int]:
    """Get the positions in `question.terms` of the words that are names, codes or years."""
    called = {fold(word.lower()) for word in capitalised(question.text)}
    return frozenset(
        at
        for at, term in enumerate(question.terms)
        if _is_year(term.text)
        or _is_code(term.text)
        or called.issuperset(fold(term.text.lower()).split())
    )


def _is_year(text: str) -> bool:
    return _YEAR.fullmatch(text) is not None


def _is_code(text: str) -> bool:
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)


def capitalised(text: str) -> list[str]:
    """Get the words with a capital that do not begin a sentence; none where all have one."""
    words = list(_WORD.finditer(text))
    found: list[str] = []
    for at, word in enumerate(words):
        written = word.group()
        if not written[0].isupper() or fold(written.lower()) in _ASKING:
            continue
        begins = at == 0 or not _ENDS.isdisjoint(text[words[at - 1].end() : word.start()])
        if begins and not (len(written) > 1 and written.isupper()):
            continue
        found.append(written)
    return found if len(found) < max(len(words), 2) else []


def absent(question: Question, passages: Sequence[Passage], held: frozenset[int]) -> list[str]:
    """Get the names, codes and years of a question that the cited passages do not hold.

    Args:
        question: As asked.
        passages: What the answer cites.
        held: Positions of the terms that these passages hold, titles and headings included.
    """
    names = names_of(question) - held
    missing = [
        question.terms[at].text for at in sorted(names) if " " not in question.terms[at].text
    ]
    if not missing:
        return []
    text = "\n".join(
        "\n".join((one.title, *one.heading, one.names, one.context, one.text)) for one in passages
    )
    plain = fold(normalise(text))
    stems = {stem_english(word) for word in _WORD.findall(plain)}
    codes = {code.key for code in find_codes(text)}
    return [
        word
        for word in missing
        if fold(word.lower()) not in plain
        and stem_english(fold(word.lower())) not in stems
        and not any(code.key in codes for code in find_codes(word, is_query=True))
    ]


def is_function_word(text: str, language: str) -> bool:
    """Whether a term of a question tells nothing of its subject."""
    listed = STOPWORDS.get(language, frozenset[str]())
    # Without accents `the` may be `thể`; `thẻ`, a card, never is.
    folded = _folded(language)
    return all(word in listed or word in folded for word in text.split())


@cache
def _folded(language: str) -> frozenset[str]:
    informal = INFORMAL_VIETNAMESE if language == "vi" else frozenset[str]()
    return informal.union(fold(word) for word in STOPWORDS.get(language, frozenset[str]()))
