"""Causes as answers: `why`, `vì sao`, and the words that tell a cause."""

import re

from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import normalise

_ASKS = re.compile(
    r"\bwhy\b|\bwhat (?:caused|made)\b|\bwhat (?:is|was) the (?:cause|reason)\b|"
    r"\b(?:vi|tai|do) (?:sao|dau)\b|\b(?:nguyen nhan|ly do) (?:nao|gi|la gi)\b|\bsao lai\b"
)
_TELLS = re.compile(
    r"\b(?:because|due to|owing to|as a result of|caused by|the (?:cause|reason)|so that|vì|bởi|"
    r"nguyên nhân|lý do|do(?! you\b| not\b| i\b| we\b| they\b)|nhằm|để tránh)\b|^(?:cause|reason)\b"
)
"""With tone marks: `đó` and `độ` fold to the `do` that tells a cause."""


def asks_cause(asked: Asked) -> bool:
    """Whether a question asks why."""
    return _ASKS.search(asked.text) is not None


def tells_cause(text: str) -> bool:
    """Whether a text tells a cause."""
    return _TELLS.search(normalise(text)) is not None
