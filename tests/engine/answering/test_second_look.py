"""Answers in other words than the question's: given, as low, where one passage stands out."""

from citewell.engine.answering.base import Answer, ConfidenceLevel
from citewell.engine.answering.extractive import extract_answer
from tests.engine.answering.passages import LIBRARY, asked, passage

DRILLS = LIBRARY["en"][8]


def answered(question: str, lead: float, heading: tuple[str, ...] = ("Rules",)) -> Answer:
    """Ask of a library whose first passage is about fire drills and leads by so much."""
    others = [passage(text, name=text[:8], score=0.4, heading=heading) for text in LIBRARY["en"]]
    given = [passage(DRILLS, name="first", score=0.4 + lead, heading=heading), *others[:7]]
    return extract_answer(asked(question, given), given)


class TestSecondLook:
    def test_passage_that_leads_is_answered_from_as_low(self):
        made = answered("How often do we rehearse for a fire?", 0.5)
        assert "twice a year" in made.text
        assert made.confidence.level is ConfidenceLevel.LOW
        assert made.confidence.reasons[0] == "Not in the passage: rehearse."

    def test_passage_that_does_not_lead_is_not(self):
        for lead in (0.0, -0.1):
            assert answered("How often do we rehearse for a fire?", lead).is_abstained

    def test_lone_passage_leads_nothing(self):
        given = [passage(DRILLS, score=0.6, heading=("Rules",))]
        question = asked("How often do we rehearse for a fire?", given)
        assert extract_answer(question, given).is_abstained

    def test_name_has_no_other_words(self):
        assert answered("How often do we rehearse in Oslo for a fire?", 0.5, ()).is_abstained

    def test_word_of_another_document_points_there(self):
        assert answered("How often do we rehearse for a fire with receipts?", 0.5).is_abstained
