"""Parts of a group, and what is asked of a subject: near misses that have all the other words."""

import pytest

from citewell.engine.answering.asking.narrowing import is_of_another_part, narrowed
from citewell.engine.answering.base import ConfidenceLevel
from tests.engine.answering.passages import answer, passage

_WEAK = (ConfidenceLevel.LOW, ConfidenceLevel.NONE)
_LEADS = ("Yes", "No", "Có:", "Không:")


class TestPolarity:
    @pytest.mark.parametrize(
        ("question", "text"),
        [
            ("Is the juice bar free?", "The juice bar is free from sugar."),
            ("Are kayaks free?", "Kayaks are free for premium members; others rent one."),
            ("Is parking free?", "Parking is free on Sundays."),
            ("Do full members pay for kayaks?", "Kayaks are free for premium members."),
            ("Is a camera allowed in the vault?", "A camera left in the vault is kept a week."),
            ("Is the archive free?", "The archive is open until 16:30."),
            ("Is the hall open on Sundays?", "The hall is closed on Sundays."),
        ],
    )
    def test_no_lead_where_what_is_asked_is_not_told(self, question: str, text: str) -> None:
        assert not answer(question, passage(text)).text.startswith(_LEADS)

    @pytest.mark.parametrize(
        ("question", "text"),
        [
            ("Is the juice bar free?", "The juice bar is free from sugar."),
            ("Is a camera allowed in the vault?", "A camera left in the vault is kept a week."),
            ("Is the archive free?", "The archive is open until 16:30."),
            ("Do full members pay for kayaks?", "Kayaks are free for premium members."),
        ],
    )
    def test_such_a_sentence_is_never_trusted(self, question: str, text: str) -> None:
        assert answer(question, passage(text)).confidence.level in _WEAK

    @pytest.mark.parametrize(
        ("language", "question", "text", "lead"),
        [
            ("en", "Is parking free?", "Parking is free of charge.", "Yes: "),
            ("en", "Is parking free on Sundays?", "On Sundays, parking is free.", "Yes: "),
            ("en", "Are dogs allowed in the barn?", "Dogs may stay in the barn.", "Yes: "),
            ("en", "Are dogs allowed in the barn?", "No dogs in the barn.", "No: "),
            ("en", "Are kayaks free for members?", "Kayaks are free for members.", "Yes: "),
            ("vi", "Gửi xe có miễn phí không?", "Gửi xe được miễn phí.", "Có: "),
        ],
    )
    def test_lead_where_it_is_told(
        self, language: str, question: str, text: str, lead: str
    ) -> None:
        made = answer(question, passage(text, language=language), language=language)
        assert made.text.startswith(lead)


class TestParts:
    def test_parts_that_exclude_one_another(self) -> None:
        for language, question, text, expected in (
            ("en", "Do old members pay?", "New members pay nothing.", True),
            ("en", "Do old members pay?", "New members pay less than old members.", False),
            ("en", "Do full members pay?", "Members pay 5 euros.", False),
            ("en", "Is the new hall heated?", "Old members heat the hall.", False),
            ("vi", "Thành viên cũ có phải trả tiền không?", "Thành viên mới được miễn.", True),
            ("vi", "hoc sinh noi tru an o dau?", "Học sinh ngoại trú ăn ở căng tin.", True),
            ("vi", "Học sinh nội trú ăn ở đâu?", "Học sinh nội trú ăn ở bếp lớn.", False),
        ):
            assert is_of_another_part(question, text, language) is expected, (question, text)

    def test_answer_of_another_part_is_weak_and_decides_nothing(self) -> None:
        text = "Thành viên mới được miễn phí thuê kho năm đầu."
        for question in (
            "Thành viên cũ có được miễn phí thuê kho không?",
            "Phí thuê kho là bao nhiêu?",
        ):
            made = answer(question, passage(text, language="vi"), language="vi")
            assert made.confidence.level in _WEAK, question
            assert not made.text.startswith(_LEADS), question

    def test_age_of_the_question_is_compared(self) -> None:
        text = "Trẻ em dưới 6 tuổi được miễn phí."
        assert narrowed("Trẻ em 10 tuổi trả bao nhiêu tiền?", text, "vi") is not None
        assert narrowed("Trẻ em 4 tuổi trả bao nhiêu tiền?", text, "vi") is None
        assert narrowed("Trẻ em dưới 6 tuổi trả bao nhiêu tiền?", text, "vi") is None
        assert narrowed("What does a 70 year old pay?", "Guests over 65 are free.", "en") is None
        assert narrowed("What do guests pay?", "Guests over 65 are free.", "en") is not None

    def test_parts_that_are_included_narrow_nothing(self) -> None:
        told = "Nội quy áp dụng cho mọi người, kể cả nhân viên mới."
        assert narrowed("Nội quy có áp dụng cho khách không?", told, "vi") is None

    def test_price_of_the_thing_itself_stays_sure(self) -> None:
        made = answer("How much are kayaks?", passage("Kayaks are free for premium members."))
        assert made.confidence.level not in _WEAK


class TestNearMisses:
    def test_limit_for_each_is_no_count_of_all(self) -> None:
        text = "Mỗi thẻ được mượn tối đa 5 cuốn sách."
        shelf = passage(text, title="Nội quy phòng đọc", language="vi")
        made = answer("Phòng đọc có bao nhiêu cuốn sách?", shelf, language="vi")
        assert made.confidence.level in _WEAK
        made = answer("Mỗi thẻ mượn được bao nhiêu cuốn sách?", shelf, language="vi")
        assert made.confidence.level not in _WEAK

    def test_another_sort_is_another_thing(self) -> None:
        made = answer(
            "When is garden waste collected?", passage("Glass waste is collected on Mondays.")
        )
        assert made.confidence.level in _WEAK
