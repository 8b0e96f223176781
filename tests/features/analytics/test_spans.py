"""Ranges as months and days, and percentiles of buckets."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.features.analytics.spans import BUCKETS, STEPS, Spans, percentile

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


def covered(spans: Spans) -> list[date]:
    """The days that the three stretches of items hold, in the way the statements read them."""
    one, found = timedelta(days=1), list[date]()
    day = spans.since
    while day < min(spans.months_from, spans.until):
        found.append(day)
        day += one
    day = spans.months_from
    while day < spans.months_to:
        found.append(day)
        day += one
    day = max(spans.months_to, spans.since)
    while day < spans.until:
        found.append(day)
        day += one
    return found


class TestSpans:
    @given(since=DAYS, length=st.integers(1, 800), today=DAYS)
    def test_every_day_is_held_once_and_months_are_whole_and_over(
        self, since: date, length: int, today: date
    ) -> None:
        until = since + timedelta(days=length)
        spans = Spans.of(since, until, today)
        assert covered(spans) == [since + timedelta(days=n) for n in range(length)]
        if spans.months_from < spans.months_to:
            assert spans.months_from.day == spans.months_to.day == 1
            assert spans.months_to <= min(until, today)


class TestPercentile:
    @given(times=st.lists(st.floats(1.01, 900_000), min_size=1, max_size=60))
    def test_bound_is_at_most_nine_per_cent_above(self, times: list[float]) -> None:
        buckets = [0] * BUCKETS
        for each in times:
            buckets[math.ceil(STEPS * math.log2(each))] += 1
        for part in (0.5, 0.95, 0.99):
            exact = sorted(times)[max(1, math.ceil(part * len(times))) - 1]
            bound = percentile(buckets, part)
            assert bound is not None
            assert exact * 0.99 - 0.1 <= bound <= exact * 2 ** (1 / STEPS) * 1.01 + 0.1

    def test_nothing_counted_has_none(self) -> None:
        assert percentile([0] * BUCKETS, 0.5) is None
        assert percentile([1], 0.95) == pytest.approx(1)
