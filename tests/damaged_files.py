"""Damages sample files of every format, the same ones from the same seed.

A file is taken from the samples, then bits are flipped, stretches cut, zeroed, doubled or exchanged
with those of another file, numbers that may be sizes made huge; parts of a zip are changed within
and packed again, so that the damage is not found by a checksum.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import document_files as files
import sheet_files as sheets
from old_office_files import (
    IN_TABLE,
    ROW_END,
    SUPERSCRIPT,
    Run,
    Shown,
    in_list,
    write_doc,
    write_msg,
    write_ppt,
    write_shown_ppt,
    write_styled_doc,
)

PROSE = "The crane of berth 7 is inspected on 3 November 2026; the fee is 1,250.50 euros."
LIBRARY = Path(__file__).parents[1] / "samples" / "library"

Sample = tuple[str, bytes]


def _made(folder: Path) -> None:
    rows = [["Stone", "Price", "Day"], ["Basalt", sheets.Cell(0.5, "0%", "50%"), "x"]] * 20
    book = {"One": sheets.Sheet(rows), "Two": sheets.Sheet(rows, hidden_rows=frozenset({2}))}
    sheets.write_xlsx_book(folder / "a.xlsx", book)
    sheets.write_xlsb_book(folder / "a.xlsb", book)
    sheets.write_xls_book(folder / "a.xls", book)
    sheets.write_ods_book(folder / "a.ods", book)
    body = files.paragraph("Cranes", "H1") + files.numbered(PROSE)
    files.write_docx(folder / "a.docx", (body + files.word_table([["a", "b"], ["c", "d"]])) * 5)
    slide = files.slide_shape("Cranes", "title") + files.slide_shape(PROSE)
    files.write_pptx(folder / "a.pptx", [slide] * 3, {1: "Say it twice."})
    files.write_odf(
        folder / "a.odt", "text", f"<text:h>Cranes</text:h><text:p>{PROSE}</text:p>" * 5
    )
    page = f'<draw:page draw:name="p"><draw:frame><draw:text-box><text:p>{PROSE}</text:p>'
    page += "</draw:text-box></draw:frame></draw:page>"
    files.write_odf(folder / "a.odp", "presentation", page * 3)
    files.write_epub(
        folder / "a.epub", {"one": f"<h1>Cranes</h1><p>{PROSE}</p>", "two": "<p>x</p>"}
    )
    files.write_pdf(folder / "a.pdf", [[PROSE] * 10, ["Second page.", PROSE]])
    files.write_pdf_with_file(folder / "f.pdf", "inner.txt", PROSE.encode())
    write_doc(folder / "a.doc", ["Cranes", PROSE, PROSE])
    items = [([Run(PROSE, SUPERSCRIPT)], in_list(1 + n % 2), n % 2, "\r") for n in range(6)]
    items += [([Run(PROSE)], IN_TABLE, 0, "\x07"), ([], IN_TABLE + ROW_END, 0, "\x07")]
    write_styled_doc(folder / "b.doc", items, notes=["x"], comments=["y"])
    write_shown_ppt(folder / "b.ppt", [Shown("Cranes", [(PROSE, 30), ("x", 0)], "Notes.")] * 3)
    write_ppt(folder / "a.ppt", [["Cranes", PROSE], ["Ships", PROSE]])
    mail = {"0037001F": "Cranes", "1000001F": PROSE, "0C1A001F": "Ana", "00390040": 1 << 56}
    write_msg(folder / "a.msg", mail, [{"3001001F": "Bo", "0C150003": 1}], [mail])
    table = r"\trowd\cellx1000\cellx2000\intbl a\cell b\cell\row\pard "
    (folder / "a.rtf").write_text(r"{\rtf1\ansi{\b Cranes}\par " + PROSE + r"\par " + table + "}")
    (folder / "a.rst").write_text(f"Cranes\n======\n\n{PROSE}\n\n* one\n* two\n")
    (folder / "a.org").write_text(f"* Cranes\n{PROSE}\n- one\n- two\n")
    (folder / "a.txt").write_text(f"{PROSE}\n\n{PROSE}\n")
    (folder / "wide.txt").write_text(f"Краны\n\n{PROSE}\n", "utf-16")
    (folder / "a.csv").write_text("Stone,Price\n" + 'Basalt,"1,5"\n' * 20)
    (folder / "a.json").write_text('{"cranes": [{"berth": 7, "fee": 1250.5}, {"berth": 8}]}')
    (folder / "a.jsonl").write_text('{"berth": 7, "fee": 1250.5}\n' * 10)
    (folder / "a.xml").write_text(f"<?xml version='1.0'?><cranes><c n='7'>{PROSE}</c></cranes>")
    lines = [
        "Subject: =?utf-8?q?Cr=C3=A4nes?=", "MIME-Version: 1.0", "From: Ana <a@example.org>",
        'Content-Type: multipart/mixed; boundary="b"', "", "--b",
        "Content-Type: text/plain; charset=iso-8859-1", "", PROSE, "--b",
        "Content-Type: text/html", "Content-Transfer-Encoding: quoted-printable", "",
        f"<p>{PROSE}</p>", "--b", 'Content-Type: application/pdf; name="a.pdf"',
        "Content-Transfer-Encoding: base64", "", "JVBERi0xLjQK", "--b--", "",
    ]  # fmt: skip
    (folder / "a.eml").write_text("\r\n".join(lines))


def _written(folder: Path) -> None:
    """Formats of text with a beginning of their own."""
    (folder / "a.svg").write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg'><text x='1' y='9'>{PROSE}</text></svg>"
    )
    event = f"BEGIN:VEVENT\r\nDTSTART:20261103T090000Z\r\nSUMMARY:{PROSE}\r\nEND:VEVENT\r\n"
    calendar = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{event * 3}END:VCALENDAR\r\n"
    (folder / "a.ics").write_text(calendar, newline="")
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana Crane\r\nNOTE:{PROSE}\r\nEND:VCARD\r\n"
    (folder / "a.vcf").write_text(card * 3, newline="")
    letter = (
        f"From ana@example.org Tue Nov  3 09:00:00 2026\nFrom: Ana\nSubject: Cranes\n\n{PROSE}\n\n"
    )
    (folder / "a.mbox").write_text(letter * 3)
    cell = "<Cell><Data ss:Type='Number'>0.5</Data></Cell>"
    (folder / "sheets.xml").write_text(
        "<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?>"
        "<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' "
        "xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'><Worksheet ss:Name='One'><Table>"
        f"{('<Row>' + cell * 3 + '</Row>') * 20}</Table></Worksheet></Workbook>"
    )


def _picture() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(64) for _ in range(64)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def samples() -> list[Sample]:
    """Whole files by name, one at least of each format that is read."""
    with TemporaryDirectory() as folder:
        _made(Path(folder))
        _written(Path(folder))
        found = [(path.name, path.read_bytes()) for path in sorted(Path(folder).iterdir())]
    found += [(path.name, path.read_bytes()) for path in sorted(LIBRARY.iterdir())]
    picture = _picture()
    found += [("a.png", picture), ("a.jpg", b"\xff\xd8\xff\xe0" + picture)]
    found += [("a.tiff", b"II*\0" + picture), ("a.webp", b"RIFF\0\1\0\0WEBP" + picture)]
    return found


def _flipped(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 20))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _cut(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    return data[: draw.randrange(1, len(data) + 1)]


def _stretch(draw: random.Random, data: bytes) -> tuple[int, int]:
    start = draw.randrange(len(data))
    return start, min(len(data), start + draw.choice((1, 4, 64, 512, 4096)))


def _zeroed(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    start, end = _stretch(draw, data)
    return data[:start] + bytes(end - start) + data[end:]


def _removed(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    start, end = _stretch(draw, data)
    return data[:start] + data[end:]


def _doubled(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    start, end = _stretch(draw, data)
    return data[:end] + data[start:end] * draw.choice((1, 2, 50)) + data[end:]


def _noise(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    start, end = _stretch(draw, data)
    return data[:start] + draw.randbytes(end - start) + data[end:]


def _spliced(draw: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = _stretch(draw, data)
    at = draw.randrange(len(other))
    return data[:start] + other[at : at + end - start] + data[end:]


def _lying(draw: random.Random, data: bytes, _other: bytes) -> bytes:
    """A number that may be a size, an offset or a count becomes another one."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 4))):
        size = draw.choice((1, 2, 4, 8))
        at = draw.randrange(max(len(data) - size, 1))
        value = draw.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63, 65_535, 255, len(data) + 1))
        changed[at : at + size] = (value % 2 ** (8 * size)).to_bytes(
            size, draw.choice(("little", "big"))
        )
    return bytes(changed)


Damage = Callable[[random.Random, bytes, bytes], bytes]
RAW: tuple[Damage, ...] = (
    _flipped, _cut, _zeroed, _removed, _doubled, _noise, _spliced, _lying
)  # fmt: skip


def _repacked(draw: random.Random, data: bytes, other: bytes) -> bytes:
    """A zip with damaged, missing, exchanged or foreign parts, which is a whole zip itself."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    names = [name for name in parts if parts[name]]
    for _ in range(draw.choice((1, 1, 3))):
        first, second = draw.choice(names), draw.choice(names)
        match draw.randrange(5):
            case 0:
                parts[first], parts[second] = parts[second], parts[first]
            case 1:
                parts.pop(first, None)
                names = [name for name in names if name in parts] or [second]
                parts.setdefault(names[0], b"x")
            case 2:
                parts[first] = other[: draw.randrange(1, len(other))]
            case _:
                damage = draw.choice(RAW)
                parts[first] = damage(draw, parts[first] or b"x", other) or b"x"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def damaged(count: int, seed: int = 14) -> Iterator[Sample]:
    """Yield damaged files; of every format as many, whatever the number."""
    draw = random.Random(seed)
    known = samples()
    by_kind: dict[str, list[Sample]] = {}
    for name, data in known:
        by_kind.setdefault(Path(name).suffix, []).append((name, data))
    kinds = sorted(by_kind)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        name, data = draw.choice(by_kind[kind])
        _, other = draw.choice(known)
        is_zip = data.startswith(b"PK")
        damage = _repacked if is_zip and draw.random() < 0.6 else draw.choice(RAW)
        for _ in range(draw.choice((1, 1, 2))):
            data = damage(draw, data or b"x", other)
            damage = draw.choice(RAW) if not is_zip else damage
        yield f"{number:04d}{kind}", data
