"""Whether a text holds what a question asks for, by its unit."""

import pytest

from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.focus import focus_of
from citewell.engine.answering.asking.kinds import read_question


class TestOffers:
    @pytest.mark.parametrize(
        ("question", "language", "right", "other"),
        [
            ("How heavy is the pump?", "en", "It weighs 4.8 kg.", "It costs 48 euros."),
            ("How hot is the water?", "en", "It leaves at 93 °C.", "It takes 93 s."),
            ("How often are filters cleaned?", "en", "Clean them every week.", "Clean 2 filters."),
            ("How long is the cable?", "en", "The cable measures 1.2 m.", "There are 2 cables."),
            ("Đèo cao bao nhiêu?", "vi", "Đèo cao 1.200 m.", "Đèo có 12 trạm."),
            ("Bao lâu một lần thay lõi?", "vi", "Thay định kỳ 6 tháng.", "Thay 6 lõi."),
            ("Who leads it?", "en", "Led by Ada Moe.", "Open; Saturday: closed; Sunday: closed"),
        ],
    )
    def test_right_unit_is_worth_more_than_any_number(
        self, question: str, language: str, right: str, other: str
    ):
        asked = read_question(question, language)
        assert offers(asked, right) == 1.0
        assert offers(asked, other) < 0.5


class TestFocus:
    @pytest.mark.parametrize(
        ("question", "language", "focus"),
        [
            ("Which password manager does the firm use?", "en", {"password", "manager"}),
            ("What is the deposit for a bicycle?", "en", {"deposit"}),
            ("Who runs it?", "en", set[str]()),
            ("Công ty dùng phần mềm nào?", "vi", {"phan", "mem"}),
            ("Mật khẩu của mạng khách là gì?", "vi", {"mat", "khau"}),
        ],
    )
    def test_name_of_what_is_asked_for(self, question: str, language: str, focus: set[str]):
        assert focus_of(read_question(question, language), language) == focus


class TestInstructions:
    def test_accents_tell_a_question_word_from_a_subject(self):
        asked = read_question("Thẻ nhân viên làm lại thế nào?", "vi")
        assert "thế" in asked.instructions
        assert "thẻ" not in asked.instructions

    def test_short_spelling_asks_yes_or_no(self):
        assert read_question("có được nghỉ bù ko", "vi").kind == "yes_no"
