"""Chooses the encoding of text files and decodes them."""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from citewell.engine.parsing.decoders import OWN, Decoder, own_decoder

SAMPLE = 256 * 1024
"""Bytes examined to choose an encoding; a first non-ASCII letter after them is missed."""

# Read in one go: large enough for the decoder's overhead to vanish, small in memory.
_CHUNK = 256 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# The encoding that HTML and XML declare. Only markup is believed, and only if Python knows the
# name: pages copied from elsewhere often declare what they were, not what they are.
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""")

_LABELS = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252",
    "ascii": "cp1252", "iso-8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030",
    "x-gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "shift-jis": "cp932",
    "sjis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
    "tis-620": "cp874", "windows-874": "cp874", "x-mac-cyrillic": "mac_cyrillic",
    "koi8-r": "koi8_u", "tcvn": "tcvn3", "tcvn3": "tcvn3", "x-viet-tcvn": "tcvn3",
    "x-viet-tcvn5712": "tcvn3", "tcvn-5712": "tcvn3", "tcvn5712-1": "tcvn3", "viscii": "viscii",
    "x-viet-viscii": "viscii", "vni": "vni", "x-viet-vni": "vni",
}  # fmt: skip
"""Label -> the encoding that browsers read it as (WHATWG Encoding Standard, the supersets that
files of that label are written in), and ours for the Vietnamese ones."""

_UTF8_LETTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


class EncodingGuess(NamedTuple):
    """An encoding, and what people should know about the choice."""

    name: str
    doubt: str = ""
    """`unsure` where another encoding is nearly as likely, `mistakes` for UTF-8 with bytes that are
    none, `unknown` where no encoding gives text of a known language; empty where it is plain."""


def choose_encoding(sample: bytes, *, is_markup: bool = False) -> str:
    """The name of the encoding that `guess_encoding` chooses."""
    return guess_encoding(sample, is_markup=is_markup).name


def guess_encoding(
    sample: bytes, *, is_markup: bool = False, declared: str | None = None
) -> EncodingGuess:
    """Choose the encoding of a text from its first bytes.

    The rule, in order: a byte order mark; UTF-16 by its zero bytes; ISO-2022-JP by its escapes;
    valid UTF-8; UTF-8 with single mistakes; what is declared, unless its letters speak strongly
    against it; else the encoding in which the text is likeliest (`charsets.py`).

    Args:
        sample: The first `SAMPLE` bytes, or the whole file.
        is_markup: Believe `charset=` or `encoding=` in the first 2,048 bytes.
        declared: A label from elsewhere, such as a mail's header.
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return EncodingGuess(name)
    if wide := _bare_utf32(sample[:4096]) or _bare_utf16(sample[:4096]) or _short_utf16(sample):
        return EncodingGuess(wide)
    if b"\x1b$" in sample and _decodes(sample, "iso2022_jp"):
        return EncodingGuess("iso2022_jp")
    named = _python_name(declared) if declared else None
    if is_markup and not named and (found := _DECLARED.search(sample[:2048])):
        named = _python_name(found[1].decode("ascii"))
    if _is_utf8(sample) and named not in ("hz", "utf_7"):
        return EncodingGuess("utf-8")
    if _is_nearly_utf8(sample):
        return EncodingGuess("utf-8-mixed", "mistakes")
    return likeliest(sample, named)


def likeliest(sample: bytes, declared: str | None) -> EncodingGuess:
    """The encoding in which a text that is not in Unicode is likeliest."""
    # Imported when needed: most files are in UTF-8.
    from citewell.engine.parsing.guessing import rank  # noqa: PLC0415

    ranked = rank(sample, declared)
    return EncodingGuess(ranked.name, ranked.doubt)


def _bare_utf32(sample: bytes) -> str | None:
    """UTF-32 without a mark: of four bytes the highest is zero, the next at most 0x10."""
    whole = len(sample) // 4 * 4
    if whole < 4 or len(sample) % 4:
        return None
    for name, highest, next_ in (("utf-32-le", 3, 2), ("utf-32-be", 0, 1)):
        if any(sample[highest:whole:4]) or max(sample[next_:whole:4]) > 0x10:
            continue
        # No text of two bytes has a zero at every other place.
        if sample.strip(b"\0") and _is_plausible(sample, name):
            return name
    return None


_CONTROLS = frozenset(range(0x1C)) - {*b"\t\n\f\r"}
"""Bytes that texts of one byte do not have; 0x1C to 0x1F separate fields and records."""

_SHORT_BYTES = 160
"""Up to here texts are too short for the shares that `_bare_utf16` counts."""


def _short_utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark in a few words: a name, one cell, one line.

    As text of one byte a quarter of it would be controls, since the high bytes of most scripts are
    (Cyrillic 0x04, Thai 0x0E); VISCII, which has letters there, has few in a text. Two or three Han
    characters look like as many pairs of ASCII and are taken for those.
    """
    if not sample or len(sample) % 2 or len(sample) > _SHORT_BYTES:
        return None
    if 4 * sum(byte in _CONTROLS for byte in sample) < len(sample):
        return None
    orders = (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2]))
    # A script has few high bytes, and Latin text zero alone.
    ranked = sorted(orders, key=lambda order: (len(set(order[1])), -order[1].count(0)))
    for name, _ in ranked:
        if _is_plausible(sample, name):
            return name
    return None


def _bare_utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark, told by where its bytes repeat; None for other encodings.

    Latin text has zeros at every other place. Other scripts have few high bytes (0x04 for Cyrillic,
    0x4E to 0x9F for Han), and zeros with each space and line end. No text of one byte has a zero.
    """
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0 : 2 * half : 2], sample[1 : 2 * half : 2]
    # Western text in UTF-16 has nearly all high bytes zero; 0.7 leaves room for Vietnamese letters,
    # whose high byte is 0x1E.
    if odd.count(0) > 0.7 * half and even.count(0) < 0.05 * half:
        return "utf-16-le"
    if even.count(0) > 0.7 * half and odd.count(0) < 0.05 * half:
        return "utf-16-be"
    for name, low, high in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
        # A wide space (U+3000) and a few letters have the zero at the other place; low bytes differ
        # more than high ones, which name a script.
        is_turned = high.count(0) <= 4 * low.count(0) or len(set(high)) > len(set(low))
        if not is_turned and _is_plausible(sample[: 2 * half], name):
            return name
    return None


def _is_plausible(sample: bytes, encoding: str) -> bool:
    text = sample.decode(encoding, "replace")
    odd = sum(
        unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
        for character in text
        if character not in "\t\r\n\f"
    )
    blocks = {ord(character) >> 8 for character in text}
    # A fifth of random pairs is no character. A text is in few blocks of 256 but for Han, which
    # fills 82, and random pairs fill all.
    return odd <= 0.01 * len(text) and len(blocks) < 100


def _is_utf8(sample: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(sample, final=len(sample) < SAMPLE)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(sample: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        decoder.decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _is_nearly_utf8(sample: bytes) -> bool:
    """Whether some bytes of a text in UTF-8 are none: a mixed log, a text cut in a letter.

    Three letters and as many as strays, as in a log of two sources: other encodings reach one in
    five by chance, some short texts in two bytes a letter nearly one in two.
    """
    letters = _UTF8_LETTER.findall(sample)
    high = sum(byte > 0x7F for byte in sample)
    strays = high - sum(map(len, letters))
    return len(letters) >= 3 and len(letters) >= strays


def _python_name(label: str) -> str | None:
    """The encoding that a label stands for; None if it is unknown, or one of Unicode's.

    Unicode is told by the bytes themselves.
    """
    label = label.strip().lower()
    if label in _LABELS:
        return _LABELS[label]
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    # Python also has codecs that are no text encodings (zip, rot13).
    # A private attribute; without it the codec would fail at the first chunk.
    is_text = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and not info.name.startswith(("utf", "idna", "puny")) else None


def open_decoder(encoding: str) -> Decoder:
    """A decoder that puts U+FFFD for bytes that are none of the encoding."""
    if encoding in OWN:
        return own_decoder(encoding)
    return codecs.getincrementaldecoder(encoding)("replace")


def decode_text(data: bytes, *, declared: str | None = None, is_markup: bool = False) -> str:
    """The text of bytes that fit into memory, in the encoding chosen by their beginning."""
    guess = guess_encoding(data[:SAMPLE], declared=declared, is_markup=is_markup)
    return open_decoder(guess.name).decode(data, final=True)


def decoded_chunks(source: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of a stream in pieces of about 256 K characters; bad bytes become U+FFFD."""
    decoder = open_decoder(encoding)
    while data := source.read(_CHUNK):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def read_lines(path: Path, encoding: str, *, longest: int = 1_000_000) -> Iterator[str]:
    """Yield the lines of a file without their ends; a longer line comes in pieces."""
    held = ""
    with path.open("rb") as file:
        for chunk in decoded_chunks(file, encoding):
            # A carriage return may be followed by its line feed in the next chunk only.
            held += chunk
            tail = "\r" if held.endswith("\r") else ""
            lines = held.removesuffix(tail).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            held = lines.pop() + tail
            yield from lines
            if len(held) > longest:
                yield held
                held = ""
    if held:
        yield held.rstrip("\r")
