"""Words of a question in another spelling."""

import pytest

from tests.engine.answering.passages import answer, passage


class TestVariants:
    @pytest.mark.parametrize(
        ("question", "text"),
        [
            ("Who is the DPO?", "The data protection officer is Ines Holm."),
            ("Who leads the hanoi office?", "The Ha Noi office is led by Minh Tran, who leads it."),
            ("Who is the chif executive?", "The chief executive is Helen Astbury."),
        ],
    )
    def test_acronym_spacing_and_slip_are_found(self, question: str, text: str):
        made = answer(question, passage(text))
        assert made.sentences[0].text == text

    def test_word_that_stands_in_a_passage_is_never_respelled(self):
        made = answer(
            "When is pay day?",
            passage("Pay day is the 28th.", name="a"),
            passage("Bay day is the 3rd.", name="b", score=0.9),
        )
        assert made.sentences[0].text == "Pay day is the 28th."


class TestAgents:
    def test_verb_stands_for_its_doer(self):
        text = "Owner: Daniel Prosser.\n\nStaff may use their own car for travel."
        made = answer("Who owns the travel policy?", passage(text, title="Travel policy"))
        assert made.sentences[0].text == "Owner: Daniel Prosser."
