"""Questions for the one of two things that has more or less: `Which is cheaper, A or B?`."""

import re
from typing import NamedTuple

from citewell.engine.text.normalisation import fold, normalise

_MORE = r"more|higher|larger|longer|bigger|heavier|deeper|dearer|greater|taller|wider|costlier"
_LESS = r"less|fewer|cheaper|lower|shorter|smaller|lighter|narrower"
_MORE_VI = r"(?:cao|lon|nhieu|dat|mac|dai|nang|sau|lau|rong) hon"
_LESS_VI = r"(?:thap|nho|it|re|ngan|nhe|hep) hon"
_NAO = (
    r"(?:ben|cai|loai|khoan|goi|muc|thu|dang|phia|hang|san pham|dich vu|nguoi|doi tuong|dau|o) "
    r"(?:nao|dau)"
)

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(?:which|what|who)\b[^,:;?]{{0,80}}?\b(?:(?P<more>{_MORE})|(?P<less>{_LESS}))\b"
        r"[^,:;?]{0,40}[,:;] ?(?:the |an? )?(?P<a>[^?]{2,80}?) or (?:the |an? )?(?P<b>[^?]{2,80})",
        r"^(?:do|does|did|is|are|was|were|will|would) (?:the |an? |my )?(?P<a>[^,:;?]{2,60}?) "
        r"(?:be |get |gets |have |cost |pay |take |last |earn |need |weigh |hold |receive )?"
        rf"(?:(?P<more>{_MORE})|(?P<less>{_LESS}))\b[^,:;?]{{0,40}} than (?:the |an? |my )?"
        r"(?P<b>[^?]{2,80})",
        rf"^{_NAO}\b[^,:;?]{{0,60}}?(?:(?P<more>{_MORE_VI})|(?P<less>{_LESS_VI}))"
        r"[^,:;?]{0,20}[,:;] ?(?P<a>[^?]{2,80}?) (?:hay|hoac|va) (?P<b>[^?]{2,80})",
        r"^(?P<a>[^?]{2,120}?) (?:hay|hoac|va|voi) (?P<b>[^?]{2,80}?),? (?:thi )?"
        rf"{_NAO}\b[^,:;?]{{0,40}}?(?:(?P<more>{_MORE_VI})|(?P<less>{_LESS_VI}))",
    )
)
"""On folded text with its commas, which part what is compared from how."""

_MARKS = re.compile(r"[?!.,;:\"“”«»()\s]+")

COMPARATIVES = re.compile(
    rf"\b(?:{_MORE}|{_LESS}|expensive|{_MORE_VI}|{_LESS_VI}|{_NAO})\b",
)
"""Words that tell how to compare, which no text repeats."""


class AskedContrast(NamedTuple):
    """Two things, and which of them is asked for."""

    sides: tuple[str, str]
    """As `Asked.sides`."""
    is_more: bool
    """Whether the one that has more is."""


def contrast_of(text: str) -> AskedContrast | None:
    """Read the two things of which a question asks for the one with more or less.

    Args:
        text: As asked; more than a question of a line is not read.
    """
    plain = " ".join(fold(normalise(text[:400])).split())
    for pattern in _PATTERNS:
        if match := pattern.search(plain):
            first, second = (_MARKS.sub(" ", match[name]).strip() for name in ("a", "b"))
            is_less = match["less"] is not None or "less expensive" in plain
            return AskedContrast((first, second), is_more=not is_less)
    return None
