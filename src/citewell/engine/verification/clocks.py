"""Times of day with minutes, read as one number: `5:30`, `half past five`, `5 giờ 30`.

Word by word `closes at 5 past six` has `closes at 5` in it. A full hour stays the number it is, so
that it neither agrees with such a time nor excludes it.
"""

import re
from types import MappingProxyType

from citewell.engine.text import vocabulary

_HOURS = MappingProxyType(
    {word: value for word, value in vocabulary.ENGLISH_NUMBERS.items() if 1 <= value <= 12}
)
_MINUTES = MappingProxyType(
    {word: value for word, value in vocabulary.ENGLISH_NUMBERS.items() if 1 <= value < 60}
    | {"quarter": 15, "half": 30}
)
_HOUR = rf"(?:\d{{1,2}}|{'|'.join(sorted(_HOURS, key=len, reverse=True))})"
_MINUTE = rf"(?:\d{{1,2}}|{'|'.join(sorted(_MINUTES, key=len, reverse=True))})"
_AT = r"(?:(?<=\bat )|(?<=\buntil )|(?<=\bby )|(?<=\btill )|(?<=\bfrom ))"
"""Words before a time of day; what is `between five and six thirty` may be anything."""

_WHOLE = r"(?!\w|[.,]\d)"
_ENDS = r"(?=\s*(?:[.,;:!?)]|$|[ap]\.?m\b|o['’]|(?:in|on|and|or|at|to|every|each|but|sharp)\b))"  # noqa: RUF001
"""Behind a time that might be a range of something: `at five to ten degrees` is none."""

CLOCK = (
    r"(?P<digital>(?<![\w.,:])(?P<ch>[01]?\d|2[0-3]):(?P<cm>[0-5]\d)(?![\w:]|[.,]\d))"
    rf"|(?P<past>(?<![\w.,])(?:an? )?(?P<pm>{_MINUTE})(?: minutes?)? past (?P<ph>{_HOUR}){_WHOLE})"
    rf"|(?P<quarter>(?<![\w.,])(?:an? )?quarter to (?P<qh>{_HOUR}){_WHOLE})"
    rf"|(?P<to>{_AT}(?P<tm>{_MINUTE})(?: minutes?)? (?:to|before) (?P<th>{_HOUR}){_WHOLE}{_ENDS})"
    rf"|(?P<halved>{_AT}half (?P<hh>{_HOUR}){_WHOLE}{_ENDS})"
    rf"|(?P<said>{_AT}(?P<sh>{_HOUR}) (?P<sm>thirty|fifteen|forty[- ]five|[1-5][05]){_ENDS})"
    r"|(?P<vih>(?<![\w.,])(?P<vh>[01]?\d|2[0-3])(?: giờ (?:(?P<vless>kém) )?| ?h)"
    r"(?P<vm>rưỡi|[0-5]?\d)(?: phút)?(?!\w|[.,/]\d))"
)
"""One alternative of each way to write a time; lower case, with accents."""


def read_clock(match: re.Match[str]) -> float | None:
    """Get the hours of a match of `CLOCK`, minutes as a fraction; None of other matches."""
    if match["digital"]:
        return int(match["ch"]) + int(match["cm"]) / 60
    if match["past"]:
        return _hour(match["ph"]) + _minutes(match["pm"]) / 60
    if match["quarter"]:
        return _hour(match["qh"]) - 0.25
    if match["to"]:
        return _hour(match["th"]) - _minutes(match["tm"]) / 60
    if match["halved"]:
        return _hour(match["hh"]) + 0.5
    if match["said"]:
        spoken = {"thirty": 30, "fifteen": 15}
        minutes = match["sm"]
        return (
            _hour(match["sh"])
            + (int(minutes) if minutes.isdigit() else spoken.get(minutes, 45)) / 60
        )
    if match["vih"]:
        minutes = 30 if match["vm"] == "rưỡi" else int(match["vm"])
        return int(match["vh"]) + (-minutes if match["vless"] else minutes) / 60
    return None


def _hour(text: str) -> int:
    return int(text) if text.isdigit() else int(_HOURS[text])


def _minutes(text: str) -> int:
    return int(text) if text.isdigit() else int(_MINUTES[text])
