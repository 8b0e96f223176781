"""Parts of a group: `new members`, `trẻ em dưới 6 tuổi`.

What holds of one part says nothing of another: that new members pay nothing does not tell what old
ones pay.
"""

import re
from collections.abc import Iterator

from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vietnamese import has_diacritics

_ENGLISH = (
    "old new",
    "former current",
    "full half part premium basic standard trial honorary junior senior associate gold silver "
    "regular",
    "internal external",
    "indoor outdoor",
    "domestic foreign international",
    "temporary permanent",
    "day night",
    "morning afternoon evening",
    "summer winter",
    "paid unpaid",
    "upper lower",
    "front rear",
    "first second third fourth",
)
"""Words before a noun of which one excludes the others."""

_VIETNAMESE = (
    ("cũ", "mới"),
    ("nội trú", "ngoại trú"),
    ("trong nước", "ngoài nước", "nước ngoài"),
    ("chính thức", "thử việc", "thời vụ", "tạm thời"),
    ("toàn thời gian", "bán thời gian"),
    ("thường", "cao cấp", "vip"),
    ("nam", "nữ"),
)
"""The same behind a noun."""

_INCLUDING = re.compile(r"\b(?:including|even|ke ca|bao gom|gom)\b")
"""Behind it stand parts of a whole that is meant: they narrow nothing."""

_MOST_CHARS = 600
"""So much of a question and of a statement is read: parts are compared pair by pair."""

_PEOPLE = re.compile(
    r"\b(?:members?|customers?|clients?|visitors?|guests?|students?|pupils?|tenants?|users?|"
    r"patients?|residents?|employees?|staff|growers?|adults?|children|child|kids|people|persons?|"
    r"seniors?|others|thanh vien|khach hang|khach|nhan vien|hoc vien|hoc sinh|sinh vien|"
    r"benh nhan|doc gia|ho vien|xa vien|cu dan|tre em|nguoi lon|nguoi)\b"
)
_LOW = r"(?P<low>from|over|above|tren|tu|du)"
_TOP = r"(?P<top>under|below|up to|duoi|den)"
_AGE = re.compile(
    rf"\b(?:{_LOW}|{_TOP}) (?:the age of |age )?(?P<years>\d{{1,3}})s?\b"
    r"(?= (?:tuoi|years?)\b|[;,.)]|$| (?:is|are|pay|get|enter|may|can|come)\b)"
)
_YEARS = re.compile(r"\b(\d{1,3})[- ](?:years?\b|tuoi\b)")


def is_of_another_part(question: str, text: str, language: str) -> bool:
    """Whether a text is of another part of the group that a question asks about.

    Args:
        question: As asked.
        text: A statement.
        language: ISO 639-1 code of the question.

    Returns:
        True where both have words that exclude one another beside the same noun (`old members`,
        `new members`), and the text does not have the question's there as well.
    """
    is_folded = language == "vi" and not has_diacritics(normalise(question))
    asked = frozenset(_parts(question, language, is_folded=is_folded))
    is_bare = language == "vi" and not has_diacritics(normalise(text))
    told = frozenset(_parts(text, language, is_folded=is_bare))
    return any(
        family == other_family and noun == other_noun and word != other
        for family, noun, word in asked - told
        for other_family, other_noun, other in told - asked
        if (family, other_noun, word) not in told
    )


def _parts(text: str, language: str, *, is_folded: bool) -> Iterator[tuple[int, str, str]]:
    """Yield the family, the noun and the excluding word of each part that a text names."""
    said = words(normalise(text[:_MOST_CHARS]))
    if language == "vi":
        line = " ".join(fold(word) for word in said) if is_folded else " ".join(said)
        for at, family in enumerate(_VIETNAMESE):
            for word in family:
                wanted = fold(word) if is_folded else word
                for match in re.finditer(rf"(?<!\S)(\S{{1,12}}) {wanted}(?!\S)", line):
                    yield at, fold(match[1]), fold(word)
        return
    for at, family in enumerate(_ENGLISH):
        members = family.split()
        for place, word in enumerate(said[:-1]):
            if word in members:
                yield at, stem_english(said[place + 1]), word


def narrowed(question: str, text: str, language: str) -> int | None:
    """Get where a text names a part of a group that the question does not name.

    Args:
        question: As asked.
        text: A statement.
        language: ISO 639-1 code of the question.

    Returns:
        Its place in the folded text, None where it names none. An age that the question gives is
        compared: nine is not under six.
    """
    plain = fold(normalise(text[:_MOST_CHARS]))
    asked = fold(normalise(question[:_MOST_CHARS]))
    years = [int(one) for one in _YEARS.findall(asked) if one]
    for match in _AGE.finditer(plain):
        limit = int(match["years"])
        if match.group() in asked:
            continue
        if years and all((one < limit) == bool(match["top"]) for one in years):
            continue
        return match.start()
    is_bare = language == "vi" and not has_diacritics(normalise(text))
    is_folded = language == "vi" and not has_diacritics(normalise(question))
    known = frozenset(_parts(question, language, is_folded=is_folded))
    told = list(_parts(text, language, is_folded=is_bare))
    if not known.isdisjoint(told):
        return None
    for _, noun, word in told:
        pattern = rf"\b{noun} {word}\b" if language == "vi" else rf"\b{word} {noun}"
        found = re.search(pattern, plain)
        if found and _INCLUDING.search(plain, 0, found.start()):
            return None
        if found and _PEOPLE.search(plain[max(found.start() - 8, 0) : found.end() + 6]):
            return found.start()
    return None


def names_people(question: str) -> bool:
    """Whether a question is asked of some people."""
    return _PEOPLE.search(fold(normalise(question))) is not None
