import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.embedding.base import Calibration, EmbedderSpec, Likeness
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.base import HybridQuery
from citewell.engine.retrieval.fusion import (
    FIT_WEIGHT,
    UNFIT_WEIGHT,
    LegScores,
    dense_weight,
    fuse,
    fused_score,
)
from citewell.engine.retrieval.phrases import phrase_share

ENGLISH = EmbedderSpec("bundled:test", 384, 256, frozenset({"en"}))
MULTILINGUAL = EmbedderSpec("fastembed:test", 384, 256, None)
QUERY = HybridQuery(vector=None, terms={1: 12.0}, dense_weight=0.4, top_k=5)

_READ = Likeness(0.7, 0.8, is_understood=True)
CROSSING = EmbedderSpec(
    "onnx:test",
    384,
    256,
    None,
    Calibration(None, {"vi": 0.5}, {(a, b): _READ for a in ("en", "vi") for b in ("en", "vi")}),
)


class TestDenseWeight:
    @pytest.mark.parametrize(
        ("question", "weight"),
        [
            ("How long is the warranty?", FIT_WEIGHT),
            ("laptop warranty period", FIT_WEIGHT),
            ("Thời hạn bảo hành?", UNFIT_WEIGHT),
            ("thoi han bao hanh la bao lau", UNFIT_WEIGHT),
            ("保修期多长", UNFIT_WEIGHT),
        ],
    )
    def test_english_embedder_is_trusted_with_english(self, question: str, weight: float) -> None:
        assert dense_weight(analyse(question), ENGLISH) == weight

    def test_multilingual_embedder_is_trusted_with_all(self) -> None:
        for question in ("Thời hạn bảo hành?", "保修期多长", "warranty", "HĐ-7"):
            assert dense_weight(analyse(question), MULTILINGUAL) == FIT_WEIGHT

    def test_words_count_the_less_the_fewer_the_library_knows(self) -> None:
        analysis = analyse("Thời hạn bảo hành của máy bơm?")
        knows_all = CorpusStatistics(100, {term.id: 5 for term in analysis.terms})
        assert dense_weight(analysis, CROSSING, knows_all) == 0.5
        assert dense_weight(analysis, CROSSING, CorpusStatistics(100, {})) == 1
        assert dense_weight(analysis, ENGLISH, CorpusStatistics(100, {})) == UNFIT_WEIGHT

    def test_measured_coverage_stands_over_a_declared_one(self) -> None:
        unread = Likeness(0.6, 0.62, is_understood=False)
        spec = EmbedderSpec("x:y", 384, 256, None, Calibration(None, {}, {("vi", "vi"): unread}))
        assert dense_weight(analyse("Thời hạn bảo hành?"), spec) == UNFIT_WEIGHT


class TestFusedScore:
    def test_score_is_the_weighted_sum_of_both_shares(self) -> None:
        assert fused_score(LegScores("a", 6.0, 0.5), 0.4, 12.0) == pytest.approx(0.5)
        assert fused_score(LegScores("a", 3.0, 0.5), 0.4, 12.0) == pytest.approx(0.35)

    def test_missing_vector_or_unknown_terms_count_nothing(self) -> None:
        assert fused_score(LegScores("a", 6.0, None), 0.4, 12.0) == pytest.approx(0.3)
        assert fused_score(LegScores("a", 0.0, 0.5), 0.4, 0.0) == pytest.approx(0.2)
        assert fused_score(LegScores("a", 0.0, -0.5), 0.4, 0.0) == 0.0

    def test_cosine_counts_by_its_place_between_the_bounds(self) -> None:
        scores = [fused_score(LegScores("a", 0.0, c), 0.4, 0.0, (0.5, 0.9)) for c in (2, 0.7, -1)]
        assert scores == pytest.approx([0.4, 0.2, 0.0])

    def test_holder_of_a_phrase_stands_before_any_other(self) -> None:
        holder = LegScores("holder", 0.5, 0.0, phrase_share=1.0)
        better = LegScores("better", 12.0, 0.99, phrase_share=0.0)
        ranked = fuse([better, holder], QUERY)
        assert [each.candidate.chunk_id for each in ranked] == ["holder", "better"]

    @given(st.floats(0, 100), st.floats(-1, 1), st.floats(0, 1), st.none() | st.floats(0, 1))
    def test_any_scores_give_a_share(
        self, bm25: float, cosine: float, weight: float, phrase: float | None
    ) -> None:
        assert 0 <= fused_score(LegScores("a", bm25, cosine, phrase), weight, 50.0) <= 1


class TestFuse:
    def test_equal_scores_are_ordered_by_id(self) -> None:
        ranked = fuse([LegScores("b", 1, None), LegScores("a", 1, None)], QUERY)
        assert [each.candidate.chunk_id for each in ranked] == ["a", "b"]

    def test_no_candidates_give_nothing(self) -> None:
        assert fuse([], QUERY) == []


class TestPhraseShare:
    def test_words_must_follow_each_other(self) -> None:
        assert phrase_share(["remote work"], "Remote\n  work, on Fridays") == 1
        assert phrase_share(["remote work"], "remote, paid work") == 0
        assert phrase_share(["mote work"], "remote work") == 0

    def test_share_counts_phrases(self) -> None:
        assert phrase_share(["a b", "x y"], "a b c") == 0.5
        assert phrase_share([], "a b c") == 1

    def test_accents_must_match_where_given(self) -> None:
        assert phrase_share(["nghi phep"], "Nghỉ phép năm") == 1
        assert phrase_share(["nghỉ phép"], "Nghỉ phép năm") == 1
        assert phrase_share(["nghỉ phép"], "Nghi phép năm") == 0
