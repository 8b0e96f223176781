# ruff: noqa: RUF001 - dashes and minus signs are meant
"""The comparison of what was read with a file's own text layer, and other remarks."""

import zipfile
from pathlib import Path

from document_files import (
    paragraph,
    slide_shape,
    word_table,
    write_docx,
    write_pdf,
    write_pptx,
)
from old_office_files import write_doc

from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.layers import text_layer
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.readers.base import ReaderInput
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.sandbox import SandboxedParser
from citewell.engine.parsing.tally import Tally, share_lost


def findings_of(path: Path) -> Findings:
    findings = Findings()
    _, blocks = read_document(path, path.name, ParseLimits(), findings)
    list(blocks)
    return findings


def codes(findings: Findings) -> list[str]:
    return [warning.code for warning in findings.warnings]


def layer_of(path: Path, kind: DocumentFormat) -> str:
    return "".join(text_layer(ReaderInput(path, path.name, kind, ParseLimits())))


class TestTally:
    def test_forms_of_a_letter_are_one_and_signs_count(self):
        source, read = Tally(), Tally()
        source.add("ﬁne e\u0301té 10\u00b3 −23 % ±5 → x")
        read.add("fine été 10³ 23 % 5 x")
        assert share_lost(source, read) == (3, 18)

    def test_large_texts_are_counted_the_same(self):
        small, large = Tally(), Tally()
        text = "Điều 7: 10 % für 30 € 🎉\n"
        for _ in range(20_000):
            large.add(text)
        for character, count in large.folded().items():
            assert count == 20_000 * text.count(character) or character in "Ðieuđ"
        small.add(text)
        assert share_lost(large, small)[0] == 19_999 * small.folded().total()

    def test_doubled_text_does_not_hide_a_loss(self):
        source, read = Tally(), Tally()
        source.add("abcdef")
        read.add("abcabcabc")
        assert share_lost(source, read) == (3, 6)


class TestLayers:
    def test_formats_that_are_read_whole_lose_nothing(self, tmp_path):
        words = "The harbour office opens at 7 – 9 (±5 min), −3 °C."
        files = {
            "a.txt": f"Rules\n=====\n\n- {words}\n- {words}\n".encode(),
            "a.csv": f'No,Text\n1,"{words}"\n2,"{words}"\n'.encode(),
            "a.html": f"<html><nav>Home</nav><p>{words}<ul><li>{words}</ul></html>".encode(),
        }
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        write_docx(tmp_path / "a.docx", paragraph(words) + word_table([["A", words], ["B", "1"]]))
        write_pptx(tmp_path / "a.pptx", [slide_shape("title", words) + slide_shape("ftr", "Page")])
        write_pdf(tmp_path / "a.pdf", [["The harbour office opens at 7 - 9.", "It closes at 5."]])
        for path in sorted(tmp_path.iterdir()):
            found = findings_of(path)
            assert found.share_lost == 0, path.name
            assert codes(found) == [], path.name

    def test_lost_text_is_told_with_its_share(self, tmp_path):
        path = tmp_path / "a.docx"
        # An element that the reader does not know to hold text.
        custom = f"<w:rPr><w:t>{'lost words ' * 9}</w:t></w:rPr>"
        write_docx(path, paragraph("Kept words stand here. " * 10) + f"<w:p>{custom}</w:p>")
        found = findings_of(path)
        assert codes(found) == ["text_lost"]
        assert found.warnings[0].message.startswith("31.0%")

    def test_alternatives_and_moved_text_are_counted_once(self, tmp_path):
        box = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
        body = (
            "<w:p><w:r><mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/"
            f"markup-compatibility/2006'><mc:Choice Requires='wps'>{box}</mc:Choice>"
            f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
            "<w:p><w:moveFrom w:id='1'><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>"
            "<w:p><w:moveTo w:id='1'><w:r><w:t>moved</w:t></w:r></w:moveTo></w:p>"
        )
        path = write_docx(tmp_path / "a.docx", body)
        assert layer_of(path, DocumentFormat.DOCX) == "boxedmoved"
        assert findings_of(path).share_lost == 0

    def test_text_over_pieces_of_a_part_is_whole(self, tmp_path):
        path = tmp_path / "a.docx"
        text = "wörter &amp; " * 200_000
        write_docx(path, paragraph(text))
        assert layer_of(path, DocumentFormat.DOCX) == text.replace("&amp;", "&")

    def test_damaged_part_of_the_layer_is_no_failure(self, tmp_path):
        path = tmp_path / "a.docx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.xml", "<a/>")
        assert layer_of(path, DocumentFormat.ODT) == ""

    def test_rich_text_and_old_word_files_are_compared_too(self, tmp_path):
        rich = tmp_path / "a.rtf"
        rich.write_text(
            r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\info{\title Not text}}The crane{\v  secret} of"
            r" \u272? {\*\unknown not text}{\field{\*\fldinst HYPERLINK x}{\fldrslt berth}} 7.\par}"
        )
        assert layer_of(rich, DocumentFormat.RTF) == "The crane secret of \u0110 berth 7."
        found = findings_of(rich)
        assert (found.share_lost, found.hidden_chars) == (0, 6)
        old = write_doc(tmp_path / "a.doc", ["Cranes", "See \x13HYPERLINK x\x14berth\x15 7."])
        assert layer_of(old, DocumentFormat.DOC).split() == ["Cranes", "See", "berth", "7."]
        assert findings_of(old).share_lost == 0
        # Only this look needs the table of pieces.
        old.write_bytes(old.read_bytes()[:3_000])
        assert layer_of(old, DocumentFormat.DOC) == ""


class TestRemarks:
    def test_hidden_text_is_told(self, tmp_path):
        hidden = "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret note</w:t></w:r></w:p>"
        found = findings_of(write_docx(tmp_path / "a.docx", paragraph("Seen.") + hidden))
        assert codes(found) == ["hidden_left_out"]
        assert "11 characters" in found.warnings[0].message
        assert found.share_lost == 0

    async def test_warnings_come_through_the_sandbox(self, tmp_path, parser: SandboxedParser):
        path = tmp_path / "a.txt"
        path.write_bytes("Приказ № 15".encode("cp1251"))
        async with parser.open(path, path.name) as document:
            blocks = [block async for block in document.blocks()]
        assert blocks == [Block(BlockKind.PARAGRAPH, "Приказ № 15")]
        assert [warning.code for warning in document.warnings] == ["encoding_unsure"]
