"""Rich Text: what a word processor shows of it."""

import random

import pytest

from citewell.engine.parsing.base import BlockKind, ParseError

HEAD = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}"
HEAD += r"{\f2\fcharset2 Symbol;}{\f3\fcharset0 .VnTime;}{\f4\fcharset163 Times;}}"
HEAD += r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 Big;}{\s2 heading 2;}}"
HEAD += r"{\info{\title The Title}{\author Ann}{\doccomm secret}}"

TEXTS = [
    (r"30{\super 1} euros, H{\sub 2}O, 10\super 3\nosupersub  m", "30¹ euros, H₂O, 10³ m"),
    (r"10{\up6 3}, x{\dn4 2}", "10³, x₂"),
    (r"Shown {\v secret 4711}end \v more\v0 tail", "Shown end tail"),
    (r"kept{\deleted gone} here", "kept here"),
    (r"kept \deleted gone\deleted0 here", "kept here"),
    (r"\f1 \'cf\'f0\'e8\f0  \'e9t\'e9", "При été"),
    (r"{\f2 \'b1}3, {\f2\u-3919?}4", "±3, ±4"),
    (r"{\f3 Ngh\'d8 ph\'d0p}", "Nghỉ phép"),
    (r"{\f4 \u272?i\u7873?u 7}", "Điều 7"),
    (r"x\u8722?7, \uc2\u8364\'80\'805, \u-10179?\u-8704?", "x\u22127, €5, 😀"),
    (r"a\emdash b\~c\_d \{e\} f\-g", "a—b c-d {e} fg"),
    (r"{\field{\*\fldinst HYPERLINK x}{\fldrslt Link}} {\*\bkmkstart m}end", "Link end"),
    (r"{\header Head}{\footerf Foot}{\pict\pngblip 8950}{\*\unknown no}Body", "Body"),
    ("bin \\bin4 }{}}after", "bin after"),
]


def write(path, body: str, head: str = HEAD):
    path.write_bytes(f"{head}{body}}}".encode("latin-1"))
    return path


class TestRtf:
    def test_text_is_what_is_shown(self, read, tmp_path):
        for body, shown in TEXTS:
            info, blocks = read(write(tmp_path / "a.rtf", body + r"\par"))
            assert [block.text for block in blocks] == [shown], body
            assert (info.title, info.metadata) == ("The Title", {"author": "Ann"})
        head = r"{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fnil X;}}\f0 "
        _, blocks = read(write(tmp_path / "a.rtf", r"\'93\'fa\'83A", head))
        assert blocks[0].text == "日ア"

    def test_headings_items_notes_boxes_and_tables_keep_their_place(self, read, tmp_path):
        body = (
            r"\pard\s1 First part\par\pard\s2 Under it\par\pard\outlinelevel2 Third\par\pard "
            r"{\listtext\f0 1.\tab}Sign\par{\pntext a)\tab}Date\par{\listtext\f2\'b7\tab}Dot\par"
            r"\pard The price\chftn{\footnote\chftn  Without tax.} is 30.\par"
            r" Box {\shp{\*\shpinst{\sp{\sn a}{\sv 1}}{\shptxt In the box\par}}"
            r"{\shprslt no}}here\par"
            r"\trowd\cellx1\cellx2\intbl Name\cell Price\cell\row"
            r"\intbl Pump\par big\cell 71.30\cell\row\pard After\page Last"
        )
        _, blocks = read(write(tmp_path / "a.rtf", body))
        head, item, text = BlockKind.HEADING, BlockKind.LIST_ITEM, BlockKind.PARAGRAPH
        assert [(block.kind, block.text, block.level) for block in blocks] == [
            (head, "First part", 1), (head, "Under it", 2), (head, "Third", 3),
            (item, "1. Sign", 0), (item, "a) Date", 0), (item, "Dot", 0),
            (text, "The price is 30.", 0), (text, "Without tax.", 0),
            (text, "Box here", 0), (text, "In the box", 0),
            (BlockKind.TABLE, "Name | Price\nPump big | 71.30", 0),
            (text, "After", 0), (text, "Last", 0),
        ]  # fmt: skip

    def test_damaged_files_are_read_or_refused(self, read, tmp_path):
        draw = random.Random(9)
        whole = bytearray((HEAD + "".join(body for body, _ in TEXTS) + "}").encode("latin-1"))
        for _ in range(150):
            damaged = bytearray(whole)
            for _ in range(draw.choice((1, 5, 20))):
                damaged[draw.randrange(6, len(damaged))] = draw.choice(b"{}\\'*u9 \xff\n")
            path = tmp_path / "a.rtf"
            path.write_bytes(damaged[: draw.randrange(20, len(damaged))])
            try:
                read(path)
            except ParseError:
                continue
        with pytest.raises(ParseError, match="deeply"):
            read(write(tmp_path / "a.rtf", "{" * 10_000 + "x"))
