"""Does a sentence hold the kind of thing a question asks for? A date, a number, a name."""

import re
from enum import StrEnum


class AnswerType(StrEnum):
    """What a question asks for, where its words tell."""

    TIME = "time"
    NUMBER = "number"
    NAME = "name"


_ASKS = (
    (
        AnswerType.TIME,
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:year|date|month|day|century|decade|time)\b|"
            r"\b(?:khi|năm|lúc|ngày|tháng|thời gian|thế kỷ|hồi) nào\b|\bbao giờ\b|năm bao nhiêu|"
            r"\b(?:khi|nam|luc|ngay|thang|thoi gian|the ky|hoi) nao\b|\bbao gio\b|nam bao nhieu"
        ),
    ),
    (
        AnswerType.NUMBER,
        re.compile(
            r"\bhow (?:many|much|long|old|far|large|big|tall|high|often)\b|"
            r"\bwhat (?:percent|percentage|number|amount|price|size|limit)\b|"
            r"\bbao (?:nhiêu|lâu|xa|nhieu|lau)\b|\bmấy\b|\bmay (?:ngay|nguoi|lan|gio|nam|thang)\b"
        ),
    ),
    (
        AnswerType.NAME,
        re.compile(
            r"\bwho(?:m|se)?\b|\bwhere\b|\b(?:what|which) (?:city|country|state|place|person)\b|"
            r"\bai\b|\b(?:người|nơi|nước|thành phố|quốc gia) nào\b|\bở đâu\b|"
            r"\b(?:nguoi|noi|nuoc|thanh pho|quoc gia) nao\b|\bo dau\b"
        ),
    ),
)
_TIME = re.compile(
    r"\d{1,2}[/.:h]\d{1,2}|"
    r"\b(?:1\d|20)\d\d\b|\d.{0,20}\b(?:century|hours?|days?|thế kỷ|giờ|tháng)\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|"
    r"\b(?:ngày|tháng|năm|thứ) (?:\d|hai|ba|tư|năm|sáu|bảy)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|"
    r"forty|fifty|hundred|thousand|million|billion|half|một|hai|ba|bốn|năm|sáu|bảy|tám|chín|mười|"
    r"trăm|nghìn|triệu|tỷ)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def expected_answer_type(question: str) -> AnswerType | None:
    """Read from a question's words what it asks for; None when they do not tell."""
    lowered = question.lower()
    return next((wanted for wanted, pattern in _ASKS if pattern.search(lowered)), None)


def holds(wanted: AnswerType, sentence: str, question: str) -> bool:
    """Whether the sentence offers what is wanted and the question does not already say."""
    known = set(_WORD.findall(question.lower()))
    if wanted is AnswerType.NAME:
        words = list(_WORD.finditer(sentence))
        return any(
            match[0][0].isupper() and match[0].lower() not in known and match.start() > 0
            for match in words[1:]
        )
    pattern = _TIME if wanted is AnswerType.TIME else _NUMBER
    return any(
        not known.issuperset(_WORD.findall(match[0].lower()))
        for match in pattern.finditer(sentence)
    )
