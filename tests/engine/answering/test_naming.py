"""Names that a document bears in its opening hold for its clauses."""

from citewell.engine.answering.naming import Opening, document_named
from tests.engine.answering.passages import answer, passage

OPENING = (
    "Supply agreement SA-77\n\nSupplier: Penrose Tools Ltd, Leeds, represented by Ada Holm\n"
    "Buyer: Wexcombe Ferries Ltd, represented by Bo Ek"
)
DUTIES = "3.1 Invoices are paid within 45 days of receipt. 3.2 Goods are tested on arrival."
TERM = "2.1 This agreement begins on 2 March 2026 and ends on 1 September 2027."
BREACH = (
    "9.1 Either party may end this agreement if the other does not pay. 9.2 Data are handed over "
    "within 30 days of the end of the agreement."
)
CONTRACT = [
    passage(text, name="sa77", title="Supply agreement SA-77", start=start, score=score)
    for text, start, score in ((OPENING, 0, 0.9), (DUTIES, 3000, 0.5), (BREACH, 4000, 0.6))
]
MINUTES = passage(
    "It was reported that the supply agreement with Wexcombe Ferries was signed on 2 March 2026.",
    name="minutes",
    title="Minutes",
    score=1.0,
)


class TestParties:
    def test_clause_without_the_name_answers_for_the_party(self) -> None:
        made = answer("How long does Wexcombe have to pay an invoice?", *CONTRACT, MINUTES)
        assert made.sentences[0].text.startswith("3.1 Invoices are paid within 45 days")

    def test_name_that_the_document_does_not_bear_is_refused(self) -> None:
        made = answer("How long does Bramling have to pay an invoice?", *CONTRACT, MINUTES)
        assert made.is_abstained

    def test_document_of_the_party_is_found_among_those_that_tell_of_it(self) -> None:
        openings = [
            Opening(one.document_id, one.version, one.start, one.text)
            for one in (MINUTES, *CONTRACT)
        ]
        assert document_named("When does the agreement with Wexcombe end?", openings) == "sa77"
        assert document_named("When does the agreement with Bramling end?", openings) is None

    def test_person_who_signs_for_a_party_names_no_document(self) -> None:
        openings = [Opening("sa77", 1, 0, OPENING)]
        assert document_named("How old is Holm?", [*openings]) is None


class TestBoundaries:
    def test_clause_with_the_date_outranks_those_that_speak_of_the_end(self) -> None:
        term = passage(TERM, name="sa77", title="Supply agreement SA-77", start=2000, score=0.4)
        for question in ("When does the contract end?", "When does the agreement expire?"):
            made = answer(question, *CONTRACT, term)
            assert "1 September 2027" in made.sentences[0].text, made.text
        made = answer("When does the contract with Wexcombe start?", *CONTRACT, term, MINUTES)
        assert "begins on 2 March 2026" in made.sentences[0].text

    def test_vietnamese_end_is_told_in_other_words(self) -> None:
        clauses = [
            passage(text, name="hd", title="Hợp đồng thuê kho", language="vi", start=start)
            for text, start in (
                ("Bên thuê có quyền chấm dứt hợp đồng khi kho hư hỏng. Khi hết hạn hợp đồng, bên "
                 "thuê dọn kho trong 10 ngày.", 2000),
                ("Thời hạn thuê kể từ ngày 01/02/2025 đến hết ngày 31/01/2028.", 1500),
            )
        ]  # fmt: skip
        for question in ("Hợp đồng thuê kho hết hạn khi nào?", "Hợp đồng thuê kết thúc ngày nào?"):
            made = answer(question, *clauses, language="vi")
            assert "31/01/2028" in made.text, (question, made.text)
