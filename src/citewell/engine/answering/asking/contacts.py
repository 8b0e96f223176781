"""Addresses and numbers to reach somebody by, as answers."""

import re

from citewell.engine.answering.asking.kinds import Asked

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w|\bhttps?://|\bwww\.")
_NUMBER = re.compile(r"(?<![\w.,/-])\+?\(?\d{3,}[\d ().-]{0,16}(?![\w,/-]|\.\d)")
"""Three digits at least, as extensions have; amounts with separators are left out."""

_ASKS_MAIL = re.compile(r"\be-?mail|\bthu dien tu\b|\bweb|\binternet|\bwrite\b")


def offers(asked: Asked, text: str, known: frozenset[str]) -> float:
    """How far a text offers an address or a number that the question does not hold, 0 to 1."""
    pattern = _MAIL if _ASKS_MAIL.search(asked.text) else _NUMBER
    found = (match.group().strip() for match in pattern.finditer(text))
    return 1.0 if any(one not in known for one in found) else 0.0
