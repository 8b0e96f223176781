"""Prices, extremes and lengths of time only of the column and kind that is asked for."""

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.evidence import offers
from citewell.engine.answering.asking.kinds import read_question
from tests.engine.answering.passages import answer, passage


def _table(text: str, title: str, language: str = "en"):
    return passage(text, title=title, heading=(title,), language=language)


class TestPriceColumns:
    def test_columns_of_different_prices_are_told_with_their_names(self):
        for question, text, names in (
            (
                "How much is a season ticket?",
                "Ticket | Senior EUR | Junior EUR\nSeason ticket | 80 | 35\nSingle ticket | 4 | 2",
                ("Senior EUR: 80", "Junior EUR: 35"),
            ),
            (
                "How much is the stool?",
                "Article | Net CHF | Gross EUR\nStool | 20 | 24\nBench | 50 | 60",
                ("Net CHF: 20", "Gross EUR: 24"),
            ),
            (
                "How much is the budget of the archive?",
                "Unit | Budget 2031 USD | Budget 2032 USD\nArchive | 300 | 400\nMuseum | 5 | 6",
                ("Budget 2031 USD: 300", "Budget 2032 USD: 400"),
            ),
        ):
            told = answer(question, _table(text, "Prices")).sentences[0].text
            assert all(name in told for name in names), told

    def test_one_price_in_signs_and_codes_is_one_price(self):
        lamps = _table(
            "Code | Article | Watts | Price (€) | Price USD\nS-3 | Oak stool | 1 | 20 | 24\n"
            "S-4 | Elm bench | 2 | 50 | 60",
            "Furniture",
        )
        assert "Watts" not in answer("How much is the oak stool?", lamps).sentences[0].text


class TestSuperlatives:
    def test_column_is_computed_only_where_it_is_clear_which(self):
        tariffs = _table(
            "Tariff | Joining fee | Weekly price\nBlue | 70 | 9\nRed | 15 | 21\nGold | 0 | 33",
            "Tariffs",
        )
        text = answer("What is the most expensive tariff?", tariffs).text
        assert "highest" not in text, text
        loans = _table(
            "Credit | Interest rate | Weekly price\nBlue | 7 | 9\nRed | 1 | 21\nGold | 3 | 33",
            "Credits",
        )
        assert answer("Which is the cheapest credit?", loans).text.startswith("Blue: 9")
        cranes = _table(
            "Crane | Max load weight kg | Weight kg\nOx | 800 | 20\nElk | 30 | 400\nDoe | 6 | 70",
            "Cranes",
        )
        assert answer("What is the heaviest crane?", cranes).text.startswith("Elk: 400")

    def test_vietnamese_column_is_told_by_its_accents(self):
        hotels = _table(
            "Nhà nghỉ | Đánh giá | Giá phòng\nSao Mai | 9,2 | 400.000\nMây Trắng | 8,1 | 800.000\n"
            "Đồi Thông | 9,6 | 600.000",
            "Nhà nghỉ",
            "vi",
        )
        for question, told in (
            ("Nhà nghỉ nào đắt nhất?", "Mây Trắng: 800.000"),
            ("Nhà nghỉ nào được đánh giá cao nhất?", "Đồi Thông: 9,6"),
        ):
            assert answer(question, hotels, language="vi").text.startswith(told), question


class TestAmounts:
    def test_months_of_rent_and_pay_are_amounts(self):
        for text in (
            "The deposit is 2 months rent.",
            "The deposit is 3 months of rent.",
            "The deposit is 2 weeks pay.",
            "The deposit is 30 days of full pay.",
        ):
            found = answer("How much is the deposit?", _table(text, "Lease"))
            assert found.sentences[0].text == text
        for text in ("Tiền cọc là 1 tháng thu nhập.", "Tiền cọc là 2 tháng tiền nhà."):
            found = answer("Tiền cọc là bao nhiêu?", _table(text, "Hợp đồng", "vi"), language="vi")
            assert found.sentences[0].text == text

    def test_time_alone_stays_none(self):
        asked = read_question("How much is the deposit?", "en")
        assert offers(asked, "The deposit is kept for 2 months.") < 0.5


class TestPeriods:
    def test_period_with_days_or_a_name_is_no_duration(self):
        rules = _table(
            "The budget period is 1 March to 30 June. The quiet period is called the lull. "
            "A return may be at most 9 days late.",
            "Rules of the fund",
        )
        for question, told in (
            ("What is the budget period?", "1 March to 30 June"),
            ("What is the quiet period called?", "the lull"),
            ("How late may a return be?", "9 days late"),
        ):
            assert told in answer(question, rules).sentences[0].text, question

    def test_notice_and_warranty_are_durations(self):
        for text in ("What is the notice period?", "what is the warranty period of the boat?"):
            assert read_question(text, "en").kind is Kind.DURATION, text
        assert read_question("How late can we arrive?", "en").kind is Kind.TIME
