"""Yes or no by the list in which the thing asked about stands."""

from tests.engine.answering.passages import answer, passage

CITIES = ["Aarhus", "Bergen", "Cork", "Delft", "Espoo", "Faro", "Ghent", "Zagreb", "Ancona"]
BRANCHES = "Our company has branches in the following cities:\n\n" + "\n".join(
    f"- {city}" for city in CITIES
)


class TestMembership:
    def test_item_of_a_list_is_a_yes_that_quotes_the_list(self):
        made = answer("Is there a branch in Zagreb?", passage(BRANCHES, heading=["Branches"]))
        assert made.sentences[0].text == (
            "Yes: Our company has branches in the following cities: Zagreb"
        )
        assert made.citations[0].quote.endswith("- Zagreb")

    def test_what_the_list_lacks_gets_no_yes(self):
        made = answer("Is there a branch in Paris?", passage(BRANCHES, heading=["Branches"]))
        assert not made.text.startswith("Yes")

    def test_item_under_a_heading_that_denies_is_a_no(self):
        text = (
            "- Airport lounges, seat upgrades and minibar purchases.\n"
            "- Clothing, luggage and haircuts.\n- Costs of a companion."
        )
        made = answer("Are seat upgrades repaid?", passage(text, heading=["10. Not repaid"]))
        assert made.sentences[0].text.startswith("No: Not repaid: Airport lounges")

    def test_numbered_sentence_under_a_heading_speaks_for_itself(self):
        text = "1. Fines are used as a measure.\n2. Pay is never cut as a measure."
        made = answer("Is pay cut as a measure?", passage(text, heading=["Measures"]))
        assert made.sentences[0].text.startswith("No: 2. Pay is never cut")
