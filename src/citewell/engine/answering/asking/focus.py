"""The thing a question asks for by its name: `deposit` of `What is the deposit for a bicycle?`.

A near miss knows the bicycle and not the deposit. The heaviest words of a question are its names,
so weights alone do not tell the two apart.
"""

import re

from citewell.engine.answering.asking.kinds import Asked


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_STOP = _split(
    "a an the of for in on at to by from with is are was were be been do does did has have had can "
    "could may must should will would that there it its this these those and or if when per"
)
_ASKS_WHICH = re.compile(r"\b(?:which|what|whose)(?: other| kind of| type of| sort of)? ([^\W_].*)")
_ASKS_WHAT_IS = re.compile(
    r"\bwhat(?: is| are| was| were|'s| s) (?:the |an? |our |your |its |their )?([^\W_].*)"
)
_MOST_ENGLISH = 3

# A noun of one or two syllables before the question word; `la` and what else links is none.
_ASKS_NAO = re.compile(r"\b([^\W_]{1,24})(?: ([^\W_]{1,24}))? (?:nao|gi)\b")
_BEGINS = re.compile(
    r"^((?:[^\W_]{1,24} ){1,4}?)(?:cua|cho|khi|doi voi|tai|trong|o|toi da|toi thieu|la|bao) "
)
"""Begin of a question with `là gì`, `là bao nhiêu`: `mức phạt khi ...`, `giá của ...`."""

_LINKS = _split(
    "la co duoc lam nhung cac cho bi phai can thi o vao tu den gom the nhu khi luc nguoi nghia de "
    "ve ra"
)

_ANYTHING = frozenset(
    ("giay to", "giay", "thu", "cai", "viec", "chuyen", "mon", "do", "cach", "kieu", "gi")
)
"""Nouns before `gì` and `nào` that stand for anything: `cần giấy tờ gì` asks for no `giấy tờ`."""


def focus_of(asked: Asked, language: str) -> frozenset[str]:
    """Get the folded words that name what a question asks for; none where it has no name.

    Args:
        asked: The question.
        language: ISO 639-1 code.
    """
    return _vietnamese(asked.text) if language == "vi" else _english(asked.text)


def _english(plain: str) -> frozenset[str]:
    match = _ASKS_WHAT_IS.search(plain) or _ASKS_WHICH.search(plain)
    if match is None:
        return frozenset()
    words: list[str] = []
    for word in match[1].split():
        if word in _STOP or len(words) == _MOST_ENGLISH:
            break
        words.append(word)
    return frozenset(words)


def _vietnamese(plain: str) -> frozenset[str]:
    match = _ASKS_NAO.search(plain)
    if match is None or match[0].endswith("la gi"):
        named = _BEGINS.match(plain)
        return frozenset(named[1].split()) - _LINKS if named else frozenset()
    before, last = (match[1], match[2]) if match[2] else ("", match[1])
    if last in _LINKS or last in _ANYTHING or f"{before} {last}" in _ANYTHING:
        return frozenset()
    return frozenset({last} if not before or before in _LINKS else {before, last})
