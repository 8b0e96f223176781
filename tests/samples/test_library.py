"""The sample library says what its questions expect, as a reader of its text would see it."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import kreuzberg
import pytest

from citewell.engine.evaluation.answers import read_cases

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LIBRARY = SAMPLES / "library"
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]
PAGED = [question for question in ANSWERABLE if question["page"] is not None]
FILES = sorted(path.name for path in LIBRARY.iterdir())


def has_tone_marks(text: str) -> bool:
    return not unicodedata.normalize("NFD", text).isascii()


def one_line(text: str) -> str:
    return " ".join(text.split())


class Extracted:
    """The text of the library's files, each read once."""

    def __init__(self) -> None:
        self._results: dict[str, kreuzberg.ExtractionResult] = {}

    def result(self, name: str) -> kreuzberg.ExtractionResult:
        if name not in self._results:
            config = kreuzberg.ExtractionConfig(
                use_cache=False, pages=kreuzberg.PageConfig(extract_pages=True)
            )
            self._results[name] = kreuzberg.extract_file_sync(str(LIBRARY / name), config=config)
        return self._results[name]

    def text(self, name: str) -> str:
        return one_line(self.result(name).content)

    def pages(self, name: str) -> dict[int, str]:
        """Text by page or sheet; a sheet's text is in its tables alone."""
        result = self.result(name)
        texts = {page["page_number"]: [page["content"]] for page in result.pages or []}
        for table in result.tables:
            texts[table.page_number] += [" ".join(row) for row in table.cells]
        return {number: one_line(" ".join(parts)) for number, parts in texts.items()}


@pytest.fixture(scope="module")
def extracted() -> Extracted:
    return Extracted()


class TestQuestions:
    def test_questions_counted_by_kind_match_the_readme(self) -> None:
        kinds = [(q["language"], has_tone_marks(q["question"])) for q in ANSWERABLE]
        english = [kind for kind in kinds if kind[0] == "en"]
        assert len(kinds) == 20
        assert len(english) == 10
        assert kinds.count(("vi", True)) == 6
        assert kinds.count(("vi", False)) == 4
        assert len(QUESTIONS) - len(ANSWERABLE) == 4

    def test_every_question_is_well_formed(self) -> None:
        places = ["document", "also", "page", "note"]
        fields = ["id", "question", "language", "answerable", "answers", *places]
        for question in QUESTIONS:
            assert list(question) == fields
            assert question["language"] in ("en", "vi")
            assert question["answerable"] == bool(question["answers"])
            assert question["answerable"] == (question["document"] is not None)
            assert question["question"].strip()
            assert question["note"].strip()

    def test_ids_and_questions_are_unique(self) -> None:
        assert len({q["id"] for q in QUESTIONS}) == len(QUESTIONS)
        assert len({q["question"] for q in QUESTIONS}) == len(QUESTIONS)

    def test_every_named_document_exists(self) -> None:
        named = {name for q in ANSWERABLE for name in [q["document"], *q["also"]]}
        assert named <= set(FILES)

    def test_paged_formats_and_only_they_have_a_page(self) -> None:
        for question in ANSWERABLE:
            is_paged = Path(question["document"]).suffix in (".pdf", ".xlsx")
            assert (question["page"] is not None) == is_paged, question["id"]


class TestAnswers:
    @pytest.mark.parametrize("question", ANSWERABLE, ids=lambda q: q["id"])
    def test_answer_stands_in_its_document(
        self, question: dict[str, Any], extracted: Extracted
    ) -> None:
        for name in [question["document"], *question["also"]]:
            text = extracted.text(name)
            assert any(answer in text for answer in question["answers"]), name

    @pytest.mark.parametrize("question", PAGED, ids=lambda q: q["id"])
    def test_answer_stands_on_its_page(
        self, question: dict[str, Any], extracted: Extracted
    ) -> None:
        page = extracted.pages(question["document"])[question["page"]]
        assert any(answer in page for answer in question["answers"])

    @pytest.mark.parametrize("question", ANSWERABLE, ids=lambda q: q["id"])
    def test_question_does_not_contain_its_answer(self, question: dict[str, Any]) -> None:
        assert not any(answer in question["question"] for answer in question["answers"])


class TestFiles:
    def test_readme_lists_every_file_and_no_other(self) -> None:
        rows = (SAMPLES / "README.md").read_text("utf-8").split("## The questions")[0].splitlines()
        listed = [row.split("`")[1] for row in rows if row.startswith("| `")]
        assert listed == FILES

    def test_every_file_has_a_source_and_every_source_a_file(self) -> None:
        sources = [path.read_text("utf-8") for path in (SAMPLES / "source").glob("*.md")]
        outputs = [text.split("output: ", 1)[1].split("\n", 1)[0] for text in sources]
        assert sorted(outputs) == FILES

    @pytest.mark.parametrize("name", FILES)
    def test_text_is_readable_and_composed(self, name: str, extracted: Extracted) -> None:
        text = extracted.text(name)
        assert len(text.split()) > 300
        assert unicodedata.is_normalized("NFC", text)
        assert "\ufffd" not in text

    def test_samples_stay_small(self) -> None:
        files = [path for path in SAMPLES.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < 3_000_000

    def test_handbook_is_long_enough_to_cite_by_page(self, extracted: Extracted) -> None:
        assert 10 <= len(extracted.pages("employee-handbook.pdf")) <= 20


@pytest.mark.parametrize("name", ["tuned", "held"])
def test_question_sets_can_be_asked_and_hold_both_languages_and_near_misses(name: str) -> None:
    cases = list(read_cases(SAMPLES / "questions" / f"{name}.jsonl"))
    assert len({case.id for case in cases}) == len(cases)
    kinds = {case.kind for case in cases}
    assert {"en-near", "vi-near"} <= kinds
