"""English words that the bundled tokenizer knows whole: frequent ones, few of them misspelt."""

import json
from functools import cache
from pathlib import Path
from typing import cast

from citewell.engine.embedding.folder import MODEL_FOLDER

_ENDINGS = ("s", "es", "d", "ed", "ing", "ly")


def is_frequent_word(word: str) -> bool:
    """Whether a word in small letters, or the word that it is a form of, is a frequent one."""
    known = _whole_pieces(MODEL_FOLDER)
    if word in known:
        return True
    stems = [word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending)]
    if word.endswith("ies"):
        stems.append(f"{word[:-3]}y")
    if word.endswith("ing"):
        stems.append(f"{word[:-3]}e")
    return any(len(stem) > 2 and stem in known for stem in stems)


@cache
def _whole_pieces(folder: Path) -> frozenset[str]:
    """The pieces that are words; read once in 20 ms."""
    pieces = json.loads((folder / "tokenizer.json").read_bytes())["model"]["vocab"]
    return frozenset(each for each in cast(dict[str, int], pieces) if each.isalpha())
