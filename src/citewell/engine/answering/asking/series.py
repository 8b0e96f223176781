# ruff: noqa: RUF001 - the marks of other scripts are meant
"""Sentences that are a list themselves: `The clubs are chess, rowing and film`."""

import re

_MARKED = re.compile(r"[:：](?:[^,;]{2,120}[,;]){2}|\(?1[.)] .{2,200}\b2[.)] ")
"""`Not allowed: food, plants, gas`, `1. call; 2. pack`."""

_ITEM = r"[^,;:.!?\n]{2,80}"
_JOINED = re.compile(
    r"(?:[:：]|\b(?:are|were|includ(?:es?|ed|ing)|compris(?:es?|ed|ing)|contains?|consists? of|"
    r"offers?|runs?|gồm|bao gồm|là|có|như)\b)"
    rf"{_ITEM},{_ITEM}(?:,{_ITEM}){{0,20}},? ?\b(?:and|or|và|hoặc|cùng)\s+\w",
    re.IGNORECASE,
)
"""Three things or more, the last two joined by a word. A list of what somebody does (`runs, jumps
and swims`) reads the same."""


def is_series(text: str) -> bool:
    """Whether a sentence lists things one after the other."""
    return _MARKED.search(text) is not None or _JOINED.search(text) is not None
