import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewell.engine.lexical.base import TERM_SPACE, CorpusStatistics, QueryTerm
from citewell.engine.lexical.bm25 import (
    AVERAGE_LENGTH,
    K1,
    MAX_QUERY_TERMS,
    MAX_TERMS,
    B,
    best_possible_score,
    inverse_document_frequency,
    passage_terms,
    query_weights,
)
from citewell.engine.lexical.terms import hash64, pair, term_id
from tests.examples import examples


def en(stem: str) -> int:
    return term_id(hash64("en", stem))


class TestPassageTerms:
    def test_english_weight_is_the_bm25_formula(self) -> None:
        weights = passage_terms("Printers print. A printer printed.", "en").weights
        norm = K1 * (1 - B + B * 5 / AVERAGE_LENGTH)
        assert set(weights) == {en("printer"), en("print"), en("a")}
        assert weights[en("print")] == pytest.approx(2 * 2.2 / (2 + norm))
        assert weights[en("a")] == pytest.approx(2.2 / (1 + norm))

    def test_longer_passage_weighs_a_term_less(self) -> None:
        short = passage_terms("warranty", "en").weights[en("warranti")]
        padded = passage_terms("warranty " + "filler " * 200, "en").weights[en("warranti")]
        assert padded < short

    def test_title_and_heading_add_to_the_frequency_and_not_to_the_length(self) -> None:
        plain = passage_terms("the warranty", "en").weights
        above = passage_terms("the warranty", "en", title="Warranty", heading="Laptop").weights
        assert above[en("warranti")] > plain[en("warranti")]
        assert above[en("the")] == plain[en("the")]
        assert en("laptop") in above

    def test_vietnamese_has_exact_and_folded_syllables_and_pairs(self) -> None:
        weights = passage_terms("nghỉ phép", "vi").weights
        exact = [hash64("vi", "nghi3"), hash64("vi", "phep5")]
        folded = [hash64("folded", "nghi"), hash64("folded", "phep")]
        expected = {*exact, *folded, pair(*exact), pair(*folded)}
        assert set(weights) == {term_id(value) for value in expected}

    def test_foreign_word_in_vietnamese_is_an_english_stem(self) -> None:
        assert en("laptop") in passage_terms("cấp laptop mới", "vi").weights

    def test_accented_name_in_english_is_also_vietnamese(self) -> None:
        weights = passage_terms("Approved by Nguyễn", "en").weights
        assert {en("nguyen"), term_id(hash64("folded", "nguyen"))} <= set(weights)

    def test_code_is_one_term_with_its_parts(self) -> None:
        weights = passage_terms("policy HR-POL-007", "en").weights
        assert {term_id(hash64("code", "hr-pol-007")), en("hr"), en("007")} <= set(weights)

    def test_chinese_is_found_by_pairs_of_characters(self) -> None:
        first, second = hash64("other", "年"), hash64("other", "假")
        assert term_id(pair(first, second)) in passage_terms("员工年假", "zh").weights

    def test_very_long_passage_keeps_its_single_terms(self) -> None:
        onsets = "b c d g h k l m n r s t v x"
        rhymes = "a à á ai ao an am at ac e en i o ong ôn ơn u un ư ưng"
        syllables = [a + b for a in onsets.split(" ") for b in rhymes.split(" ")]
        weights = passage_terms(" ".join(syllables), "vi").weights
        assert len(weights) == MAX_TERMS
        assert term_id(hash64("vi", "ba")) in weights
        assert term_id(hash64("vi", "xưng")) in weights

    def test_text_without_words_has_no_terms(self) -> None:
        assert passage_terms("😀 — …\x00", "und").weights == {}

    def test_term_ids_never_change(self) -> None:
        # Stored with every chunk: another id would make each library unsearchable.
        assert en("warranti") == 253_583_123
        assert term_id(pair(hash64("vi", "nghi3"), hash64("vi", "phep5"))) == 401_053_372

    def test_threads_agree(self) -> None:
        texts = [f"running runners ran {n} connections{n} ponies{n}" for n in range(200)]
        alone = [passage_terms(text, "en") for text in texts]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda text: passage_terms(text, "en"), texts)) == alone

    @settings(max_examples=examples(60))
    @given(st.text(max_size=400), st.sampled_from(["vi", "en", "fr", "zh", "und"]))
    def test_any_text_gives_terms_the_index_takes(self, text: str, language: str) -> None:
        weights = passage_terms(text, language, title=text[:20]).weights
        assert len(weights) <= MAX_TERMS
        assert all(1 <= term <= TERM_SPACE for term in weights)
        assert all(0 < weight <= K1 + 1 for weight in weights.values())


class TestQueryWeights:
    def test_inner_product_is_bm25(self) -> None:
        passages = ["cats chase mice", "mice eat cheese cheese", "dogs sleep"]
        stored = [passage_terms(passage, "en").weights for passage in passages]
        frequency = Counter(term for weights in stored for term in weights)
        terms = [QueryTerm(en("cat"), "cats", "en", 1), QueryTerm(en("mice"), "mice", "en", 2)]
        weights = query_weights(terms, CorpusStatistics(3, dict(frequency)))
        score = sum(weight * stored[0].get(term, 0) for term, weight in weights.items())
        norm = K1 * (1 - B + B * 3 / AVERAGE_LENGTH)
        idf_cat, idf_mice = math.log(1 + 2.5 / 1.5), math.log(1 + 1.5 / 2.5)
        assert score == pytest.approx((idf_cat + 2 * idf_mice) * 2.2 / (1 + norm))
        assert score <= best_possible_score(weights)

    def test_unknown_terms_are_left_out(self) -> None:
        terms = [QueryTerm(5, "a", "en", 1), QueryTerm(6, "b", "en", 1)]
        assert set(query_weights(terms, CorpusStatistics(10, {5: 2, 6: 0}))) == {5}

    def test_boost_multiplies(self) -> None:
        terms = [QueryTerm(5, "a", "en", 1), QueryTerm(6, "b", "code", 1, 2.0)]
        weights = query_weights(terms, CorpusStatistics(10, {5: 2, 6: 2}))
        assert weights[6] == pytest.approx(2 * weights[5])

    def test_many_terms_are_cut_to_the_heaviest(self) -> None:
        terms = [QueryTerm(n, str(n), "en", 1) for n in range(1, 400)]
        weights = query_weights(terms, CorpusStatistics(1000, {n: n for n in range(1, 400)}))
        assert set(weights) == set(range(1, MAX_QUERY_TERMS + 1))

    def test_count_ahead_of_the_total_is_still_positive(self) -> None:
        assert inverse_document_frequency(12, 10) > 0
