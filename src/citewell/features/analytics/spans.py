"""Ranges of days as counted months and days, and times as buckets that add up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

BUCKETS = 160
"""Buckets of time; the last one ends at 2 ** 20 ms, above 17 minutes."""

STEPS = 8
"""Buckets for each doubling, so that an upper bound is at most 9 % (2 ** 1/8) above the time."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spans:
    """A range of days, taken apart into whole months that are over and days beside them."""

    since: date
    until: date
    """End, exclusive."""
    months_from: date
    """The first whole month; as `months_to` if there is none."""
    months_to: date

    @classmethod
    def of(cls, since: date, until: date, today: date) -> "Spans":
        """The spans of a range. The month of `today` is counted by its days alone."""
        first = since if since.day == 1 else next_month(since)
        last = min(until, today).replace(day=1)
        if first >= last:
            return cls(since, until, since, since)
        return cls(since, until, first, last)

    def values(self) -> dict[str, date]:
        """For the statements that read items."""
        return {
            "since": self.since,
            "until": self.until,
            "months_from": self.months_from,
            "months_to": self.months_to,
        }


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def percentile(buckets: Sequence[int], part: float) -> float | None:
    """An upper bound in ms of the time within which so great a part (0..1) was done.

    By nearest rank, from counts by bucket; None where nothing was counted.
    """
    total = sum(buckets)
    if not total:
        return None
    rank = max(1, math.ceil(part * total))
    seen = 0
    for place, count in enumerate(buckets):
        seen += count
        if seen >= rank:
            return round(2 ** (place / STEPS), 1)
    raise AssertionError("the ranks end with the total")
