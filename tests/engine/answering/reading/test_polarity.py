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

    def test_sentence_on_another_place_decides_nothing(self):
        made = answer("Can I sell leave in Hanoi?", passage("Staff in Bristol can sell leave."))
        assert not made.text.startswith("Yes")

    def test_answer_that_begins_with_no_is_left_alone(self):
        text = "Is there a dress code?\n\nNo, except in the laboratory."
        assert answer("Is there a dress code?", passage(text)).text.startswith("No, except")
