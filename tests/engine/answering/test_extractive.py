"""The answer without a model, over real term ids and statistics."""

import pytest

from citewell.engine.answering.base import ConfidenceLevel, Passage
from citewell.engine.answering.calibration import ConfidenceCalibration, calibration_of
from citewell.engine.answering.extractive import extract_answer, fixed_answer, measure_confidence
from tests.engine.answering.passages import answer, asked, passage


class TestQuotes:
    def test_best_sentence_comes_first_with_its_place(self):
        made = answer("How much may a hotel in London cost?")
        assert made.sentences[0].text == "A hotel in London may cost 165 pounds."
        assert made.text.startswith("A hotel in London may cost 165 pounds. [1]")
        cited = made.citations[0]
        assert (cited.number, cited.passage.document_id) == (1, "5")
        assert cited.passage.text[cited.start : cited.end] == cited.quote
        assert made.model == "extractive"

    def test_offsets_are_those_of_the_document(self):
        text = "Doors are blue. The safe opens with two keys."
        made = answer("How many keys open the safe?", passage(text, start=1000))
        cited = made.citations[0]
        assert (cited.start, cited.end) == (1016, 1045)
        assert cited.quote == "The safe opens with two keys."

    def test_vietnamese_question_is_answered_in_vietnamese(self):
        made = answer("Nhân viên được nghỉ phép bao nhiêu ngày một năm?", language="vi")
        assert made.sentences[0].text == "Nhân viên được nghỉ phép 14 ngày một năm."

    def test_numbers_follow_the_order_of_appearance(self):
        made = answer(
            "Is the north gate painted green?",
            passage("The north gate is green.", name="a", score=0.9),
            passage("The north gate is painted.", name="b", score=0.85),
        )
        assert [one.citations for one in made.sentences] == [(1,), (2,)]
        assert [cited.number for cited in made.citations] == [1, 2]
        assert len(made.sentences) == made.text.count("[")

    def test_at_most_the_asked_number_of_sentences(self):
        texts = ["Code A opens the gate.", "A code opens the long gate.", "The gate opens by code."]
        given = [passage(text, name=text[:4]) for text in texts]
        question = asked("Which code opens the gate?", given)
        assert len(extract_answer(question, given).sentences) == 2
        assert len(extract_answer(question, given, max_sentences=1).sentences) == 1

    def test_sentence_with_what_is_asked_for_wins(self):
        text = "The pump was serviced by the supplier. The pump was serviced on 4 May 2026."
        made = answer("When was the pump serviced?", passage(text))
        assert made.sentences[0].text == "The pump was serviced on 4 May 2026."

    def test_sentence_of_the_better_passage_wins(self):
        low = passage("The pump is serviced by us.", name="low", score=0.2)
        high = passage("The pump is serviced by Osei.", name="high", score=0.9)
        made = answer("Is the pump serviced?", low, high)
        assert made.citations[0].passage.document_id == "high"

    def test_weak_sentences_are_left_out(self):
        made = answer("How much may a hotel in London cost?")
        assert len(made.sentences) < 3


class TestRepeats:
    def test_same_sentence_in_two_documents_is_quoted_once(self):
        text = "The spare key is kept in the blue box."
        made = answer("Where is the spare key kept?", passage(text), passage(text + " ", name="b"))
        assert [cited.passage.document_id for cited in made.citations] == ["a"]

    def test_same_place_in_overlapping_chunks_is_quoted_once(self):
        made = answer(
            "Where is the spare key kept?",
            passage("Intro. The spare key is kept in a box.", start=0),
            passage("The spare key is kept in a box. It is blue.", start=7),
        )
        assert sum("spare key" in one.text for one in made.sentences) == 1

    def test_rows_that_differ_in_a_number_are_both_kept(self):
        made = answer(
            "What does the basic plan cost?",
            passage("The basic plan does cost 10 pounds a month.", name="a"),
            passage("The basic plan does cost 12 pounds a month.", name="b"),
        )
        assert len(made.sentences) == 2


class TestReadability:
    def test_sentence_that_points_back_takes_in_the_one_before(self):
        text = "The Rill 310 is a sonde. It measures turbidity down to ten metres."
        made = answer("How deep is turbidity measured by the Rill sonde?", passage(text))
        assert [cited.quote for cited in made.citations] == [text]

    def test_heading_is_never_the_answer(self):
        text = "Annual leave\n\nTwenty days a year are granted to all.\n\nSick leave\n\nSee below."
        made = answer("annual leave days", passage(text, heading=["Annual leave"]))
        assert made.sentences[0].text == "Twenty days a year are granted to all."

    def test_title_repeated_as_a_footer_is_never_the_answer(self):
        text = "Twenty days a year are granted to all.\n\nAnnual leave"
        made = answer("annual leave", passage(text, title="Annual leave"))
        assert [one.text for one in made.sentences] == ["Twenty days a year are granted to all."]

    @pytest.mark.parametrize(
        "text",
        [
            "How do I reset my password?\n\nOpen the portal and choose Forgotten.",
            "How do I reset my password? Open the portal and choose Forgotten.",
            "Q: How do I reset my password?\nA: Open the portal and choose Forgotten.",
        ],
    )
    def test_faq_gives_the_answer_not_the_question(self, text: str):
        made = answer("How do I reset my password?", passage(text))
        assert made.sentences[0].text == "Open the portal and choose Forgotten."
        assert made.citations[0].quote == "Open the portal and choose Forgotten."
        assert made.confidence.level in (ConfidenceLevel.HIGH, ConfidenceLevel.MEDIUM)

    def test_table_row_is_shown_with_its_columns_and_quoted_exactly(self):
        text = "Plan | Price | Term\nBasic | 10 | month\nLarge | 30 | year"
        made = answer("What is the price of the Large plan?", passage(text))
        assert made.sentences[0].text == "Large, Price: 30"
        assert made.citations[0].quote == "Large | 30 | year"

    def test_row_from_the_middle_of_a_table_takes_its_columns_from_the_context(self):
        rows = passage("Basic | 10\nLarge | 30", start=50, context="Plan | Price")
        made = answer("What is the price of the Basic plan?", rows)
        assert made.sentences[0].text == "Basic, Price: 10"
        assert (made.citations[0].start, made.citations[0].end) == (50, 60)

    def test_line_breaks_of_the_source_are_not_shown(self):
        text = "The northern warehouse of the company is closed on\nall Sundays of the year."
        made = answer("When is the northern warehouse closed?", passage(text))
        assert "\n" not in made.text
        assert made.citations[0].quote == text


class TestAbstention:
    def test_nothing_found_abstains_in_the_questions_language(self):
        english = extract_answer(asked("Who won the cup?", []), [])
        assert english.is_abstained
        assert english.text == "I could not find an answer to this in your documents."
        assert (english.sentences, english.citations) == ((), ())
        assert english.confidence.level is ConfidenceLevel.NONE
        vietnamese = extract_answer(asked("Ai vô địch?", [], "vi"), [])
        assert vietnamese.text.startswith("Tôi không tìm thấy")

    @pytest.mark.parametrize(
        "text",
        [
            "Who composed the symphony about the polar expedition?",
            "What is the share price of Lamfen on the exchange today?",
        ],
    )
    def test_question_the_library_knows_nothing_of_abstains(self, text: str):
        assert answer(text).is_abstained

    def test_question_without_words_abstains(self):
        assert answer("?!").is_abstained


class TestConfidence:
    def test_full_cover_is_surer_than_part_of_it(self):
        whole = answer("How much may a hotel in London cost?").confidence
        part = answer("How much may a yacht in London cost?").confidence
        assert whole.level is ConfidenceLevel.HIGH
        assert part.score < whole.score

    def test_cosine_counts_only_for_the_embedding_it_is_of(self):
        text = "Is parking of a lorry allowed without permit?"
        near, far = ([passage("Cars need a permit to park here.", dense=d)] for d in (0.7, 0.05))
        bundled, other = calibration_of("cosines"), calibration_of("another model")

        def score(given: list[Passage], calibration: ConfidenceCalibration) -> float:
            question = asked(text, given)
            return measure_confidence(question, given, calibration=calibration).score

        assert score(far, bundled) < score(near, bundled)
        assert score(far, other) == score(near, other)

    def test_reasons_name_what_is_missing_and_what_was_asked_for(self):
        made = answer("How much may a hotel in Oslo cost?").confidence
        assert made.level is ConfidenceLevel.NONE
        assert made.reasons == ("Not in the passage: oslo.",), "only what speaks against it"
        sure = answer("How much may a hotel in London cost?").confidence
        assert sure.reasons[:2] == (
            "The passage holds every word of the question.",
            "It holds an amount, as asked.",
        )
        vietnamese = answer("Suất ăn trưa có giá bao nhiêu?", language="vi").confidence
        assert any(reason.startswith("Có mức") for reason in vietnamese.reasons)


class TestNearMisses:
    """The subject is there, what is asked of it is not."""

    @pytest.mark.parametrize(
        ("question", "language"),
        [
            ("What is the e-mail address of the helpdesk?", "en"),
            ("How many hotels are there in Oslo?", "en"),
            ("Who cooks in the canteen?", "en"),
            ("What is the interest rate on late expenses?", "en"),
            ("Nhà ăn của công ty tên là gì?", "vi"),
            ("What does lunch cost a day in euros?", "en"),
            ("How many visitors sign in at the gate?", "en"),
            ("What did lunch cost a day in 2019?", "en"),
        ],
    )
    def test_what_is_asked_for_is_missing_abstains(self, question: str, language: str):
        assert answer(question, language=language).is_abstained

    @pytest.mark.parametrize(
        ("question", "language"),
        [
            ("When does the canteen open?", "en"),
            ("What does lunch cost?", "en"),
            ("Where do visitors sign in?", "en"),
            ("On which extension does the helpdesk answer?", "en"),
            ("How long are receipts kept?", "en"),
            ("At what time does the company's canteen close?", "en"),
            ("Nhân viên được nghỉ phép bao nhiêu ngày một năm?", "vi"),
            ("Xe đưa đón khởi hành lúc mấy giờ?", "vi"),
        ],
    )
    def test_passage_with_all_words_is_answered(self, question: str, language: str):
        assert not answer(question, language=language).is_abstained


class TestFixedAnswer:
    def test_greeting_gets_the_fixed_reply_without_citations(self):
        made = fixed_answer("Good morning!")
        assert made is not None
        assert "Citewell" in made.text
        assert not made.is_abstained
        assert made.citations == ()

    def test_question_is_left_to_the_documents(self):
        assert fixed_answer("What can you tell me of the morning shift?") is None


class TestWhatIsAskedFor:
    @pytest.mark.parametrize(
        ("question", "text", "language"),
        [
            ("What is the file number?", "File number 4711\n\nThe pump is replaced.", "en"),
            ("Which invoice number is it?", "Invoice no. 20-17\n\nThe pump is replaced.", "en"),
            ("What is the file number?", "File number: 4711\n\nThe pump is replaced.", "en"),
            ("Số hồ sơ là gì?", "Số hồ sơ 4711\n\nMáy bơm được thay.", "vi"),
        ],
    )
    def test_line_with_the_number_that_is_asked_for_is_the_answer(
        self, question: str, text: str, language: str
    ) -> None:
        made = answer(question, passage(text, language=language), language=language)
        assert made.sentences[0].text == text.partition("\n")[0]

    def test_line_with_a_number_is_no_answer_to_another_question(self) -> None:
        made = answer("What is replaced?", passage("File number 4711\n\nThe pump is replaced."))
        assert made.sentences[0].text == "The pump is replaced."

    @pytest.mark.parametrize(
        "question", ["Which state is the pump in?", "In what state is pump P-12?"]
    )
    def test_state_of_a_thing_is_no_region(self, question: str) -> None:
        made = answer(question, passage("The pump P-12 is in good working order."))
        assert made.sentences[0].text == "The pump P-12 is in good working order."

    def test_state_of_a_town_is_a_region(self) -> None:
        assert answer("Which state is Denver in?", passage("Denver is in Colorado.")).sentences
        assert answer("Which state is Denver in?", passage("Denver is in order.")).is_abstained

    def test_row_of_a_revision_tells_its_date(self) -> None:
        text = "Revision | Date | Change\n3 | 2024-05-01 | seals\n2 | 2021-03-02 | pump"
        made = answer("When was revision 3 issued?", passage(text))
        assert made.sentences[0].text == "Revision 3, Date: 2024-05-01"

    def test_sentence_that_goes_on_with_a_pronoun_is_told_once_and_kept(self) -> None:
        text = "The pump is serviced in May. It is serviced again in October."
        told = [one.text for one in answer("When is the pump serviced?", passage(text)).sentences]
        assert told == ["The pump is serviced in May.", "It is serviced again in October."]

    def test_sentence_that_has_the_price_asked_for_stands_alone(self) -> None:
        given = passage(
            "A kayak costs 9 euros an hour. A kayak for two costs a deposit of 40 euros.",
            title="Boats",
        )
        told = [one.text for one in answer("How much does a kayak cost an hour?", given).sentences]
        assert told == ["A kayak costs 9 euros an hour."]

    def test_names_of_columns_are_no_answer_where_a_table_was_flattened(self) -> None:
        given = passage(
            "The interval can be chosen.\n\nInterval Battery life at 20 °C Memory lasts\n\n"
            "1 minute 6 weeks 11 months\n5 minutes 6 months 4 years 9 months",
            title="Logger",
        )
        made = answer("What is the battery life at an interval of 5 minutes?", given)
        assert all(not one.text.startswith("Interval Battery") for one in made.sentences), made.text

    def test_paragraph_that_goes_on_with_a_pronoun_is_of_the_same_thing(self) -> None:
        text = "The pump is serviced in May.\n\nIt is serviced again in October."
        assert len(answer("When is the pump serviced?", passage(text)).sentences) == 2
        other = "The pump is serviced in May.\n\nThe lift is serviced again in October."
        assert len(answer("When is the pump serviced?", passage(other)).sentences) == 1

    def test_small_letters_with_marks_begin_no_name(self):
        named = passage("Phụ trách kho đạo cụ là bà Trần Thị Mai.", name="n", language="vi")
        other = passage(
            "Phụ trách kho đạo cụ là ông Nam, được đề cử hằng năm.",
            name="o",
            language="vi",
            score=0.98,
        )
        made = answer("Ai phụ trách kho đạo cụ?", named, other, language="vi")
        assert made.text == "Phụ trách kho đạo cụ là bà Trần Thị Mai. [1]"
