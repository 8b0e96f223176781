"""Of passages that contradict each other the valid newest leads."""

from datetime import date

import pytest

from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.base import Passage
from citewell.engine.answering.reading.conflicts import _age_of  # pyright: ignore[reportPrivateUsage]
from citewell.engine.answering.reading.validity import begins_after, has_ended

DAY = date(2026, 11, 29)


def passage(text: str, title: str = "Rules") -> Passage:
    return Passage("1", "1", title, 1, None, (title,), 0, len(text), text, 1.0, "en")


class TestStanding:
    @pytest.mark.parametrize("ends", [True, False])
    def test_what_is_over_says_so(self, ends: bool) -> None:
        over = (
            "This policy is superseded by version 2.",
            "Valid until 31 December 2024.",
            "This rate list is no longer valid.",
            "Superseded. See the newer sheet.",
            "Hết hiệu lực từ ngày 01/09/2023.",
        )
        holding = (
            "This version supersedes version 1.",
            "Valid until 31 December 2027.",
            "The filter was replaced by the porter.",
            "The allowance is 65 euros. That of 2023, 59 euros, is superseded.",
            "Fees are 25 euros. Cards of the old kind are no longer valid.",
            "Hết hiệu lực từ ngày 01/09/2030.",
        )
        for text in over if ends else holding:
            assert has_ended(passage(text), DAY) is ends, text

    def test_what_begins_later_is_to_come(self) -> None:
        assert begins_after(passage("Effective from 1 January 2028."), DAY)
        assert not begins_after(passage("Effective from 1 January 2025."), DAY)


class TestAge:
    def test_versions_tell_where_dates_do_not(self) -> None:
        older, newer = (
            passage("Kept for 14 days.", title) for title in ("Guide v1.9", "Guide v1.10")
        )
        assert (_age_of(older, newer) or ()) < (_age_of(newer, older) or ())

    def test_questions_for_what_holds_now(self) -> None:
        for text, language in (
            ("What is the fee at the moment?", "en"),
            ("What does the latest version say of the fee?", "en"),
            ("Học phí theo bản hiện hành là bao nhiêu?", "vi"),
            ("hoc phi moi nhat la bao nhieu", "vi"),
        ):
            assert read_question(text, language).is_current, text
