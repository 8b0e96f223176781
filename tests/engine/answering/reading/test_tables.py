"""A cell is an answer; columns are computed with."""

import pytest

from citewell.engine.answering.extractive import read_passages
from citewell.engine.answering.grades import grade_extract
from citewell.engine.verification.grading import Grade
from tests.engine.answering.passages import answer, asked, passage

PARCELS = (
    "Weight | Domestic (euros) | Abroad (euros) | Delivery (days)\n0 to 10 kg | 3.20 | 9.80 | 2\n"
    "10 to 20 kg | 4.90 | 14.50 | 3\nover 20 kg | 8.00 | 31.00 | 5"
)


class TestCell:
    def test_row_and_column_of_the_question_meet_in_a_cell_with_its_unit(self):
        made = answer("What does a domestic parcel of 10 to 20 kg cost?", passage(PARCELS))
        assert made.sentences[0].text == "10 to 20 kg, Domestic: 4.90 euros"
        assert made.citations[0].quote == "10 to 20 kg | 4.90 | 14.50 | 3"

    def test_number_of_the_question_picks_the_range_it_falls_into(self):
        made = answer("How many days is the delivery of a weight of 15 kg?", passage(PARCELS))
        assert made.sentences[0].text == "10 to 20 kg, Delivery: 3 days"

    def test_two_columns_need_no_name_where_the_value_has_a_unit(self):
        made = answer(
            "How long is a written warning kept?",
            passage(
                "Measure | Kept\nVerbal warning | 6 months\nWritten warning, first | 12 months"
            ),
        )
        assert made.sentences[0].text == "Written warning, first: 12 months"

    def test_column_of_what_is_counted_gives_way_to_the_one_that_is_asked_for(self):
        text = "Test | Samples | Passed\nDrop | 20 | 18\nPressure | 40 | 39"
        made = answer("How many samples passed the drop test?", passage(text))
        assert made.sentences[0].text == "Drop, Passed: 18"

    def test_unclear_column_gives_the_whole_row(self):
        text = "Code | Part | Fits\nS-1 | Wiper | Rill 310\nS-2 | Cap | Rill 120"
        made = answer("What is S-1?", passage(text))
        assert made.sentences[0].text.startswith("Code: S-1; Part: Wiper; Fits: Rill 310")

    @pytest.mark.parametrize(
        ("question", "told"),
        [
            ("How many places on level P2?", "P2, Places: 51"),
            ("What colour is level P3?", "P3, Colour: orange"),
        ],
    )
    def test_rows_are_named_by_their_codes(self, question: str, told: str) -> None:
        text = "Level | Places | Colour\nP1 | 34 | blue\nP2 | 51 | green\nP3 | 17 | orange"
        made = answer(question, passage(text))
        assert made.sentences[0].text == told
        assert "It holds no number, which is asked for." not in made.confidence.reasons


class TestAggregate:
    @pytest.mark.parametrize(
        ("question", "start"),
        [
            ("What is the total number of ducks per year?", "Total of Ducks: 405"),
            ("What is the highest number of ducks per year?", "2021: 150"),
            ("What is the lowest number of ducks per year?", "2019: 120"),
            ("What is the average number of ducks per year?", "Average of Ducks: 135"),
        ],
    )
    def test_column_is_computed_and_said_to_be(self, question: str, start: str):
        text = "Year | Ducks\n2019 | 120\n2020 | 135\n2021 | 150"
        made = answer(question, passage(text))
        assert made.sentences[0].text.startswith(start)
        assert "3 rows" in made.sentences[0].text

    def test_a_row_of_rooms_is_the_answer_to_which_room_has_most(self):
        text = "Room | Floor | Seats\nAlder | 1 | 8\nCedar | 2 | 20\nFir | 3 | 30"
        made = answer("Which room has the most seats?", passage(text))
        assert made.sentences[0].text == "Fir: 30 (the highest Seats of 3 rows)"

    def test_rows_are_counted_where_they_are_what_is_asked_for(self):
        text = "Service | Price\nCalibration | 165\nTraining | 850\nRental | 195"
        made = answer("How many services are there?", passage(text, heading=["Services"]))
        assert made.sentences[0].text == "3 (counted rows)"


class TestRows:
    REGISTER = (
        "Asset | Item | Room | Price (EUR) | Condition | Notes\n"
        "LAB-1 | Microscope | B-118 | 1240 | Good | bulb in the room below\n"
        "LAB-2 | Balance | C-201 | 2310 | Poor | all weights are here\n"
        "LAB-3 | Vortex mixer | B-118 | 185 | Good | in total disrepair\n"
        "LAB-4 | Freezer | C-204 | 1690 | Poor | 118 alarms"
    )

    def test_list_holds_the_rows_with_the_cell_that_is_named(self):
        made = answer("List all items in Poor condition", passage(self.REGISTER))
        assert made.sentences[0].text == "2 of 4 rows:\n- LAB-2, Balance\n- LAB-4, Freezer"

    def test_sum_is_over_the_rows_with_the_cell_that_is_named(self):
        made = answer("What is the total price of items in room B-118?", passage(self.REGISTER))
        assert made.sentences[0].text.startswith("Total of Price: 1425 EUR (computed from 2 rows)")

    def test_count_is_of_the_rows_with_the_cell_that_is_named(self):
        made = answer("How many items are in room B-118?", passage(self.REGISTER))
        assert made.sentences[0].text == "2 (counted rows)"

    def test_who_looks_after_a_thing_is_its_custodian(self):
        text = "Item | Room | Custodian | Price\nOven | 12 | Ada Moe | 9\nScale | 14 | Bo Ek | 8"
        given = [passage(text)]
        _, read = read_passages(asked("Who looks after the oven?", given), given)
        assert read[0].text == "Oven, Custodian: Ada Moe"


class TestTotals:
    TEXT = "Site | Staff\nBerlin | 30\nHamburg | 20\nTotal | 50"

    def test_sum_is_told_where_the_table_tells_it(self) -> None:
        made = answer("What is the total staff of the sites?", passage(self.TEXT))
        assert made.sentences[0].text == "Total, Staff: 50"
        assert made.citations[0].quote == "Total | 50"

    def test_sum_is_written_as_the_cells_are(self) -> None:
        for cells, told in (
            (("1.250.000", "750.000"), "2.000.000 VND"),
            (("1,250", "3,750"), "5,000 VND"),
            (("1250", "3750"), "5000 VND"),
            (("1.250,50", "750,25"), "2.000,75 VND"),
            (("0,5", "0,25"), "0,75 VND"),
        ):
            rows = "\n".join(f"Phòng {n} | {cell}" for n, cell in zip("AB", cells, strict=True))
            given = passage(f"Phòng | Chi phí (VND)\n{rows}", title="Chi phí", language="vi")
            made = answer("Tổng chi phí của các phòng là bao nhiêu?", given, language="vi")
            assert f": {told} (" in made.text, (cells, made.text)

    def test_nothing_is_computed_with_the_row_of_the_sum(self) -> None:
        largest = answer("Which site has the largest staff?", passage(self.TEXT))
        assert largest.sentences[0].text == "Berlin: 30 (the highest Staff of 2 rows)"
        mean = answer("What is the average staff of the sites?", passage(self.TEXT))
        assert mean.sentences[0].text == "Average of Staff: 25 (computed from 2 rows)"


class TestGrade:
    def test_computed_value_is_reworded_and_named_as_in_no_row(self) -> None:
        text = "Year | Ducks\n2019 | 120\n2020 | 135\n2021 | 150"
        made = grade_extract(
            answer("What is the total number of ducks per year?", passage(text)), language="en"
        )
        assessment = made.sentences[0].assessment
        assert assessment is not None
        assert (assessment.grade, assessment.verified_by) == (Grade.REWORDED, "rules")
        assert assessment.unsupported_terms[0] == "405"

    def test_extreme_is_cited_by_its_row_and_by_all_it_was_compared_with(self) -> None:
        text = "Year | Ducks\n2019 | 120\n2020 | 135\n2021 | 150"
        made = answer("What is the highest number of ducks per year?", passage(text))
        header, _, rows = text.partition("\n")
        assert [one.quote for one in made.citations] == ["2021 | 150", rows, header]

    def test_counted_items_are_reworded(self) -> None:
        given = passage("Our branches are:\n\n- Huế\n- Zagreb\n- Lisbon")
        made = grade_extract(answer("How many branches are there?", given), language="en")
        assessment = made.sentences[0].assessment
        assert assessment is not None
        assert (assessment.grade, assessment.unsupported_terms) == (Grade.REWORDED, ("3",))


PIERS = passage(
    "Berths are let by the week. All prices in GBP.\n\n"
    "Pier | Berth length | Weekly rate\nNorth pier | 9 m | 1,250\nSouth pier | 12 m | 1,480",
    title="Berths",
    heading=("Berths",),
)
PHU_CAP = passage(
    "Bảng này áp dụng từ năm 2031. Đơn vị tính: đồng.\n\n"
    "Khoản | Đối tượng | Mức tiền | Kỳ chi trả\n"
    "Phụ cấp lặn | Thợ lặn | 350,000 | Tháng\n"
    "Phụ cấp đò | Lái đò | 420,000 | Tháng",
    title="Bảng phụ cấp",
    heading=("Phụ cấp",),
    language="vi",
)


class TestCitedHeaders:
    def test_header_row_is_cited_beside_the_row_and_the_sentence_is_close(self):
        made = grade_extract(
            answer("How long is the berth at the south pier?", PIERS), language="en"
        )
        assert made.sentences[0].text == "South pier, Berth length: 12 m"
        assert [one.quote for one in made.citations] == [
            "South pier | 12 m | 1,480",
            "Pier | Berth length | Weekly rate",
        ]
        for one in made.citations:
            assert PIERS.text[one.start : one.end] == one.quote
        assessment = made.sentences[0].assessment
        assert assessment is not None
        assert (assessment.grade, assessment.unsupported_terms) == (Grade.CLOSE, ())

    def test_whole_table_is_close_with_its_header_and_a_sum_cites_it(self):
        listed = grade_extract(answer("Which piers are there?", PIERS), language="en")
        assert listed.citations[-1].quote == "Pier | Berth length | Weekly rate"
        assessment = listed.sentences[0].assessment
        assert assessment is not None
        assert (assessment.grade, assessment.unsupported_terms) == (Grade.CLOSE, ())
        total = grade_extract(
            answer("What is the total weekly rate of all piers?", PIERS), language="en"
        )
        assert "Pier | Berth length | Weekly rate" in [one.quote for one in total.citations]
        assessment = total.sentences[0].assessment
        assert assessment is not None
        assert assessment.grade is Grade.REWORDED
        assert "2,730" in assessment.unsupported_terms

    def test_header_that_was_not_found_is_not_cited_and_leaves_the_sentence_reworded(self):
        cut = passage(
            "South pier | 12 m | 1,480\nEast pier | 15 m | 1,990",
            title="Berths",
            heading=("Berths",),
            context="Pier | Berth length | Weekly rate",
        )
        made = grade_extract(answer("How long is the berth at the south pier?", cut), language="en")
        assert len(made.citations) == 1
        assert made.sentences[0].assessment is not None
        assert made.sentences[0].assessment.grade is Grade.REWORDED

    def test_currency_above_the_table_is_told_and_cited(self):
        made = grade_extract(
            answer("Phụ cấp đò là bao nhiêu?", PHU_CAP, language="vi"), language="vi"
        )
        assert made.sentences[0].text == "Phụ cấp đò, Mức tiền: 420,000 đồng"
        assert made.citations[-1].quote == "Đơn vị tính: đồng."
        assert made.sentences[0].assessment is not None
        assert made.sentences[0].assessment.grade is Grade.CLOSE
        price = answer("What is the weekly rate of the north pier?", PIERS)
        assert price.sentences[0].text == "North pier, Weekly rate: 1,250 GBP"

    def test_cell_of_a_row_that_lacks_one_is_not_proven_by_being_told(self):
        for row, grade in (("North pier | 9 | 40", Grade.CLOSE), ("North pier | 40", None)):
            given = passage(
                f"Pier | Cranes | Berths\n{row}\nSouth pier | 12 | 30",
                title="Piers",
                heading=("Piers",),
            )
            made = grade_extract(
                answer("How many cranes are at the north pier?", given), language="en"
            )
            assert made.sentences[0].assessment is not None
            is_close = made.sentences[0].assessment.grade is Grade.CLOSE
            assert is_close == (grade is Grade.CLOSE), made.sentences[0].text

    def test_row_of_two_cells_is_proven_without_the_name_of_a_column(self):
        for question in ("What is the price for 10 to 20 kg?", "How much for 10 to 20 kg?"):
            given = passage("Weight | Price\n0 to 10 kg | 3.90 euros\n10 to 20 kg | 4.90 euros")
            made = grade_extract(answer(question, given), language="en")
            assert made.sentences[0].text == "10 to 20 kg: 4.90 euros"
            assert made.sentences[0].assessment is not None
            assert made.sentences[0].assessment.grade is Grade.CLOSE
