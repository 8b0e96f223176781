"""Items are counted where they are what a question counts."""

import pytest

from citewell.engine.answering.extractive import read_passages
from tests.engine.answering.passages import answer, asked, passage

ITEMS = "\n\n- alpha\n- beta\n- gamma"


def counted(question: str, lead: str, language: str = "en") -> bool:
    given = [passage(lead + ITEMS, language=language)]
    _, read = read_passages(asked(question, given, language), given)
    return "3 " in read[0].text.splitlines()[0]


class TestLists:
    @pytest.mark.parametrize(
        "lead",
        [
            "The following employees work in Berlin:",
            "Employees in Berlin:",
            "List of employees in Berlin:",
            "Staff working in Berlin:",
            "Our employees in Berlin are:",
        ],
    )
    def test_what_the_lead_in_announces_is_counted(self, lead: str) -> None:
        assert counted("How many employees work in Berlin?", lead)

    @pytest.mark.parametrize(
        "lead",
        [
            "Teams in Berlin:",
            "Employees in Berlin must:",
            "Benefits for employees in Berlin:",
            "In Berlin employees work in:",
            "Tasks of the employees in Berlin:",
            "Employees in Berlin are entitled to:",
            "The Berlin employee handbook covers:",
        ],
    )
    def test_items_that_are_something_else_are_not_counted(self, lead: str) -> None:
        assert not counted("How many employees work in Berlin?", lead)

    def test_kinds_are_counted_where_the_things_are_listed(self) -> None:
        assert counted("How many kinds of pumps are sold?", "Pumps sold by us:")
        assert not counted("How many kinds of pumps are sold?", "Parts of pumps sold by us:")

    def test_vietnamese_items_are_counted_where_they_are_asked_for(self) -> None:
        question = "Có bao nhiêu nhân viên ở Huế?"
        assert counted(question, "Các nhân viên ở Huế:", language="vi")
        assert counted(question, "Danh sách nhân viên ở Huế:", language="vi")
        for lead in ("Các phòng ở Huế:", "Nhân viên ở Huế phải:", "Quyền của nhân viên ở Huế:"):
            assert not counted(question, lead, language="vi"), lead


class TestParallels:
    def test_sentences_on_other_things_than_people_count_no_people(self) -> None:
        teams = ("sales", "legal", "support")
        given = [
            passage(f"The {name} team works in Berlin.", start=100 * at)
            for at, name in enumerate(teams)
        ]
        assert "3 found" not in answer("How many employees work in Berlin?", *given).text

    def test_sentences_that_begin_with_what_is_counted_are_counted(self) -> None:
        given = [
            passage(f"Team {name} works in Berlin.", start=100 * at)
            for at, name in enumerate(("sales", "legal", "support"))
        ]
        assert answer("How many teams work in Berlin?", *given).text.startswith("3 found")


class TestRows:
    OFFICES = "Office | Employees\nBerlin | 30\nHamburg | 20\nMunich | 25"

    def test_rows_with_numbers_of_the_counted_thing_are_no_such_things(self) -> None:
        made = answer("How many employees are there?", passage(self.OFFICES))
        assert "counted rows" not in made.text

    def test_rows_of_benefits_are_no_employees(self) -> None:
        text = "Benefit | Value\nLunch | 40\nParking | 20\nTraining | 90"
        made = answer(
            "How many employees are there?", passage(text, heading=["Benefits for employees"])
        )
        assert "counted rows" not in made.text

    def test_offices_are_counted_by_their_rows(self) -> None:
        made = answer("How many offices are there?", passage(self.OFFICES, heading=["Offices"]))
        assert made.sentences[0].text == "3 (counted rows)"
