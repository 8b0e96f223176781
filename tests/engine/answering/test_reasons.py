"""Reasons of a confidence, in words."""

import pytest

from tests.engine.answering.passages import answer, library, passage

SAID = "The assembly point is the car park of the rowing club."
OTHER = "In a fire leave by the stairs."


class TestAgreement:
    @pytest.mark.parametrize(
        ("second", "is_told"),
        [
            (f"{SAID} {OTHER}", False),  # a copy of the passage
            (f"{SAID} Visitors sign in at the gate.", True),
        ],
    )
    def test_copies_of_a_passage_are_one_source(self, second: str, is_told: bool) -> None:
        made = answer(
            "Where is the assembly point?",
            passage(f"{SAID} {OTHER}", name="a"),
            passage(second, name="b", score=0.9),
            *library()[:5],
        )
        assert made.text.startswith(SAID)
        assert ("Said in 2 documents." in made.confidence.reasons) is is_told
