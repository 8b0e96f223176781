"""PowerPoint 97-2003: the slides that people see, each on its page."""

import struct

import pytest
from old_office_files import Shown, write_ppt, write_shown_ppt

from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.slide_binary import read_slides
from citewell.engine.parsing.reading import read_document
from tests.engine.parsing.damaging import told_of_damaged

SLIDES = [
    Shown(
        "Fees",
        [("The fee is 30", 0), ("1", 30), (" euros of H", 0), ("2", -25), ("O.", 0)],
        "Bring maps.",
    ),
    Shown("Offer", [("Our lowest price is 310,000 euros.", 0)], "Not for them.", is_hidden=True),
    Shown("Kit", [("It hangs in room 112.\rOr in 113.", 0)], hidden_shape="secret"),
]


class TestOldSlides:
    def test_slides_have_their_pages_and_raised_text_is_apart(self, tmp_path):
        path = write_shown_ppt(tmp_path / "a.ppt", SLIDES)
        findings = Findings()
        info, blocks = read_document(path, path.name, ParseLimits(), findings)
        assert [(block.page, block.text) for block in blocks] == [
            (1, "Fees"), (1, "The fee is 30¹ euros of H₂O."), (1, "Bring maps."),
            (3, "Kit"), (3, "It hangs in room 112."), (3, "Or in 113."),
        ]  # fmt: skip
        assert info.page_count == 3
        assert [each.code for each in findings.warnings] == ["hidden_left_out"]

    def test_hidden_slides_and_shapes_are_marked_by_setting(self, tmp_path):
        path = write_shown_ppt(tmp_path / "a.ppt", SLIDES[1:])
        _, blocks = read_document(path, path.name, ParseLimits(keeps_hidden=True))
        assert [block.text for block in blocks] == [
            "[hidden: Offer]", "[hidden: Our lowest price is 310,000 euros.]",
            "[hidden: Not for them.]", "Kit", "It hangs in room 112.", "Or in 113.",
            "[hidden: secret]",
        ]  # fmt: skip

    def test_edit_that_names_itself_and_a_slide_listed_twice_are_refused(self, tmp_path):
        container = open_compound(write_shown_ppt(tmp_path / "a.ppt", SLIDES[:2]).read_bytes())
        data = container.stream("PowerPoint Document")
        current = container.stream("Current User")
        assert len(read_slides(data, current)) == 2
        edit = struct.unpack_from("<I", current, 16)[0]
        loop = bytearray(data)
        struct.pack_into("<I", loop, edit + 16, edit)
        twice = data.replace(struct.pack("<IIi", 11, 0, 1), struct.pack("<IIi", 10, 0, 1))
        assert twice != data
        for damaged, message in ((bytes(loop), "older"), (twice, "twice")):
            with pytest.raises(ValueError, match=message):
                read_slides(damaged, current)

    def test_reading_of_a_damaged_file_is_told_of(self, tmp_path):
        path = write_ppt(tmp_path / "a.ppt", [["Cranes", "Berth 7."]])
        findings = Findings()
        read_document(path, path.name, ParseLimits(), findings)
        assert [each.code for each in findings.warnings] == ["hidden_unsure"]

    def test_files_without_parts_are_read_as_text(self, read, tmp_path):
        _, blocks = read(write_ppt(tmp_path / "a.ppt", [["Cranes", "Berth 7."]]))
        assert "Berth 7." in " ".join(block.text for block in blocks)

    def test_damaged_files_are_read_or_refused(self, read, tmp_path):
        path = write_shown_ppt(tmp_path / "a.ppt", SLIDES)
        messages = told_of_damaged(path, read, 200)
        assert messages
        assert all(message.endswith(".") for message in messages)
