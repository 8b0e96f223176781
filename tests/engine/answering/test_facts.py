import pytest

from citewell.engine.answering.facts import contradicts, missing_facts, read_facts
from citewell.engine.text.normalisation import normalise
from citewell.engine.text.numerals import Quantity, number_values, read_quantities

NOTHING = read_facts("")


def quantities(text: str) -> list[tuple[float, str | None]]:
    found = read_quantities(normalise(text))
    return [(max(quantity.values), quantity.unit) for quantity in found]


def lacks(claim: str, source: str) -> bool:
    return missing_facts(read_facts(claim), read_facts(source), NOTHING)


def opposes(claim: str, source: str) -> bool:
    def key(word: str) -> str:
        return word

    shared = set(normalise(claim).strip(".").split()) & set(normalise(source).strip(".").split())
    return contradicts(read_facts(claim), read_facts(source), NOTHING, shared, key)


class TestReadQuantities:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("20 days", [(20, "day")]),
            ("twenty-five working days", [(25, "day")]),
            ("three hundred and five euros", [(305, "eur")]),
            ("$1.2 million", [(1_200_000, "usd")]),
            ("1,200,000 dollars", [(1_200_000, "usd")]),
            ("20 to 40 million euros", [(20_000_000, "eur"), (40_000_000, "eur")]),
            ("12.5 litres", [(12.5, "l")]),
            ("99.5%", [(99.5, "percent")]),
            ("at 9:30", [(9.5, "clock")]),
            ("at 5 pm", [(17, "clock")]),
            ("17 giờ 30 phút", [(17.5, "clock")]),
            ("17h30", [(17.5, "clock")]),
            ("hai mươi lăm ngày", [(25, "day")]),
            ("hai mươi năm", [(20, "year")]),
            ("mười hai tháng", [(12, "month")]),
            ("ba trăm nghìn đồng", [(300_000, "vnd")]),
            ("1,2 triệu đồng", [(1_200_000, "vnd")]),
            ("300.000 đồng", [(300_000, "vnd")]),
            ("the fifth floor", [(5, None)]),
            ("1. No number but the item's", []),
            ("one of them, ba mẹ, năm ngoái", []),
        ],
    )
    def test_written_amount_is_read(
        self, text: str, expected: list[tuple[float, str | None]]
    ) -> None:
        assert quantities(text) == expected

    @pytest.mark.parametrize(
        ("digits", "values"),
        [
            ("1.000", {1.0, 1000.0}),
            ("1,5", {1.5}),
            ("1,234.5", {1234.5}),
            ("1.234,5", {1234.5}),
            ("1.200.000", {1_200_000.0}),
            ("10 200", {10_200.0}),
        ],
    )
    def test_separators_have_their_readings(self, digits: str, values: set[float]) -> None:
        assert number_values(digits) == values

    def test_unit_left_out_matches_other_unit_does_not(self) -> None:
        days, plain, weeks = (Quantity(frozenset({3.0}), unit) for unit in ("day", None, "week"))
        assert days.matches(plain)
        assert not days.matches(weeks)


class TestMissingFacts:
    @pytest.mark.parametrize(
        ("claim", "source"),
        [
            ("It starts on 5 March 2024.", "Start: 2024-03-05"),
            ("It starts on March 5, 2024.", "It starts on 05/03/2024."),
            ("It starts in March 2024.", "It starts on the 5th of March 2024."),
            ("It runs 3 to 5 May 2024.", "It runs from 3 to 5 May 2024."),
            ("Có hiệu lực từ 15/9/2021.", "có hiệu lực từ ngày 15 tháng 9 năm 2021"),
            ("It starts on 5 March.", "ngày 5 tháng 3"),
            ("See ISO 9001.", "It follows ISO-9001."),
            ("Nghị định 123/2020/NĐ-CP", "theo Nghị định 123/2020/NĐ-CP"),
            ("Write to it@acme.example.", "Mail: IT@acme.example"),
            ("It takes 3 days.", "Nó mất ba ngày."),
            ("Profit fell by 5 million.", "The change was -5 million."),
        ],
    )
    def test_same_fact_in_another_form_is_there(self, claim: str, source: str) -> None:
        assert not lacks(claim, source)

    @pytest.mark.parametrize(
        ("claim", "source"),
        [
            ("It starts on 5 April 2024.", "It starts on 5 March 2024."),
            ("It starts on 6 March 2024.", "It starts on 5 March 2024."),
            ("It starts on 5 March 2025.", "It starts on 5 March 2024."),
            ("Use form HR-12.", "Use form HR-21."),
            ("Use form HR-1.", "Use form HR-12."),
            ("Party A pays.", "Party B pays."),
            ("Nghị định 123/2020/NĐ-CP", "Nghị định 132/2020/NĐ-CP"),
            ("It takes 3 days.", "It takes 3 weeks."),
            ("It costs 500.", "It costs 50."),
            ("Pay 5 euros.", "Pay 5 dollars."),
            ("Profit fell to 5 million.", "Profit was -5 million."),
        ],
    )
    def test_changed_fact_is_missing(self, claim: str, source: str) -> None:
        assert lacks(claim, source)


class TestContradicts:
    @pytest.mark.parametrize(
        ("claim", "source"),
        [
            ("Smoking is allowed.", "Smoking is not allowed."),
            ("Smoking is allowed.", "Smoking is prohibited."),
            ("Guests can stay overnight.", "Guests cannot stay overnight."),
            ("Guests don't pay.", "Guests pay."),
            ("Pay before the trip.", "Pay after the trip."),
            ("At most 5 copies.", "At least 5 copies."),
            ("Orders under 50 euros are free.", "Orders above 50 euros are free."),
            ("The office is open on Friday.", "The office is open on Monday."),
            ("Được hút thuốc tại đây.", "Không được hút thuốc tại đây."),
            ("Nộp trước chuyến đi.", "Nộp sau chuyến đi."),
            ("Nghỉ không hưởng lương.", "Nghỉ hưởng lương."),
        ],
    )
    def test_opposites_contradict_both_ways(self, claim: str, source: str) -> None:
        assert opposes(claim, source)
        assert opposes(source, claim)

    @pytest.mark.parametrize(
        ("claim", "source"),
        [
            ("Smoking is forbidden.", "Smoking is not allowed."),
            ("Not more than 5 copies.", "At most 5 copies."),
            ("Không quá 5 ngày.", "Tối đa 5 ngày."),
            ("Guests pay.", "Guests pay, but staff do not."),
            ("Staff not only eat, they sleep.", "Staff eat and sleep."),
            ("Ngày phép chưa dùng được chuyển.", "Ngày phép chưa dùng được chuyển."),
            ("The hàng không hub.", "The hàng không hub."),
        ],
    )
    def test_same_sense_does_not(self, claim: str, source: str) -> None:
        assert not opposes(claim, source)


class TestNames:
    def test_capital_at_the_beginning_tells_nothing(self) -> None:
        assert read_facts("Employees meet Anna Lee at NASA.").names == {"anna", "lee", "nasa"}

    def test_german_capitals_tell_nothing(self) -> None:
        assert not read_facts("Die Kollegen treffen Anna.", language="de").names
