"""Writes small well-formed files of many formats, with nothing but the standard library."""

import hashlib
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CONTENT_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'

Bookmark = tuple[str, str, str]
"""Id, kind and target of a relation."""


def write_zip(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def relations(items: Iterable[Bookmark]) -> str:
    inner = "".join(
        f'<Relationship Id="{key}" Type="{RELATION}/{kind}" Target="{target}"/>'
        for key, kind, target in items
    )
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{inner}</Relationships>"
    )


# Word


def paragraph(text: str, style: str = "", extra: str = "") -> str:
    settings = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{settings}{extra}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def numbered(text: str, level: int = 0, style: str = "") -> str:
    number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>'
    return paragraph(text, style, number)


def word_table(rows: Sequence[Sequence[str]]) -> str:
    cells = (
        "".join(f"<w:tc><w:p><w:r><w:t>{cell}</w:t></w:r></w:p></w:tc>" for cell in row)
        for row in rows
    )
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


STYLES = f"""<w:styles {W}>
<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="Clause"/><w:basedOn w:val="H2"/></w:style>
<w:style w:styleId="Pre"><w:name w:val="HTML Preformatted"/></w:style>
</w:styles>"""

NUMBERING = f"""<w:numbering {W}><w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>
<w:lvlText w:val="Article %1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/>
<w:lvlText w:val="%1.%2)"/></w:lvl>
</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>"""


def write_docx(path: Path, body: str, **parts: str) -> Path:
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
        'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:creator>Ann Author</dc:creator></cp:coreProperties>"
    )
    known = [("s", "styles", "styles.xml"), ("n", "numbering", "numbering.xml")]
    known += [(name, name, f"{name}.xml") for name in parts]
    return write_zip(
        path,
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "_rels/.rels": relations(
                [("m", "officeDocument", "word/document.xml"), ("c", "core-properties", "core.xml")]
            ),
            "core.xml": core,
            "word/_rels/document.xml.rels": relations(known),
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": STYLES,
            "word/numbering.xml": NUMBERING,
            **{f"word/{name}.xml": content for name, content in parts.items()},
        },
    )


# PowerPoint


def slide_shape(text: str, kind: str = "", bullet: bool = False) -> str:
    placeholder = f'<p:ph type="{kind}"/>' if kind else ""
    mark = '<a:pPr><a:buChar char="-"/></a:pPr>' if bullet else ""
    return (
        f"<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr>"
        f"<p:txBody><a:p>{mark}<a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def write_pptx(path: Path, slides: Sequence[str], notes: Mapping[int, str] | None = None) -> Path:
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": relations([("m", "officeDocument", "ppt/presentation.xml")]),
        "ppt/presentation.xml": f"<p:presentation {P} {R}><p:sldIdLst>"
        + "".join(f'<p:sldId id="{n}" r:id="s{n}"/>' for n in range(len(slides)))
        + "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            (f"s{n}", "slide", f"slides/slide{n}.xml") for n in range(len(slides))
        ),
    }
    for number, shapes in enumerate(slides):
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {P} {A}>{shapes}</p:sld>"
    for number, text in (notes or {}).items():
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relations(
            [("n", "notesSlide", f"../notesSlides/notes{number}.xml")]
        )
        shape = slide_shape(text, "body")
        parts[f"ppt/notesSlides/notes{number}.xml"] = f"<p:notes {P} {A}>{shape}</p:notes>"
    return write_zip(path, parts)


# Excel


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[str | float]]]) -> Path:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts: dict[str, str] = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": relations([("m", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{main}" {R}><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(sheets, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            (f"s{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)
        ),
    }
    for number, rows in enumerate(sheets.values(), 1):
        lines = "".join(
            f'<row r="{r}">' + "".join(_cell(r, c, value) for c, value in enumerate(row)) + "</row>"
            for r, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'
        )
    return write_zip(path, parts)


def _cell(row: int, column: int, value: str | float) -> str:
    if value == "":
        return ""
    place = f"{chr(ord('A') + column)}{row}"
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


# OpenDocument


def write_odf(path: Path, kind: str, body: str, before: str = "") -> Path:
    """Write a text or presentation; `before` stands ahead of the body, where styles do."""
    names = ("office", "text", "table", "draw", "presentation")
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in names)
    return write_zip(
        path,
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {spaces}>{before}<office:body>"
            f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        },
    )


# EPUB


def write_epub(path: Path, chapters: Mapping[str, str]) -> Path:
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in chapters
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    return write_zip(
        path,
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": "<container><rootfiles>"
            '<rootfile full-path="book/content.opf"/></rootfiles></container>',
            "book/content.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            f"<dc:title>A Small Book</dc:title></metadata><manifest>{items}</manifest>"
            f"<spine>{spine}</spine></package>",
            **{
                f"book/{name}.xhtml": f"<html><body>{text}</body></html>"
                for name, text in chapters.items()
            },
        },
    )


# PDF


def write_pdf(
    path: Path,
    pages: Sequence[Sequence[str]],
    *,
    extra_objects: int = 0,
    password: tuple[str, str] | None = None,
) -> Path:
    """Write pages of lines in Helvetica 12, 40 points below each other from the top.

    `password` is user and owner password (40-bit RC4, PDF 1.7 section 7.6.3).
    """
    lock = _Lock(*password) if password else None
    objects: dict[int, bytes] = {}
    first = 4
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(pages)))
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    for n, lines in enumerate(pages):
        number = first + 2 * n
        objects[number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {number + 1} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        shown = b"".join(
            f"BT /F1 12 Tf 50 {780 - 20 * row} Td ({_escape(line)}) Tj ET\n".encode("latin-1")
            for row, line in enumerate(lines)
        )
        if lock:
            shown = lock.encrypt(shown, number + 1)
        objects[number + 1] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown)
    start = max(objects) + 1
    objects |= {start + n: b"null" for n in range(extra_objects)}
    trailer = b"/Root 1 0 R"
    if lock:
        objects[max(objects) + 1] = lock.dictionary
        trailer += b" /Encrypt %d 0 R /ID [<%s> <%s>]" % (max(objects), lock.id, lock.id)
    path.write_bytes(_assemble(objects, trailer))
    return path


def write_pdf_content(
    path: Path, content: str, annotations: Sequence[str] = (), form: str = ""
) -> Path:
    """Write one page of a content stream; F1 is Helvetica. `form` is the catalog's AcroForm."""
    first = 6
    places = " ".join(f"{first + n} 0 R" for n in range(len(annotations)))
    fields = form.replace("FIELDS", places)
    objects: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {fields} >>".encode("latin-1"),
        2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
            f" /Annots [{places}] /Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode(),
        5: b"<< /Length %d >>\nstream\n%s\nendstream"
        % (len(content.encode("latin-1")), content.encode("latin-1")),
    }
    objects |= {first + n: text.encode("latin-1") for n, text in enumerate(annotations)}
    path.write_bytes(_assemble(objects, b"/Root 1 0 R"))
    return path


def write_pdf_with_file(path: Path, name: str, data: bytes) -> Path:
    """Write a page with an embedded file (ISO 32000-1, 7.11.4)."""
    shown = b"BT /F1 12 Tf 50 780 Td (The cover.) Tj ET"
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles"
        b" << /Names [(a) 7 0 R] >> >> >>",
        2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 3 0 R >> >> >>",
        5: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        6: b"<< /Type /EmbeddedFile /Length %d >>\nstream\n%s\nendstream" % (len(data), data),
        7: b"<< /Type /Filespec /F (%s) /UF (%s) /EF << /F 6 0 R >> >>"
        % (name.encode(), name.encode()),
    }
    path.write_bytes(_assemble(objects, b"/Root 1 0 R"))
    return path


def write_objects(path: Path, objects: Mapping[int, bytes]) -> Path:
    """Write a PDF of numbered objects, of which the first is the catalog."""
    path.write_bytes(_assemble(objects, b"/Root 1 0 R"))
    return path


def _escape(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _assemble(objects: Mapping[int, bytes], trailer: bytes) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number in sorted(objects):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, trailer, table)
    return bytes(out)


class _Lock:
    _PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")

    def __init__(self, user: str, owner: str) -> None:
        id_bytes = b"0123456789abcdef"
        self.id = id_bytes.hex().encode()
        padded_user = (user.encode() + self._PAD)[:32]
        padded_owner = ((owner or user).encode() + self._PAD)[:32]
        owner_entry = rc4(_md5(padded_owner)[:5], padded_user)
        rights = struct.pack("<i", -4)
        self._key = _md5(padded_user + owner_entry + rights + id_bytes)[:5]
        user_entry = rc4(self._key, self._PAD)
        self.dictionary = b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (
            owner_entry.hex().encode(),
            user_entry.hex().encode(),
        )

    def encrypt(self, data: bytes, number: int) -> bytes:
        return rc4(_md5(self._key + struct.pack("<I", number)[:3] + b"\0\0")[:10], data)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data).digest()


def rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


# OLE compound files


def write_compound(path: Path, streams: Mapping[str, bytes]) -> Path:
    """Write streams of 4,096 bytes or more ([MS-CFB]: 512-byte sectors, 109 of the FAT at most).

    A name with slashes is that of a stream within folders.
    """
    end, free, fat_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    data = b""
    folders = {name[:at] for name in streams for at, sign in enumerate(name) if sign == "/"}
    # In the order that [MS-CFB] 2.6.4 asks for: each is the right sibling of the one before.
    names = sorted({*streams, *folders}, key=lambda name: (len(name), name.upper()))
    number = {name: index for index, name in enumerate(names, 1)}
    inside: dict[str, list[str]] = {}
    for name in names:
        inside.setdefault(name.rpartition("/")[0], []).append(name)
    first = {folder: number[those[0]] for folder, those in inside.items()}
    right = {a: number[b] for those in inside.values() for a, b in pairwise(those)}
    directory = [_entry("Root Entry", 5, end, 0, first[""])]
    directory_sectors = (len(names) + 1 + 3) // 4
    sectors = directory_sectors + sum(max(-(-len(each) // 512), 8) for each in streams.values())
    fat_sectors = -(-sectors // 127)  # each has places for 127 others and itself
    fat = [fat_mark] * fat_sectors
    fat += [n + fat_sectors + 1 for n in range(directory_sectors - 1)] + [end]
    for name in names:
        own, sibling = name.rpartition("/")[2], right.get(name, free)
        if name in folders:
            directory.append(_entry(own, 1, 0, 0, first[name], right=sibling))
            continue
        content = streams[name].ljust(4096, b"\0")
        content = content.ljust(-(-len(content) // 512) * 512, b"\0")
        start, count = len(fat), len(content) // 512
        fat += [start + n + 1 for n in range(count - 1)] + [end]
        directory.append(_entry(own, 2, start, len(content), free, right=sibling))
        data += content
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, fat_sectors, fat_sectors, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", *range(fat_sectors), *([free] * (109 - fat_sectors)))
    fat += [free] * (128 * fat_sectors - len(fat))
    entries = b"".join(directory).ljust(512 * directory_sectors, b"\0")
    path.write_bytes(header + struct.pack(f"<{len(fat)}I", *fat) + entries + data)
    return path


def _entry(
    name: str, kind: int, start: int, size: int, child: int, right: int = 0xFFFFFFFF
) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    entry = raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1)
    entry += struct.pack("<III", 0xFFFFFFFF, right, child)
    return entry + bytes(36) + struct.pack("<IQ", start, size)
