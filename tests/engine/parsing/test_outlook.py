"""Mails of Outlook: what stands in them, and nothing twice."""

import struct

import pytest
from document_files import write_compound
from old_office_files import write_msg

from citewell.engine.parsing.base import BlockKind, ParseError
from citewell.engine.parsing.containers import open_compound
from citewell.engine.parsing.rtf_packed import unpack

SENT = 133_500_000_000_000_000
MAIL = {
    "0037001F": "Quarry prices", "0C1A001F": "Ana", "5D01001F": "ana@example.org",
    "0E04001F": "Bo; Cy", "0E03001F": "Di", "1000001F": "Basalt costs 71.30 euros.\r\n\r\nRegards",
    "00390040": SENT,
}  # fmt: skip


def packed(text: bytes) -> bytes:
    """Literals alone, eight to a control byte."""
    parts = [text[at : at + 8] for at in range(0, len(text), 8)]
    return struct.pack("<IIII", 0, len(text), 0x75465A4C, 0) + b"".join(b"\0" + p for p in parts)


class TestMail:
    def test_people_and_text_are_read_and_the_date_is_a_fact(self, read, tmp_path):
        info, blocks = read(write_msg(tmp_path / "a.msg", MAIL))
        assert info.title == "Quarry prices"
        assert info.metadata["author"] == "Ana <ana@example.org>"
        assert info.metadata["created"] == "2024-01-17T21:20:00+00:00"
        assert [(block.kind, block.text) for block in blocks] == [
            (BlockKind.HEADING, "Quarry prices"),
            (BlockKind.PARAGRAPH, "From: Ana <ana@example.org>\nTo: Bo; Cy\nCc: Di"),
            (BlockKind.PARAGRAPH, "Basalt costs 71.30 euros."),
            (BlockKind.PARAGRAPH, "Regards"),
        ]

    def test_recipients_come_with_their_addresses(self, read, tmp_path):
        recipients = [
            {"3001001F": "Bo", "39FE001F": "bo@example.org", "0C150003": 1},
            {"3001001F": "Cy", "3003001F": "/O=FIRM/CN=CY", "0C150003": 1},
            {"3001001F": "Di", "3003001F": "di@example.org", "0C150003": 2},
            {"3001001F": "Secret", "0C150003": 3},
        ]
        _, blocks = read(write_msg(tmp_path / "a.msg", {"1000001F": "Hi"}, recipients))
        assert blocks[0].text.splitlines() == ["To: Bo <bo@example.org>, Cy",
                                                  "Cc: Di <di@example.org>"]  # fmt: skip

    def test_text_is_read_in_whatever_form_it_is(self, read, tmp_path):
        html = "<p>30<sup>1</sup> euros for <b>Đá</b></p>".encode()
        rtf = packed(b"{\\rtf1\\ansi 30{\\super 1} euros\\par}")
        stub = "This is an HTML e-mail."
        for body, expected in (
            ({"10130102": html}, "30¹ euros for Đá"),
            ({"1000001F": stub, "10130102": html}, "30¹ euros for Đá"),
            ({"1013001F": "<p>Plain</p>"}, "Plain"),
            ({"1000001E": "Größe".encode("cp1252")}, "Größe"),
            ({"10090102": rtf}, "30¹ euros"),
            ({"1000001F": "Words", "10090102": rtf}, "Words"),
        ):
            _, blocks = read(write_msg(tmp_path / "a.msg", {"0037001F": "S", **body}))
            assert [block.text for block in blocks] == ["S", expected]

    def test_mails_within_are_read_under_their_subject(self, read, tmp_path):
        inner = {"0037001F": "Inner", "1000001F": "Marble costs 99."}
        _, blocks = read(write_msg(tmp_path / "a.msg", MAIL, attached=[inner]))
        assert [(b.text, b.level) for b in blocks[-2:]] == [("Inner", 2), ("Marble costs 99.", 0)]

    def test_damaged_mails_are_said_to_be_damaged(self, read, tmp_path):
        path = write_msg(tmp_path / "a.msg", MAIL)
        path.write_bytes(path.read_bytes()[:6_000])
        with pytest.raises(ParseError, match="damaged"):
            read(path)

    def test_mails_of_hundreds_of_properties_are_read(self, read, tmp_path):
        many = {f"{tag:04X}0102": b"x" for tag in range(0x100, 0x300)}
        _, blocks = read(write_msg(tmp_path / "a.msg", MAIL | many))
        assert blocks[2].text == "Basalt costs 71.30 euros."

    def test_directories_that_are_no_trees_are_damage(self, read, tmp_path):
        path = write_msg(tmp_path / "a.msg", MAIL)
        whole = path.read_bytes()
        # The second entry as its own neighbour, and at each of a few levels twice the same one.
        for edits in ({1: (1, 2)}, {number: (number + 1, number + 1) for number in range(1, 6)}):
            data = bytearray(whole)
            for number, siblings in edits.items():
                struct.pack_into("<ii", data, 1024 + 128 * number + 68, *siblings)
            path.write_bytes(data)
            with pytest.raises(ParseError, match="damaged"):
                read(path)

    def test_small_streams_that_go_in_circles_are_damage(self, tmp_path):
        path = tmp_path / "a.msg"
        following = struct.pack("<ii", 1, 0).ljust(4096, b"\xff")
        write_compound(path, {"Fat": following, "Mini": b"", "Root": b""})
        data = bytearray(path.read_bytes())

        def start_of(number: int) -> int:
            return struct.unpack_from("<I", data, 1024 + 128 * number + 116)[0]

        struct.pack_into("<II", data, 60, start_of(1), 8)
        struct.pack_into("<II", data, 1024 + 116, start_of(3), 4096)
        struct.pack_into("<II", data, 1024 + 128 * 2 + 116, 0, 100)
        with pytest.raises(ValueError, match="damaged"):
            open_compound(bytes(data)).stream("Mini")
        at = 512 * (1 + start_of(1))
        struct.pack_into("<ii", data, at, 1, -2)
        assert open_compound(bytes(data)).stream("Mini") == bytes(100)


class TestPackedText:
    def test_references_reach_into_the_window_and_into_themselves(self):
        # "{\\rtf1" stands at the window's beginning; one reference of "ab" repeats it.
        begin = 207
        stream = bytes([0b00000001]) + struct.pack(">H", 0 << 4 | 4) + b" abab"
        assert unpack(packed(b"plain text")) == b"plain text"
        head = struct.pack("<IIII", 0, 11, 0x75465A4C, 0)
        assert unpack(head + stream) == b"{\\rtf1 abab"
        itself = bytes([0b00000010]) + b"x" + struct.pack(">H", begin << 4 | 5)
        assert unpack(struct.pack("<IIII", 0, 8, 0x75465A4C, 0) + itself) == b"x" * 8
        assert unpack(struct.pack("<IIII", 0, 3, 0x414C454D, 0) + b"abcd") == b"abc"

    def test_damage_ends_the_text(self):
        whole = packed(b"some words of a text")
        for size in range(len(whole)):
            assert b"some words of a text".startswith(unpack(whole[:size]))
