"""Whether the items of a list are what a question counts.

`Tasks of employees:` announces tasks, `Employees must:` duties; a list of offices does not tell how
many people work in one. Closed word lists in two languages on text without accents; what they miss
is not counted, which leaves the list itself as the answer.
"""

import re
from collections.abc import Iterable, Sequence

from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_WORD = re.compile(r"[^\W_]+")

_PEOPLE = _split("people person employee staff member worker colleague participant attendee")
_STAFF = _split("employee staff worker")
"""Stems of nouns that stand for one another: whoever asks for people may mean employees."""

_NGUOI = (("nguoi",), ("nhan", "vien"), ("thanh", "vien"), ("can", "bo"), ("cong", "nhan"))
_PLURALS = _split("people children men women staff feet teeth mice data criteria media")
_SORTS = re.compile(r"\bhow many (?:\w+ )?(?:kinds|types|sorts) of ((?:[^\W_]+ ?){1,3})")

_ANNOUNCING = _split("following these those")
_NAMING = _split("list lists name names overview register directory table number")
"""Before `of` they leave the counted noun what the items are: `List of offices:`."""

_PREPOSITIONS = _split(
    "of for to by with in on at from about under over against between among per within"
)
_DESCRIBING = _PREPOSITIONS | _split("who that which sold made held kept built found given")
_DOING = _split(
    "must may can cannot could should shall will would need needs have has had get gets do does "
    "receive receives entitled"
)
"""Behind the noun they make the items what somebody does or has: `Employees must:`."""

_PLACED = (("in",), ("at",))
"""`We have offices in:` names one with each place."""

_BEING = _split("are is were was include includes including")
_VI_NAMING = _split("cac nhung sach gom so ten co la mot hai ba bon nam sau bay tam chin muoi")
_VI_DOING = _split("phai duoc can nen se khong bi co cho")
_VI_SHORT = _split("buoc dieu chuong phong cach loai khoan muc ca cap bac tang nhom")
"""Of one syllable; `chi` of `chi nhánh` begins `chi phí` as well."""

_VI_LABELS = frozenset(("ten", "ma"))
"""`Tên` and `Mã`: before a noun they name a column with one such thing in each row."""

_VI_OF = _split("cua cho voi ve doi")


def counts_items(asked: Asked, language: str, names: Iterable[str], items: Sequence[str]) -> bool:
    """Whether so many items are so many of what is asked for.

    Args:
        asked: A question for a number of things.
        language: ISO 639-1 code of the question.
        names: What says what the items are: lead-in, heading.
        items: The items as written.
    """
    if not asked.counted:
        return False
    is_vietnamese = language == "vi"
    called = _called_vietnamese if is_vietnamese else _called_english
    if any(called(asked, _words(name)) for name in names if name):
        return True
    begun = _begun_vietnamese if is_vietnamese else _begun_english
    return bool(items) and all(begun(asked, _words(item)) for item in items)


def counts_people(asked: Asked, language: str) -> bool:
    """Whether a question counts people, whatever it calls them."""
    if language == "vi":
        return any(asked.counted[: len(one)] == one for one in _NGUOI)
    return bool(asked.counted) and stem_english(_head(asked)) in _stems(_PEOPLE)


def names_counted(asked: Asked, language: str, text: str) -> bool:
    """Whether a text names what a question counts, whatever it says of it.

    Args:
        asked: A question for a number of things.
        language: ISO 639-1 code of the question.
        text: A row with its header and what stands above it.
    """
    words = _words(text)
    if language != "vi":
        return not _nouns(asked).isdisjoint(map(stem_english, words))
    line = f" {' '.join(words)} "
    return any(f" {' '.join(noun)} " in line for noun in _nouns_vietnamese(asked))


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(normalise(text)))


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(stem_english(word) for word in words)


def _head(asked: Asked) -> str:
    """The noun that is counted: the last plural of the words behind `how many`."""
    if sorts := _SORTS.search(asked.text):
        words = sorts[1].split()
        return next(filter(_is_plural, words), words[0])
    return next(filter(_is_plural, reversed(asked.counted)), asked.counted[-1])


def _is_plural(word: str) -> bool:
    is_regular = len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return is_regular or word in _PLURALS


def _nouns(asked: Asked) -> frozenset[str]:
    """Stems of the counted noun and of those that stand for it."""
    head = stem_english(_head(asked))
    if head in _stems(("people", "person")):
        return _stems(_PEOPLE)
    return _stems(_STAFF) if head in _stems(_STAFF) else frozenset((head,))


def _called_english(asked: Asked, words: Sequence[str]) -> bool:
    nouns = _nouns(asked)
    for at, word in enumerate(words):
        if stem_english(word) not in nouns:
            continue
        before, after = words[:at], words[at + 1 :]
        if not _NAMING.isdisjoint(after[:1]):  # `Branch list:`
            return True
        is_done = bool(after) and after[-1] in _PREPOSITIONS and tuple(after) not in _PLACED
        if not _is_plural(word) or is_done or not _DOING.isdisjoint(after):
            continue
        if not _ANNOUNCING.isdisjoint(before[-3:]) or (_is_free(before) and _ends_named(after)):
            return True
    return False


def _is_free(before: Sequence[str]) -> bool:
    """Whether no preposition makes the noun a part of another: `Rules for employees`."""
    for at in range(len(before) - 1, -1, -1):
        if before[at] in _PREPOSITIONS:
            return at > 0 and before[at - 1] in _NAMING
    return True


def _ends_named(after: Sequence[str]) -> bool:
    """Whether nothing is said of the noun: it ends there, or is described and then listed."""
    said = [at for at, word in enumerate(after) if word in _BEING]
    if not said:
        # A place or a time may follow: `Offices in Germany`; another noun is another thing.
        return not after or after[0] in _DESCRIBING or after[0].endswith(("ing", "ed"))
    return tuple(after[said[0] + 1 :]) in ((), ("as", "follows"))


def _begun_english(asked: Asked, words: Sequence[str]) -> bool:
    nouns = _nouns(asked)
    return any(stem_english(word) in nouns for word in words[:2])


def _called_vietnamese(asked: Asked, words: Sequence[str]) -> bool:
    for noun in _nouns_vietnamese(asked):
        for at in range(len(words) - len(noun) + 1):
            if tuple(words[at : at + len(noun)]) != noun:
                continue
            before, after = words[:at], words[at + len(noun) :]
            is_free = not before or before[-1] in _VI_NAMING
            is_part = not _VI_OF.isdisjoint(before) and "sach" not in before
            if is_free and not is_part and _VI_DOING.isdisjoint(after):
                return True
    return False


def _begun_vietnamese(asked: Asked, words: Sequence[str]) -> bool:
    begun = words[1:] if words[:1] and words[0] in _VI_LABELS else words
    return any(tuple(begun[: len(noun)]) == noun for noun in _nouns_vietnamese(asked))


def _nouns_vietnamese(asked: Asked) -> tuple[tuple[str, ...], ...]:
    if counts_people(asked, "vi"):
        return _NGUOI if asked.counted[:1] == ("nguoi",) else (asked.counted, ("nguoi",))
    # Behind a noun of one syllable stands another word: `bao nhiêu bước phải làm`.
    is_short = asked.counted[0] in _VI_SHORT
    return (asked.counted, asked.counted[:1]) if is_short else (asked.counted,)
