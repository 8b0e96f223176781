"""Text without characters that nobody sees: names that mean what they show, output that is safe."""

import re
import unicodedata

from pydantic import BeforeValidator

from citewell.kit.storable import require_storable_text

UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"
    "\u00ad"  # soft hyphen
    "\u034f\u061c\u180b-\u180e\u200b\u200e\u200f"  # joiner, marks of direction, zero width
    "\u202a-\u202e\u2060-\u206f"  # embedding, override and isolation of direction
    "\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff"  # lone surrogates cannot be stored as UTF-8
    "\U000e0000-\U000e007f]"  # tags: invisible text
)
"""Controls, surrogates and characters without a glyph (Unicode 15, categories Cc, Cf, Cs)."""

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
"""Tabs and line ends: one blank in a name."""


def visible_text(text: str) -> str:
    """The text in NFC without unseen characters; its lines stay.

    Raises:
        ValueError: Nothing is left of it, or it cannot be stored.
    """
    shown = unicodedata.normalize("NFC", UNSEEN.sub("", require_storable_text(text)))
    if text and not shown.strip():
        raise ValueError("it needs a visible character")
    return shown


def visible_line(text: str) -> str:
    """The same as one line, without blanks around it.

    Raises:
        ValueError: Nothing is left of it, or it cannot be stored.
    """
    return visible_text(_BREAKS.sub(" ", require_storable_text(text))).strip()


def harmless(text: str) -> str:
    """A text for a terminal: unseen characters but tabs and line ends are left out."""
    return text if text.isascii() and text.isprintable() else UNSEEN.sub("", text)


def harmless_line(text: str) -> str:
    """Any text as one line for a mail's head: what nobody sees is left out."""
    return " ".join(harmless(text).split())


def _line(value: object) -> object:
    return visible_line(value) if isinstance(value, str) else value


def _text(value: object) -> object:
    return visible_text(value) if isinstance(value, str) else value


VISIBLE_LINE = BeforeValidator(_line)
"""Makes a field a name. It stands last, and so runs first: bounds of the length hold for what is
left, and are told in characters and in the schema."""

VISIBLE_TEXT = BeforeValidator(_text)
"""Makes a field a description: its lines are kept."""
