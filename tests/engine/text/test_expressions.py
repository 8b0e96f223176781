"""Patterns that are looked for in one pass."""

import random
import re
from functools import partial

import pytest

from citewell.engine.text.expressions import ExpressionError, expression, phrase
from tests.timing import processor_seconds


def written(depth: int, chance: random.Random) -> str:
    """A regular expression of three letters that Python reads alike."""
    kind = chance.random()
    if depth == 0 or kind < 0.4:
        return chance.choice(["a", "b", "[ab]", "[^a]", "."])
    if kind < 0.6:
        return written(depth - 1, chance) + written(depth - 1, chance)
    inner = written(depth - 1, chance)
    if kind < 0.75:
        return f"({inner}|{written(depth - 1, chance)})"
    return f"({inner})" + chance.choice(["?", "*", "+", "{2}", "{1,3}", "{2,}"])


class TestExpression:
    def test_finds_what_the_regular_expressions_of_python_find(self) -> None:
        chance, compared = random.Random(7), 0
        while compared < 4_000:
            pattern = written(4, chance)
            try:
                made = expression(pattern)
            except ExpressionError:
                continue
            for _ in range(10):
                text = "".join(chance.choice("abc") for _ in range(chance.randint(0, 8)))
                assert made.is_in(text) == bool(re.search(pattern, text)), (pattern, text)
                compared += 1

    def test_case_kinds_and_edges(self) -> None:
        for pattern, text, is_found in (
            (r"^giá\s+thuê", "GIÁ  thuê nhà", True),
            (r"^giá\s+thuê", "hỏi giá thuê", False),
            (r"\Wx\d{2,4}\W", "Is X12?", True),
            (r"\Wx\d{2,4}\W", "x12345", False),
            (r"(lương|thưởng)$", "hỏi về tiền thuong", True),
            (r"[à-ỹ]{2}", "ab", False),
            (r"\(a\+b\)", "so (a+b) is", True),
            (r"[^\d]", "12", False),
        ):
            assert expression(pattern).is_in(text) is is_found, (pattern, text)

    def test_what_cannot_be_read_says_why(self) -> None:
        for pattern, why in (
            ("(", "not closed"), (")", "closes nothing"), ("[a", "not closed"),
            ("*a", "nothing for"),
            ("a**", "one repetition"), ("a{3,2}", "backwards"), ("a|", "every question"),
            ("(?i)a", "only `\\(\\?:`"), (r"\bx", "not read"), ("a{300}", "more than 256"),
            ("((a{30}){30}){30}", "more than 256"), ("(" * 30 + "a" + ")" * 30, "more than 20"),
            ("[z-a]", "no range"), ("\\", "in the middle"), ("a" * 501, "longer than 500"),
        ):  # fmt: skip
            with pytest.raises(ExpressionError, match=why):
                expression(pattern)

    def test_text_that_others_read_for_ever_takes_moments(self) -> None:
        for pattern in (r"(a+)+$", r"(a|a)*b", r"(.{0,60}a.{0,60}b){2}", r"(a*)*cc"):
            made, text = expression(pattern), "a" * 4_000 + "!"
            assert not made.is_in(text)
            assert processor_seconds(partial(expression(pattern).is_in, text), rounds=1) < 2


class TestPhrase:
    def test_words_in_a_row_whatever_stands_between(self) -> None:
        for words, text, is_found in (
            ("lương giám đốc", "LƯƠNG, giám-đốc là?", True),
            ("lương giám đốc", "luong giam doc", True),
            ("luong giam doc", "Lương giám đốc", True),
            ("lương giám đốc", "lượng giám đốc", False),
            ("lương giám đốc", "lương của giám đốc", False),
            ("hoa don", "xhoa don", False),
            ("hòa", "hoà", True),
            ("給料", "社長の給料は", True),
            ("salary", "what sal\u200bary?", True),
        ):
            assert phrase(words).is_in(text) is is_found, (words, text)

    def test_no_word_is_refused(self) -> None:
        with pytest.raises(ExpressionError, match="no word"):
            phrase("?!")
