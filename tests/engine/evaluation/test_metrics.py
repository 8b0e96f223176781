import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.evaluation.metrics import ndcg, recall, reciprocal_rank

RANKING = ["d1", "d2", "d3", "d4"]
GRADES = {"d2": 3, "d4": 1, "d9": 2, "d1": 0}


class TestNdcg:
    def test_graded_ranking_has_the_value_worked_out_by_hand(self) -> None:
        # gains 0 3 0 1 at discounts 1, log2 3, 2, log2 5; ideal 3 2 1
        got = 3 / math.log2(3) + 1 / math.log2(5)
        ideal = 3 + 2 / math.log2(3) + 1 / 2
        assert ndcg(RANKING, GRADES, 10) == pytest.approx(got / ideal)
        assert ndcg(RANKING, GRADES, 10) == pytest.approx(0.48793, abs=1e-5)

    def test_cut_applies_to_ranking_and_ideal(self) -> None:
        assert ndcg(RANKING, GRADES, 2) == pytest.approx(
            (3 / math.log2(3)) / (3 + 2 / math.log2(3))
        )

    def test_nothing_relevant_is_zero(self) -> None:
        assert ndcg(RANKING, {"d1": 0}, 10) == 0
        assert ndcg([], GRADES, 10) == 0

    def test_repeated_document_counts_once(self) -> None:
        assert ndcg(["d2", "d2", "d2"], {"d2": 1}, 10) == 1
        assert ndcg(["d1", "d1", "d2"], {"d2": 1}, 2) == pytest.approx(1 / math.log2(3))

    @given(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3)),
        st.permutations("abcdefgh"),
        st.integers(1, 10),
    )
    def test_best_first_is_never_beaten(
        self, grades: dict[str, int], ranking: list[str], k: int
    ) -> None:
        best = sorted(ranking, key=lambda document: -grades.get(document, 0))
        assert 0 <= ndcg(ranking, grades, k) <= ndcg(best, grades, k) + 1e-12
        assert ndcg(best, grades, k) in (0.0, pytest.approx(1.0))


class TestRecall:
    def test_share_of_relevant_documents(self) -> None:
        assert recall(RANKING, GRADES, 4) == pytest.approx(2 / 3)
        assert recall(RANKING, GRADES, 3) == pytest.approx(1 / 3)
        assert recall(RANKING, {}, 3) == 0


class TestReciprocalRank:
    def test_first_relevant_rank_counts(self) -> None:
        assert reciprocal_rank(RANKING, GRADES, 10) == 0.5
        assert reciprocal_rank(RANKING, GRADES, 1) == 0
        assert reciprocal_rank(RANKING, {"d4": 1}, 10) == 0.25
