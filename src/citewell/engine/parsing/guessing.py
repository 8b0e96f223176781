"""Ranks the encodings in which a text that is not in Unicode may be written."""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from citewell.engine.parsing.charsets import WESTERN, Fit, best_fit
from citewell.engine.parsing.decoders import OWN, own_decoder
from citewell.engine.parsing.vietnamese import from_tcvn3, from_vni

_CANDIDATES: dict[str, tuple[str, ...]] = {
    "cp1252": WESTERN,
    "cp1250": ("pl", "cs", "hu", "ro", "hr"),
    "iso8859_2": ("pl", "cs", "hu", "ro", "hr"),
    "cp1254": ("tr",),
    "cp1258": ("vi",),
    "tcvn3": ("vi",),
    "vni": ("vi",),
    "viscii": ("vi",),
    "cp1251": ("ru",),
    "koi8_u": ("ru",),
    "cp866": ("ru",),
    "iso8859_5": ("ru",),
    "mac_cyrillic": ("ru",),
    "cp1253": ("el",),
    "iso8859_7": ("el",),
    "cp1255": ("he",),
    "cp1256": ("ar",),
    "cp874": ("th",),
    "gb18030": ("zh",),
    "big5hkscs": ("zh-hant",),
    "cp932": ("ja",),
    "euc_jp": ("ja",),
    "cp949": ("ko",),
    "cp850": WESTERN,
    "mac_roman": WESTERN,
}
"""Encoding -> languages that are written in it; where two give the same text, the first is
named."""

_WIDE_CANDIDATES = dict.fromkeys(("utf-16-le", "utf-16-be"), ("zh", "zh-hant", "ja", "ko"))

_SAMPLE = 4_000
"""Bytes scored, from lines that are not ASCII: 25 candidates take some 60 ms then."""

_HOME = 6.0
"""Nats by which Western text is preferred: it is by far the most frequent, and few letters of it
say little about the language."""
_SELDOM = 5.0
"""Nats against Mac Cyrillic, which is rare and differs from windows-1251 in capitals and "я" alone:
of 240 stretches of 20 to 120 letters in windows-1251 two are wrong, both said to be unsure, and of
as many in Mac Cyrillic 7 are wrong without a word."""
_RARE = frozenset({"mac_cyrillic", "cp850", "mac_roman"})
_CAPITAL = 4.0
"""Nats against a capital with a mark behind a small letter, which words have in no language."""
_CAPITALS = "".join(letter for letter in map(chr, range(0xC0, 0x1EFA)) if letter.isupper())
_WITHIN = re.compile(
    f"(?<=[a-z])[{''.join(c for c in _CAPITALS if c < chr(0x250) or c > chr(0x1E00))}]"
)
_DECLARED = 40.0
"""Nats by which a declared encoding is preferred: ten letters or so that contradict it."""
_SURE = 5.0
"""Nats between the best and the next other text below which the choice is called unsure."""
_NO_LANGUAGE = 10.0
"""Mean cost of a foreign character above which the text is none in any language known here; real
texts cost 2 to 5 in Latin letters, 6 to 9 in Chinese."""

_FEW = 4
_SHORT = 200
"""Different foreign letters that a longer text in these encodings has at least; a page of Polish
has nine, one of Vietnamese forty."""
_NEED_VARIETY = frozenset({"cp1250", "iso8859_2", "cp1254", "cp1258", "tcvn3", "vni", "viscii"})

_IS_CONTROL = 8.0
"""Nats against an encoding in which a byte is a control, which no text has: as rare as the rarest
letter. Short texts of Han in UTF-16 have them when they are read byte by byte."""
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")

_NOT_RUSSIAN = re.compile(r"[^\W\d_a-zA-Z\u0401\u0410-\u044f\u0451]")

_CONTROL = re.compile(rb"[\x00-\x08]")
_HIGH = re.compile(rb"[^\n\r]*[\x80-\xff][^\n\r]*")
_WORD = re.compile(rb"[^\s,;|\"]+")


class Ranked(NamedTuple):
    """The encoding chosen, and its doubt as in `EncodingGuess`."""

    name: str
    doubt: str


def rank(sample: bytes, declared: str | None) -> Ranked:
    """Choose by the likelihood of the decoded text.

    Args:
        sample: Bytes that are no Unicode.
        declared: The encoding its markup or header names, which is preferred.
    """
    shown, candidates = _foreign_lines(sample), _CANDIDATES
    if not shown:
        return Ranked(declared or "cp1252", "")
    if len(sample) % 2 == 0 and (
        6 * sum(byte > 0x7F for byte in sample) > len(sample) or _CONTROL.search(sample)
    ):
        # Text of Han alone in UTF-16 has neither zeros nor lines that could be told by their bytes.
        shown, candidates = sample[:_SAMPLE], _CANDIDATES | _WIDE_CANDIDATES
    if candidates is _CANDIDATES:
        # A word said many times says no more than once: a column of towns is no language.
        shown = b" ".join(dict.fromkeys(_WORD.findall(shown)))
    fits = {name: _fit(shown, name, languages) for name, languages in candidates.items()}
    if candidates is not _CANDIDATES:
        for name in fits:
            controls = len(_CONTROL_CHARACTER.findall(_decode(shown, name)))
            fits[name] = fits[name]._replace(cost=fits[name].cost + _IS_CONTROL * controls)
    if declared != "mac_cyrillic" and _NOT_RUSSIAN.search(_decode(shown, "mac_cyrillic")):
        # Letters of Serbian or Macedonian: capitals of windows-1251, as it is read by this one.
        del fits["mac_cyrillic"]
    if declared and declared not in fits:
        # A codec without a language here: believed, if the bytes are of it.
        return Ranked(declared, "" if "\ufffd" not in _decode(shown, declared) else "unsure")
    for name in fits:
        bonus = (_HOME if name == "cp1252" else 0) + (_DECLARED if name == declared else 0)
        bonus -= _SELDOM if name in _RARE else 0
        bonus -= _CAPITAL * len(_WITHIN.findall(_decode(shown, name)))
        fits[name] = fits[name]._replace(cost=fits[name].cost - bonus)
    letters = _decode(shown, "cp1252")
    if len({letter for letter in letters if letter > "\x7f"}) < _FEW and len(letters) > _SHORT:
        # One sign many times says no more than once: a list of doses in µg is no Vietnamese.
        fits = {name: fit for name, fit in fits.items() if name not in _NEED_VARIETY}
    best = min(fits, key=lambda name: fits[name].cost)
    text = _decode(shown, best)
    others = [
        fit.cost for name, fit in fits.items() if name != best and _decode(shown, name) != text
    ]
    foreign = sum(character > "\x7f" for character in text)
    mean = (fits[best].cost - 3.0 * (len(text) - foreign)) / max(foreign, 1)
    if foreign >= 20 and mean > _NO_LANGUAGE:
        return Ranked(best, "unknown")
    is_sure = best == declared or min(others) - fits[best].cost >= _SURE
    return Ranked(best, "" if is_sure else "unsure")


def _foreign_lines(sample: bytes) -> bytes:
    """The lines with the most foreign bytes, up to `_SAMPLE`."""
    found = [line[0] for line in _HIGH.finditer(sample)]
    # A line may be the whole file; its beginning says as much.
    lines = [line[: _SAMPLE // 4] for line in found] if len(found) > 4 else found
    lines.sort(key=lambda line: -sum(byte > 0x7F for byte in line) / len(line))
    # VISCII alone has letters among the controls; they are too rare to matter here.
    return b"\n".join(lines)[:_SAMPLE]


def _fit(data: bytes, encoding: str, languages: tuple[str, ...]) -> Fit:
    return best_fit(_decode(data, encoding), languages)


def _decode(data: bytes, encoding: str) -> str:
    if encoding in OWN:
        return own_decoder(encoding).decode(data, final=True)
    text = data.decode(encoding, "replace")
    return unicodedata.normalize("NFC", text) if encoding == "cp1258" else text


_LEGACY_FONTS = {"tcvn3": from_tcvn3, "vni": from_vni}


def legacy_font(text: str) -> Callable[[str], str] | None:
    """The reading of a Vietnamese font, if Latin letters of a text are those of one.

    Documents lose the names of fonts on their way through other programs; the letters that are
    left (`®­îc`) are of no Western language. None where that is not clear.
    """
    found = rank(text.encode("cp1252", "ignore"), None)
    return None if found.doubt else _LEGACY_FONTS.get(found.name)
