"""Acronyms and the words they stand for."""

import pytest

from citewell.engine.lexical.acronyms import acronyms_of, definitions_in, words_behind
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import passage_terms, query_weights
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.text.language import detect_language


class TestDefinitions:
    @pytest.mark.parametrize(
        ("text", "acronym", "named"),
        [
            ("Ask the data protection officer (DPO).", "dpo", "data protection officer"),
            ("the Department of Motor Vehicles (DMV)", "dmv", "department of motor vehicles"),
            ("đóng bảo hiểm xã hội (BHXH)", "bhxh", "bảo hiểm xã hội"),
            ("bảo hiểm y tế (sau đây gọi là “BHYT”)", "bhyt", "bảo hiểm y tế"),
            ("our CEO (chief executive officer)", "ceo", "chief executive officer"),
        ],
    )
    def test_text_says_what_an_acronym_stands_for(
        self, text: str, acronym: str, named: str
    ) -> None:
        assert definitions_in(text) == {acronym: tuple(named.split())}

    @pytest.mark.parametrize("text", ["see annex (ABC)", "(DPO)", "the red car (BMW)", "a (b) c"])
    def test_brackets_without_matching_words_define_nothing(self, text: str) -> None:
        assert definitions_in(text) == {}


class TestPassages:
    DPO = {"dpo": ("data", "protection", "officer")}  # noqa: RUF012 - read only

    def test_names_in_capitals_need_no_definition(self) -> None:
        assert list(acronyms_of("The Data Protection Officer, and Otis Berger.", {})) == ["dpo"]
        assert list(acronyms_of("Hội Đồng Quản Trị họp.", {})) == ["hdqt"]
        assert list(acronyms_of("TERMS OF SALE AND USE. Meet. Go. Eat", {})) == []

    def test_defined_words_and_acronyms_stand_for_each_other(self) -> None:
        assert list(acronyms_of("ask the data protection officer", self.DPO)) == ["dpo"]
        assert list(words_behind("Ask the DPO.", self.DPO)) == [self.DPO["dpo"]]
        assert list(words_behind("The data protection officer (DPO)", self.DPO)) == []

    @pytest.mark.parametrize("question", ["Who is the DPO?", "dpo", "HĐQT họp khi nào?"])
    def test_question_by_acronym_finds_what_is_named_in_words(self, question: str) -> None:
        texts = ("Our Data Protection Officer is Ms Vu.", "Hội Đồng Quản Trị họp thứ hai.", "Other")
        passages = [passage_terms(text, detect_language(text)).weights for text in texts]
        every = {term: 1 for weights in passages for term in weights}
        asked = query_weights(analyse(question).terms, CorpusStatistics(3, every))
        scores = [sum(asked.get(t, 0) * w for t, w in each.items()) for each in passages]
        if question == "dpo":  # a word like any other, unless the library does not know it
            assert not any(scores)
        else:
            assert max(scores) == scores[question.startswith("HĐQT")] > 0
