"""People and places as answers: names, and the posts that stand for a person."""

import re
from itertools import pairwise

from citewell.engine.answering.asking.kinds import Asked, Kind
from citewell.engine.text.normalisation import fold, normalise

_WORD = re.compile(r"[^\W\d_][\w'’&-]*")  # noqa: RUF001 - a typographic apostrophe is meant
_POSTS = re.compile(
    r"\b(?:managers?|directors?|officers?|heads?|chairs?|chairman|presidents?|ministers?|"
    r"secretar(?:y|ies)|engineers?|teams?|board|committee|council|staff|employees?|owners?|leaders?|"
    r"executive|king|queen|doctor|nurse|company|department|party|parties|supplier|buyer|"
    r"everyone|everybody|anyone|anybody|nobody|giam doc|truong|chu tich|phong|quan ly|can bo|"
    r"nhan vien|nguoi|van thu|ke toan|cong ty|hoi dong|ban|bo phan|thu ky|ky su)\b"
)
_DAY = re.compile(
    r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|January|February|March|April|May|June|July|"
    r"August|September|October|November|December|Thứ (?:Hai|Ba|Tư|Năm|Sáu|Bảy)|Chủ [Nn]hật)\b"
)
"""Capitalised words that name no person and no place."""

_PLACE = re.compile(
    r"\b(?:in|at|on|near|behind|beside|next to|inside|under|between|from|o|tai|trong|ngoai|"
    r"gan|ben|phia|nha|tang|phong|ke|tu|kho|cong) \w"
)


def offers(asked: Asked, text: str, known: frozenset[str]) -> float:
    """How far a text offers a name that the question does not hold, 0 to 1."""
    if _has_new_name(text, known):
        return 1.0
    plain = fold(normalise(text))
    if asked.kind is Kind.PLACE:
        return 0.6 if _PLACE.search(plain) else 0.0
    # `an outside firm` does not tell which firm, nor `the chair` who the chair is.
    posts = (match.group() for match in _POSTS.finditer(plain))
    return 0.6 if any(not known.issuperset(post.split()) for post in posts) else 0.0


def _has_new_name(text: str, known: frozenset[str]) -> bool:
    """Whether a capitalised word that does not begin the text is new to the question."""
    text = _DAY.sub(lambda match: "-" * len(match.group()), text)
    words = list(_WORD.finditer(text))
    for before, word in pairwise(words):
        plain = fold(normalise(word.group()))
        if not word.group()[0].isupper() or plain in known:
            continue
        between = text[before.end() : word.start()]
        begins = not {".", "\n", ";", "|"}.isdisjoint(between)  # of a sentence, or a column's name
        if not begins or (len(word.group()) > 1 and word.group().isupper()):
            return True
    return (
        len(words) > 1
        and words[0].group()[0].isupper()
        and (words[1].group()[0].isupper() and fold(normalise(words[0].group())) not in known)
    )
