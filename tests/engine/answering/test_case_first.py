"""Questions that tell their case first, misspelt question words, and headings with numbers."""

import pytest

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.kinds import read_question
from tests.engine.answering.passages import answer, passage


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("The kettle fell over, when can I use it again?", Kind.TIME),
        ("my pass is two years old, would they still take it", Kind.YES_NO),
        ("lost the lid of my pot. what is a new one", Kind.AMOUNT),
        ("how ofen is the tank emptied", Kind.AMOUNT),
        ("can we steer the blinds from my phone", Kind.YES_NO),
        ("What is the fax number of the office?", Kind.CONTACT),
        ("what would a family of five pay", Kind.AMOUNT),
        ("Does a foreman earn more pay than a fitter?", Kind.COMPARISON),
    ],
)
def test_kind_is_read_from_the_clause_that_asks(question: str, kind: Kind) -> None:
    assert read_question(question, "en").kind is kind


def test_dearest_asks_for_the_most():
    assert read_question("the dearest seat", "en").aggregate is Aggregate.MAXIMUM
    assert read_question("món nào mắc nhất", "vi").aggregate is Aggregate.MAXIMUM


def test_numbered_line_before_a_table_heads_it():
    text = (
        "5. Fees\n\nFees are due in May.\n\n6. Study leave\n\nReason | Paid days\n"
        "Course | 4\nExamination | 2\nConference | 3"
    )
    found = answer(
        "Which reason for study leave has the highest number of paid days?", passage(text)
    )
    assert found.text.startswith("Course: 4")


def test_parents_and_children_are_a_family():
    text = "Ticket | Price\nAdult | £9\nFamily (2 adults, 3 children) | £24\nGroup, per person | £7"
    found = answer("how much for mum, dad and two children", passage(text))
    assert "£24" in found.text
