"""The part that a question names, whole."""

import pytest

from citewell.engine.answering.reading.articles import Reference, reference_of
from tests.engine.answering.passages import answer, passage


class TestReference:
    @pytest.mark.parametrize(
        ("question", "reference"),
        [
            ("Điều 7 Thông tư 12/2024/TT-BTC quy định gì?", Reference("dieu", "7", None)),
            ("khoan 2 dieu 36", Reference("dieu", "36", "2")),
            ("điểm b khoản 3 Điều 7", Reference("dieu", "7", "3", "b")),
            ("What does clause 12.3 say?", Reference("clause", "12.3", None)),
            ("What was decided in decision 2026-09?", Reference("decision", "2026-09", None)),
            ("What is article S-TU-W1?", None),
        ],
    )
    def test_reads_name_and_number(self, question: str, reference: Reference | None):
        assert reference_of(question) == reference


class TestArticle:
    def test_article_comes_whole_and_no_other(self):
        first = passage(
            "Điều 7. Thử việc\n\n1. Thử việc 60 ngày.\n2. Hưởng 100% lương.",
            heading=["Điều 7. Thử việc"], language="vi", name="a",
        )  # fmt: skip
        other = passage(
            "Điều 17. Nghỉ ốm\n\n1. Báo trước 9 giờ.",
            heading=["Điều 17. Nghỉ ốm"], language="vi", name="a", start=900,
        )  # fmt: skip
        made = answer("Điều 7 quy định gì?", other, first, language="vi")
        assert made.sentences[0].text == "1. Thử việc 60 ngày.\n2. Hưởng 100% lương."

    def test_document_whose_code_is_named_wins(self):
        given = [
            passage(
                f"Số {code}\n\nĐiều 7. Thuế\n\nMức thuế là {rate}%.",
                heading=["Điều 7. Thuế"], language="vi", name=code, score=score,
            )
            for code, rate, score in (("12/2023/TT-BTC", 5, 0.9), ("12/2024/TT-BTC", 8, 0.8))
        ]  # fmt: skip
        made = answer("Điều 7 Thông tư 12/2024/TT-BTC", *given, language="vi")
        assert "8%" in made.text

    def test_clause_is_found_by_its_number_in_the_text(self):
        text = "12.1 Nothing limits fraud.\n\n12.3 Neither party is liable for loss of profit."
        made = answer("What does clause 12.3 say?", passage(text))
        assert made.sentences[0].text == "12.3 Neither party is liable for loss of profit."

    def test_article_that_is_not_there_abstains(self):
        text = "Điều 7. Thử việc\n\n1. Thử việc 60 ngày."
        given = passage(text, heading=["Điều 7. Thử việc"], language="vi")
        assert answer("Điều 55 quy định gì?", given, language="vi").is_abstained

    def test_point_comes_with_the_lead_in_of_its_paragraph_and_no_other_point(self):
        text = (
            "Điều 7. Học bổng\n\n1. Miễn học phí:\n\na) năm thứ nhất;\n\nb) năm thứ hai.\n\n"
            "3. Sinh viên đạt giải:\n\na) Giải nhất: 20 triệu;\n\nb) Giải nhì: 15 triệu;\n\n"
            "c) Giải ba: 10 triệu.\n\n4. Chỉ cấp một lần."
        )
        given = passage(text, heading=["Điều 7. Học bổng"], language="vi")
        made = answer("Điểm b khoản 3 Điều 7 nói gì?", given, language="vi")
        assert made.sentences[0].text == "3. Sinh viên đạt giải:\nb) Giải nhì: 15 triệu;"
