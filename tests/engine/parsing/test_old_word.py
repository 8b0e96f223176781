"""Word 97-2003: what Word shows of lists, looks, tables, notes and comments."""

import contextlib
import struct

import pytest
from old_office_files import (
    DELETED,
    HIDDEN,
    IN_TABLE,
    ROW_END,
    SPECIAL,
    SUPERSCRIPT,
    Run,
    font,
    in_list,
    write_doc,
    write_styled_doc,
)

from citewell.engine.parsing.base import ParseError
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.word_binary import pieces_of
from citewell.engine.parsing.reading import read_document
from tests.engine.parsing.damaging import told_of_damaged

PLAIN = (b"", 0, "\r")
FIRST = b"\xec\xa5\xc1\x00"
"""Beginning of the stream of a document."""


def with_short_stream(data: bytes, name: str, size: int) -> bytes:
    """A compound file whose stream lies in sectors that short streams share, from the third on.

    Source: [MS-CFB] 2.4.
    """
    raw = bytearray(data)
    (first,) = struct.unpack_from("<I", raw, 48)
    root = 512 * (first + 1)
    entry = data.index(name.encode("utf-16-le") + b"\0\0", root)
    start, whole = struct.unpack_from("<IQ", raw, entry + 116)
    struct.pack_into("<IQ", raw, root + 116, start, whole)
    struct.pack_into("<IQ", raw, entry + 116, 2, size)
    place = 512 * (start + 1)
    raw[place + 128 : place + 128 + size] = raw[place : place + size]
    sector = len(raw) // 512 - 1
    struct.pack_into("<II", raw, 60, sector, 1)
    struct.pack_into("<I", raw, 512 + 4 * sector, 0xFFFFFFFE)
    count = -(-size // 64)
    chain = [0, 0, *range(3, count + 2), 0xFFFFFFFE, *([0xFFFFFFFF] * (126 - count))]
    return bytes(raw) + struct.pack("<128I", *chain)


def texts(blocks):
    return [block.text for block in blocks]


class TestOldWord:
    def test_items_have_the_numbers_that_word_shows(self, read, tmp_path):
        items = [
            ("Close the guard.", in_list(1)),
            ("Hold it.", in_list(1, 1)),
            ("Let it go.", in_list(1, 1)),
            ("Press the button.", in_list(1)),
            ("The tenant pays.", in_list(2)),
            ("The owner repairs.", in_list(2)),
            ("Nothing more.", b""),
        ]
        paragraphs = [([Run(text)], own, 0, "\r") for text, own in items]
        path = write_styled_doc(tmp_path / "a.doc", [([Run("Rules")], b"", 1, "\r"), *paragraphs])
        _, blocks = read(path)
        assert texts(blocks) == [
            "Rules", "1) Close the guard.", "a. Hold it.", "b. Let it go.", "2) Press the button.",
            "Article III. The tenant pays.", "Article IV. The owner repairs.", "Nothing more.",
        ]  # fmt: skip
        assert [(block.kind, block.level) for block in blocks[:2]] == [
            ("heading", 1),
            ("list_item", 0),
        ]

    def test_raised_hidden_and_deleted_runs_are_what_people_see(self, tmp_path):
        runs = [
            Run("It costs 30"), Run("1", SUPERSCRIPT), Run(" euros"), Run(" secret", HIDDEN),
            Run(" gone", DELETED), Run("."),
        ]  # fmt: skip
        path = write_styled_doc(tmp_path / "a.doc", [(runs, *PLAIN)])
        for keeps, shown in ((False, "30¹ euros."), (True, "30¹ euros [hidden: secret].")):
            limits = ParseLimits(keeps_hidden=keeps)
            findings = Findings(keeps_hidden=keeps)
            _, blocks = read_document(path, path.name, limits, findings)
            assert texts(blocks) == [f"It costs {shown}"]
            assert [each.code for each in findings.warnings] == [
                "hidden_kept" if keeps else "hidden_left_out"
            ]

    def test_tables_notes_comments_and_fields_keep_their_place(self, read, tmp_path):
        cell = [
            ([Run(text)], IN_TABLE, 0, "\x07") for text in ("Stone", "Price", "Basalt", "01,250")
        ]
        end = ([], IN_TABLE + ROW_END, 0, "\x07")
        field = Run('\x13 HYPERLINK "x" \x14the page\x15')
        paragraphs = [
            ([Run("It is due"), Run("\x02", SPECIAL), Run(" at once.")], *PLAIN),
            *cell[:2],
            end,
            *cell[2:],
            end,
            ([Run("See "), field, Run(" there"), Run("\x05", SPECIAL), Run(".")], *PLAIN),
        ]
        path = write_styled_doc(
            tmp_path / "a.doc", paragraphs, notes=["Or after 60 days."], comments=["Limit is 73."]
        )
        _, blocks = read(path)
        assert texts(blocks) == [
            "It is due at once.", "Or after 60 days.", "Stone | Price\nBasalt | 01,250",
            "See the page there.", "Comment: Limit is 73.",
        ]  # fmt: skip

    def test_old_vietnamese_fonts_are_read_as_they_show(self, read, tmp_path):
        runs = [Run("Nh©n viªn ®\u00adîc th\u00adëng", font(1)), Run(" 12 ©", font(0))]
        path = write_styled_doc(
            tmp_path / "a.doc", [(runs, *PLAIN)], fonts=("Times New Roman", ".VnTime")
        )
        assert texts(read(path)[1]) == ["Nhân viên được thưởng 12 ©"]

    def test_files_without_formats_are_read_as_text(self, read, tmp_path):
        _, blocks = read(write_doc(tmp_path / "a.doc", ["One.", "Two."]))
        assert texts(blocks) == ["One.", "Two."]

    def test_damaged_files_are_read_or_refused(self, read, tmp_path):
        item = [Run("An item.", SUPERSCRIPT)]
        paragraphs = [(item, in_list(1 + n % 2), n % 2, "\r") for n in range(12)]
        path = write_styled_doc(tmp_path / "a.doc", paragraphs, notes=["x"], comments=["y"])
        messages = told_of_damaged(path, read, 300)
        assert messages
        assert all(message.endswith(".") for message in messages)

    def test_damaged_lists_leave_the_text_and_hide_what_is_hidden(self, tmp_path):
        runs = [Run("Seen."), Run(" secret", HIDDEN)]
        path = write_styled_doc(tmp_path / "a.doc", [(runs, in_list(1), 0, "\r")])
        whole = path.read_bytes()
        for pair in (73, 74, 15):
            raw = bytearray(whole)
            at = whole.index(FIRST) + 0x9A + 8 * pair
            (place,) = struct.unpack_from("<I", raw, at)
            struct.pack_into("<I", raw, at, place + 1 if pair != 73 else 1 << 30)
            path.write_bytes(raw)
            findings = Findings()
            _, blocks = read_document(path, path.name, ParseLimits(), findings)
            (text,) = texts(blocks)
            assert text.endswith("Seen."), pair
            assert [each.code for each in findings.warnings] == ["hidden_left_out"], pair

    def test_another_reader_of_a_damaged_file_is_told_of(self, tmp_path):
        path = write_styled_doc(tmp_path / "a.doc", [([Run("Seen.")], *PLAIN)])
        raw = bytearray(path.read_bytes())
        # The pairs of parts that say how runs look are cut off.
        struct.pack_into("<H", raw, raw.index(FIRST) + 0x98, 1)
        path.write_bytes(raw)
        findings = Findings()
        with contextlib.suppress(ParseError):
            read_document(path, path.name, ParseLimits(), findings)
        assert "hidden_unsure" in [each.code for each in findings.warnings]

    def test_notes_of_hidden_and_deleted_runs_are_not_told(self, tmp_path):
        runs = [
            Run("Seen"), Run("\x02", SPECIAL + HIDDEN), Run("\x05", SPECIAL + DELETED),
            Run("\x02", SPECIAL), Run("."),
        ]  # fmt: skip
        path = write_styled_doc(
            tmp_path / "a.doc", [(runs, *PLAIN)], notes=["secret", "Told."], comments=["gone"]
        )
        for keeps, beside in ((False, ["Told."]), (True, ["[hidden: secret]", "Told."])):
            limits, findings = ParseLimits(keeps_hidden=keeps), Findings(keeps_hidden=keeps)
            _, blocks = read_document(path, path.name, limits, findings)
            assert texts(blocks) == ["Seen.", *beside]

    def test_pieces_out_of_order_are_not_read(self):
        places = struct.pack("<IIII", 0, 9, 4, 12)
        table = places + b"".join(struct.pack("<HIH", 0, 0x800, 0) for _ in range(3))
        with pytest.raises(ValueError, match="order"):
            list(pieces_of(b"\x02" + struct.pack("<I", len(table)) + table))

    def test_short_streams_are_read_where_they_lie(self, read, tmp_path):
        # The bytes at the number of the third sector of the file say that it is encrypted.
        path = write_doc(tmp_path / "a.doc", ["One.", "Two."], b"\xff" * 16)
        path.write_bytes(with_short_stream(path.read_bytes(), "WordDocument", 2_068))
        assert texts(read(path)[1]) == ["One.", "Two."]
