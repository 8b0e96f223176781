"""Office files with damaged parts that they can be read without: the rest is read, and said so."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from document_files import paragraph, slide_shape, write_docx, write_pptx, write_zip
from sheet_files import Sheet, write_xlsb_book, write_xlsx_book

from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document

TOLD = ["parts_left_out"]
CELLS = (("Kind", "Euros"), ("Dues", "1200"))
ROWS = "Kind | Euros\nDues | 1200"


def read(path: Path) -> tuple[list[str], list[str]]:
    """The texts of a file and the codes of its warnings."""
    findings = Findings()
    _, blocks = read_document(path, path.name, ParseLimits(), findings)
    return [block.text for block in blocks], [each.code for each in findings.warnings]


def damaged(path: Path, *names: str) -> Path:
    """The file with parts that are cut off in their middle."""
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    for name in names:
        parts[name] = parts[name][: len(parts[name]) // 2]
    return write_zip(path, parts)


def without(path: Path, name: str) -> Path:
    """The file with a part taken out that relations lead to."""
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist() if each != name}
    return write_zip(path, parts)


BOOK = {"S": Sheet(CELLS, box="Box", remark=(1, 1, "Remark"))}


class TestWorkbooks:
    @pytest.mark.parametrize(
        ("write", "end", "parts"),
        [(write_xlsx_book, "xlsx", ["xl/d1.xml"]), (write_xlsb_book, "xlsb", ["xl/d1.xml"]),
         (write_xlsb_book, "xlsb", ["xl/c1.bin"])],
    )  # fmt: skip
    def test_drawings_and_comments_cost_themselves(
        self, write, end: str, parts: Sequence[str], tmp_path: Path
    ) -> None:
        whole = read(write(tmp_path / f"a.{end}", BOOK))
        assert "Box" in whole[0]
        assert whole[1] == []
        texts, codes = read(damaged(write(tmp_path / f"b.{end}", BOOK), *parts))
        assert texts[:2] == ["S", ROWS]
        assert len(texts) == len(whole[0]) - 1
        assert codes == TOLD

    def test_part_that_was_taken_out_is_not_told_of(self, tmp_path: Path) -> None:
        path = without(write_xlsx_book(tmp_path / "a.xlsx", BOOK), "xl/d1.xml")
        assert read(path) == (["S", ROWS], [])


class TestSlides:
    def test_notes_cost_themselves(self, tmp_path: Path) -> None:
        path = write_pptx(tmp_path / "a.pptx", [slide_shape("Seen")], notes={0: "Said"})
        assert read(path) == (["Seen", "Said"], [])
        with zipfile.ZipFile(path) as archive:
            [notes] = [name for name in archive.namelist() if "notes" in name.lower()]
        assert read(damaged(path, notes)) == (["Seen"], TOLD)


class TestDocuments:
    def test_styles_cost_themselves(self, tmp_path: Path) -> None:
        path = write_docx(tmp_path / "a.docx", paragraph("Text."))
        assert read(path) == (["Text."], [])
        assert read(damaged(path, "word/styles.xml")) == (["Text."], TOLD)
