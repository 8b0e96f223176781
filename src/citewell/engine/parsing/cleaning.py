"""Removes characters that no reader sees and that would break a quotation."""

import re
import unicodedata

from citewell.kit.visible import UNSEEN

# Every line end that Unicode and old systems know; `str.splitlines` uses the same set.
_LINE_ENDS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")

_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""Spaces of other widths; the ideographic one too, since no tokenizer of ours needs it."""

_JOINERS = re.compile("(?<![\u0600-\uffff\U00010000-\U0010ffff])[\u200c\u200d]"
                      "|[\u200c\u200d](?![\u0600-\uffff\U00010000-\U0010ffff])")  # fmt: skip
"""Zero-width (non-)joiners outside of scripts that need them: they separate letters of Persian and
Indic scripts, and join emoji."""

# PDF fonts write these as one glyph. NFKC would resolve them too, but also rewrite superscripts and
# fractions, and a quote must stay what the document shows.
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)

_BLANKS = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_ANY_SPACE = re.compile(r"\s+")
_LEADERS = re.compile(r"(?:[ \t]?[.·_]){5,}")
"""The dots between an entry of a table of contents and its page."""

# A word that a page broke at its end: at least two letters before the hyphen, and no further hyphen
# or letter before them, which spares compounds and codes.
_HYPHENATED = re.compile(r"(?<![\w-])([^\W\d_]{2,})[-\u2010]$")
_COMPOUND_STARTS = frozenset(
    ("all", "ex", "half", "high", "long", "low", "mid", "multi", "non", "off", "on", "post")
) | {"self", "semi", "short", "third", "three", "two", "under", "up", "well"}
"""First parts after which a hyphen at a line's end belongs to the word, as in `well-known`."""

_COMPOUND, _COMPOUND_END = re.compile(r"\w-$"), re.compile(r"[A-ZÀ-ÖØ-Þ]\w")
"""A compound that is divided at its hyphen: `Saint-Denis`, `E-Mail-Adressen`."""

_NO_SPACE_SCRIPTS = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
"""Chinese and Japanese: lines join without a space. (Korean has spaces and is not in it.)"""


def scrub(text: str) -> str:
    """The text in NFC, with one kind of line end and without invisible characters."""
    # Most texts are ASCII or nearly so: the check saves two passes.
    if not text.isascii():
        text = _SPACES.sub(" ", text).translate(_LIGATURES)
    text = UNSEEN.sub("", _LINE_ENDS.sub("\n", text))
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _JOINERS.sub("", text))


def clean_line(text: str) -> str:
    """The text as one line, for names, titles, headings and cells."""
    return _ANY_SPACE.sub(" ", scrub(text)).strip()


def clean_text(text: str) -> str:
    """Running text: single spaces, no blank ends, at most one empty line in a row."""
    text = _LEADERS.sub(" … ", scrub(text))
    lines = [_BLANKS.sub(" ", line).strip() for line in text.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def clean_code(text: str) -> str:
    """Code or a table: keeps the indentation, drops blank line ends and outer empty lines."""
    lines = [line.rstrip() for line in scrub(text).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def join_lines(lines: list[str]) -> str:
    """Join the lines of one paragraph, undoing the line breaks of a page."""
    joined = ""
    for line in lines:
        line = line.strip()
        if not line:
            continue
        joined = _join(joined, line) if joined else line
    return joined


def _join(left: str, right: str) -> str:
    # An upper-case letter follows a real hyphen, as in `Saint-Denis`.
    # Typesetters write U+2010 where they divide a word.
    if left.endswith(("-", "\u2010")) and right[0].islower():
        word = _HYPHENATED.search(left[-40:])
        if word and word[1].lower() not in _COMPOUND_STARTS:
            return left[:-1] + right
        return left + right
    if _COMPOUND.search(left[-2:]) and _COMPOUND_END.match(right):
        return left + right
    if _NO_SPACE_SCRIPTS.match(left[-1]) and _NO_SPACE_SCRIPTS.match(right[0]):
        return left + right
    return f"{left} {right}"
