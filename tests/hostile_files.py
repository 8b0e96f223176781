"""Writes files that are broken, mislabelled, locked or made to hurt a reader.

`write_all(folder)` writes one of each; the names tell what is wrong with them.
"""

import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from document_files import (
    CONTENT_TYPES,
    W,
    paragraph,
    relations,
    write_compound,
    write_docx,
    write_epub,
    write_odf,
    write_pdf,
    write_xlsx,
    write_zip,
)

PROSE = "The warehouse opens at seven and closes at nineteen hours."


def epub_of_nothing(path: Path) -> None:
    """Its container names no book."""
    container = "<container><rootfiles/></container>"
    write_zip(path, {"mimetype": "application/epub+zip", "META-INF/container.xml": container})


def empty(path: Path) -> None:
    path.write_bytes(b"")


def blank(path: Path) -> None:
    path.write_bytes(b" \r\n\t\n" * 100)


def only_zeros(path: Path) -> None:
    path.write_bytes(bytes(10_000))


def truncated_pdf(path: Path) -> None:
    write_pdf(path, [[PROSE]] * 5)
    path.write_bytes(path.read_bytes()[:200])


def pdf_without_pages(path: Path) -> None:
    write_pdf(path, [])


def pdf_without_text(path: Path) -> None:
    write_pdf(path, [[], []])


def pdf_of_many_objects(path: Path) -> None:
    write_pdf(path, [[PROSE]], extra_objects=100_000)


def pdf_page_loop(path: Path) -> None:
    """The page tree is its own child."""
    write_pdf(path, [[PROSE]])
    path.write_bytes(path.read_bytes().replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"))


def locked_pdf(path: Path) -> None:
    write_pdf(path, [[PROSE]], password=("open sesame", "owner"))


def pdf_locked_for_owner_only(path: Path) -> None:
    write_pdf(path, [[PROSE]], password=("", "owner"))


def pdf_named_docx(path: Path) -> None:
    write_pdf(path, [[PROSE]])


def docx_named_pdf(path: Path) -> None:
    write_docx(path, paragraph(PROSE))


def html_named_doc(path: Path) -> None:
    path.write_text(f"<html><body><p>{PROSE}</p></body></html>")


def text_named_pdf(path: Path) -> None:
    path.write_text(PROSE * 20)


def binary_named_txt(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def program_named_txt(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(5_000) + b"printf" * 100)


def picture_named_md(path: Path) -> None:
    path.write_bytes(b"GIF89a" + random.Random(2).randbytes(4_000))


def unknown_name(path: Path) -> None:
    path.write_text(PROSE)


def text_with_zeros(path: Path) -> None:
    path.write_bytes(PROSE.encode() + b"\x00\x00 and \x00more of it. " + b"word " * 200)


def text_with_surrogates(path: Path) -> None:
    """UTF-8 cannot hold lone surrogates: CESU and careless programs write them all the same."""
    path.write_bytes(PROSE.encode() * 20 + b"\xed\xa0\x80\xed\xbf\xbf end.")


def text_with_direction_marks(path: Path) -> None:
    path.write_text(f"Invoice \u202efdp.exe\u202c \u2067{PROSE}\u2069\u200f", "utf-8")


def text_of_one_line(path: Path) -> None:
    path.write_text("word " * 200_000)


def zip_bomb_docx(path: Path) -> None:
    """Some sixty kilobytes that unpack to 60 MiB."""
    write_docx(path, paragraph(PROSE))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        piece = b" " * (1 << 20)
        with archive.open("word/media.xml", "w", force_zip64=True) as part:
            for _ in range(60):
                part.write(piece)


def lying_zip_docx(path: Path) -> None:
    """The directory says 100 bytes, the part unpacks to 20 MiB."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeezer.compress(b"<w:p/>" * ((20 << 20) // 6)) + squeezer.flush()
    write_docx(path, paragraph(PROSE))
    name = b"word/document.xml"
    head = struct.pack(
        "<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), 100, len(name), 0
    )
    with zipfile.ZipFile(path) as archive:
        parts = {
            i.filename: archive.read(i) for i in archive.infolist() if i.filename != name.decode()
        }
    write_zip(path, parts)
    raw = path.read_bytes()
    end = raw.rindex(b"PK\5\6")
    start = struct.unpack_from("<I", raw, end + 16)[0]
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), 100,
        len(name), 0, 0, 0, 0, 0, start,
    ) + name  # fmt: skip
    directory = entry + raw[start:end]
    body = raw[:start] + head + name + packed
    tail = struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, len(parts) + 1, len(parts) + 1, len(directory), len(body), 0
    )
    path.write_bytes(body + directory + tail)


def many_parts_docx(path: Path) -> None:
    write_docx(path, paragraph(PROSE))
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(20_000):
            archive.writestr(f"x/{number}", b"")


def nested_zip(path: Path) -> None:
    inner = path.with_suffix(".inner")
    write_zip(inner, {"a.txt": PROSE})
    write_zip(path, {"inner.zip": inner.read_bytes()})
    inner.unlink()


def cut_docx(path: Path) -> None:
    write_docx(path, paragraph(PROSE) * 500)
    path.write_bytes(path.read_bytes()[:-400])


def broken_docx(path: Path) -> None:
    write_zip(
        path,
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "_rels/.rels": relations([("m", "officeDocument", "word/document.xml")]),
            "word/document.xml": "<w:document><w:body><w:p>",
        },
    )


def entity_bomb_docx(path: Path) -> None:
    """A billion laughs: ten levels of ten references each."""
    entities = '<!ENTITY e0 "laughing out loud ">' + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)
    )
    write_zip(
        path,
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "_rels/.rels": relations([("m", "officeDocument", "word/document.xml")]),
            "word/document.xml": f"<!DOCTYPE d [{entities}]><w:document {W}><w:body>"
            "<w:p><w:r><w:t>&e9;</w:t></w:r></w:p></w:body></w:document>",
        },
    )


def entity_bomb_xml(path: Path) -> None:
    entities = '<!ENTITY e0 "laughing out loud ">' + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)
    )
    path.write_text(f'<?xml version="1.0"?><!DOCTYPE d [{entities}]><d><p>&e9;</p></d>')


def deep_docx(path: Path) -> None:
    """Tables in tables, 3,000 deep."""
    deep = "<w:tbl><w:tr><w:tc>" * 3_000 + paragraph(PROSE) + "</w:tc></w:tr></w:tbl>" * 3_000
    write_docx(path, deep)


def deep_html(path: Path) -> None:
    path.write_text("<html><body>" + "<div><ul><li>" * 20_000 + PROSE)


def deep_tables_html(path: Path) -> None:
    path.write_text("<html><body>" + "<table><tr><td>" * 5_000 + PROSE)


def deep_json(path: Path) -> None:
    path.write_text("[" * 200_000 + "]" * 200_000)


def deep_xml(path: Path) -> None:
    path.write_text("<?xml version='1.0'?>" + "<a>" * 50_000 + PROSE + "</a>" * 50_000)


def broken_json(path: Path) -> None:
    path.write_text('{"a": [1, 2,')


def unclosed_html(path: Path) -> None:
    path.write_text(f"<html><body><nav><ul><li>{PROSE}")


def wide_csv(path: Path) -> None:
    path.write_text(",".join(f"c{n}" for n in range(20_000)) + "\n" + "1," * 20_000)


def csv_with_open_quote(path: Path) -> None:
    path.write_text('name,note\nanna,"' + "open for ever\n" * 100_000)


def xlsx_with_huge_dimension(path: Path) -> None:
    """Claims the last row and column that exist."""
    write_xlsx(path, {"Sheet": [["name", "price"], ["sonde", 3]]})
    with zipfile.ZipFile(path) as archive:
        parts = {item.filename: archive.read(item) for item in archive.infolist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"</sheetData>", far)
    write_zip(path, parts)


def locked_docx(path: Path) -> None:
    write_compound(path, {"EncryptionInfo": b"\x04\x00\x04\x00", "EncryptedPackage": bytes(5_000)})


def locked_doc(path: Path) -> None:
    write_compound(path, {"WordDocument": b"\xec\xa5\xc1\x00" + bytes(6) + b"\x00\x13"})


def locked_xls(path: Path) -> None:
    begin = struct.pack("<HH4s", 0x809, 4, b"") + struct.pack("<HH6s", 0x2F, 6, b"")
    write_compound(path, {"Workbook": begin})


def unknown_compound(path: Path) -> None:
    write_compound(path, {"Thumbs": b"x"})


def looped_compound(path: Path) -> None:
    """The directory's chain of sectors has no end."""
    write_compound(path, {"WordDocument": b"x"})
    raw = bytearray(path.read_bytes())
    raw[512 + 4 : 512 + 8] = struct.pack("<I", 1)
    path.write_bytes(raw)


def locked_odt(path: Path) -> None:
    write_odf(path, "text", "<text:p>x</text:p>")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(
            "META-INF/manifest.xml",
            "<manifest:manifest><manifest:encryption-data/></manifest:manifest>",
        )


def locked_epub(path: Path) -> None:
    write_epub(path, {"one": f"<p>{PROSE}</p>"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(
            "META-INF/encryption.xml",
            '<encryption><EncryptedData><CipherData><CipherReference URI="book/one.xhtml"/>'
            "</CipherData></EncryptedData></encryption>",
        )


def mail_without_end(path: Path) -> None:
    head = "Subject: " + "=?utf-8?q?" * 50 + "\nFrom: <<<>@,;:\nMIME-Version: 1.0\n"
    path.write_text(head + 'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\n' + PROSE)


FILES: dict[str, Callable[[Path], None]] = {
    "empty.txt": empty,
    "blank.md": blank,
    "zeros.txt": only_zeros,
    "truncated.pdf": truncated_pdf,
    "no-pages.pdf": pdf_without_pages,
    "no-text.pdf": pdf_without_text,
    "many-objects.pdf": pdf_of_many_objects,
    "page-loop.pdf": pdf_page_loop,
    "locked.pdf": locked_pdf,
    "owner-locked.pdf": pdf_locked_for_owner_only,
    "really-a-pdf.docx": pdf_named_docx,
    "really-a-docx.pdf": docx_named_pdf,
    "really-html.doc": html_named_doc,
    "really-text.pdf": text_named_pdf,
    "binary.txt": binary_named_txt,
    "program.txt": program_named_txt,
    "picture.md": picture_named_md,
    "what.xyz": unknown_name,
    "zeros-in-text.txt": text_with_zeros,
    "surrogates.txt": text_with_surrogates,
    "direction.txt": text_with_direction_marks,
    "one-line.txt": text_of_one_line,
    "bomb.docx": zip_bomb_docx,
    "lying.docx": lying_zip_docx,
    "many-parts.docx": many_parts_docx,
    "nested.zip": nested_zip,
    "cut.docx": cut_docx,
    "broken.docx": broken_docx,
    "entities.docx": entity_bomb_docx,
    "entities.xml": entity_bomb_xml,
    "deep.docx": deep_docx,
    "deep.html": deep_html,
    "deep-tables.html": deep_tables_html,
    "deep.json": deep_json,
    "deep.xml": deep_xml,
    "broken.json": broken_json,
    "unclosed.html": unclosed_html,
    "wide.csv": wide_csv,
    "open-quote.csv": csv_with_open_quote,
    "dimension.xlsx": xlsx_with_huge_dimension,
    "locked.docx": locked_docx,
    "locked.doc": locked_doc,
    "locked.xls": locked_xls,
    "unknown.doc": unknown_compound,
    "nothing.epub": epub_of_nothing,
    "looped.doc": looped_compound,
    "locked.odt": locked_odt,
    "locked.epub": locked_epub,
    "endless.eml": mail_without_end,
}


def write_all(folder: Path) -> list[Path]:
    """Write one of each."""
    paths: list[Path] = []
    for name, write in FILES.items():
        write(folder / name)
        paths.append(folder / name)
    return paths


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_all(target)
