"""Dates in the forms that people write them in."""

from citewell.engine.text.days import find_days
from citewell.engine.text.normalisation import normalise


def days(text: str, language: str) -> list[tuple[int | None, int, int | None]]:
    return [(day.year, day.month, day.day) for day in find_days(normalise(text), language)]


class TestFindDays:
    def test_one_day_is_read_in_every_usual_form(self) -> None:
        forms = {
            "en": "2024-03-12|2024/03/12|12 March 2024|March 12th, 2024|12th of March, 2024|"
            "12-Mar-2024|20240312|due 2024-03-12T10:00|12 Mar 24",
            "vi": "ngày 12 tháng 3 năm 2024|ngay 12 thang 3 nam 2024|ngày 12/3/2024|12/03/2024|"
            "ngày 12 tháng Ba năm 2024",
            "de": "12. März 2024|am 12.03.2024|12.03.24",
            "fr": "le 12 mars 2024|12/03/2024",
            "es": "12 de marzo de 2024",
            "ja": "2024年3月12日|令和6年3月12日",
            "ko": "2024년 3월 12일",
            "th": "12 มีนาคม 2567|12 มี.ค. 2567",
        }
        for language, written in forms.items():
            for text in written.split("|"):
                assert days(text, language) == [(2024, 3, 12)], text

    def test_unclear_day_and_month_have_both_readings_in_english_only(self) -> None:
        assert days("12/03/2024", "en") == [(2024, 3, 12), (2024, 12, 3)]
        assert days("12/03/2024", "vi") == [(2024, 3, 12)]
        assert days("25/03/2024", "en") == [(2024, 3, 25)]

    def test_parts_of_a_date_are_read(self) -> None:
        assert days("5 December", "en") == [(None, 12, 5)]
        assert days("in December 2026", "en") == [(2026, 12, None)]
        assert days("tháng 3/2024", "vi") == [(2024, 3, None)]
        assert days("from 12 to 14 March 2024", "en") == [(2024, 3, 14), (2024, 3, 12)]

    def test_number_of_a_release_or_a_section_is_no_day(self) -> None:
        for text in ("release 10.11.12", "version 04.02.01", "firmware v10.11.12", "mục 04.02.01"):
            assert days(text, "en") == [], text
        assert days("on 10.11.12", "de") == [(2012, 11, 10)]

    def test_day_behind_a_revision_is_a_day(self) -> None:
        for text in (
            "rev. 2024-05-01",
            "rev.2024-05-01",
            "revision 01.05.2024",
            "rev. 1.5.2024",
            "version 01.05.2024",
        ):
            assert days(text, "de") == [(2024, 5, 1)], text
        assert days("rev. 10.11.12", "de") == []

    def test_what_is_no_date_is_none(self) -> None:
        for text in ("version 1.2.10", "3/4 of it", "99/99/2024", "10-20 pages", "may be 2024"):
            assert days(text, "en") == [], text

    def test_cost_is_linear_in_hostile_text(self) -> None:
        for part in ("1 ", "12/03", "march ", "1 and ", "2024-", "ngày 1 ", "12 de "):
            assert len(find_days(part * 20_000, "en")) <= 64
