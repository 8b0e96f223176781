"""Token counts for models whose tokenizer is out of reach: rather too many than too few.

Three ASCII letters, two digits, or one other character make a token. The vocabularies in use keep
common words whole (4.5 letters a token in English prose), cut numbers at three digits and give a
syllable of Vietnamese one to three tokens; so prose is over-counted, by a third to a half in
English, and chunks come out smaller than asked rather than cut by the model.
"""

import re
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z]{1,3}|[0-9]{1,2}|[^\sA-Za-z0-9]")


def estimate_tokens(text: str) -> int:
    """Get about how many tokens a text has, special tokens excluded; seldom too few."""
    return len(_TOKEN.findall(text))


class TokenCounts:
    """Estimates of texts that come again, each counted once.

    It holds the texts, so it should live no longer than they do: a run of an agent sends all that
    it has read with every step.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, text: str) -> int:
        """As `estimate_tokens`."""
        count = self._known.get(text)
        if count is None:
            count = self._known[text] = estimate_tokens(text)
        return count


def cut_to_tokens(text: str, limit: int) -> str:
    """Get the longest prefix of at most `limit` estimated tokens."""
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == limit:
            return text[: match.start()]
    return text
