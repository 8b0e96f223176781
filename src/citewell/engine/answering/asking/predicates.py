"""Predicates that a question for yes or no asks of its subject: is it free, allowed, open.

`A phone that is used in class is kept` has all words of `Is a phone allowed in class?` but the one
that is asked.
"""

import re

from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.text.stemming import stem_english

_FREE = (
    r"\bfree\b(?! (?:from|of(?! charge)|to enter into)\b)|\bgratis\b|\bcomplimentary\b|"
    r"\b(?:no|without) (?:charge|fee)\b|\bmien phi\b|\bkhong (?:mat|thu|tinh|ton) (?:phi|tien)\b"
)
_PAY = (
    r"\b(?:pay|pays|paid|payable|costs?|charge[sd]?|fees?)\b|"
    r"\b(?:tra|nop|dong|mat|thu|tinh|ton|chiu) (?:them )?(?:phi|tien|le phi|cuoc)\b"
)
_CLASSES = (
    # Patterns that ask, and that tell it or its contrary. Folded text in two languages.
    (_FREE, _FREE),
    (_PAY, rf"{_PAY}|\b(?:phi|gia|thu)\b.{{0,20}}\d"),
    (
        r"\b(?:allowed|permitted|welcome|forbidden|prohibited|banned)\b",
        r"\b(?:allowed|permitted|welcome|may|can|cannot|must not|forbidden|prohibited|banned|"
        r"refused|excluded|permits?|permission|consent|approval|never|not)\b|^no\b",
    ),
    (
        r"\b(?:required|necessary|mandatory|obligatory|compulsory|needed)\b",
        r"\b(?:required|requires?|necessary|mandatory|obligatory|compulsory|need(?:s|ed)?|must|"
        r"ha(?:s|ve) to|shall|without|optional|voluntary)\b",
    ),
    (r"\b(?:duoc phep|cho phep)\b", r"\b(?:duoc|cho phep|co the|cam|khong)\b"),
)
_NOT_CHARGED = re.compile(_FREE)
_NOT_PAID = re.compile(r"\bfree\b|\bmien phi\b|\bgratis\b")
"""Answers whether one pays with its contrary, and needs no yes before it."""

_COPULA = re.compile(r"^(?:is|are|was|were) (?!there\b|it\b|this\b|that\b|these\b)(.+)$")
_PHRASE = re.compile(
    r" (?:in|on|at|for|to|by|with|from|of|during|after|before|until|without|when|if|between|under|"
    r"over|near|inside|outside|as|than|per|about|every|each|or|and)\b.*$"
)
_WORD = re.compile(r"[^\W_]+")


def is_listed(word: str) -> bool:
    """Whether a folded word is one of the predicates that are listed: `allowed`, `free`."""
    return any(re.fullmatch(asking, word) for asking, _ in _CLASSES)


def asks_listed(asked: str) -> bool:
    """Whether a folded question asks with one of the predicates that are listed."""
    return any(re.search(asking, asked) for asking, _ in _CLASSES)


def tells_listed(asked: str, told: str) -> bool:
    """Whether a text tells what a question asks with a listed word; true where it has none.

    Args:
        asked: The question, folded.
        told: The text, folded.
    """
    return all(
        re.search(telling, told) is not None
        for asking, telling in _CLASSES
        if re.search(asking, asked)
    )


def tells_predicate(question: str, asked: str, told: str, language: str) -> bool:
    """Whether a clause tells what a question for yes or no asks of its subject.

    Args:
        question: As asked.
        asked: The same folded.
        told: The main clause of a statement, folded.
        language: ISO 639-1 code of the question.
    """
    if not tells_listed(asked, told):
        return False
    if re.search(_PAY, _NOT_CHARGED.sub(" ", asked)) and _NOT_PAID.search(told):
        return re.search(_FREE, asked) is not None
    if language != "en" or asks_listed(asked):
        return True
    match = _COPULA.match(asked.rstrip("?! ."))
    said = _WORD.findall(_PHRASE.sub("", match[1])) if match else []
    if len(said) < 2:
        return True  # the subject alone is left, or nothing
    last = said[-1]
    stems = frozenset(stem_english(word) for word in _WORD.findall(told))
    return stem_english(last) in stems or last in said_otherwise(question, language, told)
