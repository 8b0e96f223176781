import random
import zipfile
from pathlib import Path

import pytest
from document_files import (
    numbered,
    paragraph,
    slide_shape,
    word_table,
    write_docx,
    write_epub,
    write_odf,
    write_pdf,
    write_pptx,
    write_xlsx,
)
from hostile_files import FILES, PROSE

from citewell.engine.parsing.archives import inspect_archive
from citewell.engine.parsing.base import ParseError, ParseFailure
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.html import markup_blocks
from citewell.engine.parsing.readers.rtf_text import white_places
from citewell.engine.parsing.readers.tables import is_figure
from tests.timing import processor_seconds

REFUSED = {
    "empty.txt": ParseFailure.EMPTY,
    "blank.md": ParseFailure.EMPTY,
    "zeros.txt": ParseFailure.EMPTY,
    "no-pages.pdf": ParseFailure.EMPTY,
    "no-text.pdf": ParseFailure.EMPTY,
    "page-loop.pdf": ParseFailure.EMPTY,
    "truncated.pdf": ParseFailure.CORRUPT,
    "really-text.pdf": ParseFailure.CORRUPT,
    "cut.docx": ParseFailure.CORRUPT,
    "broken.docx": ParseFailure.CORRUPT,
    "entities.docx": ParseFailure.CORRUPT,
    "entities.xml": ParseFailure.CORRUPT,
    "deep.docx": ParseFailure.CORRUPT,
    "deep.json": ParseFailure.CORRUPT,
    "lying.docx": ParseFailure.CORRUPT,
    "broken.json": ParseFailure.CORRUPT,
    "looped.doc": ParseFailure.CORRUPT,
    "nothing.epub": ParseFailure.CORRUPT,
    "locked.pdf": ParseFailure.ENCRYPTED,
    "locked.docx": ParseFailure.ENCRYPTED,
    "locked.doc": ParseFailure.ENCRYPTED,
    "locked.xls": ParseFailure.ENCRYPTED,
    "locked.odt": ParseFailure.ENCRYPTED,
    "locked.epub": ParseFailure.ENCRYPTED,
    "binary.txt": ParseFailure.UNSUPPORTED,
    "program.txt": ParseFailure.UNSUPPORTED,
    "picture.md": ParseFailure.UNSUPPORTED,
    "what.xyz": ParseFailure.UNSUPPORTED,
    "nested.zip": ParseFailure.UNSUPPORTED,
    "unknown.doc": ParseFailure.UNSUPPORTED,
    "bomb.docx": ParseFailure.TOO_LARGE,
    "many-parts.docx": ParseFailure.TOO_LARGE,
}
WITH_PROSE = {
    "many-objects.pdf",
    "owner-locked.pdf",
    "really-a-pdf.docx",
    "really-a-docx.pdf",
    "really-html.doc",
    "surrogates.txt",
    "zeros-in-text.txt",
    "direction.txt",
    "deep.html",
    "deep-tables.html",
    "deep.xml",
    "unclosed.html",
    "endless.eml",
}
READABLE = WITH_PROSE | {"one-line.txt", "wide.csv", "open-quote.csv", "dimension.xlsx"}


class TestHostileFiles:
    def test_every_file_is_expected(self):
        assert set(FILES) == set(REFUSED) | READABLE

    @pytest.mark.volume
    async def test_each_is_refused_with_its_reason_or_read(self, parser, parse, tmp_path):
        """One sandbox for all: whatever a file does, the next ones are read."""
        found: dict[str, ParseFailure | None] = {}
        messages: list[str] = []
        for name, write in FILES.items():
            write(tmp_path / name)
            found[name] = None
            try:
                text = "\n".join(b.text for b in await parse(parser, tmp_path / name))
            except ParseError as error:
                found[name] = error.code
                messages.append(error.message)
                continue
            assert text
            text.encode("utf-8")
            assert not set(text) & {"\x00", "\u202e", "\u2067", "\u200f"}
            if name in WITH_PROSE:
                assert PROSE in text, name
        assert all(message.endswith(".") for message in messages)
        assert found == REFUSED | dict.fromkeys(READABLE)

    async def test_unsupported_file_is_told_what_it_is_in_a_line(self, parser, parse, tmp_path):
        for name, said in (
            ("binary.txt", "a binary file and no plain text file, though its name ends in .txt."),
            ("binary.bin", "a binary file. PDF, Office files, e-books, web pages, texts, tables,"),
        ):
            FILES["binary.txt"](tmp_path / name)
            with pytest.raises(ParseError) as caught:
                await parse(parser, tmp_path / name)
            assert caught.value.message.startswith(f"This is {said}")
            assert len(caught.value.message) < 140

    async def test_pages_without_anything_are_told(self, parser, parse, tmp_path):
        FILES["no-text.pdf"](tmp_path / "no-text.pdf")
        with pytest.raises(ParseError, match="no readable text"):
            await parse(parser, tmp_path / "no-text.pdf")


class TestArchiveLimits:
    def test_archive_larger_than_limit_is_refused(self, tmp_path):
        path = write_docx(tmp_path / "a.docx", paragraph(PROSE))
        with pytest.raises(ParseError) as caught:
            inspect_archive(path, ParseLimits(unpacked_bytes=1_000))
        assert caught.value.code is ParseFailure.TOO_LARGE

    def test_encrypted_entry_is_refused(self, tmp_path):
        path = write_docx(tmp_path / "a.docx", paragraph(PROSE))
        raw = path.read_bytes()
        # Bit 0 of the flags in each entry of the directory.
        path.write_bytes(raw.replace(b"PK\1\2\x14\x03\x14\x00\x00", b"PK\1\2\x14\x03\x14\x00\x01"))
        with pytest.raises(ParseError) as caught:
            inspect_archive(path, ParseLimits())
        assert caught.value.code is ParseFailure.ENCRYPTED


def well_formed(folder: Path) -> list[Path]:
    html = folder / "a.html"
    html.write_text(f"<h1>Hours</h1><p>{PROSE}</p><table><tr><td>a<td>b<tr><td>c<td>d</table>")
    mail = folder / "a.eml"
    mail.write_text(f"Subject: Hours\nMIME-Version: 1.0\nContent-Type: text/plain\n\n{PROSE}\n")
    body = paragraph("Hours", "H1") + numbered(PROSE) + word_table([["a", "b"], ["c", "d"]])
    return [
        html,
        mail,
        write_docx(folder / "a.docx", body),
        write_pptx(folder / "a.pptx", [slide_shape("Hours", "title") + slide_shape(PROSE)]),
        write_xlsx(folder / "a.xlsx", {"One": [["a", "b"], [1, 2]]}),
        write_odf(folder / "a.odt", "text", f"<text:p>{PROSE}</text:p>"),
        write_epub(folder / "a.epub", {"one": f"<p>{PROSE}</p>"}),
        write_pdf(folder / "a.pdf", [[PROSE], [PROSE]]),
    ]


class TestDamage:
    async def test_random_damage_never_breaks_the_sandbox(self, parser, parse, tmp_path):
        dice = random.Random(7)
        codes: list[ParseFailure] = []
        for path in well_formed(tmp_path):
            assert await parse(parser, path)
            whole = path.read_bytes()
            for _ in range(8):
                raw = bytearray(whole)
                for _ in range(dice.randint(1, 20)):
                    raw[dice.randrange(len(raw))] = dice.randrange(256)
                path.write_bytes(raw[: dice.randint(len(raw) // 2, len(raw))])
                try:
                    await parse(parser, path)
                except ParseError as error:
                    codes.append(error.code)
        assert codes
        assert ParseFailure.CRASHED not in codes

    async def test_damaged_part_inside_archive_is_corrupt(self, parser, parse, tmp_path):
        path = write_docx(tmp_path / "a.docx", paragraph(PROSE) * 400)
        with zipfile.ZipFile(path) as archive:
            place = archive.getinfo("word/document.xml").header_offset
        raw = bytearray(path.read_bytes())
        raw[place + 200 : place + 300] = bytes(100)
        path.write_bytes(raw)
        with pytest.raises(ParseError) as caught:
            await parse(parser, path)
        assert caught.value.code is ParseFailure.CORRUPT

    async def test_damaged_name_of_its_kind_is_corrupt(self, parser, parse, tmp_path):
        path = write_odf(tmp_path / "a.odt", "text", f"<text:p>{PROSE}</text:p>")
        with zipfile.ZipFile(path) as archive:
            place = archive.getinfo("mimetype").header_offset
        raw = bytearray(path.read_bytes())
        # The packed name stands behind 30 bytes and its part's own name.
        raw[place + 38 : place + 58] = b"\xff" * 20
        path.write_bytes(raw)
        with pytest.raises(ParseError) as caught:
            await parse(parser, path)
        assert caught.value.code is ParseFailure.CORRUPT


class TestCostOfMarkup:
    def test_repeated_grounds_and_tables_of_colours_and_long_cells_cost_their_length(self):
        # Each took seconds, as the square of its length.
        page = "<p style='background:#eee'>a<b>b</b>" * 40_000
        assert processor_seconds(lambda: list(markup_blocks([page])), rounds=1) < 2
        table = b"\\colortbl " * 20_000
        assert processor_seconds(lambda: white_places(table), rounds=1) < 0.2
        cell = "1" * 20_000 + "a"
        assert processor_seconds(lambda: is_figure(cell), rounds=1) < 0.2
