"""Removes Markdown's marks within a line, leaving the text of the rendered page."""

import html
import re

from citewell.engine.parsing.marks import LEVEL, LOWER, RAISE

# A backslash before ASCII punctuation (CommonMark 0.31, 2.4).
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
# A run of backticks up to the next run of the same length (CommonMark, 6.1); what is inside is kept
# as written.
_CODE = re.compile(r"(`+)(.+?)\1(?!`)", re.DOTALL)
# Round brackets may nest once, as in addresses of Wikipedia; deeper ones stay as text.
_IMAGE = re.compile(r"!\[([^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\])")
_LINK = re.compile(r"\[([^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\[\]]*\])")
# Marks of footnotes; the notes themselves are blocks of their own.
_NOTE_MARK = re.compile(r"\[\^[^\[\]\s]{1,40}\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+|[\w.+-]+@[\w.-]+)>")
# Inline HTML. "a < b" is no tag, since a letter must follow the bracket at once.
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SHIFT = re.compile(r"<(/?)(sup|sub)(?:\s[^<>]*)?>", re.IGNORECASE)
# Between figures an asterisk multiplies: "2*3*4" is shown as "234" by programs, and is not that.
_ASTERISKS = re.compile(
    r"(?<![*\\])(?!(?<=[\d)])\*(?=[\d(]))(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1(?!\*)"
)
_UNDERSCORES = re.compile(r"(?<![\w_\\])(_{1,3})(?=\S)([^_\n]+?)(?<=\S)\1(?![\w_])")
_STRUCK = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_ATTRIBUTES = re.compile(r"\s*\{[#.][^{}\n]{1,100}\}\s*$")

_HELD = re.compile("\ue000(\\d+)\ue001")
"""Place of a piece that is finished; from the private use area, which no text needs here."""


def plain(text: str) -> str:
    """The text without its Markdown marks: links as their words, no pictures."""
    if not any(mark in text for mark in "*_`[<&\\~{\ue000\ue001"):
        return text
    held: list[str] = []

    def hold(piece: str) -> str:
        held.append(piece)
        return f"\ue000{len(held) - 1}\ue001"

    text = text.replace("\ue000", "").replace("\ue001", "")
    text = _CODE.sub(lambda found: hold(found[2].strip()), text)
    text = _ESCAPED.sub(lambda found: hold(found[1]), text)
    text = _AUTOLINK.sub(lambda found: hold(found[1].removeprefix("mailto:")), text)
    text = _SHIFT.sub(_mark, _BREAK.sub("\n", text))
    text = _TAG.sub("", text)
    text = _NOTE_MARK.sub("", text)
    # A picture's caption is seen only where the picture is not.
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    # Asterisks and underscores exclude their own kind inside, so two passes undo one level of
    # nesting.
    for _ in range(2):  # emphasis within emphasis
        text = _UNDERSCORES.sub(r"\2", _ASTERISKS.sub(r"\2", text))
    text = _ATTRIBUTES.sub("", _STRUCK.sub(r"\1", text))
    return _HELD.sub(lambda found: held[int(found[1])], html.unescape(text))


def _mark(tag: re.Match[str]) -> str:
    if tag[1]:
        return LEVEL
    return RAISE if tag[2].lower() == "sup" else LOWER
