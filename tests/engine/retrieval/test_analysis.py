import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import passage_terms, query_weights
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.text.language import detect_language
from citewell.engine.text.normalisation import fold, normalise
from tests.timing import processor_seconds

LIBRARY = {
    "leave": "Nhân viên chính thức được nghỉ phép năm 12 ngày làm việc, hưởng nguyên lương.",
    "vpn-vi": "Khi làm việc từ xa, nhân viên phải kết nối VPN trên laptop công ty cấp.",
    "vpn-en": "Contractors install the VPN client before their first remote login.",
    "decree": "Hóa đơn điện tử theo Nghị định 123/2020/NĐ-CP có hiệu lực từ ngày 01/07/2022.",
    "decree-old": "Nghị định 51/2010/NĐ-CP về hóa đơn đã hết hiệu lực từ năm 2022.",
    "code-parts": "Mẫu CP số 123 năm 2020, NĐ kèm CP, NĐ.",
    "pupils": "Thẻ xe buýt dành cho học sinh lớp chín.",
    "biology": "Môn sinh học.",
    "concrete": "Kết cấu bê tông tính theo TCVN 5574:2018.",
    "iso": "Our suppliers hold ISO-27001 and renew it every three years.",
    "person": "The contract was signed by Nguyễn Thị Hồng on behalf of the buyer.",
    "plain-person": "Signed for the seller: Tran Quoc Bao, sales director.",
    "other-person": "Nguyễn Văn Hồng phụ trách kho hàng tại Hải Phòng.",
    "french": "Le préavis de résiliation du contrat est de trois mois.",
    "chinese": "员工每年享有十天带薪年假。",
    "noise": "Cửa hàng mở cửa từ tám giờ sáng đến chín giờ tối mỗi ngày trong tuần.",
}


def best(question: str) -> str:
    stored = {
        name: passage_terms(text, detect_language(text)).weights for name, text in LIBRARY.items()
    }
    frequency: dict[int, int] = {}
    for weights in stored.values():
        for term in weights:
            frequency[term] = frequency.get(term, 0) + 1
    query = query_weights(analyse(question).terms, CorpusStatistics(len(LIBRARY), frequency))
    scores = {
        name: sum(weight * weights.get(term, 0.0) for term, weight in query.items())
        for name, weights in stored.items()
    }
    name = max(scores, key=lambda each: scores[each])
    return name if scores[name] > 0 else "nothing"


class TestTermsFindPassages:
    @pytest.mark.parametrize(
        ("question", "name"),
        [
            ("Một năm nhân viên được nghỉ phép bao nhiêu ngày?", "leave"),
            ("nhan vien nghi phep nam may ngay", "leave"),
            ("nhân vien nghi phép nam may ngay", "leave"),
            ("Hoá đơn điện tử theo nghị định nào?", "decree"),
            ("Is a VPN needed on my laptop?", "vpn-vi"),
            ("cài VPN client", "vpn-en"),
            ("123/2020/nd-cp", "decree"),
            ("học sinh", "pupils"),
            ("sinh học", "biology"),
            ("hoc sinh", "pupils"),
            ("51/2010/NĐ-CP", "decree-old"),
            ("tcvn 5574", "concrete"),
            ("TCVN5574:2018", "concrete"),
            ("iso 27001", "iso"),
            ("Nguyen Thi Hong", "person"),
            ("What did Nguyen Thi Hong sign?", "person"),
            ("Nguyễn Thị Hồng ký gì?", "person"),
            ("Trần Quốc Bảo", "plain-person"),
            ("Quel est le preavis de resiliation ?", "french"),
            ("年假有几天", "chinese"),
            ("giờ mở cửa", "noise"),
            ("quantum chromodynamics", "nothing"),
        ],
    )
    def test_question_finds_its_passage(self, question: str, name: str) -> None:
        assert best(question) == name


class TestAnalyse:
    def test_accented_vietnamese_is_described(self) -> None:
        analysis = analyse("  Nghỉ   phép\x00năm\nlà gì? ")
        assert analysis.text == "Nghỉ phép năm là gì?"
        assert (analysis.language, analysis.has_diacritics) == ("vi", True)
        assert not analysis.is_unaccented_vietnamese
        assert {term.namespace for term in analysis.terms} == {"vi", "folded", "en"}

    def test_unaccented_vietnamese_uses_folded_terms_only(self) -> None:
        analysis = analyse("chinh sach nghi phep cua cong ty")
        assert analysis.is_unaccented_vietnamese
        assert not analysis.has_diacritics
        assert "vi" not in {term.namespace for term in analysis.terms}

    def test_few_accents_are_not_trusted(self) -> None:
        assert analyse("chinh sách nghi phep cua cong ty").is_unaccented_vietnamese
        assert not analyse("chính sách nghỉ phép cua công ty").is_unaccented_vietnamese

    def test_function_words_weigh_less(self) -> None:
        boosts = {
            term.text: term.boost
            for term in analyse("what is the warranty").terms
            if term.namespace == "en"
        }
        assert boosts["warranty"] == 1
        assert boosts["what"] < 0.5

    def test_repeated_word_counts(self) -> None:
        (count,) = {term.count for term in analyse("tax tax tax").terms if " " not in term.text}
        assert count == 3

    def test_codes_and_phrases_are_named(self) -> None:
        analysis = analyse('Is "remote work" in “HR-POL-007”, «la gì» or ""?')
        assert analysis.codes == ("HR-POL-007",)
        assert analysis.phrases == ("remote work", "HR-POL-007", "la gì")

    @pytest.mark.parametrize("query", ["", "   ", "?!…", "😀🎉", "\x00\u200b", '""'])
    def test_question_without_words_is_empty(self, query: str) -> None:
        assert analyse(query).is_empty

    def test_lone_surrogate_is_taken(self) -> None:
        assert not analyse("warranty \ud800").is_empty

    @pytest.mark.parametrize(
        "query",
        ["x" * 100_000, "nghỉ phép " * 10_000, "AB-" * 33_000, '"a' * 50_000, "1/" * 50_000],
    )
    def test_huge_question_costs_little(self, query: str) -> None:
        assert processor_seconds(lambda: analyse(query)) < 0.25
        assert len(analyse(query).text) <= 4_000

    @given(st.text(max_size=300))
    def test_any_text_is_taken(self, text: str) -> None:
        terms = analyse(text).terms
        assert len({term.id for term in terms}) == len(terms)
        assert all(term.boost > 0 for term in terms)

    def test_unaccented_twin_of_a_question_names_the_same_folded_terms(self) -> None:
        question = "Nhân viên nghỉ phép bao nhiêu ngày?"
        folded = [
            {term.id for term in analyse(text).terms if term.namespace == "folded"}
            for text in (question, fold(normalise(question)))
        ]
        assert folded[0] == folded[1]
