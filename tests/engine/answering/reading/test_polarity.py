"""Yes and no lead where the sentence decides."""

import pytest

from tests.engine.answering.passages import answer, passage


class TestPolarity:
    @pytest.mark.parametrize(
        ("question", "text", "lead"),
        [
            ("Is alcohol repaid?", "Alcohol is never repaid.", "No: "),
            ("Is parking repaid?", "Parking and tolls are repaid.", "Yes: "),
            ("Is smoking allowed?", "Smoking is allowed only in the shelters.", "Smoking"),
            ("May the contract be transferred without consent?",
             "Neither party may transfer the contract without consent.", "No: "),
        ],
    )  # fmt: skip
    def test_english(self, question: str, text: str, lead: str):
        assert answer(question, passage(text)).text.startswith(lead)

    @pytest.mark.parametrize(
        ("question", "text", "lead"),
        [
            ("Nhà để xe máy có thu tiền không?", "Nhà để xe máy không thu tiền.", "Không: "),
            ("Nhà ăn có món chay không?", "Nhà ăn có món chay mỗi ngày.", "Có: "),
        ],
    )
    def test_vietnamese(self, question: str, text: str, lead: str):
        made = answer(question, passage(text, language="vi"), language="vi")
        assert made.text.startswith(lead)

    @pytest.mark.parametrize(
        ("language", "question", "text"),
        [
            ("en", "May the tenant sublet the shed twice?", "The tenant may sublet the shed once."),
            ("en", "Can white vinegar be used to clean the copper kettle?",
             "White vinegar ruins the copper kettle."),
            ("en", "Is archery allowed on Thursday?",
             "The club allows archery on up to three days, with Thursday as the day for all."),
            ("en", "Are boats rented in winter?", "Boats are rented until the end of winter."),
            ("en", "May members store paint in the cellar?", "Members may paint the cellar."),
            ("vi", "Bình gốm có rửa bằng máy được không?", "Rửa bằng máy làm hỏng bình gốm."),
        ],
    )  # fmt: skip
    def test_limit_harm_or_other_predicate_is_no_yes(self, language: str, question: str, text: str):
        made = answer(question, passage(text, language=language), language=language)
        assert not made.text.startswith(("Yes", "Có", "No:", "Không:")), made.text

    @pytest.mark.parametrize(
        ("language", "question", "text", "lead"),
        [
            ("vi", "Thuyền có được neo qua đêm không?",
             "Thuyền được neo ở bến B, không neo qua đêm.", "Không: "),
            ("vi", "Học viên có được mang sách quý về nhà không?",
             "Học viên đọc sách quý tại phòng đọc, không được mang về nhà.", "Không: "),
            ("en", "Are bicycles repaired on Sundays?",
             "Bicycles are repaired in hall 2, but never repaired on Sundays.", "No: "),
            ("en", "May dogs be brought into the garden?",
             "Dogs may be brought into the garden, but not into the kitchen.", "Dogs"),
        ],
    )  # fmt: skip
    def test_clause_that_holds_the_question_decides(
        self, language: str, question: str, text: str, lead: str
    ):
        made = answer(question, passage(text, language=language), language=language)
        assert made.text.startswith(lead), made.text

    def test_sentence_on_another_place_decides_nothing(self):
        made = answer("Can I sell leave in Hanoi?", passage("Staff in Bristol can sell leave."))
        assert not made.text.startswith("Yes")

    def test_answer_that_begins_with_no_is_left_alone(self):
        text = "Is there a dress code?\n\nNo, except in the laboratory."
        assert answer("Is there a dress code?", passage(text)).text.startswith("No, except")
