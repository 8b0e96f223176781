"""English stems (Snowball), from any thread."""

import threading
from typing import Protocol, cast

import Stemmer


class _Stemmer(Protocol):
    def stemWord(self, word: str, /) -> str: ...  # noqa: N802 - PyStemmer's own name


class _Stemmers(threading.local):
    """One stemmer per thread: a stemmer keeps state while it works and is not thread-safe."""

    def __init__(self) -> None:
        # PyStemmer comes without types.
        stemmer = cast("_Stemmer", Stemmer.Stemmer("english"))  # pyright: ignore[reportUnknownMemberType]
        self.stem = stemmer.stemWord


_STEMMERS = _Stemmers()


def stem_english(word: str) -> str:
    """Return the stem of a normalised English word: `approvals` becomes `approv`."""
    return _STEMMERS.stem(word)
