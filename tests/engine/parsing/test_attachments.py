"""Files within mails and PDFs are handed out by name."""

import struct
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from document_files import (
    R,
    paragraph,
    relations,
    write_compound,
    write_docx,
    write_pdf_with_file,
    write_zip,
)

from citewell.engine.parsing.base import ParseError
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_attachments
from citewell.engine.parsing.sandbox import SandboxedParser


def names(path: Path) -> list[tuple[str, int]]:
    return [(name, len(data)) for name, data in read_attachments(path, path.name, ParseLimits())]


class TestAttachments:
    def test_files_of_a_mail_are_told_from_its_texts_and_pictures(self, read, tmp_path):
        message = EmailMessage()
        message["Subject"] = "Plans"
        message.set_content("See below.")
        message.add_related(b"GIF89a", "image", "gif", cid="<logo>", filename="logo.gif")
        for kind, name in [
            ("application/pdf", ""), ("application/pdf", "C:\\x\\a.pdf"), ("text/csv", "n.csv"),
            ("application/octet-stream", "b.docx"), ("application/pkcs7-signature", "smime.p7s"),
            ("application/zip", "c.zip"), ("message/rfc822", ""),
        ]:  # fmt: skip
            main, sub = kind.split("/")
            if kind == "message/rfc822":
                inner = EmailMessage()
                inner["Subject"] = "Forwarded"
                inner.set_content("The gate code is 4711.")
                inner.add_attachment(b"abc", "application", "pdf", filename="inner.pdf")
                message.add_attachment(inner)
            elif main == "text":
                message.add_attachment("a,b\n1,2\n", subtype=sub, filename=name)
            else:
                message.add_attachment(b"data", main, sub, filename=name or None)
        path = tmp_path / "m.eml"
        path.write_bytes(message.as_bytes())
        expected = [("attachment-1.pdf", 4), ("a.pdf", 4), ("b.docx", 4), ("inner.pdf", 3)]
        assert names(path) == expected
        info, blocks = read(path)
        assert info.attachments == tuple(name for name, _ in expected)
        texts = [block.text for block in blocks]
        assert "The gate code is 4711." in texts
        assert texts[-1] == (
            "Attachments: attachment-1.pdf, a.pdf, b.docx, inner.pdf\n"
            "Attachments that are not read: c.zip"
        )

    def test_attached_texts_are_read_by_the_reader_of_their_format(self, read, tmp_path):
        message = EmailMessage()
        message["Subject"] = "Closing times"
        message.set_content("See below.")
        csv = "Ward,Closes\nCafé,11:30\nRadiology,12:15\n".encode("cp850")
        message.add_attachment(csv, "text", "csv", filename="a.csv", params={"charset": "cp850"})
        for name, kind, content in (
            ("rooms.tsv", "plain", "Room\tSeats\nElm\t12\nOak\t30\n"),
            ("notes.md", "plain", "# Wards\n\n- Ward B closes.\n"),
            ("page.txt", "html", "<h2>Parking</h2><p>Bay 7.</p>"),
            (
                "list.txt",
                "plain",
                "Ward       Floor   Beds\nNorth      1       12\nSouth      2       30\n"
                "West       3       18\n",
            ),
        ):
            message.add_attachment(content, subtype=kind, filename=name)
        path = tmp_path / "m.eml"
        path.write_bytes(message.as_bytes())
        _, blocks = read(path)
        told = [(block.kind.value, block.level, block.text) for block in blocks[2:]]
        assert told == [
            ("heading", 2, "a.csv"),
            ("table", 0, "Ward | Closes\nCafé | 11:30\nRadiology | 12:15"),
            ("heading", 2, "rooms.tsv"),
            ("table", 0, "Room | Seats\nElm | 12\nOak | 30"),
            ("heading", 2, "notes.md"),
            ("heading", 3, "Wards"),
            ("list_item", 0, "Ward B closes."),
            ("heading", 2, "page.txt"),
            ("heading", 2, "Parking"),
            ("paragraph", 0, "Bay 7."),
            ("heading", 2, "list.txt"),
            ("table", 0, "Ward | Floor | Beds\nNorth | 1 | 12\nSouth | 2 | 30\nWest | 3 | 18"),
        ]

    async def test_files_of_a_pdf_come_whole_through_the_sandbox(self, parser, read, tmp_path):
        data = b"The price is 71.30.\n" * 300_000
        path = write_pdf_with_file(tmp_path / "a.pdf", "notes.txt", data)
        assert names(path) == [("notes.txt", len(data))]
        _, blocks = read(path)
        assert blocks[-1].text == "Attachments: notes.txt"
        assert blocks[-1].page == 1
        assert isinstance(parser, SandboxedParser)
        async with parser.attachments(path, "a.pdf") as files:
            assert [(each.name, each.content.read() == data) for each in files] == [
                ("notes.txt", True)
            ]
        async with parser.open(path, "a.pdf") as document:
            assert document.info.attachments == ("notes.txt",)


def tnef(*attributes: tuple[int, bytes]) -> bytes:
    """A `winmail.dat` ([MS-OXTNEF] 2.1)."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    for kind, value in attributes:
        out += struct.pack("<BII", 1, kind, len(value)) + value
        out += struct.pack("<H", sum(value) & 0xFFFF)
    return out


def long_name(name: str) -> bytes:
    """Properties with the long name of a file behind one of another kind and a named one."""
    raw = name.encode("utf-16-le") + b"\0\0"
    named = struct.pack("<HH16sIII", 0x03, 0x8001, bytes(16), 0, 7, 5)
    text = struct.pack("<HHII", 0x1F, 0x3707, 1, len(raw)) + raw + bytes(-len(raw) % 4)
    return struct.pack("<I", 3) + struct.pack("<HHI", 0x03, 0x3705, 1) + named + text


class TestOutlookMails:
    def test_wrapped_texts_and_files_are_read(self, read, tmp_path):
        wrapped = tnef(
            (0x0002800C, b"The gate code is 4711.\0"),
            (0x00069002, bytes(14)), (0x00018010, b"PLAN~1.PDF\0"), (0x0006800F, b"%PDF-1"),
            (0x00069005, long_name("pl\u00e4ne.pdf")),
            (0x00069002, bytes(14)), (0x00018010, b"n.xyz\0"), (0x0006800F, b"zz"),
        )  # fmt: skip
        message = EmailMessage()
        message["Subject"] = "Plans"
        message.add_attachment(wrapped, "application", "ms-tnef", filename="winmail.dat")
        path = tmp_path / "m.eml"
        path.write_bytes(message.as_bytes())
        assert names(path) == [("pl\u00e4ne.pdf", 6)]
        _, blocks = read(path)
        assert [block.text for block in blocks] == [
            "Plans", "The gate code is 4711.",
            "Attachments: pl\u00e4ne.pdf\nAttachments that are not read: n.xyz",
        ]  # fmt: skip
        for size in range(0, len(wrapped), 3):
            broken = EmailMessage()
            broken["Subject"] = "Plans"
            cut = wrapped[:size]
            broken.add_attachment(cut, "application", "ms-tnef", filename="winmail.dat")
            path.write_bytes(broken.as_bytes())
            # Part of the text, or the name of what could not be read.
            assert read(path)[1][-1].text != "Plans", size

    def test_mails_in_utf16_are_read(self, read, tmp_path):
        text = "Subject: Ngh\u1ec9 ph\u00e9p\nMIME-Version: 1.0\nFrom: a@example.org\n"
        text += "Content-Type: text/plain; charset=utf-16\n\n\u0110i\u1ec1u 7.\n"
        path = tmp_path / "m.eml"
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
            path.write_bytes(text.encode(encoding))
            info, blocks = read(path)
            assert info.title == "Ngh\u1ec9 ph\u00e9p", encoding
            assert blocks[-1].text == "\u0110i\u1ec1u 7.", encoding


class TestPartsOfOtherFormats:
    def test_chunks_of_a_word_document_are_its_text(self, read, tmp_path):
        inner = write_docx(tmp_path / "i.docx", paragraph("From Word.")).read_bytes()
        kinds = {
            "h.html": b"<p>From <b>HTML</b>: 10<sup>3</sup></p>",
            "r.rtf": b"{\\rtf1 30{\\super 1}}", "t.txt": b"From text.",
            "d.docx": inner, "x.bin": b"??",
        }  # fmt: skip
        rels = [(f"c{n}", "aFChunk", name) for n, name in enumerate(kinds)]
        body = paragraph("First.") + "".join(f'<w:altChunk r:id="c{n}"/>' for n in range(6))
        path = write_docx(tmp_path / "a.docx", body + paragraph("Last."))
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["word/_rels/document.xml.rels"] = relations(rels)
        main = parts["word/document.xml"]
        parts["word/document.xml"] = main.replace(b"<w:document ", f"<w:document {R} ".encode(), 1)
        _, blocks = read(write_zip(path, parts | {f"word/{n}": data for n, data in kinds.items()}))
        assert [block.text for block in blocks] == [
            "First.", "From HTML: 10\u00b3", "30\u00b9", "From text.", "From Word.", "Last."
        ]  # fmt: skip

    def test_word_6_is_said_plainly(self, read, tmp_path):
        path = write_compound(tmp_path / "a.doc", {"WordDocument": b"\xdc\xa5\x65\x00"})
        with pytest.raises(ParseError, match="Word 6 or 95"):
            read(path)
