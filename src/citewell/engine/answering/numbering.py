"""Things of a series told apart by their numbers: workshop 3, the second round, `nhà K2`.

What holds of one says nothing of another, and a sentence on workshop 1 has all words of a question
on workshop 3 but the one that counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.signals import text_near
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.vietnamese import has_diacritics

_VIETNAMESE = {
    noun: family.split()[0]
    for family in (
        "đợt", "lần", "vòng", "kỳ kì", "khóa khoá", "quý", "tầng lầu", "xưởng", "phòng",
        "nhà tòa toà block", "khu", "ca", "lớp khối", "cấp bậc hạng", "nhóm tổ đội", "kho", "cổng",
        "tuyến", "chuyến", "đoạn", "bước", "phiên", "chương", "quận", "lô", "dãy", "cụm", "trạm",
        "bàn", "quầy", "cửa", "tập",
    )
    for noun in family.split()
}  # fmt: skip
"""Nouns that a number names, by the first of those that are one: floors are `tầng` and `lầu`. No
days, months and years: a date is written in many ways."""

_BARE = {
    fold(noun): family
    for noun, family in _VIETNAMESE.items()
    if noun in ("đợt", "vòng", "tầng", "lầu", "xưởng", "phòng", "tòa", "khu", "lớp", "nhóm")
}
"""Those that are few other words when they are typed without marks, as `cua` and `ban` are."""

_ENGLISH_NOUNS = (
    "phase stage round batch floor level room workshop hall gate platform terminal zone line shift "
    "term semester grade class unit lot warehouse building block counter session instalment group "
    "team tier ward lane bay pitch wing dock route"
)
_ENGLISH = {form: noun for noun in _ENGLISH_NOUNS.split() for form in (noun, f"{noun}s")}
_DIGITS = re.compile(r"[a-z]?\d{1,3}")
_LETTER = re.compile(r"[b-h]")
"""A letter that names a thing; `a` is an article and `ạ` without its mark."""

_WORDS = {
    "một": "1", "đầu": "1", "nhất": "1", "hai": "2", "ba": "3", "bốn": "4", "năm": "5",
    "sáu": "6", "bảy": "7", "tám": "8", "chín": "9", "mười": "10", "ii": "2", "iii": "3",
    "iv": "4", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
}  # fmt: skip
_WORDS_BARE = {"mot": "1", "hai": "2", "ba": "3", "bon": "4", "chin": "9", "muoi": "10"}
"""Those that are no other words when they are typed without marks, as `nam` and `sau` are."""

_ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5"}
_BETWEEN = frozenset(("thứ", "thu", "số", "so", "no", "number"))
_TIMES = frozenset(
    ("tiếng", "tieng", "ngày", "giờ", "phút", "tháng", "tuần", "năm", "ngay", "gio", "phut",
     "thang", "tuan", "days", "hours", "minutes", "weeks", "months", "years")
)  # fmt: skip
"""Behind a number that measures: `mỗi đợt ba ngày` is no third round, `đợt 3 ngày 15/9` is."""

_NAMES = frozenset(("mẹ", "má", "me", "đình"))
"""Behind `ba` it is no three: parents, a district of Hà Nội."""

_HOLDS = {
    **dict.fromkeys(("người", "đứa", "bạn", "khách", "sinh", "học", "nguoi", "dua"), "of people"),
    **dict.fromkeys(("giường", "giuong", "beds"), "of beds"),
    **dict.fromkeys(("chỗ", "cho", "seats"), "of seats"),
}
"""Behind a number that tells how much a thing holds: `phòng 4 người` is no room number 4."""

_JOINING = ("và", "va", "and", "hoặc", "or")

_ANY = "*"
"""In the place of a number: a range or a whole, which may hold any."""

_ANY_BEFORE = frozenset(
    ("từ", "tu", "đến", "mỗi", "mọi", "trên", "dưới", "every", "each", "all", "any", "other",
     "from", "to", "above", "below", "through")
)  # fmt: skip
_ANY_BEHIND = frozenset(
    ("trở", "tro", "đến", "tới", "khác", "còn", "to", "and", "through", "upwards", "onwards")
)
_OTHERS = re.compile(r"\b(?:chi|tru|ngoai tru|khong ap dung|only|except|but not|unless)\b")
"""Tells of the others by telling that something holds for one alone."""

_MOST_WORDS = 2_000
"""Words of a passage that are read."""

Numbered = tuple[str, str]
"""A noun of a series and the number of one of it."""


def is_of_another_number(material: Material, statement: Statement) -> bool:
    """Whether a question names one of a series by its number, and others of it alone are told.

    `Workshop 1 reached 96 %, workshop 2 88 %` does not tell what workshop 3 did.
    """
    if material.asked.kind is Kind.COMPARISON:
        return False
    question, language = material.question.text, material.question.language
    asked = frozenset(numbered_in(question, language))
    if not asked or asked & frozenset(numbered_in(text_near(material, statement), language)):
        return False
    if _OTHERS.search(fold(normalise(statement.text))):
        return False
    told = frozenset(numbered_in(statement.text, language))
    cited = frozenset(
        one for quote in statement.quotes for one in numbered_in(quote.passage.text, language)
    )
    nouns = {noun for noun, _ in asked}
    if any((noun.split()[0], _ANY) in cited | told for noun in nouns):
        return False
    if any(noun in nouns for noun, _ in told):
        return True
    # Of another thing altogether, where the passage numbers them and none found has this number.
    return any(noun in nouns for noun, _ in cited) and asked.isdisjoint(
        one for passage in material.passages for one in numbered_in(passage.text, language)
    )


def numbered_in(text: str, language: str) -> Iterator[Numbered]:
    """Yield what a text names by a noun and a number, each as noun and digits.

    Args:
        text: A question or a sentence.
        language: ISO 639-1 code.
    """
    said = list(islice(words(normalise(text)), _MOST_WORDS))
    is_bare = language == "vi" and not has_diacritics(normalise(text))
    nouns = (_BARE if is_bare else _VIETNAMESE) if language == "vi" else _ENGLISH
    for at, word in enumerate(said):
        noun = nouns.get(word)
        if noun is None:
            continue
        is_any = bool(_ANY_BEFORE.intersection(said[max(at - 1, 0) : at]))
        if is_any or not _ANY_BEHIND.isdisjoint(said[at + 1 : at + 3]):
            yield noun, _ANY
        if language == "en" and at and said[at - 1] in _ORDINALS:
            yield noun, _ORDINALS[said[at - 1]]
        behind = said[at + 1 : at + 6]
        if behind[:1] and behind[0] in _BETWEEN:
            behind = behind[1:]
        yield from _numbers(noun, behind, _WORDS_BARE if is_bare else _WORDS)


def _numbers(noun: str, behind: Sequence[str], known: Mapping[str, str]) -> Iterator[Numbered]:
    """The numbers at the beginning of the words behind a noun: `1, 2 và 3`."""
    for at, word in enumerate(behind):
        if at and word in _JOINING:
            continue
        number = known.get(word)
        if number is None and (_DIGITS.fullmatch(word) or (not at and _LETTER.fullmatch(word))):
            number = word.lstrip("0")
        following = [*behind[at + 1 : at + 3], "", ""]
        is_date = following[1][:1].isdigit()
        if number is None or (following[0] in _TIMES and not is_date) or following[0] in _NAMES:
            return
        if word == "năm" and following[0].isdigit():
            return  # a year
        yield f"{noun} {_HOLDS.get(following[0], '')}".strip(), number
