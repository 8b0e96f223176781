"""Chooses the encoding of text files and decodes them."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

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

_TONES = re.compile(rb"[aeiouyAEIOUY\xe2\xe3\xea\xf4\xf5\xfd\xc2\xc3\xca\xd4\xd5\xdd]"
                    rb"([\xcc\xd2\xde\xec\xf2])")  # fmt: skip
"""A vowel with a combining tone mark as windows-1258 writes it (Microsoft code page 1258)."""


def choose_encoding(sample: bytes, *, is_markup: bool = False) -> str:
    """Choose the encoding of a text from its first bytes.

    The rule, in order: a byte order mark; UTF-16 by its zero bytes; valid UTF-8; for markup, what
    it declares; windows-1258 when a quarter of the bytes above 0x7F are Vietnamese tone marks
    behind vowels, of two kinds at least; else windows-1252, whose five unused bytes become U+FFFD.

    Args:
        sample: The first `SAMPLE` bytes, or the whole file.
        is_markup: Believe `charset=` or `encoding=` in the first 2,048 bytes.
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    wide = _bare_utf16(sample[:4096])
    if wide:
        return wide
    if _is_utf8(sample):
        return "utf-8"
    if is_markup and (declared := _declared(sample[:2048])):
        return declared
    high = sum(byte > 0x7F for byte in sample)
    tones = _TONES.findall(sample)
    return "cp1258" if len(set(tones)) > 1 and 4 * len(tones) >= high else "cp1252"


def _bare_utf16(sample: bytes) -> str | None:
    """UTF-16 of mostly Latin text without a mark: every other byte is zero."""
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0 : 2 * half : 2].count(0), sample[1 : 2 * half : 2].count(0)
    # Western text in UTF-16 has nearly all high bytes zero; 0.7 leaves room for Vietnamese letters,
    # whose high byte is 0x1E.
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.05 * half else None


def _is_utf8(sample: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(sample, final=len(sample) < SAMPLE)
    except UnicodeDecodeError:
        return False
    return True


def _declared(sample: bytes) -> str | None:
    found = _DECLARED.search(sample)
    if not found:
        return None
    try:
        info = codecs.lookup(found[1].decode("ascii"))
    except LookupError:
        return None
    # Python also has codecs that are no text encodings (zip, rot13).
    # A private attribute; without it the codec would fail at the first chunk.
    is_text = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and not info.name.startswith(("utf", "idna", "puny")) else None


def decoded_chunks(source: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of a stream in pieces of about 256 K characters; bad bytes become U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
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
