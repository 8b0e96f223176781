from pathlib import Path

import pytest
from document_files import write_compound, write_pdf, write_zip

from citewell.engine.parsing.base import ParseError, ParseFailure
from citewell.engine.parsing.detection import detect_format
from citewell.engine.parsing.encoding import choose_encoding, read_lines
from citewell.engine.parsing.formats import (
    FORMATS,
    SUPPORTED_EXTENSIONS,
    DocumentFormat,
    format_of_name,
)
from citewell.engine.parsing.limits import ParseLimits

VIETNAMESE = "Người lao động được nghỉ phép năm, mỗi năm mười hai ngày làm việc."


def detect(path: Path, name: str) -> DocumentFormat:
    return detect_format(path, name, ParseLimits())


class TestFormats:
    def test_every_format_has_a_label_and_an_extension(self):
        assert set(FORMATS) == set(DocumentFormat)
        for name, facts in FORMATS.items():
            assert facts.label
            for extension in facts.extensions:
                assert format_of_name(f"x{extension.upper()}") is name
                assert SUPPORTED_EXTENSIONS[extension] == facts.mime_type

    def test_mime_types_are_not_shared(self):
        assert len({facts.mime_type for facts in FORMATS.values()}) == len(FORMATS)


class TestDetect:
    @pytest.mark.parametrize(
        ("name", "content", "found"),
        [
            ("a.txt", "<!DOCTYPE html><p>x", DocumentFormat.HTML),
            ("a.md", "# Title", DocumentFormat.MARKDOWN),
            ("README", "words", DocumentFormat.TEXT),
            ("a.doc", r"{\rtf1 x}", DocumentFormat.RTF),
            ("a.dat", "<?xml version='1.0'?><r/>", DocumentFormat.XML),
            ("a.xml", "<?xml version='1.0'?><html>x</html>", DocumentFormat.XML),
            ("a.dat", "Received: x\nMIME-Version: 1.0\n\nx", DocumentFormat.EML),
            ("a.TSV", "a\tb", DocumentFormat.CSV),
        ],
    )
    def test_kind_of_text(self, tmp_path, name, content, found):
        path = tmp_path / "file"
        path.write_text(content)
        assert detect(path, name) is found

    def test_pdf_behind_a_preamble_is_found(self, tmp_path):
        path = write_pdf(tmp_path / "a", [["x"]])
        path.write_bytes(b"\n\n" + path.read_bytes())
        assert detect(path, "a.txt") is DocumentFormat.PDF

    @pytest.mark.parametrize(
        ("stream", "found"),
        [
            ("WordDocument", DocumentFormat.DOC),
            ("Workbook", DocumentFormat.XLS),
            ("PowerPoint Document", DocumentFormat.PPT),
            ("__properties_version1.0", DocumentFormat.MSG),
        ],
    )
    def test_kind_of_old_office_file(self, tmp_path, stream, found):
        assert detect(write_compound(tmp_path / "a", {stream: bytes(5_000)}), "a.bin") is found

    @pytest.mark.parametrize(
        ("parts", "found"),
        [
            ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, DocumentFormat.XLSX),
            ({"[Content_Types].xml": "", "xl/workbook.bin": ""}, DocumentFormat.XLSB),
            ({"[Content_Types].xml": "", "ppt/presentation.xml": ""}, DocumentFormat.PPTX),
            ({"META-INF/container.xml": ""}, DocumentFormat.EPUB),
        ],
    )
    def test_kind_of_zipped_document(self, tmp_path, parts, found):
        assert detect(write_zip(tmp_path / "a", parts), "a.zip") is found

    def test_size_is_checked_first(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_text("x" * 2_000)
        with pytest.raises(ParseError) as caught:
            detect_format(path, "a.txt", ParseLimits(file_bytes=1_000))
        assert caught.value.code is ParseFailure.TOO_LARGE


class TestEncoding:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    def test_unicode_is_told_by_mark_or_validity(self, encoding):
        data = VIETNAMESE.encode(encoding)
        assert data.decode(choose_encoding(data)) == VIETNAMESE

    def test_old_vietnamese_is_told_from_western(self):
        # windows-1258 writes the tone as a mark of its own.
        data = "Ngươ\u0300i lao đô\u0323ng đươ\u0323c nghi\u0309 phe\u0301p".encode("cp1258")
        assert choose_encoding(data) == "cp1258"
        assert choose_encoding("Ciò è già più avanti, però".encode("cp1252")) == "cp1252"
        assert choose_encoding("Überraschung für Zoë".encode("latin-1")) == "cp1252"

    def test_character_cut_by_the_sample_is_no_error(self):
        data = ("ệ" * 100_000).encode()[: 256 * 1024]
        assert choose_encoding(data) == "utf-8"

    def test_declared_codec_that_is_no_text_is_ignored(self):
        assert choose_encoding(b'<meta charset="zlib">caf\xe9', is_markup=True) == "cp1252"

    def test_line_ends_of_all_kinds_divide(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_bytes(b"a\r\nb\rc\n\nd" + b"x" * 300_000 + b"\r\ne\r")
        lines = list(read_lines(path, "utf-8"))
        assert lines[:4] == ["a", "b", "c", ""]
        assert lines[5:] == ["e"]
        assert len(lines[4]) == 300_001
