"""Currencies that a line above a table states, for the columns that hold money."""

import pytest

from citewell.engine.answering.reading.units import is_money, stated_unit
from tests.engine.answering.passages import answer, passage


class TestStatedUnit:
    @pytest.mark.parametrize(
        ("line", "unit"),
        [
            ("All prices in GBP.", "GBP"),
            ("Prices are in GBP.", "GBP"),
            ("All amounts in USD million.", "USD million"),
            ("Amounts in EUR thousand", "EUR thousand"),
            ("All figures are stated in thousands of US dollars.", "thousands of US dollars"),
            ("Đơn vị tính: VND triệu", "VND triệu"),
            ("ĐVT: nghìn tỷ đồng", "nghìn tỷ đồng"),
            ("Bảng giá (Đơn vị tính: triệu đồng)", "triệu đồng"),
            ("Prices in EUR, excluding VAT.", "EUR"),
        ],
    )
    def test_currency_is_told_with_its_multiplier_as_written(self, line: str, unit: str) -> None:
        assert stated_unit(line) == unit

    @pytest.mark.parametrize(
        "line",
        [
            "All prices in GBP unless stated.",
            "Fees in dollars are paid at the bank.",
            "Amounts in USD '000",
            "Amounts in USD, thousands",
            "Prices in USD or EUR.",
            "Prices in USD/EUR",
            "Đơn vị tính: 1.000 đồng",
            "Guests settle all prices in GBP.",
        ],
    )
    def test_line_with_words_that_are_not_read_tells_none(self, line: str) -> None:
        assert stated_unit(line) is None


class TestIsMoney:
    @pytest.mark.parametrize(
        "header",
        [
            "Price",
            "Hotel price",
            "Fee per person",
            "Cost of hire",
            "Revenue 2023",
            "Amount paid",
            "Total amount",
            "Weekly rate",
            "Daily allowance",
            "Giá phòng",
            "Đơn giá",
            "Số tiền",
            "Tổng chi phí",
            "Giá vé học sinh",
            "Mức hưởng",
            "Phụ cấp",
        ],
    )
    def test_word_for_money_is_what_the_header_is_about(self, header: str) -> None:
        assert is_money(header, f"{header} Đơn vị tính: đồng")

    @pytest.mark.parametrize(
        "header",
        [
            "Population",
            "Visitors",
            "Success rate",
            "Total",
            "Charge",
            "Sales staff",
            "Pay grade",
            "Cost centre",
            "Price change",
            "Number of payments",
            "Amount of water",
            "Baggage allowance",
            "Cost in EUR",
            "Revenue in millions",
            "Số nhân viên",
            "Số hộ gia đình",
            "Đánh giá",
            "Tham gia",
            "Lương thực",
            "Hệ số lương",
            "Tỷ lệ chi phí",
        ],
    )
    def test_counts_people_and_shares_are_no_money(self, header: str) -> None:
        assert not is_money(header, f"{header} Đơn vị tính: đồng")

    def test_names_without_marks_are_read_in_a_text_without_any(self) -> None:
        assert is_money("Don gia", "Don vi tinh: VND Don gia")
        assert is_money("Gia", "Don vi tinh: VND Gia")
        assert not is_money("So ho gia dinh", "Don vi tinh: VND So ho gia dinh")
        assert not is_money("Gia", "Đơn vị tính: đồng Gia")


def told(question: str, text: str, language: str = "en", *, heading: str = "Figures") -> str:
    given = passage(text, title="Report", heading=(heading,), language=language)
    return answer(question, given, language=language).sentences[0].text


CITIES = "City | Population | Hotel price\nLeeds | 12,500 | 130\nYork | 20,400 | 120"


class TestAmount:
    def test_only_columns_of_money_have_the_currency(self) -> None:
        text = f"All prices in GBP.\n\n{CITIES}"
        assert told("What is the population of Leeds?", text) == "Leeds, Population: 12,500"
        assert told("What is the hotel price of Leeds?", text) == "Leeds, Hotel price: 130 GBP"

    def test_people_are_no_money_in_vietnamese(self) -> None:
        text = (
            "Đơn vị tính: VND triệu\n\nXã | Số hộ gia đình | Kinh phí\n"
            "Xã Đông | 320 | 5.000\nXã Tây | 450 | 4.000"
        )
        homes = told("Số hộ gia đình của Xã Đông là bao nhiêu?", text, "vi")
        assert homes == "Xã Đông, Số hộ gia đình: 320"
        spent = told("Kinh phí của Xã Đông là bao nhiêu?", text, "vi")
        assert spent == "Xã Đông, Kinh phí: 5.000 VND triệu"

    @pytest.mark.parametrize(
        "above",
        [
            "All prices in GBP.\n\nCity | Men\nLeeds | 12\nYork | 11\n\n",
            "All prices in GBP.\n\nThe hotels are of one group.\n\n",
            "Fees in pounds are paid at the bank.\n\n",
        ],
    )
    def test_line_that_is_not_right_above_the_table_states_nothing(self, above: str) -> None:
        question = "What is the hotel price of Leeds?"
        assert told(question, f"{above}{CITIES}") == "Leeds, Hotel price: 130"

    def test_heading_states_it_where_the_line_above_states_no_other(self) -> None:
        question, heading = "What is the hotel price of Leeds?", "Hotels (prices in GBP)"
        assert told(question, CITIES, heading=heading) == "Leeds, Hotel price: 130 GBP"
        other = f"Amounts in USD '000.\n\n{CITIES}"
        assert told(question, other, heading=heading) == "Leeds, Hotel price: 130"
