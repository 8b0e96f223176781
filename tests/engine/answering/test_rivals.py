"""Sentences on other things are left out, or not trusted."""

import pytest

from citewell.engine.answering.base import ConfidenceLevel
from tests.engine.answering.passages import answer, passage

CERTIFICATES = passage(
    "Anna Petrov holds the forklift certificate.\n\nBo Larsen holds the crane certificate.\n\n"
    "Dora Weiss holds the first aid certificate.",
    title="Certificates",
)
MINUTES = passage(
    "Helen Astbury reported that the supply contract was signed on 2 March. It rained.",
    title="Minutes of the board",
)


class TestWithoutRivals:
    def test_sentence_of_another_thing_is_no_second_sentence(self) -> None:
        found = answer("Who holds the crane certificate?", CERTIFICATES)
        assert [one.text for one in found.sentences] == ["Bo Larsen holds the crane certificate."]

    def test_prices_of_another_year_are_left_out(self) -> None:
        lists = [
            passage(f"The ticket costs {price} euros.", name=year, title=f"Prices {year}")
            for year, price in (("2024", 9), ("2026", 14))
        ]
        found = answer("How much did the ticket cost in 2024?", *lists)
        assert [one.text for one in found.sentences] == ["The ticket costs 9 euros."]


class TestAnotherThing:
    @pytest.mark.parametrize(
        ("question", "text", "title"),
        [
            ("Who signed the minutes?", MINUTES.text, MINUTES.title),
            ("Who approved the handbook?", "The chair, Ann Lee, approves a trip.", "Handbook"),
            ("Ai ký biên bản?", "Bà Lan báo rằng Công ty Hải Vân đã ký hợp đồng.", "Biên bản"),
        ],
    )
    def test_deed_done_to_something_else_is_low(self, question: str, text: str, title: str) -> None:
        language = "vi" if question.startswith("Ai") else "en"
        told = passage(text, title=title, language=language)
        found = answer(question, told, language=language)
        assert found.confidence.level in (ConfidenceLevel.LOW, ConfidenceLevel.NONE)

    def test_signature_of_the_document_itself_is_trusted(self) -> None:
        signed = passage("It rained. Signed by Helen Astbury, chair.", title="Minutes of the board")
        found = answer("Who signed the minutes?", signed)
        assert "Helen Astbury" in found.text
        assert found.confidence.level in (ConfidenceLevel.MEDIUM, ConfidenceLevel.HIGH)


class TestHeadings:
    def test_line_above_brings_the_sentence_under_it(self) -> None:
        notes = passage(
            "Version 2.1.3\n\nThe export was repaired.\n\nVersion 2.1.30\n\nThe dark theme was "
            "added.",
            title="Release notes",
        )
        found = answer("What was added in version 2.1.30?", notes)
        assert found.sentences[0].text == "The dark theme was added."

    def test_items_of_a_list_are_counted(self) -> None:
        branches = passage(
            "Our company has branches in the following cities:\n\n- Aarhus\n- Bergen\n- Cork"
        )
        assert answer("How many branches does the company have?", branches).text.startswith("3 ")

    def test_lead_in_brings_the_line_it_announces(self) -> None:
        text = "Home may be writable.\n\nRun this command to change it:\n\n  chmod g-w ~/"
        found = answer("Which command changes it for home?", passage(text))
        assert "chmod g-w" in found.text
