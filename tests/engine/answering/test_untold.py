"""Statements with all words of a question that tell another year or size, no amount or no name."""

import time

import pytest

from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.asking.names import tells_names
from citewell.engine.answering.untold import _BESIDE, _IN_WORDS
from citewell.engine.text.normalisation import fold, normalise
from tests.engine.answering.passages import answer, passage

YEAR = passage(
    "In 2026 the ferries carried 412,000 passengers (2025: 388,000), and the freight income was "
    "2.4 million euros. The harbour fund closed at 610,000 euros.",
    title="Ferry report 2026",
    heading=("Figures",),
)
SIZES = passage(
    "| Item | Price (EUR) |\n|---|---|\n| Mooring rope 12 m | 38 |\n| Mooring rope 20 m | 55 |\n"
    "| Anchor, for boats up to 9 m | 140 |",
    title="Chandlery price list",
    heading=("Ropes and anchors",),
)
PAY = passage(
    "Deckhands are ranked in four grades, I to IV, by the harbour master and two captains. The "
    "licence fee is paid by the company.\n\nComplaints are heard by one of three trusted persons "
    "on each pier, who tell nobody. The lifeboat is led by Marta Oskarsson and Piet de Boer.",
    title="Handbook of the ferry company",
    heading=("Grades and complaints",),
)
RULES = passage(
    "Điều 9. Ra vào cảng\n\nXe tải vào cảng từ 5 giờ đến 21 giờ và phải xuất trình phiếu cân. "
    "Tài xế đội mũ bảo hộ trong bãi container.",
    title="Nội quy cảng",
    heading=("Điều 9. Ra vào cảng",),
    language="vi",
)
CARDS = passage(
    "Thẻ bảo hiểm tai nạn được phát trong 20 ngày kể từ ngày vào làm. Quỹ lương mở tại ngân hàng "
    "Sông Tiền.",
    title="Chế độ của cảng",
    heading=("Bảo hiểm và lương",),
    language="vi",
)


class TestYears:
    def test_figure_in_brackets_answers_for_its_year(self):
        text = answer("How many passengers did the ferries carry in 2025?", YEAR).text
        assert "388,000" in text

    def test_year_beside_another_figure_is_refused(self):
        for question in (
            "What was the freight income in 2025?",
            "What did the harbour fund close at in 2025?",
        ):
            assert answer(question, YEAR).is_abstained, question


class TestSizes:
    def test_size_that_is_listed_is_answered(self):
        assert "55" in answer("What is the price of a mooring rope of 20 m?", SIZES).text

    def test_size_that_is_not_listed_is_refused(self):
        assert answer("What is the price of a mooring rope of 50 m?", SIZES).is_abstained

    def test_row_with_a_bound_holds_for_smaller_sizes(self):
        assert "140" in answer("What is the price of an anchor for a boat of 7 m?", SIZES).text


class TestAmountsAndNames:
    def test_pay_that_is_not_told_is_refused(self):
        assert answer("How much is the salary of a deckhand in grade III?", PAY).is_abstained

    def test_names_of_people_who_are_not_named_are_refused(self):
        asked = read_question("What are the names of the members?", "en")
        assert tells_names(asked, "It is led by Marta Oskarsson and the harbour master.")
        assert tells_names(asked, "Crew: Marta, Piet and Olu.")
        assert not tells_names(asked, "Ask the People team or one of three persons on Monday.")
        assert answer("What are the names of the three trusted persons?", PAY).is_abstained

    def test_firm_is_asked_for_by_its_name(self):
        asked = "Công ty bảo hiểm nào phát thẻ bảo hiểm tai nạn?"
        assert answer(asked, CARDS, language="vi").is_abstained
        assert "Sông Tiền" in answer("Quỹ lương mở tại ngân hàng nào?", CARDS, language="vi").text


class TestProvisions:
    def test_article_without_what_is_asked_about_is_refused(self):
        asked = "Điều 9 có quy định mức phạt khi hút thuốc không?"
        assert answer(asked, RULES, language="vi").is_abstained

    def test_article_that_has_it_is_given(self):
        asked = "Điều 9 có quy định giờ xe tải vào cảng không?"
        assert "21 giờ" in answer(asked, RULES, language="vi").text


class TestSaidInOtherWays:
    @pytest.mark.parametrize(
        ("question", "text"),
        [
            ("What is the deposit?", "The deposit is equal to two monthly rents."),
            ("How much is the fine?", "The fine is a quarter of the price."),
            ("What is the mooring fee?", "The mooring fee is twenty euros."),
        ],
    )
    def test_amount_in_words_is_an_amount(self, question: str, text: str):
        assert _IN_WORDS.search(fold(normalise(text))), question

    @pytest.mark.parametrize("text", ["There are seven bands.", "Property has its price."])
    def test_other_numbers_in_words_are_none(self, text: str):
        assert not _IN_WORDS.search(fold(normalise(text)))

    def test_names_with_initials_are_names(self):
        asked = read_question("What are the names of the members?", "en")
        assert tells_names(asked, "Members: A. Oskarsson; P. Boer; K. Wu.")

    def test_open_bracket_before_a_megabyte_of_spaces_takes_no_time(self):
        begin = time.process_time()
        assert _BESIDE.search("(2024" + " " * 1_000_000) is None
        assert _BESIDE.search("(2024 " + "1 " * 500_000) is None
        assert time.process_time() - begin < 5  # it took longer than anybody waits
