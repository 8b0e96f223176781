"""Vietnamese in the encodings of before Unicode: TCVN3 (ABC), VNI and VISCII.

Python has codecs for none of them. Sources: TCVN 5712:1993 (checked against glibc's `TCVN5712-1`),
RFC 1456 for VISCII (checked against glibc's), the VNI-Win tables of VietUnicode for VNI.

Fonts such as .VnTime and VNI-Times show the same bytes as Vietnamese, so documents made with them
hold the letters of Latin-1 that stand at those places: `®­îc` for `được`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter

from citewell.engine.text.normalisation import fold
from citewell.engine.text.vietnamese import is_syllable

_TCVN3_HIGH = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
_VISCII_HIGH = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡư"
    "àáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
)
_VISCII_LOW = {0x02: "Ẳ", 0x05: "Ẵ", 0x06: "Ẫ", 0x14: "Ỷ", 0x19: "Ỹ", 0x1E: "Ỵ"}

TCVN3 = {0x80 + place: letter for place, letter in enumerate(_TCVN3_HIGH)}
VISCII = {0x80 + place: letter for place, letter in enumerate(_VISCII_HIGH)} | _VISCII_LOW
"""Byte, as the character of Latin-1 at its place -> letter."""

# The part that Windows uses; below 0xA1 it has the quotes and dashes of windows-1252, where the
# standard has capitals with marks.
_TCVN3_FONT = {code: letter for code, letter in TCVN3.items() if code > 0xA0}

# VNI writes a letter and, behind it, a byte for its marks.
_VNI_TONES = dict(zip("ùøûõï", "\u0301\u0300\u0309\u0303\u0323", strict=True))
_VNI_HATS = dict(zip("âáàåãä", ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323"), strict=True))
_VNI_BREVES = dict(
    zip("êéèúüë", ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323"), strict=True)
)
_VNI_ALONE = {
    "ô": "ơ", "ö": "ư", "ñ": "đ", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ",
}  # fmt: skip


def _vni_pairs() -> dict[str, str]:
    pairs: dict[str, str] = {}
    for base, bare in {"ô": "ơ", "ö": "ư", **{vowel: vowel for vowel in "aeouy"}}.items():
        for mark, tone in _VNI_TONES.items():
            pairs[base + mark] = bare + tone
    for vowel in "aeo":
        for mark, tone in _VNI_HATS.items():
            pairs[vowel + mark] = vowel + "\u0302" + tone
    for mark, tone in _VNI_BREVES.items():
        pairs["a" + mark] = "a\u0306" + tone
    found: dict[str, str] = {}
    for pair, letters in (pairs | _VNI_ALONE).items():
        letter = unicodedata.normalize("NFC", letters)
        # The case is that of the letter, not of its mark: "Aù" is as frequent as "AÙ".
        found[pair] = letter
        found[pair[0].upper() + pair[1:]] = letter.upper()
        found[pair.upper()] = letter.upper()
    return found


# Letters of one character in groups before the mark's class: a bounded pattern, linear.
_VNI = _vni_pairs()
_VNI_PAIR = re.compile("[aeouyôöAEOUYÔÖ][ùøûõïâáàåãäêéèúüëÙØÛÕÏÂÁÀÅÃÄÊÉÈÚÜË]|[ôöñíìæóòîÔÖÑÍÌÆÓÒÎ]")


def from_tcvn3(text: str) -> str:
    """The text of a font in TCVN3, whose letters are those of Latin-1."""
    return unicodedata.normalize("NFC", text.translate(_TCVN3_FONT))


def from_tcvn3_capitals(text: str) -> str:
    """The same for fonts whose name ends in H: they show small letters as capitals."""
    return from_tcvn3(text).upper()


_LOST_HORN = re.compile(r"(?<![\w-])([^\W\d_]{0,6})-([^\W\d_]{0,6})(?![\w-])")


_ONLY_HORNED = re.compile("u|[ơờớợởỡ](?:c|ng)", re.IGNORECASE)
"""Ends that stand behind "ư" alone: `ưu`, `ước`, `ương`."""


def with_horns(text: str) -> str:
    """Text of TCVN3 with the letter "ư" where a program has made a hyphen of it: `tr-ớc`.

    Its place is that of the soft hyphen, which PDF files give as a hyphen. Between two syllables
    (`Việt-Mỹ`) it is one.
    """

    def horned(found: re.Match[str]) -> str:
        left, right = found.groups()
        candidate = f"{left}ư{right}"
        are_words = _is_syllable(right) and (_is_syllable(left) or not left)
        if not left and not right:
            return found[0]
        is_cut = not are_words or (not left and _ONLY_HORNED.fullmatch(right))
        return candidate if is_cut and _is_syllable(candidate) else found[0]

    return _LOST_HORN.sub(horned, text) if "-" in text else text


def _is_syllable(word: str) -> bool:
    return is_syllable(fold(word.lower()))


def from_vni(text: str) -> str:
    """The text of a font in VNI, whose letters are those of Latin-1."""
    return _VNI_PAIR.sub(lambda found: _vni_letter(found[0]), text)


def _vni_letter(pair: str) -> str:
    known = _VNI.get(pair)
    if known is not None:
        return known
    # A pair that VNI does not have: the first is a letter of its own, or none of VNI's.
    return _VNI.get(pair[0], pair[0]) + pair[1:]


def font_decoder(font: str) -> Callable[[str], str] | None:
    """The function that reads the text of a font; None for fonts in Unicode.

    Names: `.VnTime`, `.VnArialH`, `VNI-Times`, in PDF files behind a prefix (`ABCDEF+.VnTime`).
    """
    name = font.rpartition("+")[2].lstrip("/").casefold()
    if name.startswith(".vn"):
        # "Bold" and "Italic" follow in PDF files: ".VnTimeH,Bold".
        family = re.split("[,\\- ]", name)[0]
        return from_tcvn3_capitals if family.endswith("h") else from_tcvn3
    return from_vni if name.startswith(("vni-", "vni ")) else None


def has_vietnamese(text: str) -> bool:
    """Whether a text has letters that only Vietnamese in Unicode has: it needs no font's reading.

    Texts are typed in Unicode into old documents, whose fonts' names stay.
    """
    return bool(_UNICODE.search(text))


_UNICODE = re.compile("[đĐăĂơƠưƯ\u1ea0-\u1ef9\u0301\u0300\u0309\u0303\u0323]")


def in_unicode(runs: Iterable[tuple[str, str]], leave_out: Callable[[str], object]) -> str:
    """The text of runs, that of fonts with an encoding of their own decoded.

    Args:
        runs: The font and the text of each. Word cuts runs at every correction, so a letter and
            its mark may be in two of one font.
        leave_out: Told the letters that stand for others, as they are gone afterwards.
    """
    parts: list[str] = []
    for font, group in groupby(runs, key=itemgetter(0)):
        text = "".join(run[1] for run in group)
        decode = None if text.isascii() else font_decoder(font)
        if decode and not has_vietnamese(text):
            leave_out(text)
            text = decode(text)
        parts.append(text)
    return "".join(parts)
