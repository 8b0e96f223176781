"""Lines that are a name with its number: `File number 4711`, `Reference AB-12/7`.

They look like headings and mostly say nothing, but answer who asks for that number.
"""

import re

from citewell.engine.answering.asking.focus import focus_of
from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english

_WORD = re.compile(r"[^\W_]+")
_COUNTING = frozenset(["number", "numbers", "no", "code", "id", "so", "ma"])
"""Words for any number, which a line that holds one need not say."""


def tells_number(asked: Asked, line: str, language: str) -> bool:
    """Whether a line without a verb names what a question asks for, with a number it does not say.

    Args:
        asked: The question.
        line: As written.
        language: ISO 639-1 code of the question.
    """
    words = _WORD.findall(fold(normalise(line)))
    is_told = (
        any(any(map(str.isdigit, word)) and word not in asked.words for word in words)
        and not words[0].isdigit()
    )
    named = {stem_english(word) for word in focus_of(asked, language) - _COUNTING}
    return is_told and bool(named) and named <= {stem_english(word) for word in words}
