"""Times of day with minutes in what is graded."""

import re

import pytest

from citewell.engine.verification.clocks import CLOCK, read_clock
from citewell.engine.verification.grading import Grade, grade_sentence

TIMES = {
    "the museum shuts at 17:45.": 17.75,
    "the museum shuts at half past four.": 4.5,
    "lunch is at ten past 1.": 1 + 1 / 6,
    "the ferry sails at a quarter to nine.": 8.75,
    "the ferry sails at twenty to nine.": 8 + 2 / 3,
    "the ferry sails at 5 to six in summer.": 5 + 11 / 12,
    "we meet at half seven.": 7.5,
    "we meet at seven thirty.": 7.5,
    "we meet at 8 15.": 8.25,
    "bảo tàng đóng cửa lúc 16 giờ 30.": 16.5,
    "bảo tàng đóng cửa lúc 16h05.": 16 + 1 / 12,
    "họp lúc 9 giờ rưỡi.": 9.5,
    "họp lúc 9 giờ kém 15.": 8.75,
}

NO_TIMES = (
    "the kiln runs at five to ten degrees.",
    "from 5 to 10 people come.",
    "half a million visitors came.",
    "it costs 5.30 euros.",
    "the score was 3:2.",
    "the film lasts 1:40:20.",
    "mở cửa lúc 9 giờ sáng.",
    "they keep five or six dogs.",
)


class TestReadingTimes:
    def test_time_with_minutes_is_one_number(self):
        for text, hours in TIMES.items():
            match = re.search(CLOCK, text)
            assert match is not None, text
            assert read_clock(match) == pytest.approx(hours), text

    def test_ranges_and_amounts_are_no_times(self):
        assert [text for text in NO_TIMES if re.search(CLOCK, text)] == []


def grade(sentence: str, quote: str, language: str = "en") -> Grade:
    return grade_sentence(sentence, [quote], language=language).grade


class TestGradingTimes:
    def test_full_hour_is_not_read_out_of_a_time_with_minutes(self):
        for quote in (
            "The museum opens at 9 and shuts at 5 past six.",
            "The museum shuts at 5:40.",
            "The museum shuts at half past 5.",
            "The museum shuts at a quarter to 5.",
            "The museum shuts at 5 to seven.",
        ):
            assert grade("The museum shuts at 5.", quote) is Grade.REWORDED, quote
        for quote in (
            "Bảo tàng mở cửa lúc 9 giờ và đóng cửa lúc 5 giờ 40.",
            "Bảo tàng đóng cửa lúc 5 giờ rưỡi.",
            "Bảo tàng đóng cửa lúc 5 giờ kém 10.",
        ):
            found = grade("Bảo tàng đóng cửa lúc 5 giờ.", quote, "vi")
            assert found is Grade.REWORDED, quote

    def test_same_time_in_another_form_is_close(self):
        assert grade("The museum shuts at 5:30.", "The museum shuts at half past five.") is (
            Grade.CLOSE
        )
        assert grade("Bảo tàng đóng cửa lúc 17h30.", "Bảo tàng đóng cửa lúc 17 giờ 30.", "vi") is (
            Grade.CLOSE
        )

    def test_another_time_contradicts_but_the_other_half_of_the_day_does_not(self):
        assert grade("The museum shuts at 5:30.", "The museum shuts at 6:30.") is (
            Grade.CONTRADICTED
        )
        assert grade("The museum shuts at 5:30.", "The museum shuts at 17:30.") is Grade.REWORDED
