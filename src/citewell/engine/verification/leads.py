"""Whether a statement can stand behind `Yes`: it denies nothing, limits nothing, warns of nothing.

`The buyer may postpone an order once` is no yes to `twice`, and `Water ruins the electrode` is none
to `Can water be used?`. The words are those of `text.qualifying`: a `Yes` that is missing costs a
word, a wrong one misleads.
"""

import re

from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.qualifying import QUALIFIERS, without_ending

_ASKS_NOW = re.compile(r"^\W*(?:is|are|am|do|does|can|may|must|should|will)\b")
_PAST = re.compile(r"\b(?:was|were|had|did|could)\b")
"""Verbs of the past: `were allowed` need not be now; `has been` asks of the past as well."""


def qualifiers_of(text: str, language: str) -> frozenset[str]:
    """Get the words of a text that deny, limit or warn, folded.

    Args:
        text: As written.
        language: ISO 639-1 code of the text.
    """
    return frozenset(map(fold, QUALIFIERS.found(normalise(text), language)))


def affirms(text: str, language: str, question: str = "") -> bool:
    """Whether a statement denies, limits and warns of nothing that the question does not name.

    Args:
        text: The statement.
        language: ISO 639-1 code of statement and question.
        question: As asked; its own words restrict nothing: `Is it free before noon?`.
    """
    asked = without_ending(question, language)
    is_of_now = language != "vi" and _ASKS_NOW.search(asked) and not _PAST.search(asked)
    if is_of_now and _PAST.search(normalise(text)):
        return False
    return qualifiers_of(text, language) <= qualifiers_of(asked, language)
