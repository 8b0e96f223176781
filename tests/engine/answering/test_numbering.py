"""One of a series by its number, and events of a life: one tells nothing of another."""

from citewell.engine.answering.asking.events import events_in, is_of_another_event
from citewell.engine.answering.numbering import numbered_in
from tests.engine.answering.passages import answer, passage

BREWERY = passage(
    "Tầng 1 để kho lạnh, mở từ 6 giờ. Tầng 2 là phòng nếm, mở lúc 15 giờ. "
    "Hạt giống đợt một về ngày 12/03/2026. Cả hai nhà máy do bà Tú quản lý.",
    title="Xưởng bia Đồi Gió",
    heading=("Các tầng và lịch nhập",),
    language="vi",
)
HARBOUR = passage(
    "Phase 1 of the pier opens on 3 May 2027. The kiosk on the second floor closes at 17:30.",
    title="Harbour works",
    heading=("Dates",),
)
LEAVE = passage(
    "Cha, mẹ, vợ, chồng hoặc con qua đời: 4 ngày.\n\nBản thân kết hôn: 3 ngày.",
    title="Nội quy hợp tác xã",
    heading=("Nghỉ có lương",),
    language="vi",
)


class TestOneOfASeries:
    def test_number_that_is_told_is_answered(self):
        for question, told in (
            ("tầng 2 mở lúc mấy giờ?", "15 giờ"),
            ("lầu hai mở lúc mấy giờ?", "15 giờ"),
            ("hạt giống đợt một về ngày nào?", "12/03/2026"),
        ):
            assert told in answer(question, BREWERY, language="vi").text, question
        assert "3 May" in answer("When does phase one of the pier open?", HARBOUR).text

    def test_another_number_of_the_series_is_refused(self):
        for question in (
            "tầng 4 mở lúc mấy giờ?",
            "tang 4 mo luc may gio",
            "hạt giống đợt hai về ngày nào?",
        ):
            assert answer(question, BREWERY, language="vi").is_abstained, question
        for question in (
            "When does phase 2 of the pier open?",
            "When does the kiosk on the third floor close?",
        ):
            assert answer(question, HARBOUR).is_abstained, question

    def test_numbers_that_measure_or_may_mean_all_name_nothing(self):
        for text in ("mỗi đợt ba ngày", "khóa năm 2025", "nhà ba mẹ", "kỳ họp tháng 10"):
            assert not any(number != "*" for _, number in numbered_in(text, "vi")), text
        assert ("tầng", "*") in list(numbered_in("từ tầng 2 trở lên", "vi"))
        assert set(numbered_in("tầng 1, 2 và lầu ba", "vi")) == {
            ("tầng", "1"),
            ("tầng", "2"),
            ("tầng", "3"),
        }

    def test_room_for_four_is_no_room_number_four(self):
        assert list(numbered_in("phòng 4 người", "vi")) != list(numbered_in("phòng 4", "vi"))


class TestEvents:
    def test_days_for_a_death_tell_nothing_of_a_birth(self):
        assert answer("vợ đẻ chồng được nghỉ mấy ngày?", LEAVE, language="vi").is_abstained
        found = answer("lấy vợ được nghỉ mấy ngày?", LEAVE, language="vi")
        assert "3 ngày" in found.sentences[0].text

    def test_event_in_the_heading_is_that_of_what_stands_below(self):
        asked = events_in("How many days when my wife has a baby?")
        assert is_of_another_event(asked, "On a death: 3 days.", "On a death: 3 days.")
        assert not is_of_another_event(asked, "Not for a wedding.", "Births\nNot for a wedding.")
        assert not is_of_another_event(asked, "Partners get 2 days.", "Partners get 2 days.")

    def test_syllables_of_other_words_are_no_event(self):
        for text in ("để lại ở cuối sinh viên", "mất chìa khóa", "thi cuoi ky", "de xe o dau"):
            assert not events_in(text), text
