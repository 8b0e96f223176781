"""Text in pictures: by Tesseract where it is installed, by a stand-in of its output elsewhere."""

import os
import struct
import zlib
from pathlib import Path

import pypdfium2
import pytest
from document_files import write_pdf

from citewell.engine.parsing.base import Block, ParseError, ParseFailure
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.recognition import (
    Recogniser,
    RecognitionError,
    find_program,
    installed_languages,
)
from citewell.engine.parsing.sandbox import SandboxedParser

LINES = ["The harbour office opens at seven.", "Ships wait outside the mole.", "Fee: 125 euros."]

PROGRAM = find_program()
needs_tesseract = pytest.mark.skipif(
    PROGRAM is None or "eng" not in installed_languages(PROGRAM),
    reason="Tesseract with `eng` is not installed (tesseract-ocr, tesseract-ocr-eng)",
)


def picture_of(folder: Path, lines: list[str]) -> tuple[int, int, bytes]:
    """Width, height and grey dots of a page with lines, at 150 dpi."""
    path = write_pdf(folder / "lines.pdf", [lines])
    with pypdfium2.PdfDocument(path) as document:
        bitmap = document[0].render(scale=150 / 72, grayscale=True)
        raw, stride = bytes(bitmap.buffer), bitmap.stride
        rows = [raw[at : at + bitmap.width] for at in range(0, stride * bitmap.height, stride)]
        return bitmap.width, bitmap.height, b"".join(rows)


def write_png(path: Path, width: int, height: int, dots: bytes) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + dots[at : at + width] for at in range(0, width * height, width))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def write_scan(path: Path, pages: list[tuple[int, int, bytes] | str]) -> Path:
    """A PDF whose pages are a picture each, or a line of text."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids: list[bytes] = []
    for page in pages:
        at = len(objects) + 1
        if isinstance(page, str):
            content = f"BT /F 12 Tf 72 700 Td ({page}) Tj ET".encode()
            picture = b"<< >>"
        else:
            width, height, dots = page
            data = zlib.compress(dots)
            content = b"595 0 0 842 0 0 cm /I Do"
            picture = (
                b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray"
                b" /BitsPerComponent 8 /Filter /FlateDecode /Length %d >>\nstream\n"
                % (width, height, len(data)) + data + b"\nendstream"
            )  # fmt: skip
        kids.append(b"%d 0 R" % at)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F 3 0 R >> /XObject << /I %d 0 R >> >> >>" % (at + 1, at + 2)
        )
        objects.append(b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream")
        objects.append(picture)
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), b" ".join(kids))
    body, places = b"%PDF-1.7\n", list[int]()
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + each + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table
    start = body.index(b"xref\n0 ")
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    path.write_bytes(body + end)
    return path


def read(path: Path, languages: str = "vie+eng") -> tuple[list[Block], dict[str, str]]:
    findings = Findings()
    limits = ParseLimits(ocr_languages=languages)
    _, blocks = read_document(path, path.name, limits, findings)
    found = list(blocks)
    return found, {warning.code: warning.message for warning in findings.warnings}


def stand_in(folder: Path, body: str) -> str:
    """A program in Tesseract's place."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


def table_of(*words: tuple[int, int, int, float, str]) -> str:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tl\tt\tw\th\tconf\ttext"
    rows = [f"5\t1\t{b}\t{p}\t{n}\t1\t0\t0\t9\t9\t{c}\t{text}" for b, p, n, c, text in words]
    return "\n".join(["1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t", *rows]).join([head + "\n", ""])


class TestOutput:
    def run(self, folder: Path, body: str, seconds: float = 3600) -> Recogniser:
        return Recogniser(stand_in(folder, body), "eng", frozenset(), seconds)

    def test_words_become_paragraphs_with_their_confidence(self, tmp_path):
        (tmp_path / "table").write_text(
            table_of((1, 1, 1, 96, "One"), (1, 1, 1, 90, "war-"), (1, 1, 2, 80, "den"),
                     (1, 1, 2, 3, "~"), (1, 2, 1, 90, "Next"))
        )  # fmt: skip
        [page] = self.run(tmp_path, f"cat {tmp_path}/table").read(b"P5 1 1 255\n0")
        assert page.paragraphs == ["One warden", "Next"]
        assert 85 < page.confidence < 95

    def test_letters_of_low_confidence_are_no_text(self, tmp_path):
        (tmp_path / "table").write_text(table_of((1, 1, 1, 31, "xq"), (1, 1, 1, 40, "zzj")))
        [page] = self.run(tmp_path, f"cat {tmp_path}/table").read(b"P5")
        assert page.paragraphs == []

    def test_failure_and_long_time_are_told(self, tmp_path):
        with pytest.raises(RecognitionError, match="damaged"):
            self.run(tmp_path, "exit 1").read(b"P5")
        with pytest.raises(RecognitionError, match="too long"):
            self.run(tmp_path, "exec sleep 3600", seconds=0.05).read(b"P5")

    def test_environment_is_not_passed_on(self, tmp_path, monkeypatch):
        monkeypatch.setenv("CITEWELL_SECRET", "x")
        assert "CITEWELL_SECRET" in os.environ
        # `echo` fails the table's form, so no page comes of it.
        pages = self.run(tmp_path, f'echo "$CITEWELL_SECRET" > {tmp_path}/seen').read(b"P5")
        assert pages == []
        assert (tmp_path / "seen").read_text() == "\n"


class TestWithout:
    def test_scan_and_picture_say_what_to_install(self, tmp_path):
        page = picture_of(tmp_path, LINES)
        for path in (write_scan(tmp_path / "a.pdf", [page]), write_png(tmp_path / "a.png", *page)):
            with pytest.raises(ParseError, match="tesseract-ocr-vie") as caught:
                read(path, languages="")
            assert caught.value.code is ParseFailure.RECOGNITION_MISSING

    def test_pages_with_text_are_read_and_the_others_named(self, tmp_path):
        path = write_scan(tmp_path / "a.pdf", ["Text.", picture_of(tmp_path, LINES), "More text."])
        blocks, warnings = read(path, languages="")
        assert [(block.page, block.text) for block in blocks] == [(1, "Text."), (3, "More text.")]
        assert list(warnings) == ["pages_without_text"]
        assert warnings["pages_without_text"].startswith(
            "1 of 3 pages are pictures without text: 2."
        )
        assert "tesseract-ocr-vie" in warnings["pages_without_text"]


@needs_tesseract
class TestWith:
    async def test_scanned_pages_are_read_in_the_sandbox(self, tmp_path, parser: SandboxedParser):
        width, height, dots = picture_of(tmp_path, LINES)
        pages = [(width, height, dots), "A page of text.", (width, height, dots[::-1])]
        path = write_scan(tmp_path / "a.pdf", pages)
        async with parser.open(path, path.name) as document:
            blocks = [block async for block in document.blocks()]
        texts = {page: " ".join(b.text for b in blocks if b.page == page) for page in (1, 2, 3)}
        assert "harbour office opens at seven" in texts[1]
        assert "125 euros" in texts[1]
        assert texts[2] == "A page of text."
        # Upside down.
        assert "harbour office opens at seven" in texts[3]
        codes = [warning.code for warning in document.warnings]
        assert codes[0] == "text_recognised"
        assert "text_lost" not in codes

    def test_picture_is_read(self, tmp_path):
        path = write_png(tmp_path / "a.png", *picture_of(tmp_path, LINES))
        blocks, warnings = read(path)
        assert "Ships wait outside the mole" in " ".join(block.text for block in blocks)
        assert "mean confidence of 9" in warnings["text_recognised"]

    def test_damaged_and_empty_pictures_fail_plainly(self, tmp_path):
        path = write_png(tmp_path / "a.png", 300, 200, b"\xff" * 60_000)
        with pytest.raises(ParseError, match="No text was recognised"):
            read(path)
        path.write_bytes(path.read_bytes()[:60])
        with pytest.raises(ParseError) as caught:
            read(path)
        assert caught.value.code is ParseFailure.CORRUPT
