import pytest

from citewell.engine.answering.facts import missing_facts, read_facts
from citewell.engine.text.numerals import read_quantities


class TestSigns:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("it is -5 degrees", -5),
            ("it is \u22125 degrees", -5),
            ("minus 5 degrees", -5),
            ("nhiệt độ âm 5 độ", -5),
            ("a margin of -$5 million", -5_000_000),
            ("- 5 degrees", 5),
            ("room b-5", 5),
        ],
    )
    def test_minus_is_part_of_a_number_and_a_bullet_is_not(self, text: str, value: float) -> None:
        assert [max(each.values) for each in read_quantities(text)] == [value]

    def test_range_has_no_minus(self) -> None:
        for text in ("5-7 percent", "5 - 7 percent", "5 \u2013 7 percent"):
            assert [max(each.values) for each in read_quantities(text)] == [5, 7]


class TestFacts:
    def test_number_of_the_other_sign_is_missing_but_for_what_fell_by_it(self) -> None:
        source, nothing = read_facts("The margin was -5 percent."), read_facts("")
        assert missing_facts(read_facts("The margin was 5 percent."), source, nothing)
        assert not missing_facts(read_facts("The margin was -5 percent."), source, nothing)
        assert not missing_facts(read_facts("The margin fell by 5 percent."), source, nothing)
