"""Patterns that are looked for in time that grows with the text."""

import contextlib
import random
import re
import unicodedata
from functools import partial

import pytest

from citewell.engine.text.expressions import ExpressionError, expression, phrase
from citewell.engine.text.normalisation import fold, normalise
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
            (r"^\w+$", "Điều", True),
            (r"^\w+$", "a b", False),
            (r"(^|\W)lương(\W|$)", "Lương?", True),
            (r"(^|\W)lương(\W|$)", "lươngx", False),
            (r"^[\w-]+$", "thợ-cả", True),
            (r"^[^\W\d]+$", "Kìm thợ", False),
            (r"^[^\W\d]+$", "KìmThợ", True),
            (r"^[^\W\d]+$", "thợ 1", False),
            (r"a[\W]b", "a—b", True),
            (r"x[\W]", "axb ax", True),
            (r"^\d+$", "٣٤", True),
            ("[A-Z]{3}[0-9]", "abc1", True),
            ("^[a-z]+$", "lương", True),
            (r"^[À-Ỹ]\p{Lu}[\p{Lu}]$", "ẤBC", True),
            ("[^a]", "áà", False),
            ("(?i)ABC(?:d)", "abcD", True),
            ("(?P<name>a)(?<other>b)", "ab", True),
            (r"\pL\p{Greek}", "aΩ", True),
            (r"\x{1ea1}\x61", "ẠA", True),
            ("a{,2}", "a{,2}", True),
            ("a*?b", "aab", True),
        ):
            assert expression(pattern).is_in(text) is is_found, (pattern, text)

    def test_letters_that_are_written_as_two_and_white_space_in_a_row(self) -> None:
        for pattern, text, is_found in (
            ("[ß]", "Straße", True),
            ("stra[ßx]e", "STRASSE", True),
            ("^ß+$", "ssss", True),
            ("^[^ß]$", "s", True),
            ("a  b", "a b", True),
            ("a b", "a \u3000\n b", True),
            ("[ ]", "a\tb", True),
            ("ﬁn", "Fine", True),
            ("æ", "Caesar", True),
        ):
            assert expression(pattern).is_in(text) is is_found, (pattern, text)

    def test_kinds_are_those_of_unicode(self) -> None:
        word, gap, not_word = map(expression, (r"^\w$", r"^[^\w]$", r"^[\W]+x$"))
        for begin, end in ((0x20, 0x250), (0x370, 0x530), (0x1E00, 0x2070), (0x3000, 0x3100)):
            for each in map(chr, range(begin, end)):
                if not normalise(each) == each.lower() != " " or not fold(each).strip():
                    continue
                is_word = unicodedata.category(each)[0] in "LN" or each == "_"
                if unicodedata.category(each)[0] in "LNPZ":
                    assert word.is_in(each) is is_word, hex(ord(each))
                    assert gap.is_in(each) is not is_word, hex(ord(each))
                    assert not_word.is_in(f"{each}x") is not is_word, hex(ord(each))

    def test_what_cannot_be_read_says_why(self) -> None:
        for pattern, why in (
            ("(", "not closed"), (")", "closes nothing"), ("[a", "not closed"),
            ("[]", "not closed"),
            ("*a", "nothing for"), ("a**", "one repetition"), ("a{3,2}", "backwards"),
            ("a|", "every question"), (r"\W", "every question"), (r"\bx", r"write \(\^\|\\W\)"),
            (r"[\b]", "not read"), ("(?=a)b", "looks ahead or back"), (r"(a)\1", "refers to"),
            ("[[:alpha:]]", r"write \\pL"), (r"\Qa\E", "not read"), (r"\p{Elvish}", "no kind"),
            (r"\x{110000}", "no character"), (r"[a-\w]", "ends with a kind"),
            ("a{9999}", "more than 1000"), ("((a{30}){30}){30}", "more than 1000"),
            ("a{900}", "too much"), (r"\pL{40}", "too much"), ("[z-a]", "no range"),
            ("\\", "in the middle"), ("a" * 501, "longer than 500"),
        ):  # fmt: skip
            with pytest.raises(ExpressionError, match=why):
                expression(pattern)

    def test_reading_one_takes_moments(self) -> None:
        def read(pattern: str) -> None:
            with contextlib.suppress(ExpressionError):
                expression(pattern)

        for pattern in (
            "a((){9999}){500}", "((((){999}){999}){999}){999}", "(" * 499, r"\pL" * 160,
            "((a?){30}b?){30}", f"[{'à-ỹ' * 160}]", "[" * 500, "(?:" * 160,
        ):  # fmt: skip
            assert processor_seconds(partial(read, pattern), rounds=1) < 0.5, pattern

    def test_text_that_others_read_for_ever_takes_moments(self) -> None:
        chance = random.Random(7)
        mixed = "".join(chance.choice("ab") for _ in range(4_000))
        for pattern in (
            "(a+)+$", "(a|a)*c", "(.{0,60}a.{0,60}b){2}c", "(a*)*cc", "(.{0,300}a){3}c",
            ".*a.{900}c",
        ):  # fmt: skip
            made = expression(pattern)
            for text in ("a" * 4_000 + "!", mixed + "!"):
                assert not made.is_in(text), pattern
                assert processor_seconds(partial(made.is_in, text), rounds=1) < 0.5, pattern


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
            ("給料salary", "社長の給料salary?", True),
            ("salary", "給料salaryは", True),
            ("salary", "what sal\u200bary?", True),
            ("salary", "salary_", True),
            ("head_miller", "the head miller", True),
            ("head miller", "head__miller", True),
            ("Straße", "strasse", True),
        ):
            assert phrase(words).is_in(text) is is_found, (words, text)

    def test_no_word_is_refused(self) -> None:
        for text in ("?!", "_", "\u0336", "\u200b"):
            with pytest.raises(ExpressionError, match="no word"):
                phrase(text)


HIDDEN = (
    "s\u0336a\u0336l\u0336a\u0336r\u0336y\u0336", "salary\ufe0f", "sal\u034fary", "sal\u115fary",
    "sal\u3164ary", "sal\uffa0ary", "\U000e0073salary\U000e007f", "sal\U000e0100ary", "sal\xadary",
    "s\u0308a\u0323\u0336la\u20ddry", "salary\u0e34", "\u0308salary", "x \u0308salary\u0308",
    "s\u0489alary", "sal\u2061ary", "sal\x07ary", "\u202esalary\u202c", "sal\u17b5ary", "sálàrỵ",
    "s\u1ac0alary", "sal\u0301\u0302ary", "\uff53\uff41\uff4c\uff41\uff52\uff59",
)  # fmt: skip
"""`salary` with what is not seen, or is seen through it."""


@pytest.mark.parametrize("written", HIDDEN, ids=ascii)
def test_marks_and_what_is_not_seen_hide_nothing(written: str) -> None:
    for made in (phrase("salary"), expression("salary"), expression(r"\Wsalary\W")):
        assert made.is_in(f"What is the {written}?")
        assert made.is_in(written)


@pytest.mark.parametrize(
    "word", ["lương", "हिन्दी", "ภาษาไทย", "שָׁלוֹם", "ёлка", "ångström", "ọ̀nà", "한국어"]
)
def test_marks_that_make_letters_stay(word: str) -> None:
    for made in (phrase(word), expression(word), expression(r"^\w+$")):
        for form in ("NFC", "NFD"):
            assert made.is_in(unicodedata.normalize(form, word))
    assert not phrase("हिन्दी").is_in("हन्दी")
