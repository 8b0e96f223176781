"""Turned pages are read as upright ones are, whatever the page says of its angle."""

from pathlib import Path

import pytest
from paged_files import Line, write_lines

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document

LINES: list[Line] = [
    (60, 760, 16, "Mooring rules"),
    (60, 720, 10, "A boat may lie at the north quay for three nights and then has to make"),
    (60, 706, 10, "room for the next one."),
    (60, 670, 10, "The harbour office opens at seven."),
    (60, 630, 10, "Berth"),
    (210, 630, 10, "Depth"),
    (360, 630, 10, "Fee"),
    (60, 612, 10, "North 4"),
    (210, 612, 10, "3.5 m"),
    (360, 612, 10, "41.50"),
    (60, 594, 10, "South 9"),
    (210, 594, 10, "2.5 m"),
    (360, 594, 10, "38.00"),
]


def read(path: Path) -> list[Block]:
    return list(read_document(path, path.name, ParseLimits())[1])


class TestTurnedPages:
    @pytest.mark.parametrize("turn", [90, 180, 270])
    @pytest.mark.parametrize("says", [True, False])
    def test_text_reads_as_on_an_upright_page(
        self, tmp_path: Path, turn: int, *, says: bool
    ) -> None:
        upright = read(write_lines(tmp_path / "upright.pdf", [LINES, LINES]))
        rotate = turn if says else 0
        turned = read(write_lines(tmp_path / "turned.pdf", [LINES, LINES], turn, rotate))
        assert [(b.kind, b.text, b.page) for b in turned] == [
            (b.kind, b.text, b.page) for b in upright
        ]
        texts = [block.text for block in turned]
        assert "The harbour office opens at seven." in texts

    @pytest.mark.parametrize("rotate", [90, 180, 270])
    def test_what_a_page_says_of_upright_text_changes_nothing(
        self, tmp_path: Path, rotate: int
    ) -> None:
        upright = read(write_lines(tmp_path / "upright.pdf", [LINES]))
        shown = read(write_lines(tmp_path / "shown.pdf", [LINES], 0, rotate))
        assert [block.text for block in shown] == [block.text for block in upright]

    def test_pages_turned_each_for_itself(self, tmp_path: Path) -> None:
        plain: list[Line] = [(60, 700, 10, "The crane is out of order until Friday.")]
        path = write_lines(tmp_path / "turned.pdf", [plain, LINES], 270)
        blocks = read(path)
        assert [b.text for b in blocks if b.page == 1] == [plain[0][3]]
        assert any(b.kind is BlockKind.HEADING or b.text == "Mooring rules" for b in blocks)
