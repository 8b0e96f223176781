"""Judging replies to questions with known answers."""

import re
from pathlib import Path

import pytest

from citewell.engine.evaluation.answers import (
    AnswerCase,
    JudgedReply,
    Verdict,
    calibration_error,
    first_quote_holds,
    judge,
    read_cases,
)
from citewell.engine.evaluation.datasets import DatasetError


def case(**expected: object) -> AnswerCase:
    patterns = {
        name: tuple(re.compile(one) for one in value) if isinstance(value, list) else value
        for name, value in expected.items()
    }
    return AnswerCase("1", "What?", **patterns)  # type: ignore[arg-type]


def reply(answer: str, *, is_abstained: bool = False, quote: str | None = None) -> JudgedReply:
    return JudgedReply(answer, is_abstained, 1, quote, 0.9, "high")


class TestJudge:
    @pytest.mark.parametrize(
        ("expected", "answer", "verdict"),
        [
            ({"gold": ["14", "fourteen"]}, "It is fourteen days. [1]", Verdict.RIGHT),
            ({"gold": ["^No"]}, "No: never. [1]", Verdict.RIGHT),
            ({"gold": ["1"]}, "Nothing. [1]", Verdict.WRONG),
            ({"all": ["red", "blue"]}, "red and\nblue", Verdict.RIGHT),
            ({"all": ["red", "blue"]}, "red", Verdict.PARTLY),
            ({"gold": ["14"], "forbid": ["9"]}, "14, not 9", Verdict.PARTLY),
            ({"abstain": True}, "It is red.", Verdict.SHOULD_HAVE_ABSTAINED),
        ],
    )
    def test_answers(self, expected: dict[str, object], answer: str, verdict: Verdict):
        assert judge(case(**expected), reply(answer)) is verdict

    def test_abstentions(self):
        nothing = reply("I could not find it.", is_abstained=True)
        assert judge(case(abstain=True), nothing) is Verdict.RIGHT
        assert judge(case(gold=["x"]), nothing) is Verdict.WRONGLY_ABSTAINED


class TestFirstQuote:
    def test_holds_what_is_asked_for_without_the_leading_word(self):
        assert first_quote_holds(case(gold=["^Alcohol"]), reply("No: ...", quote="1. Alcohol"))
        assert not first_quote_holds(case(gold=["wine"]), reply("wine", quote="Alcohol"))

    def test_says_nothing_where_nothing_is_quoted(self):
        assert first_quote_holds(case(gold=["wine"]), reply("wine")) is None


class TestReadCases:
    def test_reads_what_is_needed(self, tmp_path: Path):
        file = tmp_path / "questions.jsonl"
        file.write_text(
            '{"id": 7, "q": "Who?", "gold": ["Ann"], "kind": "who"}\n{"q": "W?", "abstain": true}\n'
        )
        first, second = read_cases(file)
        assert (first.id, first.kind, first.gold[0].pattern) == ("7", "who", "Ann")
        assert (second.id, second.abstain) == ("2", True)

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ('{"q": "Who?"}', "needs 'gold', 'all' or 'abstain'"),
            ('{"gold": ["x"]}', "needs a question"),
            ('{"q": "Who?", "gold": ["("]}', "bad expression"),
            ('{"q": "Who?", "gold": "x"}', "needs a list"),
            ('{"q": "Who?", "gold": ["x"], "before": ["", "y"]}', "list of questions in 'before'"),
        ],
    )
    def test_malformed_line_is_named(self, tmp_path: Path, line: str, problem: str):
        file = tmp_path / "questions.jsonl"
        file.write_text(line + "\n")
        with pytest.raises(DatasetError, match=re.escape(problem)) as raised:
            list(read_cases(file))
        assert raised.value.line == 1


class TestCalibrationError:
    def test_is_the_gap_between_confidence_and_truth(self):
        assert calibration_error([0.95] * 4, [True, True, True, False]) == pytest.approx(0.2)
        assert calibration_error([], []) == 0
