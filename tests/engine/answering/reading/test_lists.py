"""Lists and procedures come whole, in their order."""

from citewell.engine.answering.grades import grade_extract
from citewell.engine.verification.grading import Grade
from tests.engine.answering.passages import answer, passage

STEPS = (
    "Restart of the press\n\nTo restart the press, do the following:\n\n1. Close the guard.\n"
    "2. Turn key K3 to the right.\n3. Press the green button for five seconds.\n"
    "4. Wait for the horn."
)


class TestProcedure:
    def test_all_steps_come_in_order_with_their_numbers(self):
        made = answer("How do I restart the press?", passage(STEPS))
        lines = made.sentences[0].text.splitlines()
        assert lines[0] == "To restart the press, do the following:"
        assert [line[:2] for line in lines[1:]] == ["1.", "2.", "3.", "4."]
        assert len(made.sentences) == 1
        assert made.citations[0].quote.endswith("Wait for the horn.")

    def test_steps_cut_between_two_passages_are_one_list(self):
        cut = STEPS.index("3. Press")
        first = passage(STEPS[: cut - 1], start=0)
        second = passage(STEPS[cut:], start=cut, score=0.6)
        made = answer("How do I restart the press?", first, second)
        assert made.sentences[0].text.splitlines()[-1] == "4. Wait for the horn."
        assert [cited.passage.start for cited in made.citations] == [0, cut]

    def test_what_stands_behind_a_step_is_part_of_it(self):
        text = "To fit the cap:\n\n1. Grease the ring. Use little.\n2. Screw the cap on."
        made = answer("How do I fit the cap?", passage(text))
        assert made.sentences[0].text.splitlines()[1] == "1. Grease the ring. Use little."


class TestList:
    def test_lead_in_takes_its_items_along(self):
        text = (
            "The documents needed for a visa application are:\n\n- a passport copy\n"
            "- two photographs\n- the invitation letter\n\nFees are paid at the desk."
        )
        made = answer("What documents are needed for a visa application?", passage(text))
        assert made.sentences[0].text.count("\n") == 3
        assert "Fees" not in made.text

    def test_items_that_lost_their_marks_are_still_items(self):
        text = "Not repaid\n\nAirport lounges\n\nHaircuts and clothing\n\nCosts of a companion"
        made = answer("What is not repaid?", passage(text, heading=["Not repaid"]))
        assert (
            "Haircuts"
            in answer("List what is not repaid", passage(text, heading=["Not repaid"])).text
        )
        assert "Not repaid" not in made.text

    def test_long_list_says_how_much_is_left_out(self):
        items = "\n".join(f"- branch number {n}" for n in range(1, 31))
        made = answer("List the branches", passage(f"The branches are:\n\n{items}"))
        assert made.sentences[0].text.endswith("(and 10 more in the document)")
        assert "branch number 21" not in made.text


class TestPlurals:
    def test_which_things_are_asks_for_the_whole_list_and_its_items_are_close(self):
        given = passage(
            "Lounges and minibars.\n\nClothing and haircuts.\n\nTrips between home and work.\n\n"
            "Loss of belongings, insured up to 900 euros.\n\nCosts of a companion.",
            title="Trip policy",
            heading=("Trip policy", "Never repaid"),
        )
        made = grade_extract(answer("Which trip costs are never repaid?", given), language="en")
        assert made.text.count("\n- ") == 4, made.text
        assert made.sentences[0].assessment is not None
        assert made.sentences[0].assessment.grade is Grade.CLOSE
