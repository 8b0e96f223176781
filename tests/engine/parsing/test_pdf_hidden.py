"""Text that nobody sees on a PDF page is hidden text; what is recognised on a scan is not."""

from pathlib import Path

from document_files import write_objects

from citewell.engine.parsing.base import Block
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document

SHOWN = "BT /F1 12 Tf 50 780 Td (The pier closes at nine in the evening.) Tj ET"
WHITE = "BT 1 1 1 rg /F1 12 Tf 50 700 Td (white words) Tj ET"
WITHOUT_INK = "BT /F1 12 Tf 3 Tr 50 700 Td (words of a layer) Tj ET"
TRANSPARENT = "BT /G0 gs /F1 12 Tf 50 700 Td (words of a scan) Tj ET"
LAYER = "/OC /Draft BDC BT /F1 12 Tf 50 700 Td (words of a draft) Tj ET EMC"


def write(path: Path, content: str) -> Path:
    """Write a page with a picture to be drawn and a layer that is switched off."""
    stream = content.encode("latin-1")
    return write_objects(
        path,
        {
            1: b"<< /Type /Catalog /Pages 2 0 R"
            b" /OCProperties << /OCGs [7 0 R] /D << /OFF [7 0 R] >> >> >>",
            2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            4: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources"
            b" << /Font << /F1 3 0 R >> /XObject << /I 6 0 R >> /Properties << /Draft 7 0 R >>"
            b" /ExtGState << /G0 << /ca 0 >> /M << /BM /Multiply >> >> >> >>",
            5: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
            6: b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray"
            b" /BitsPerComponent 8 /Length 1 >>\nstream\n\x80\nendstream",
            7: b"<< /Type /OCG /Name (Draft) >>",
        },
    )


def texts(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks)


class TestReadingHiddenText:
    def test_unseen_words_are_left_out(self, tmp_path):
        unseen = [
            WHITE, WITHOUT_INK, TRANSPARENT, LAYER,
            "BT /F1 0.3 Tf 50 700 Td (tiny words) Tj ET",
            # White paper is drawn by some programs.
            f"1 1 1 rg 0 0 595 842 re f {WHITE}",
            "BT /F1 12 Tf 50 700 Td (blacked words) Tj ET 0 g 48 696 110 15 re f",
            "BT /F1 12 Tf 50 700 Td (words below paper) Tj ET 1 g 40 690 300 25 re f",
            "q 0 0 20 20 re W n BT /F1 12 Tf 50 700 Td (words out of their frame) Tj ET Q",
        ]  # fmt: skip
        for number, content in enumerate(unseen):
            path = write(tmp_path / f"{number}.pdf", f"q {content} Q {SHOWN}")
            findings = Findings()
            blocks = list(read_document(path, path.name, ParseLimits(), findings)[1])
            assert "words" not in texts(blocks), content
            findings.finish()
            assert findings.hidden_chars > 0
            assert findings.share_lost == 0
            findings = Findings(keeps_hidden=True)
            blocks = list(read_document(path, path.name, ParseLimits(), findings)[1])
            assert "words" in texts(blocks)

    def test_words_below_a_bar_stay_hidden_on_a_page_that_is_stored_upwards(self, tmp_path):
        lines = [f"BT /F1 12 Tf 50 {200 + 20 * n} Td (Line {9 - n} of it.) Tj ET" for n in range(9)]
        bar = "q BT /F1 12 Tf 50 500 Td (blacked words) Tj ET 0 g 40 490 300 25 re f Q"
        path = write(tmp_path / "a.pdf", " ".join([*lines, bar, SHOWN]))
        findings = Findings()
        blocks = list(read_document(path, path.name, ParseLimits(), findings)[1])
        assert "words" not in texts(blocks)
        assert texts(blocks).index("Line 1") < texts(blocks).index("Line 9")

    def test_words_on_a_ground_of_their_own_and_of_scans_are_read(self, read, tmp_path):
        seen = [
            f"q 0 0 0.4 rg 40 690 300 30 re f Q {WHITE}",
            f"q 300 0 0 30 40 690 cm /I Do Q {WHITE}",
            f"q 500 0 0 700 40 60 cm /I Do Q {WITHOUT_INK}",
            f"q 500 0 0 700 40 60 cm /I Do Q {TRANSPARENT}",
            # A marker's stroke, a bar beside, a bar below, and a frame around.
            "BT /F1 12 Tf 50 700 Td (marked words) Tj ET /M gs 1 1 0 rg 48 696 110 15 re f",
            "BT /F1 12 Tf 50 700 Td (free words) Tj ET 0 g 200 696 110 15 re f",
            "0.8 g 48 696 110 15 re f 0 g BT /F1 12 Tf 50 700 Td (words on a bar) Tj ET",
            "40 690 300 30 re W n BT /F1 12 Tf 50 700 Td (framed words) Tj ET",
        ]
        for number, content in enumerate(seen):
            path = write(tmp_path / f"{number}.pdf", f"{SHOWN} q {content} Q")
            assert "words" in texts(read(path)[1]), content
        # A page of nothing else is read by it.
        path = write(tmp_path / "layer.pdf", WITHOUT_INK)
        assert texts(read(path)[1]) == "words of a layer"
