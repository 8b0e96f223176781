"""Questions suggested after an answer."""

from citewell.engine.answering.suggesting import suggest_questions
from tests.engine.answering.passages import answer, passage

PAY = passage("Pay comes on the 28th of each month.", name="a", heading=("4. Pay", "4.1 Pay day"))
BANDS = passage("There are seven bands.", name="a", start=90, heading=("4. Pay", "4.2 Pay bands"))
ASKED = passage("In Estuary.", name="b", title="FAQ", heading=("Where do I find my pay slip?",))
LEAVE = passage(
    "Mỗi năm 14 ngày.", name="c", title="Sổ tay", heading=("Điều 5. Nghỉ phép",), language="vi"
)


class TestSuggest:
    def test_headings_beside_the_cited_ones_become_questions(self) -> None:
        question = "When does pay come each month?"
        given = answer(question, PAY, BANDS, ASKED, LEAVE)
        assert [each.passage.start for each in given.citations] == [0]
        assert suggest_questions(question, given, [PAY, BANDS, BANDS, ASKED, LEAVE]) == (
            "What does “Staff guide” say about pay bands?",
            "Where do I find my pay slip?",
            "“Sổ tay” nói gì về nghỉ phép?",
        )

    def test_what_was_asked_is_not_suggested_again(self) -> None:
        question = "What are the pay bands?"
        assert suggest_questions(question, answer(question, PAY), [BANDS]) == ()
