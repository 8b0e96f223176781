"""Marks that readers leave in a block's text, and what becomes of them.

Raised and lowered text ("30¹ euros", "H₂O", "10³") must not run into the number or word it stands
at. Readers put `RAISE` or `LOWER` before such text and `LEVEL` behind it; `resolve_shifts` writes
it with Unicode's superscripts and subscripts, or behind `^` and `_`. `TURN` stands where a page
ends within a block.
"""

import re

# Noncharacters (Unicode 16, 23.7): for use inside a program, never part of a text.
RAISE = "\ufdd0"
LOWER = "\ufdd1"
LEVEL = "\ufdd2"
TURN = "\ufdd3"

ROW = "\ufdd5"
"""Before a line of a page that ends on purpose: a label and its value."""

HYPHEN = "\ufdd4"
"""A soft hyphen that is kept until it is known whether it is one: in the fonts of TCVN3 its place
is that of the letter "ư"."""

# Runs of one height that follow each other: word processors cut "12" at every correction.
_RUNS = re.compile(
    f"(?:({RAISE})[^{RAISE}{LOWER}{LEVEL}]*{LEVEL}(?:{RAISE}[^{RAISE}{LOWER}{LEVEL}]*{LEVEL})*)"
    f"|(?:({LOWER})[^{RAISE}{LOWER}{LEVEL}]*{LEVEL}(?:{LOWER}[^{RAISE}{LOWER}{LEVEL}]*{LEVEL})*)"
)
_MARKS = re.compile(f"[{RAISE}{LOWER}{LEVEL}]")

_RAISED = str.maketrans("0123456789+-\u2212=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
_LOWERED = str.maketrans("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
# Comma, asterisks and their like stand between the marks of several notes: "30¹,²".
_WITH_GLYPHS = re.compile("[0-9+\\-\u2212=(),;*\\s]+")
# Ordinals and abbreviations are read as if they were not raised: 1st, 2nd, 1er, 2e, 3o, 4a.
_ORDINAL = re.compile(r"(?:st|nd|rd|th|ers?|res?|ère|ème|eme|e|es|nde?|os?|mo|ma)\.?", re.I)
_TRADE = re.compile(r"tm|sm|mc|md", re.I)

_LONGEST = 16
"""Characters of a raised text; a longer one is a line of text in the type of one."""


def raised(text: str) -> str:
    """The text between the marks of raised text."""
    return f"{RAISE}{text}{LEVEL}"


def lowered(text: str) -> str:
    """The text between the marks of lowered text."""
    return f"{LOWER}{text}{LEVEL}"


_MARKED = re.compile(r"\[hidden: ([^\[\]]*)\]")


def hidden(text: str) -> str:
    """Text that its author hid, between marks that people see; empty text stays empty."""
    inner = text.strip()
    if not inner:
        return text
    if "[hidden: " in inner:
        # Hidden within the hidden; it is marked once.
        inner = _MARKED.sub(r"\1", inner)
    start = text[: len(text) - len(text.lstrip())]
    return f"{start}[hidden: {inner}]{text[len(text.rstrip()) :]}"


_HIDDEN_RUNS = re.compile(r"\](\s?)\[hidden: ")


def join_hidden(text: str) -> str:
    """The text with hidden runs that follow each other as one."""
    return _HIDDEN_RUNS.sub(r"\1", text) if "[hidden: " in text else text


def resolve_shifts(text: str) -> str:
    """Write raised and lowered text so that it joins no number and no word before it."""
    if RAISE in text or LOWER in text:
        text = _RUNS.sub(_written, text)
    elif LEVEL not in text:
        return text
    return _MARKS.sub("", text)


def _written(found: re.Match[str]) -> str:
    shown = _MARKS.sub("", found[0])
    inner = shown.strip()
    before = found.string[found.start() - 1 : found.start()]
    after = found.string[found.end() : found.end() + 1]
    # A whole paragraph in raised type is a matter of taste, and a sign that is no letter or digit
    # joins nothing.
    if not inner or len(inner) > _LONGEST or not any(c.isalnum() for c in inner):
        return shown
    is_raised = found[1] is not None
    start = shown[: len(shown) - len(shown.lstrip())]
    end = shown[len(shown.rstrip()) :]
    if _WITH_GLYPHS.fullmatch(inner):
        # A letter or digit that follows at once belongs to something else: a nuclide, "¹⁴C".
        return start + inner.translate(_RAISED if is_raised else _LOWERED) + end
    if not before.isalnum() and not after.isalnum():
        return shown
    if is_raised and (_TRADE.fullmatch(inner) or (_ORDINAL.fullmatch(inner))):
        return shown
    if not before.isalnum() and before not in (")", "]", '"', "”"):
        return shown
    sign = "^" if is_raised else "_"
    bound = inner if inner.isalnum() else f"({inner})"
    # "x^2y" would be read as one exponent.
    return f"{start}{sign}{bound}{end}{' ' if after.isalnum() and not end else ''}"
