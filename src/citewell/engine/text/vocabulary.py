# ruff: noqa: RUF001 - Vietnamese and typographic characters are meant
"""Small words that change what a sentence claims: negations, opposites, units, numbers in words.

Lists are closed sets written for business documents in English and Vietnamese. What is not listed
is not checked, so a missing word costs a missed alteration, never a wrong refusal.
"""

from collections.abc import Iterator
from typing import NamedTuple


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _numbered(start: int, listed: str) -> Iterator[tuple[int, str]]:
    return enumerate(listed.split(), start)


def _phrases(listed: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in listed.split(","))


class Contrast(NamedTuple):
    """Meanings that exclude one another, each with its words; matched on normalised text."""

    values: tuple[tuple[str, ...], ...]
    is_required: bool = False
    """Whether a source that has none of them cannot support a sentence that has one."""


def _values(*values: str, is_required: bool = False) -> Contrast:
    return Contrast(tuple(_phrases(value) for value in values), is_required)


CONTRASTS = (
    _values(
        "allowed, permitted, allows, permits, được phép, cho phép",
        "prohibited, forbidden, banned, disallowed, prohibits, forbids, cấm, nghiêm cấm",
    ),
    _values(
        "no more than, not more than, no later than, not later than, not exceed, not exceeding, "
        "not to exceed, at most, up to, maximum, within, không quá, không vượt quá, "
        "không muộn hơn, tối đa, nhiều nhất, chậm nhất, muộn nhất, trong vòng",
        "no less than, not less than, no fewer than, no earlier than, at least, minimum, "
        "more than, over, exceeds, exceeding, không ít hơn, không dưới, ít nhất, tối thiểu, "
        "hơn, sớm nhất",
    ),
    _values("before, prior to, trước, trước khi", "after, sau, sau khi"),
    _values(
        "mandatory, required, compulsory, obligatory, bắt buộc",
        "optional, voluntary, tùy chọn, tuỳ chọn, tự nguyện",
    ),
    _values(
        "increase, increases, increased, rise, rises, rose, grow, grows, grew, tăng",
        "decrease, decreases, decreased, reduce, reduces, reduced, fall, falls, fell, giảm",
    ),
    _values(
        "include, includes, included, including, bao gồm, kể cả",
        "exclude, excludes, excluded, excluding, except, ngoại trừ",
    ),
    _values(
        "approve, approves, approved, accept, accepts, accepted, phê duyệt, chấp thuận, chấp nhận",
        "reject, rejects, rejected, refuse, refuses, refused, deny, denies, denied, từ chối, "
        "bác bỏ",
    ),
    _values(
        "paid, có lương, hưởng lương, có hưởng lương",
        "unpaid, không lương, không hưởng lương",
    ),
    _values("open, opens, opened, mở cửa", "close, closes, closed, đóng cửa"),
    _values("internal, internally, nội bộ", "external, externally, bên ngoài"),
    _values("domestic, trong nước", "international, foreign, abroad, quốc tế, nước ngoài"),
    _values("full-time, full time, toàn thời gian", "part-time, part time, bán thời gian"),
    _values("gross", "net"),
    _values("buyer, bên mua", "seller, bên bán"),
    _values("landlord, lessor, bên cho thuê", "tenant, lessee, bên thuê"),
    _values("employer, người sử dụng lao động", "employee, employees, người lao động"),
    _values(
        "working day, working days, business day, business days, ngày làm việc",
        "calendar day, calendar days, ngày lịch, ngày theo lịch",
    ),
    _values(
        "highest, largest, greatest, cao nhất, lớn nhất", "lowest, smallest, thấp nhất, nhỏ nhất"
    ),
    _values("all, tất cả, toàn bộ, mọi", "some, certain, một số, vài"),
    _values("morning, buổi sáng", "afternoon, buổi chiều", "evening, buổi tối", "night, ban đêm"),
    _values("online, trực tuyến", "offline, in person, trực tiếp"),
    _values("new, mới", "old, cũ"),
    _values("once, một lần", "twice, hai lần"),
    _values(
        "daily, per day, each day, every day, a day, hàng ngày, hằng ngày, mỗi ngày, một ngày",
        "hourly, per hour, an hour, mỗi giờ, một giờ",
        "nightly, per night, each night, every night, a night, mỗi đêm, một đêm",
        "weekly, per week, each week, every week, a week, hàng tuần, hằng tuần, mỗi tuần, một tuần",
        "monthly, per month, each month, every month, a month, hàng tháng, hằng tháng, "
        "mỗi tháng, một tháng",
        "quarterly, per quarter, each quarter, every quarter, hàng quý, hằng quý, mỗi quý, một quý",
        "yearly, annually, annual, per year, each year, every year, a year, hàng năm, "
        "hằng năm, mỗi năm, một năm",
    ),
    _values(
        "monday, mondays, thứ hai, thứ 2",
        "tuesday, tuesdays, thứ ba, thứ 3",
        "wednesday, wednesdays, thứ tư, thứ 4",
        "thursday, thursdays, thứ năm, thứ 5",
        "friday, fridays, thứ sáu, thứ 6",
        "saturday, saturdays, thứ bảy, thứ 7",
        "sunday, sundays, chủ nhật",
        is_required=True,
    ),
)
"""A value under a negation becomes the other one of its pair."""

BOUND = 1
"""Number of the contrast of bounds."""

NUMBER_BOUNDS = (
    _phrases("below, under, less than, fewer than, shorter than, dưới, ít hơn"),
    _phrases("above, greater than, longer than, higher than, trên, vượt"),
)
"""Bounds only where a number follows: `trên` is also `on`."""

NEGATORS = _phrases(
    "not, no, never, none, neither, nor, without, cannot, can't, nobody, nothing, nowhere, n't, "
    "unless, không, chưa, chẳng, đừng, trừ khi"
)

NOT_NEGATIONS = _phrases(
    "not only, no doubt, whether or not, không chỉ, không những, không khí, không gian, "
    "hàng không, không quân, có hay không, hay không"
)
"""Phrases that hold a negator and deny nothing."""

SHORT_NEGATORS = _words("chưa chua")
"""Deny the next two words only: `ngày phép chưa dùng được chuyển` is moved all the same."""

SCOPE_ENDS = _words(
    "but however although unless until if when while because so nhưng tuy mà nếu khi vì nên"
)
"""Words at which a negation ends."""

MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
"""In English, from the first month of the year."""

MONTHS = {
    name: number
    for number, month in enumerate(MONTH_NAMES, start=1)
    for name in (month, month[:3], *(("sept",) if month == "september" else ()))
}
"""The number of a month by its name or its abbreviation."""

UNITS = {
    word: unit
    for unit, words in {
        "day": "day days ngày",
        "week": "week weeks tuần",
        "month": "month months tháng",
        "year": "year years năm",
        "hour": "hour hours hr hrs h giờ tiếng",
        "minute": "minute minutes min mins phút",
        "second": "second seconds giây",
        "percent": "% percent",
        "usd": "$ usd dollar dollars đô",
        "eur": "€ eur euro euros",
        "gbp": "£ gbp pounds",
        "jpy": "¥ jpy yen",
        "vnd": "₫ đ vnd vnđ đồng",
        "km": "km kilometre kilometres kilometer kilometers",
        "m": "m metre metres meter meters mét",
        "cm": "cm",
        "mm": "mm",
        "m2": "m2 m²",
        "kg": "kg kilogram kilograms",
        "g": "g gram grams",
        "t": "tonne tonnes tấn",
        "l": "l litre litres liter liters lít",
        "kb": "kb",
        "mb": "mb",
        "gb": "gb",
        "tb": "tb",
        "clock": "am pm a.m p.m",
    }.items()
    for word in words.split()
}

UNIT_FILLERS = _words(
    "working business calendar full paid unpaid consecutive successive additional extra more "
    "whole - –"
)
"""May stand between a number and its unit."""

MULTIPLIERS = {
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trăm": 1e2,
    "nghìn": 1e3,
    "ngàn": 1e3,
    "triệu": 1e6,
    "tỷ": 1e9,
    "tỉ": 1e9,
}

ENGLISH_NUMBERS = {
    word: value
    for value, word in _numbered(
        0,
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen",
    )
} | {
    word: 10 * value
    for value, word in _numbered(2, "twenty thirty forty fifty sixty seventy eighty ninety")
}

VIETNAMESE_DIGITS = {
    "một": 1,
    "mốt": 1,
    "hai": 2,
    "ba": 3,
    "bốn": 4,
    "tư": 4,
    "năm": 5,
    "lăm": 5,
    "sáu": 6,
    "bảy": 7,
    "tám": 8,
    "chín": 9,
}

ORDINALS = {
    word: value
    for value, word in _numbered(
        3, "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
    )
}
"""`first` and `second` have other meanings as well."""

COUNTED = _words(
    "ngày tuần tháng năm giờ tiếng phút giây lần người bản khoản phần bước điểm trăm nghìn ngàn "
    "triệu tỷ tỉ phần bộ chiếc cái loại mức cấp bên buổi ca suất"
)
"""After one of these Vietnamese digits a number is surely meant: `ba ngày`, but not `ba` alone."""

NAME_OPENERS = _words(
    "call contact email ask see send submit use visit note please tell write report check read "
    "gọi gặp gửi nộp báo xem dùng mr mrs ms dr ông bà anh chị cô thầy"
)
"""May stand right before a name, and are not part of it."""
