import pytest

from citewell.engine.answering.answer_types import AnswerType, expected_answer_type, holds


class TestWantedBy:
    @pytest.mark.parametrize(
        ("question", "wanted"),
        [
            ("When was it signed?", AnswerType.TIME),
            ("Hợp đồng được ký khi nào?", AnswerType.TIME),
            ("hop dong ky ngay nao", AnswerType.TIME),
            ("How many days?", AnswerType.NUMBER),
            ("Phụ cấp là bao nhiêu?", AnswerType.NUMBER),
            ("Who signs it?", AnswerType.NAME),
            ("Nhà máy ở đâu?", AnswerType.NAME),
            ("Explain the policy.", None),
        ],
    )
    def test_question_words_tell_what_is_asked_for(self, question: str, wanted: AnswerType | None):
        assert expected_answer_type(question) is wanted


class TestHolds:
    @pytest.mark.parametrize(
        ("wanted", "sentence", "question", "expected"),
        [
            (AnswerType.TIME, "It was signed on 2 March 2026.", "When was it signed?", True),
            (AnswerType.TIME, "It was signed by both.", "When was it signed?", False),
            (AnswerType.NUMBER, "You get twenty days.", "How many days?", True),
            (AnswerType.NUMBER, "Plan 3 is fine.", "How many seats has plan 3?", False),
            (AnswerType.NAME, "It is signed by Anna Hale.", "Who signs it?", True),
            (AnswerType.NAME, "Anna signs it.", "Does Anna sign it, or who?", False),
        ],
    )
    def test_only_what_the_question_does_not_say_counts(
        self, wanted: AnswerType, sentence: str, question: str, expected: bool
    ):
        assert holds(wanted, sentence, question) is expected
