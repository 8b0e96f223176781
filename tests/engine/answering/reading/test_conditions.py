"""Rows of a table that meet the condition of a question, and no others."""

from citewell.engine.answering.base import Passage
from citewell.engine.answering.extractive import read_passages
from citewell.engine.answering.reading.conditions import asks_for_rows
from citewell.engine.answering.reading.grid import grids_of
from tests.engine.answering.passages import answer, asked, passage

ROOMS = passage(
    "Room | Floor | Seats | Projector\nAlder | 1 | 8 | yes\nBirch | 1 | 12 | no\n"
    "Cedar | 2 | 20 | yes\nDogwood | 2 | 6 | no\nElm | 3 | 4 | no\nFir | 3 | 30 | yes",
    name="rooms",
    title="Meeting rooms",
)
PHONG = passage(
    "Phòng | Tầng | Số chỗ | Máy chiếu\nSen | 1 | 8 | có\nLan | 1 | 12 | không\n"
    "Cúc | 2 | 20 | có\nMai | 2 | 6 | không\nĐào | 3 | 30 | có",
    name="phong",
    title="Phòng họp",
    language="vi",
)
MODELS = passage(
    "Model | Housing | Depth | Life (months)\nKite A | Acetal | 50 m | 36\n"
    "Kite B | Acetal | 50 m | 24\nKite D | Titanium | 200 m | 36",
    name="models",
    title="Models",
)
LEAVE = passage(
    "Occasion | Paid days | Conditions\nDeath of a parent | 5 | Travel adds up to 2 days\n"
    "Death of a grandparent | 2 | None\nBlood donation | 0.5 | Certificate",
    name="leave",
    title="Leave occasions",
)


def told(question: str, *passages: Passage, language: str = "en") -> str:
    return answer(question, *passages, language=language).text


class TestYesOrNo:
    def test_a_column_of_yes_and_no_picks_its_rows(self) -> None:
        for question, names in (
            ("Which rooms have a projector?", "Alder Cedar Fir"),
            ("Which rooms have no projector?", "Birch Dogwood Elm"),
            ("Which rooms do not have a projector?", "Birch Dogwood Elm"),
        ):
            text = told(question, ROOMS)
            assert text.startswith("3 of 6 rows:"), question
            assert [line.split(",")[0][2:] for line in text.split("\n")[1:]] == names.split()

    def test_a_vietnamese_column_is_read_alike(self) -> None:
        for question, names in (
            ("Những phòng nào có máy chiếu?", "Sen Cúc Đào"),
            ("Những phòng nào không có máy chiếu?", "Lan Mai"),
        ):
            lines = told(question, PHONG, language="vi").split("\n")
            assert [line.split(",")[0][2:] for line in lines[1:]] == names.split()

    def test_most_and_least_stand_around_what_they_are_of(self) -> None:
        for question, name in (
            ("Phòng nào có nhiều chỗ nhất?", "Đào"),
            ("Phòng nào có ít chỗ nhất?", "Mai"),
        ):
            assert told(question, PHONG, language="vi").startswith(f"{name}: "), question

    def test_rooms_with_a_projector_are_counted(self) -> None:
        assert told("How many rooms have a projector?", ROOMS).startswith("3 ")

    def test_a_cell_that_says_none_is_no_condition(self) -> None:
        text = told("Which occasions have no conditions?", LEAVE)
        assert "grandparent" in text
        assert "parent;" not in text.replace("grandparent;", "")
        assert "Blood" not in text


class TestValues:
    def test_a_word_of_one_row_picks_that_row(self) -> None:
        text = told("Which models have a titanium housing?", MODELS)
        assert "Kite D" in text
        assert "Acetal" not in text

    def test_a_denied_word_picks_the_others(self) -> None:
        text = told("Which models have no titanium housing?", MODELS)
        assert text.startswith("2 of 3 rows:")
        assert "Kite D" not in text

    def test_a_number_is_that_of_the_column_and_whole(self) -> None:
        months = told("Which models have a life of 36 months?", MODELS)
        assert "Kite A" in months
        assert "Kite D" in months
        assert "Kite B" not in months
        days = told("Which leave occasions give 5 paid days?", LEAVE)
        assert "parent" in days
        assert "Blood" not in days

    def test_a_number_of_a_column_beside_no_word_picks_rows(self) -> None:
        text = told("Which rooms are on floor 2?", ROOMS)
        assert [line.split(",")[0] for line in text.split("\n")[1:3]] == ["- Cedar", "- Dogwood"]
        assert "Fir" not in text

    def test_a_bound_picks_what_lies_beyond_it(self) -> None:
        text = told("Which rooms have more than 10 seats?", ROOMS)
        assert [name in text for name in ("Birch", "Cedar", "Fir")] == [True] * 3
        assert "Alder" not in text


class TestNothingMet:
    def test_a_condition_that_no_cell_meets_gives_no_sure_answer(self) -> None:
        for question, table in (
            ("Which models have a life of 36 weeks?", MODELS),
            ("Which models have a life of 48 months?", MODELS),
            ("Which rooms have a whiteboard?", ROOMS),
        ):
            made = answer(question, table)
            assert made.confidence.level in ("none", "low"), question
            assert made.text.count("\n") < 2, question

    def test_a_question_without_a_condition_gets_the_whole_table(self) -> None:
        assert told("Which rooms are there?", ROOMS).count("Room: ") == 6

    def test_a_row_that_has_the_word_is_no_list_of_what_is_asked(self) -> None:
        codes = passage(
            "Code | Meaning\nE-07 | Deeper than the model can go\nE-10 | Electrode dry",
            heading=("Error codes",),
        )
        given = [codes]
        made, _ = read_passages(asked("Which models have an electrode?", given), given)
        grid = next(grids_of(made.streams[0]))
        assert not asks_for_rows(made, grid)
        made, _ = read_passages(asked("Which codes have an electrode?", given), given)
        assert asks_for_rows(made, next(grids_of(made.streams[0])))

    def test_figures_of_a_column_are_not_asked_of_one_row_alone(self) -> None:
        limits = passage(
            "Place | Hotel limit\nHanoi | 80 GBP\nRest of Vietnam | 60 GBP\nLondon | 165 GBP",
            title="Travel",
            heading=("Hotel limits",),
        )
        assert "Hanoi" in told("What are the hotel limits for Vietnam?", limits)


class TestScaledNumbers:
    RULES = passage(
        "1. Quản lý duyệt khoản chi đến 15.000.000 đồng.\n\n"
        "2. Tổng Giám đốc duyệt khoản chi trên 60.000.000 đồng.",
        heading=("Điều 26. Thẩm quyền duyệt chi",),
        title="Quy chế",
        language="vi",
    )

    def test_a_threshold_in_words_is_that_in_digits(self) -> None:
        made = answer("Ai duyệt khoản chi trên 60 triệu?", self.RULES, language="vi")
        assert made.sentences[0].text.startswith("2. Tổng Giám đốc")
        assert not any("triệu" in one for one in made.confidence.reasons)

    def test_another_threshold_is_none(self) -> None:
        made = answer("Ai duyệt khoản chi trên 70 triệu?", self.RULES, language="vi")
        assert made.confidence.level in ("none", "low")
