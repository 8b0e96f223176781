"""Questions suggested after an answer."""

from citewell.engine.answering.suggesting import (
    DocumentHeading,
    first_questions,
    suggest_questions,
)
from tests.engine.answering.passages import answer, passage

PAY = passage("Pay comes on the 28th of each month.", name="a", heading=("4. Pay", "4.1 Pay day"))
BANDS = passage("There are seven bands.", name="a", start=90, heading=("4. Pay", "4.2 Pay bands"))
ASKED = passage("In Estuary.", name="b", title="FAQ", heading=("Where do I find my pay slip?",))
LEAVE = passage(
    "Mỗi năm 14 ngày.", name="c", title="Sổ tay", heading=("Điều 5. Nghỉ phép",), language="vi"
)


class TestSuggest:
    def test_headings_beside_the_cited_ones_in_the_same_document_become_questions(self) -> None:
        question = "When does pay come each month?"
        given = answer(question, PAY, BANDS, ASKED, LEAVE)
        assert [each.passage.start for each in given.citations] == [0]
        table = passage("Blue 7", name="a", start=200, heading=("4. Pay", "Light Meaning"))
        read = [LEAVE, PAY, ASKED, table, BANDS, BANDS]
        assert suggest_questions(question, given, read) == ("What is there about pay bands?",)

    def test_what_was_asked_is_not_suggested_again(self) -> None:
        question = "What are the pay bands?"
        assert suggest_questions(question, answer(question, PAY), [BANDS]) == ()


def heading(document: str, text: str, language: str = "en", title: str = "") -> DocumentHeading:
    return DocumentHeading(document, title or f"Guide {document}", text, language)


class TestFirst:
    def test_each_document_has_one_before_any_has_two_and_those_of_the_language_come_first(
        self,
    ) -> None:
        headings = [
            heading("a", "1. Introduction"),
            heading("a", "2. Annual leave"),
            heading("a", "3. Sick leave"),
            heading("a", "Service Time Cost"),
            heading("b", "Guide b"),
            heading("b", "Data"),
            heading("b", "Pay day"),
            heading("b", "How do I get a badge?"),
            heading("c", "Điều 1. Phạm vi điều chỉnh", "vi", "Quy chế"),
            heading("c", "Điều 5. Nghỉ phép năm", "vi", "Quy chế"),
        ]
        made = first_questions(headings, language="vi", most=5)
        assert [each.text for each in made] == [
            "Nghỉ phép năm được quy định thế nào?",
            "What is there about annual leave?",
            "How do I get a badge?",
            "What is there about sick leave?",
            "What is there about pay day?",
        ]
        assert [each.about.document_id for each in made] == ["c", "a", "b", "a", "b"]
        assert len(first_questions(headings, language=None, most=2)) == 2

    def test_headings_that_tell_nothing_make_none(self) -> None:
        dull = ["Contents", "MỤC LỤC", "2024-11-30", "x", "Guide a", "Heading " * 20, "IV."]
        dull += ["Before you travel", "2. Who may approve", "Mục đích và phạm vi"]
        dull += ["Data", "Next meeting", "Breaches of this policy", "Annex B"]
        dull += ["on_call", "slots.csv", "Free slots of ward_b.xlsx"]
        dull += [
            "Code: meaning",
            "Rows 3 to 9",
            "Pay for all who work at night or on public holidays",
        ]
        assert first_questions([heading("a", each) for each in dull], language="en", most=9) == ()

    def test_a_head_of_a_table_and_a_clause_make_none_in_vietnamese(self) -> None:
        dull = [
            "Tình huống Việc cần làm ngay",
            "6. Sử dụng",
            "Khoản 5",
            "Khi bị ốm đau",
            "Nghỉ phép",
        ]
        made = [heading(each, each, "vi") for each in [*dull, "Đi lại ở Đà Nẵng"]]
        asked = [each.text for each in first_questions(made, language="vi", most=9)]
        assert asked == ["Đi lại ở Đà Nẵng được quy định thế nào?"]
