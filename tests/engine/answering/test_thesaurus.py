"""The files of synonyms, and the rule they are read by."""

import pytest

from citewell.engine.answering.asking.synonyms import (
    LANGUAGES,
    relations,
    said_otherwise,
    synonyms_in,
    thesaurus,
)
from citewell.engine.text.normalisation import normalise, words
from citewell.engine.text.stopwords import STOPWORDS

_OPPOSITES = {
    "en": (
        ("maximum", "minimum"), ("buy", "sell"), ("start", "end"), ("gross", "net"),
        ("mother", "father"), ("arrival", "departure"), ("deposit", "rent"),
        ("maternity", "mother tongue"), ("disable", "accessible"),
        ("customs", "client"), ("objective", "appeal"),
    ),
    "vi": (
        ("tối đa", "tối thiểu"), ("mua", "bán"), ("bắt đầu", "kết thúc"), ("mẹ", "cha"),
        ("tiền cọc", "tiền thuê"), ("nội trú", "ngoại trú"),
    ),
}  # fmt: skip
_LONGEST = 5


class TestRelations:
    def test_equals_stand_for_each_other_and_arrows_point_one_way(self):
        found = list(relations("# cars\nauto = car\n\ndog > pet, animal  # a class\n"))
        assert found == [("auto", "car"), ("car", "auto"), ("dog", "pet"), ("dog", "animal")]

    @pytest.mark.parametrize("line", ["alone", "a >", "> b", "a = ", "a > b,, c"])
    def test_line_without_two_sides_is_named(self, line: str):
        with pytest.raises(ValueError, match=r"line 2 is no relation"):
            list(relations(f"a = b\n{line}\n"))


class TestFiles:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_phrase_is_written_as_it_is_compared(self, language: str):
        wrong = [
            (asked, told)
            for asked, told in relations(thesaurus(language))
            if normalise(asked) != asked
            or normalise(told) != told
            or asked == told
            or not 0 < len(words(asked)) <= _LONGEST
        ]
        assert wrong == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_word_that_tells_nothing_is_a_key(self, language: str):
        keys = {asked for asked, _ in relations(thesaurus(language))}
        assert keys & STOPWORDS[language] == set()

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_opposites_are_the_same(self, language: str):
        for one, other in _OPPOSITES[language]:
            for asked, told in ((one, other), (other, one)):
                assert said_otherwise(asked, language, told) == frozenset(), asked

    def test_longest_phrase_counts(self):
        found = [one.asked for one in synonyms_in("the dress code here", "en")]
        assert {"dress", "code"} in found
        assert {"dress"} not in found

    def test_plain_ways_of_saying_are_known(self):
        for language, asked, told in (
            ("en", "Is it overdue if I bring it back late?", "overdue"),
            ("en", "What do toddlers do?", "under-fives"),
            ("en", "Can I take leftover wood?", "offcuts"),
            ("vi", "Rớt mất thẻ thì sao?", "mất thẻ"),
            ("vi", "Mua góp được không?", "trả góp"),
            ("vi", "Ai giữ mộc?", "giữ con dấu"),
        ):
            assert any(told in one.told for one in synonyms_in(asked, language)), asked

    def test_words_of_other_things_are_no_synonyms(self):
        for asked, told in (
            ("Trung tâm dạy tiếng Anh", "Giờ học"), ("Bữa sáng", "Ngày làm việc"),
            ("Máy hút bụi", "Hút thuốc"), ("Đồ gỗ mộc", "Con dấu"),
        ):  # fmt: skip
            assert said_otherwise(asked, "vi", told) == frozenset(), asked

    def test_vietnamese_without_marks_is_read_by_phrases_alone(self):
        assert any("sa thải" in one.told for one in synonyms_in("khi nao bi duoi viec", "vi"))
        assert not any(one.asked == {"de"} for one in synonyms_in("de o dau", "vi"))

    def test_phrase_that_is_two_without_marks_stands_for_neither(self):
        assert said_otherwise("Thu hai mo cua khong?", "vi", "Mua thu hoach") == frozenset()
        assert "hang" in said_otherwise("phi hang nam", "vi", "Phí mỗi năm")
