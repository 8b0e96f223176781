"""Rows that have the words of a question and tell another thing are no answer."""

import pytest

from tests.engine.answering.passages import answer, passage

PARTS = (
    "Part | Description | Fits | Price\nF-1 | Fine filter | Gale 5 | £8.20\n"
    "F-2 | Dust bag | Gale 5, Gale 7 | £4.10\nF-3 | Floor brush | Gale 7 | £12.00"
)
ROOMS = (
    "Floor | Room | To see\n1 | Painters | Oil sketches\n2 | Cameras | Early photography of boats"
)


class TestPriceOfAnotherThing:
    def test_price_of_a_part_is_not_that_of_what_it_fits(self):
        assert answer("What do I pay for a Gale 7?", passage(PARTS)).is_abstained

    def test_price_of_the_part_is_told(self):
        found = answer("What do I pay for a floor brush for the Gale 7?", passage(PARTS))
        assert "£12.00" in found.text


class TestYesOrNo:
    def test_row_that_allows_and_forbids_nothing_decides_nothing(self):
        found = answer("Can I take photography of boats?", passage(ROOMS))
        assert found.is_abstained

    def test_row_that_says_yes_decides(self):
        text = "Model | Sleep mode | Castors\nGale 5 | yes | no\nGale 7 | yes | yes"
        found = answer("Can I use the sleep mode with the Gale 5?", passage(text))
        assert "yes" in found.text


class TestObtaining:
    TEXT = "The staff yard has 20 spaces. Parking in the staff yard costs £3 a day."

    def test_what_is_to_be_got_must_be_named(self):
        given = passage(self.TEXT, heading=("Parking",))
        assert answer("How do I get a sticker for the staff yard?", given).is_abstained

    def test_named_thing_is_answered(self):
        text = f"{self.TEXT} Stickers for the staff yard are issued by the gate office."
        found = answer("How do I get a sticker for the staff yard?", passage(text))
        assert "gate office" in found.text

    def test_row_that_says_closed_decides(self):
        text = "Day | Pool\nSaturday | 8:00 - 18:00\nSunday | closed"
        assert "closed" in answer("Can I use the pool on Sunday?", passage(text)).text


class TestPriceOfEntry:
    @pytest.mark.parametrize("thing", ["a ticket", "entry", "admission"])
    def test_rows_seldom_say_what_is_paid_for(self, thing: str):
        text = "Group | Price\nAdults | £12\nChildren | £5\nPensioners | £8"
        found = answer(f"How much is {thing} for children?", passage(text, title="Castle prices"))
        assert "£5" in found.text
        assert "£12" not in found.text
