# ruff: noqa: RUF001 - the letters and dashes of other scripts are meant
"""Days and months in a text, in the usual forms of a dozen languages, as keys that meet.

`12/03/2024`, `2024-03-12`, `12 March 2024`, `March 12th, 2024`, `ngày 12 tháng 3 năm 2024`,
`12. März 2024`, `2024年3月12日`. Where day and month may be exchanged, English and texts without
a language get both readings; elsewhere the day comes first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from citewell.engine.text.normalisation import UNSPACED, normalise

MAX_DAYS = 64
"""Per text: a register may hold thousands of dates, a chunk does not."""

# Names with and without their accents; abbreviations of English and German only, as those of other
# languages are their words: `set`, `out`, `ago`, `mag`.
_NAMES = (
    "january jan januar jänner janner janvier enero gennaio janeiro januari",
    "february feb februar février fevrier febrero febbraio fevereiro februari",
    "march mar märz marz mars marzo março marco maart mrz",
    "april apr avril abril aprile",
    "may mai mayo maggio maio mei",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug août aout agosto augustus",
    "september sept sep septembre septiembre settembre setembro",
    "october oct oktober okt octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre diciembre dicembre dezembro",
)
_THAI = (
    "มกราคม ม.ค.", "กุมภาพันธ์ ก.พ.", "มีนาคม มี.ค.", "เมษายน เม.ย.", "พฤษภาคม พ.ค.", "มิถุนายน มิ.ย.",
    "กรกฎาคม ก.ค.", "สิงหาคม ส.ค.", "กันยายน ก.ย.", "ตุลาคม ต.ค.", "พฤศจิกายน พ.ย.", "ธันวาคม ธ.ค.",
)  # fmt: skip
_VIETNAMESE = (
    "một mot giêng gieng", "hai", "ba", "tư tu", "năm nam", "sáu sau", "bảy bay", "tám tam",
    "chín chin", "mười muoi",
)  # fmt: skip


def _numbered(*listed: tuple[str, ...]) -> dict[str, int]:
    return {
        normalise(name): number
        for months in listed
        for number, names in enumerate(months, 1)
        for name in names.split()
    }


_NUMBER_OF = _numbered(_NAMES, _THAI, _VIETNAMESE) | {
    f"{ten} {one}": number
    for ten in ("mười", "muoi")
    for one, number in (("một", 11), ("mot", 11), ("hai", 12))
}
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925}
"""Japanese era -> the year before its first."""

_BUDDHIST = 543
"""Years the Thai calendar is ahead; years from 2400 on are taken for its."""


def _any(names: tuple[str, ...]) -> str:
    found = [re.escape(normalise(name)) for month in names for name in month.split()]
    return "|".join(sorted(found, key=len, reverse=True))


_MONTH = rf"(?:{_any(_NAMES)})"
_D = r"\d{1,2}"
_Y = r"(?:1[89]|2[01])\d\d"
_LETTER = rf"[^\W{UNSPACED}]"
"""A letter or digit, but of scripts without spaces: in those a date stands beside any word."""
_APART = rf"(?<!{_LETTER})(?<![/,-])(?<!\d\.)"
"""Before a date with its whole year; a full stop may end a word: `rev.2024-05-01`."""
_ALONE = rf"(?<!{_LETTER})(?<![/.,-])"
_ENDED = rf"(?!{_LETTER}|/|[-.]\d)"

# The first day of `12 to 14 March`, which the month of the second belongs to.
_FIRST = rf"(?:({_D})\.? ?(?:-|–|to|and|bis|und|den|et|au) ?)?"
_VI = rf"{_D}|m[ườuo]+i m[ộo]t|m[ườuo]+i hai|{_any(_VIETNAMESE)}"
# A text must hold the first for the patterns to be tried; their groups by letters (z is a year as
# well, f a first day, e an era), and the patterns.
_PATTERNS: tuple[tuple[re.Pattern[str], tuple[tuple[str, re.Pattern[str]], ...]], ...] = tuple(
    (re.compile(needs), tuple((order, re.compile(pattern)) for order, pattern in patterns))
    for needs, patterns in (
        (
            r"\d[-/.]\d",
            (
                ("ymd", rf"{_APART}({_Y})[-/.]({_D})[-/.]({_D})(?![\d/]|[-.]\d)"),
                ("dmy", rf"{_APART}({_D})[-/.]({_D})[-/.]({_Y})(?![\d/]|[-.]\d)"),
                # Two digits of a year: with slashes, or where day and month have two as well.
                ("dmy", rf"{_ALONE}({_D})/({_D})/(\d\d){_ENDED}"),
                ("dmy", rf"{_ALONE}([0-3]\d)\.([01]\d)\.(\d\d){_ENDED}"),
            ),
        ),
        (
            r"\d{8}",
            (
                (
                    "ymd",
                    rf"{_ALONE}((?:19|20)\d\d)([01]\d)([0-3]\d)(?!{_LETTER}|[/-]|[.,]\d)",
                ),
            ),
        ),
        (
            # From the digits, which are rarer than letters.
            r"\d(?:(?<=[a-zäéûç.,] \d)|(?=[a-z.]{0,3}[ -](?:de |of )?[jfmasondge]))",
            (
                (
                    "fdmy",
                    rf"(?<![\w/.,-]){_FIRST}({_D})(?:st|nd|rd|th)?\.?(?: of| de)?[ -]({_MONTH})\b"
                    rf"\.?(?:(?:,| of| de)?[ -]({_Y}|\d\d(?![\w:.%€])))?",
                ),
                (
                    "mzdy",
                    rf"\b(?=[jfmasondge])({_MONTH})\.?(?:,| of| de)?[ -](?:({_Y})\b|"
                    rf"({_D})(?:st|nd|rd|th)?(?![\w/:])(?:(?:,|\.)? ({_Y})\b)?)",
                ),
            ),
        ),
        (
            r"g(?:(?<=\bth[áa]ng)|(?=[àa]y \d))",
            (
                (
                    "dmy",
                    rf"\bng[àa]y ({_D}) ?(?:th[áa]ng|[/-]) ?({_VI})\b(?:,? (?:n[ăa]m )?({_Y}))?",
                ),
                ("my", rf"\bth[áa]ng ({_VI})(?:,? n[ăa]m |[/-]) ?({_Y})\b"),
            ),
        ),
        (
            "[月월]",
            (
                (
                    "eymd",
                    rf"(令和|平成|昭和)? ?(\d{{1,4}}) ?[年년] ?({_D}) ?[月월]"
                    rf"(?: ?({_D}) ?[日일号])?",
                ),
                ("md", rf"(?<![年년\d])(?<![年년] )({_D}) ?[月월] ?({_D}) ?[日일号]"),
            ),
        ),
        (
            "[\u0e01-\u0e2e]",
            (
                ("dmy", rf"(?<![\w])({_D}) ?({_any(_THAI)}) ?(?:พ\.?ศ\.? ?)?(\d{{4}})?"),
                ("my", rf"({_any(_THAI)}) ?(?:พ\.?ศ\.? ?)?(\d{{4}})"),
            ),
        ),
    )
)
_DIGIT = re.compile(r"\d")
# Before these numbers with full stops are no days: `release 10.11.12`, `section 04.02.01`.
_NUMBERED = re.compile(
    r"\b(?:releases?|versions?|versionen|ver|v|firmware|builds?|revisions?|rev|drivers?|kernel|patch|"
    r"sections?|clauses?|chapters?|articles?|items?|parts?|no|nr|kapitel|abschnitt|ip|"
    r"phiên bản|bản|mục|điều|khoản)\W{0,2}$"
)
_DATED = re.compile(r"[0-3]\d\.[01]\d\.(?:19|20)\d\d|(?:19|20)\d\d\.[01]\d\.[0-3]\d")
"""Written out like this it is a day even there: `version 01.05.2024`."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date as written: a day, a day without its year, or a month of a year."""

    written: str
    """Normalised."""
    year: int | None
    month: int
    day: int | None

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which a passage stores it: also as day of any year, and as its month."""
        if self.day is None:
            return (f"month {self.year}-{self.month:02}",)
        day = f"{self.month:02}-{self.day:02}"
        if self.year is None:
            return (f"each {day}", f"bare {day}")
        return (f"day {self.year}-{day}", f"each {day}", f"month {self.year}-{self.month:02}")

    @property
    def asked(self) -> tuple[str, ...]:
        """Keys a question looks for: a day of a year is also meant where the year is left out."""
        if self.day is not None and self.year is not None:
            return (self.keys[0], f"bare {self.month:02}-{self.day:02}")
        return self.keys[:1]


def find_days(plain: str, language: str) -> list[Day]:
    """Return the dates of a text, with both readings where they are unclear.

    Args:
        plain: Normalised.
        language: ISO 639-1 code, or "und"; tells what `03/04/2024` means.
    """
    found: list[Day] = []
    if not _DIGIT.search(plain):
        return found
    taken: list[tuple[int, int]] = []
    for needed, patterns in _PATTERNS:
        if not needed.search(plain):
            continue
        for order, pattern in patterns:
            for match in islice(pattern.finditer(plain), MAX_DAYS):
                start, end = match.span()
                if any(start < until and begun < end for begun, until in taken):
                    continue
                if _is_numbered(plain, match):
                    continue
                if days := list(_read(order, match, language)):
                    found += days
                    taken.append((start, end))
        if len(found) >= MAX_DAYS:
            break
    return found[:MAX_DAYS]


def _is_numbered(plain: str, match: re.Match[str]) -> bool:
    """Whether three numbers with full stops between are of a version or a section."""
    written = match.group()
    if written.count(".") != 2 or not written.replace(".", "").isdigit() or _DATED.match(written):
        return False
    before = _NUMBERED.search(plain, max(0, match.start() - 16), match.start())
    is_dated = before is not None and before.group().startswith("rev")
    return before is not None and not (is_dated and len(written.rpartition(".")[2]) == 4)


def _read(order: str, match: re.Match[str], language: str) -> Iterator[Day]:
    parts = dict(zip(order, match.groups(), strict=True))
    year = _year(parts.get("y") or parts.get("z"), parts.get("e"))
    written = match.group()
    month, day = _month(parts["m"]), int(parts["d"]) if parts.get("d") else None
    if _is_day(year, month, day):
        yield Day(written, year, month, day)
    if parts.get("f") and _is_day(year, month, int(parts["f"])):
        yield Day(written, year, month, int(parts["f"]))
    is_unclear = order == "dmy" and parts["m"].isdigit() and "." not in written
    is_unclear = is_unclear and not written.startswith("ng") and language in {"en", "und"}
    if is_unclear and day is not None and day != month and _is_day(year, day, month):
        yield Day(written, year, day, month)


def _month(written: str) -> int:
    return int(written) if written.isdigit() else _NUMBER_OF.get(written, 0)


def _year(written: str | None, era: str | None) -> int | None:
    if not written:
        return None
    year = int(written)
    if era:
        return _ERAS[era] + year
    if len(written) == 2:
        # The usual window of two-digit years (POSIX `strptime`: 69 and later are of the 1900s).
        return year + (1900 if year >= 69 else 2000)
    return year - _BUDDHIST if year >= 2400 else year


def _is_day(year: int | None, month: int, day: int | None) -> bool:
    is_year = year is None or 1800 <= year < 2200
    is_day = year is not None if day is None else 1 <= day <= 31
    return is_year and 1 <= month <= 12 and is_day
