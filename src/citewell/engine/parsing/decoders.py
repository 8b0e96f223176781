"""Decoders of encodings that Python has no codec for, piece by piece."""

import codecs
import re
from collections.abc import Callable
from typing import Protocol

from citewell.engine.parsing.vietnamese import VISCII, from_tcvn3, from_vni

OWN = frozenset({"tcvn3", "viscii", "vni", "utf-8-mixed"})
"""The encodings."""


class Decoder(Protocol):
    """Turns bytes into text piece by piece."""

    def decode(self, data: bytes, /, final: bool = False) -> str:
        """The text of the next bytes; what is cut at their end comes with the next ones."""
        ...


def own_decoder(encoding: str) -> Decoder:
    """The decoder of an encoding that Python does not have."""
    match encoding:
        case "viscii":
            return _VisciiDecoder()
        case "tcvn3":
            return _FontDecoder(from_tcvn3)
        case "vni":
            return _FontDecoder(from_vni)
        case _:
            return _MixedDecoder()


class _VisciiDecoder:
    def decode(self, data: bytes, final: bool = False) -> str:  # noqa: ARG002 - the protocol's
        return data.decode("latin-1").translate(VISCII)


_WORD_END = re.compile(rb"[A-Za-z\x80-\xff]*\Z")
_LONGEST_WORD = 64


class _FontDecoder:
    """Windows-1252 as a Vietnamese font shows it."""

    def __init__(self, shown: Callable[[str], str]) -> None:
        self._shown = shown
        self._held = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        data = self._held + data
        # Marks stand behind their letter, maybe in the next piece: the last word waits for it.
        end = _WORD_END.search(data[-_LONGEST_WORD:])
        cut = len(data) if final or end is None else len(data) - len(end[0])
        self._held = data[cut:]
        return self._shown(data[:cut].decode("cp1252", "replace"))


class _MixedDecoder:
    """UTF-8 in which bytes that are none are taken for windows-1252, as in logs of two sources."""

    def __init__(self) -> None:
        self._inner = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def decode(self, data: bytes, final: bool = False) -> str:
        text = self._inner.decode(data, final)
        return _STRAYS.sub(
            lambda found: found[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace"),
            text,
        )


_STRAYS = re.compile("[\udc80-\udcff]+")
