"""Vietnamese follow-ups, with tone marks or without.

Patterns run on text without accents. Its letters stand at the same places as in the text, so what
is found in the one is cut out of the other.
"""

import re
from collections.abc import Sequence
from functools import partial

from citewell.engine.answering.asking import followups_english as english
from citewell.engine.answering.asking.carrying import (
    Carried,
    DialogueTurn,
    asked,
    new_words,
    newest_list,
    plain,
    swap_code,
)
from citewell.engine.answering.asking.comparing import (
    compared_in_vietnamese,
    is_bound_in_vietnamese,
)
from citewell.engine.text.language import detect_language
from citewell.engine.text.normalisation import fold, normalise

_MARKED = {
    "ai": "ai", "ay": "ấy", "bao": "bao", "bay": "bảy bẩy", "bi": "bị", "can": "cần",
    "chi": "chị chi chỉ", "cho": "cho chỗ", "chua": "chưa", "co": "có cô", "con": "còn",
    "cua": "của", "da": "đã dạ", "dang": "đang", "dau": "đâu đầu", "den": "đến", "do": "đó do",
    "doi": "đối", "don": "đơn", "duoc": "được", "duoi": "dưới", "gi": "gì", "gia": "giá",
    "hon": "hơn", "huong": "hưởng", "khi": "khi", "khong": "không", "la": "là", "lam": "làm",
    "lau": "lâu", "luong": "lương", "luu": "lưu", "may": "mấy", "muon": "mượn", "nam": "năm",
    "nao": "nào", "nay": "này", "nen": "nên", "neu": "nếu", "no": "nó", "o": "ở", "phai": "phải",
    "sao": "sao", "sau": "sau sáu", "se": "sẽ", "tai": "tại", "tam": "tám", "the": "thế",
    "thi": "thì", "thuong": "thưởng", "tra": "trả", "tren": "trên", "trong": "trong",
    "truoc": "trước", "tu": "từ tư", "va": "và", "vao": "vào", "vay": "vậy", "ve": "về vé",
    "voi": "với",
}  # fmt: skip
"""Words of the patterns below as they are written with their marks. Where a text has marks, `máy`
is no `mấy`, `chữa` no `chưa` and the `ô` of `ô tô` no `ở`: such words match none of them. Of a text
without any, each may be what it looks like."""

_WORDS = re.compile(r"[^\W\d_]+")

_LEAD_IN = re.compile(r"^(?:(?:vang|da|ok|cam on|a|u|vay|the|roi|nhung|va)\b[,.!]* )+(?!con\b)")
_OPENING = re.compile(
    r"^(?:(?:the|vay|va|nhung) )*con (?:doi voi |voi |ve )?(?P<a>.+?)(?: thi)?(?: (?:sao|the nao|"
    r"nhu the nao))?$"
)
_CLOSING = re.compile(r"^(?:the |vay |va )*(?P<a>.+?) thi (?:sao|the nao|nhu the nao)$")
_ASKS = re.compile(
    r"\b(?:ai|gi|nao|dau|may|bao nhieu|bao lau|bao gio|bao xa|sao|the nao|khong|chua)\b"
)
_PLACE = re.compile(r"^(?:o|tai|trong|tu|khi|neu|vao|cho|voi|cua|truoc|sau|den|tren|duoi) ")
_BOUNDARY = re.compile(
    r" (?=(?:duoc|co|phai|la|bi|can|keo dai|thi|nen|se|da|dang|gom|bao gom|huong|tra|khoi hanh|"
    r"sinh hoat(?! chung\b)|dien ra|bat dau|ket thuc|bao nhieu|bao lau|may|khi nao|o dau|"
    r"nhu the nao|the nao|nao|gi|ai|(?:mo|dong) (?:cua|CUA)|hoat dong|"
    r"do (?:ai|don vi nao|phong nao|bo phan nao)|o|tai|trong|khi|neu|vao|cho|lam gi|luu)\b)"
)
"""Before verbs, question words and prepositions: a noun phrase has ended. `CUA` is `cửa`."""

_TIMES = (
    r"(?:cuoi tuan|ngay (?:thuong|le|nghi|tet|lam viec)|mua (?:xuan|he|thu|dong|mua|kho)|"
    r"ban (?:dem|ngay)|buoi (?:sang|trua|chieu|toi)|thu (?:hai|ba|tu|nam|sau|bay)|chu nhat|"
    r"(?:nam|thang|tuan|hoc ky) (?:ngoai|truoc|nay|sau|toi|roi)|quy (?:truoc|sau)|hom (?:qua|nay)|"
    r"thang \d+|quy (?:\d+|i{1,3}v?)|dip tet|tet)"
)
_TIME = re.compile(rf"^{_TIMES}$")
_TIME_WITHIN = re.compile(rf"\b{_TIMES}\b")
_GENUS = re.compile(
    r"^(?:cau lac bo|ve(?: thang| nam| luot)?|le phi|phi(?: gui| thue)?|luong|phu cap|tro cap|"
    r"tien(?: dat coc| coc| phat| thuong| thue)?|gia(?: ve| thue)?|thuong|don(?: xin)?|chi phi|"
    r"muc (?:phat|luong|phi|thuong|tro cap|ho tro|phu cap)|phong|lop|khoa hoc|bao hiem|"
    r"dang ky|muon|thue|dat|mua|"
    r"thoi (?:gian|han)(?: thu viec| bao hanh| giao hang)?) "
)
"""Kinds of things that have several of them, each told by the words behind: what a follow-up names
is most often another of the kind. From texts of offices, houses and courses; a kind that is
missing is replaced with the rest."""

_IN_NAME = re.compile(r"(?:tra|huong|luu|co|cho|gom)\b")
"""Verbs that may stand within the name of a kind."""

_NOUNS = (
    "cái|điều|việc|chuyện|khoản|mức|loại|phần|quy định|chính sách|tài liệu|số tiền|thời hạn|phụ "
    "cấp|"
    "hợp đồng|chế độ|thủ tục|đơn|mục"
)
_PEOPLE = "người|ông|bà|anh|chị|cô|em|những người|nhân viên"
_THING = re.compile(
    rf"\b(?:(?:{_NOUNS}|{_PEOPLE}) (?:đó|này|ấy|kia)|nó|họ|chúng(?! tôi| ta| minh))\b"
)
_THING_PLAIN = re.compile(
    rf"\b(?:(?:{fold(_NOUNS)}) (?:do(?! ai\b)|nay|ay)|(?:{fold(_PEOPLE)}) (?:do|nay|ay)|no)\b"
)
"""Without tone marks `họ` (they) is also `hồ` and `hỗ`, so it is left."""

_PERSON = re.compile(r"\b(?:ông|bà|anh|chị|cô|người) (?:ấy|đó|ta|này)\b")
_PERSON_PLAIN = re.compile(r"\b(?:ong|ba|anh|chi|co|nguoi) (?:ay|ta)\b")
_THERE = re.compile(r"\b(?:o (?:do|day|kia)|(?:cho|noi) (?:do|nay|ay))\b")
_ORDINALS = {
    "nhat": 0, "dau tien": 0, "1": 0, "mot": 0, "hai": 1, "2": 1, "ba": 2, "3": 2, "tu": 3, "4": 3,
    "bon": 3, "nam": 4, "5": 4, "sau": 5, "6": 5, "bay": 6, "7": 6, "tam": 7, "8": 7,
    "cuoi": -1, "cuoi cung": -1, "sau cung": -1,
}  # fmt: skip
_ORDINAL = re.compile(
    r"\b(?:(?:buoc|muc|diem|phuong an|lua chon|cai|loai|khoan) )(?P<a>dau tien|cuoi cung|sau cung|"
    r"cuoi)\b|\b(?:cai|muc|loai|khoan|buoc|diem|phuong an|lua chon) thu (?P<b>nhat|hai|ba|tu|bon|"
    r"nam|"
    r"sau|bay|tam|[1-8])\b|\b(?:buoc|phuong an|lua chon) (?P<c>mot|hai|ba|bon|nam|sau|[1-8])\b"
)
_BARE = re.compile(
    r"^(?:vi sao|tai sao|sao vay|sao lai the|khi nao|bao gio|bao lau|bao nhieu|o dau|ai|cho ai|"
    r"luc nao|"
    r"tu khi nao|den khi nao|lam the nao|the nao|nhu the nao|ngay nao|trong bao lau|may ngay|"
    r"(?:truoc|sau|tu|den) (?:ngay|khi|thang) nao|(?:can|phai) (?:giay to|ho so|dieu kien) "
    r"gi)(?: vay| the| a)?$"
)
_VERB_FIRST = re.compile(
    r"^(?:(?:can|phai) )?(?:nop|gui|bao|dang ky|ap dung|het han)(?: (?:cho|o|truoc|sau|tu|den|"
    r"khi|vao|"
    r"luc|trong))?(?: (?:ngay|thang|nam|gio))? (?:ai|nao|dau|bao lau|may|gi)$|"
    r"^ai (?:duyet|ky|quyet dinh|chiu|tra|duoc huong|duoc nhan|duoc cap|duoc|phai nop|phai lam|cap|"
    r"phu trach|chiu trach nhiem)$"
)
_NAME = re.compile(r"(?<![^\W\d_])[A-ZĐÀ-Ỹ][^\W\d_]*(?: [A-ZĐÀ-Ỹ][^\W\d_]*){1,4}")
_OF = re.compile(r" cua\b")
_CLOSED = re.compile(r"\)")
_CAPITAL = re.compile(r"(?<=\w )[A-ZĐÀ-Ỹ][^\W\d_]*(?: [A-ZĐÀ-Ỹ][^\W\d_]*)*")
_MEASURE_HEAD = re.compile(
    r"^(?:so|muc|gia|han muc|thoi han|thoi gian|luong|ten|muc tien|so tien|han|ngay|ket qua|chi "
    r"phi) "
    r"(?:\w+ ){0,3}?cua "
)
_WHEN_PHRASE = re.compile(r"\bkhi (?!nao\b)(?P<np>.+?)(?=$| (?:la|duoc|thi|bao|phai|can)\b)")
_FOR_PHRASE = re.compile(r"\bcho (?!ai\b|gi\b)(?P<np>.+?)(?=$| (?:la|duoc|bao|co)\b)")
_TAIL = re.compile(
    r"(?: la)? (?:bao nhieu|bao lau|khi nao|may gio|o dau|nhu the nao|the nao|la gi|gi|nao|la ai|"
    r"ai)(?: .*)?$"
)
_ASKS_FIRST = re.compile(
    r"^(?:ai|khi nao|bao gio|o dau|tai sao|vi sao|lam (?:the nao|sao)(?: de)?|phai lam gi(?: khi)?|"
    r"xu ly the nao(?: khi)?|bao lau|bao nhieu)\s+"
)


def carry(question: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    """The follow-up with what it leaves out; None: it stands alone, or nothing can be carried."""
    words = question.strip().rstrip(" ?.!")
    low = _like(words)
    last = turns[-1].question.rstrip(" ?.!")
    opened = _opened(words, low)
    if opened is not None:
        return _fragment(opened, last, turns)
    lead = _LEAD_IN.match(low)
    if lead is not None:
        words, low = words[lead.end() :], low[lead.end() :]
    if (ordinal := _with_item(words, low, last, turns)) is not None:
        return ordinal
    if _BARE.match(low):
        return Carried(asked(f"{_about(last)} {words[:1].lower()}{words[1:]}"))
    if (person := _with_person(words, low, last, turns)) is not None:
        return person
    if is_bound_in_vietnamese(low) and (subject := subject_of(last)):
        return Carried(asked(f"{subject} {words[:1].lower()}{words[1:]}"))
    made = _with_pronouns(words, low, last)
    if made is not None:
        return Carried(asked(made))
    if _VERB_FIRST.match(low):
        subject = subject_of(last)
        is_known = bool(subject) and _like(subject) in low
        return None if is_known or not subject else Carried(asked(f"{words} ({subject})"))
    return None


def _like(text: str) -> str:
    """Lower case without accents, letter for letter; words that only look so in capitals."""
    bare = plain(text)
    if len(bare) != len(text):
        return text.lower()
    return bare if text.isascii() else _WORDS.sub(partial(_told_apart, text), bare)


def _told_apart(text: str, match: re.Match[str]) -> str:
    word = match.group()
    marked = _MARKED.get(word)
    written = normalise(text[match.start() : match.end()]).lower()
    return word.upper() if marked is not None and written not in marked.split() else word


def _opened(words: str, low: str) -> str | None:
    # A comparison asks for the same of another thing: the one before has just been told.
    match = compared_in_vietnamese(low) or _OPENING.match(low) or _CLOSING.match(low)
    if match is None:
        return None
    start, end = match.span("a")
    found = low[start:end]
    # `Còn bao nhiêu ngày phép?`: a question of its own, `còn` is `left over`.
    if _ASKS.search(found) or len(found.split()) > 10:
        return None
    return words[start:end].strip()


def _fragment(fragment: str, last: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    match = _ORDINAL.search(_like(fragment))
    if match is not None and (item := _item(match, turns)) is not None:
        return Carried(asked(f"Còn {item} thì sao"), uses_answer=True)
    made = asked(substituted(last, fragment))
    return Carried(made, must_mention=new_words(fragment, last))


def substituted(last: str, fragment: str) -> str:
    """A question with the fragment in the place of what it is like; else beside it."""
    if detect_language(last) == "en":
        return english.substituted(last, fragment)
    if (swapped := swap_code(last, fragment)) is not None:
        return swapped
    low, bare = _like(last), _like(fragment)
    if (swapped := _number_swapped(last, low, fragment, bare)) is not None:
        return swapped
    if (begins := _PLACE.match(bare)) is not None:
        return _with_phrase(last, low, fragment, begins.group().strip())
    if (swapped := _same_head(last, low, fragment, bare)) is not None:
        return swapped
    if _TIME.match(plain(fragment)) is not None:
        return _at_time(last, fragment)
    is_name = all(word[:1].isupper() for word in fragment.split())
    if is_name and (names := list(_CAPITAL.finditer(last))):
        return last[: names[-1].start()] + fragment + last[names[-1].end() :]
    of = re.search(r"\bcua (?P<np>.+?)(?=$| (?:la|duoc|co|trong|khi|o|tai|bao|co|gom|nam)\b)", low)
    if of is not None:
        return last[: of.start("np")] + fragment + last[of.end("np") :]
    for pattern in (_WHEN_PHRASE, _FOR_PHRASE):
        phrase = pattern.search(low)
        if phrase is not None:
            return last[: phrase.start("np")] + fragment + last[phrase.end("np") :]
    start, end = _subject(last, low)
    if end > start:
        start += _genus(last[start:end], fragment)
        return f"{last[:start]}{_as_begun(fragment, start)}{last[end:]}"
    return f"{last} đối với {fragment}"


def _genus(subject: str, fragment: str) -> int:
    """Length of the kind of a subject that is kept before another of the kind; 0: it is none.

    `Vé` of `Vé xe máy` before `ô tô`, not before `thẻ tháng`, which has a kind of its own.
    """
    found = _GENUS.match(_like(subject))
    if found is None or _GENUS.match(f"{_like(fragment)} ") is not None:
        return 0
    return found.end()


def _at_time(last: str, fragment: str) -> str:
    """The question about another time."""
    old = _TIME_WITHIN.search(plain(last))
    if old is None:
        return f"{last} vào {fragment}"
    return f"{last[: old.start()]}{_as_begun(fragment, old.start())}{last[old.end() :]}"


def _as_begun(fragment: str, start: int) -> str:
    return fragment[:1].upper() + fragment[1:] if start == 0 else fragment


def _with_phrase(last: str, low: str, fragment: str, prep: str) -> str:
    """The question with its phrase of the same preposition replaced, or with one more."""
    alike = next((each for each in ("o|tai|trong", "khi|neu") if prep in each.split("|")), prep)
    found = re.search(
        rf"\b(?:{alike}) (?!dau\b|nao\b).+?(?=$| (?:la|duoc|thi|bao|phai|can|co|luc|may|khong|o "
        rf"dau|nhu the)\b)",
        low,
    )
    if found is not None:
        return f"{last[: found.start()]}{_as_begun(fragment, found.start())}{last[found.end() :]}"
    return f"{last} {fragment}"


def _same_head(last: str, low: str, fragment: str, bare: str) -> str | None:
    """`mùa hè` replaced by `mùa đông`: a noun phrase begins with its head."""
    parts = bare.split()
    for length in (2, 1):
        head = " ".join(parts[:length])
        if len(parts) < max(length, 2) or head in ("nguoi", "khi", "ngay"):
            continue
        found = re.search(rf"\b{re.escape(head)}\b", low)
        written = " ".join(fragment.split()[:length])
        # `cầu lông` is no kind of `câu lạc bộ`.
        if found is None or not _is_alike(last[found.start() : found.end()], written):
            continue
        rest = _BOUNDARY.search(low, found.end())
        of = _OF.search(low, found.end())
        closed = _CLOSED.search(low, found.end())
        ends = [len(low), *(place.start() for place in (rest, of, closed) if place)]
        return f"{last[: found.start()]}{_as_begun(fragment, found.start())}{last[min(ends) :]}"
    return None


def _is_alike(one: str, other: str) -> bool:
    """Whether words are the same, with their marks where both have some."""
    if one.isascii() or other.isascii():
        return True
    return normalise(one) == normalise(other)


def _number_swapped(last: str, low: str, fragment: str, bare: str) -> str | None:
    """`5 năm` replaced by `10 năm`."""
    match = re.fullmatch(r"(?:tu |tren |duoi )?\d+ (?P<unit>\w+)(?: .*)?", bare)
    if match is None:
        return None
    old = re.search(rf"\b(?:tu |tren |duoi )?\d+ {match['unit']}\b", low)
    return None if old is None else last[: old.start()] + fragment + last[old.end() :]


def _subject(last: str, low: str) -> tuple[int, int]:
    """Where the subject stands: what comes before the first verb or question word."""
    first = _ASKS_FIRST.match(low)
    start = first.end() if first else 0
    if first is not None and low.startswith("ai "):
        verb = re.match(r"(?:duoc |phai |se )?\w+ ", low[start:])
        start += verb.end() if verb else 0
    end = _BOUNDARY.search(low, start)
    # `Tiền phạt trả sách trễ`: a kind alone is no subject, what looks like its verb tells of which.
    if end is not None and _IN_NAME.match(low, end.end()) is not None:
        kind = f"{_like(last[start : end.start()])} "
        if (genus := _GENUS.match(kind)) is not None and genus.end() == len(kind):
            end = _BOUNDARY.search(low, end.end())
    return start, (end.start() if end else len(last))


def subject_of(last: str) -> str:
    """The thing a question is about."""
    if detect_language(last) == "en":
        return english.subject_of(last)
    low = _like(last)
    start, end = _subject(last, low)
    measure = _MEASURE_HEAD.match(low[start:end])
    return last[start + (measure.end() if measure else 0) : end].strip()


def _about(last: str) -> str:
    """The question without what it asks for: `bao nhiêu`, `khi nào`, `là gì`."""
    low = _like(last)
    first = _ASKS_FIRST.match(low)
    start = first.end() if first else 0
    tail = _TAIL.search(low[start:])
    end = start + tail.start() if tail else len(last)
    found = last[start:end].strip()
    return found[:1].upper() + found[1:]


def _with_pronouns(words: str, low: str, last: str) -> str | None:
    made: str | None = None
    there = _THERE.search(low)
    place = _place_of(last)
    if there is not None and place is not None:
        words = words[: there.start()] + place + words[there.end() :]
        low, made = _like(words), words
    subject = subject_of(last)
    is_plain = words.isascii()
    match = _THING_PLAIN.search(low) if is_plain else _THING.search(words.lower())
    if match is None or not subject or _like(subject) in low:
        return made
    # `này` and `đó` after a noun of the question itself mean that noun.
    made = words[: match.start()] + _within(subject, match.start()) + words[match.end() :]
    if place is not None and _like(place) not in _like(made):
        made = f"{made} {place}"
    return made


def _within(subject: str, start: int) -> str:
    """The subject as it is written inside a sentence; names keep their capitals."""
    if start == 0:
        return subject[:1].upper() + subject[1:]
    words = subject.split()
    is_name = len(words) > 1 and words[1][:1].isupper()
    return subject if is_name else subject[:1].lower() + subject[1:]


def _place_of(last: str) -> str | None:
    if detect_language(last) == "en":
        return None
    low = _like(last)
    found = re.search(r"\b(?:o|tai) (?!dau\b|nao\b)", low)
    if found is None:
        return None
    end = _BOUNDARY.search(low, found.end())
    return last[found.start() : end.start() if end else len(last)].strip()


def _with_item(words: str, low: str, last: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    match = _ORDINAL.search(low)
    item = _item(match, turns) if match is not None else None
    if match is None or item is None:
        return None
    made = f"{words[: match.start()]}{item}{words[match.end() :]} ({subject_of(last)})"
    return Carried(asked(made), uses_answer=True)


def _item(match: re.Match[str], turns: Sequence[DialogueTurn]) -> str | None:
    _, items = newest_list(turns)
    place = _ORDINALS[match["a"] or match["b"] or match["c"]]
    return items[place] if -len(items) <= place < len(items) else None


def _with_person(words: str, low: str, last: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    is_plain = words.isascii()
    match = _PERSON_PLAIN.search(low) if is_plain else _PERSON.search(words.lower())
    if match is None:
        return None
    said = " ".join((*turns[-1].sentences[:1], *turns[-1].quotes[:1]))
    names = [name for name in _NAME.findall(said) if _like(name) not in _like(last)]
    if names:
        # The kinship word that begins a name is part of how people are called.
        made = words[: match.start()] + names[0] + words[match.end() :]
        return Carried(asked(made), uses_answer=True)
    return None
