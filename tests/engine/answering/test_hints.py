import pytest

from citewell.engine.answering.hints import Wanted, holds, wanted_by


class TestWantedBy:
    @pytest.mark.parametrize(
        ("question", "wanted"),
        [
            ("When was it signed?", Wanted.TIME),
            ("Hợp đồng được ký khi nào?", Wanted.TIME),
            ("hop dong ky ngay nao", Wanted.TIME),
            ("How many days?", Wanted.NUMBER),
            ("Phụ cấp là bao nhiêu?", Wanted.NUMBER),
            ("Who signs it?", Wanted.NAME),
            ("Nhà máy ở đâu?", Wanted.NAME),
            ("Explain the policy.", None),
        ],
    )
    def test_question_words_tell_what_is_asked_for(self, question: str, wanted: Wanted | None):
        assert wanted_by(question) is wanted


class TestHolds:
    @pytest.mark.parametrize(
        ("wanted", "sentence", "question", "expected"),
        [
            (Wanted.TIME, "It was signed on 2 March 2026.", "When was it signed?", True),
            (Wanted.TIME, "It was signed by both.", "When was it signed?", False),
            (Wanted.NUMBER, "You get twenty days.", "How many days?", True),
            (Wanted.NUMBER, "Plan 3 is fine.", "How many seats has plan 3?", False),
            (Wanted.NAME, "It is signed by Anna Hale.", "Who signs it?", True),
            (Wanted.NAME, "Anna signs it.", "Does Anna sign it, or who?", False),
        ],
    )
    def test_only_what_the_question_does_not_say_counts(
        self, wanted: Wanted, sentence: str, question: str, expected: bool
    ):
        assert holds(wanted, sentence, question) is expected
