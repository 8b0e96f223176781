"""Events of people's lives, by what rules on leave and allowances tell them apart.

Days off for a death tell nothing of a birth, though a row has the spouse of both. English and
Vietnamese.
"""

import re

from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.vietnamese import has_diacritics

_KIN = r"(?:ông|bà|cha|mẹ|bố|ba|má|vợ|chồng|con|anh|chị|em|nội|ngoại|cụ)"
_EVENTS: tuple[tuple[str, ...], ...] = (
    (
        r"births?|born|bab(?:y|ies)|newborn|childbirth|pregnan\w+|maternity|paternity|adopt\w*",
        r"đẻ|sanh|lâm bồn",
        r"sinh (?:con|em bé|đôi|nở)|(?:vợ|mới) sinh|hạ sinh|thai sản|mang thai|nhận con nuôi",
    ),
    (
        r"weddings?|marr(?:y|ies|ied|iage)",
        r"cưới|kết hôn",
        r"đám cưới|lấy (?:vợ|chồng)|thành hôn|hôn lễ|lập gia đình",
    ),
    (
        r"deaths?|die[sd]?|dying|dead|deceased|bereave\w*|funerals?|pass(?:es|ed)? away",
        rf"chết|{_KIN} mất(?= (?:thì|được|có|nghỉ|xin)\b|$)",
        r"qua đời|từ trần|đám (?:tang|ma)|tang (?:lễ|chế|gia)|ma chay|tử vong",
    ),
    (r"divorc\w+", r"(?!)", r"ly (?:hôn|dị)"),
    (r"blood donat\w+|donat\w+ blood", r"(?!)", r"hiến máu"),
    (r"mov(?:e|es|ing) house|house move", r"(?!)", r"(?:chuyển|dọn) nhà"),
)
"""English words; Vietnamese words that are others without their marks; and phrases that are not."""

_MARKED = [re.compile(rf"\b(?:{'|'.join(each)})\b") for each in _EVENTS]
_BARE = [re.compile(rf"\b(?:{english}|{fold(phrases)})\b") for english, _, phrases in _EVENTS]


def is_of_another_event(asked: frozenset[int], text: str, near: str) -> bool:
    """Whether a text tells of other events of a life than a question, and of none of its own.

    Args:
        asked: Those of the question.
        text: A statement.
        near: The same with its title and headings, which may name the event.
    """
    return bool(asked) and bool(events_in(text)) and asked.isdisjoint(events_in(near))


def events_in(text: str) -> frozenset[int]:
    """Get the events of a life that a text names, as numbers."""
    plain = normalise(text)
    patterns = _MARKED if has_diacritics(plain) else _BARE
    return frozenset(at for at, pattern in enumerate(patterns) if pattern.search(plain))
