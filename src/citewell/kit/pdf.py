"""PDF files of paragraphs, with fonts embedded, so that every reader shows the same."""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from citewell.kit.truetype import Font

WIDTH, HEIGHT = 595.0, 842.0
"""A4, in points."""

MARGIN = 56.0

LEADING = 1.42
"""Height of a line by the size of its letters."""

FOOT_SIZE = 8.0

_FOOT_AT = 30.0

_GREY = 0.4

# Separators of words; a space that shall not break a line is not among them.
_SPACES = re.compile(r"[ \t]+")

_CMAP_HEAD = (
    "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
    "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
    "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
)
_CMAP_FOOT = "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"

_AT_ONCE = 100
"""Entries that one block of a character map may have."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text that is broken into lines; its own line breaks are kept.

    Args:
        text: In any script; what the font lacks is shown as a box.
        size: Of its letters, in points.
        is_bold: In the second font.
        is_grey: Not in black.
        indent: Distance of its lines from the margin, in points.
        hang: How far the first line begins before the others.
        space: Above it, in points.
        holds_next: Whether it must not be the last one of a page.
    """

    text: str
    size: float = 10.5
    is_bold: bool = False
    is_grey: bool = False
    indent: float = 0.0
    hang: float = 0.0
    space: float = 6.0
    holds_next: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    x: float
    y: float
    style: Paragraph


@dataclass(slots=True)
class _Face:
    """A font of a file, and the characters of it that are used."""

    font: Font
    used: dict[int, str] = field(default_factory=dict[int, str])

    def shown(self, text: str) -> str:
        """Text as the numbers of its glyphs."""
        numbers: list[str] = []
        for character in text:
            glyph = self.font.glyph(character)
            self.used.setdefault(glyph, character if glyph else "\ufffd")
            numbers.append(f"{glyph:04X}")
        return "".join(numbers)


class _Objects:
    """The numbered objects of a file."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []

    def reserve(self) -> int:
        """The number of an object that is written later."""
        self._bodies.append(b"")
        return len(self._bodies)

    def put(self, number: int, body: str) -> None:
        self._bodies[number - 1] = body.encode("latin-1")

    def add(self, body: str) -> int:
        """Add an object; its number."""
        number = self.reserve()
        self.put(number, body)
        return number

    def add_stream(self, data: bytes, more: str = "") -> int:
        """Add packed data; its number."""
        packed = zlib.compress(data, 9)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode {more}>>\nstream\n"
        self._bodies.append(head.encode("latin-1") + packed + b"\nendstream")
        return len(self._bodies)

    def file(self, root: int, about: int) -> bytes:
        """All of them as a file."""
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places: list[int] = []
        for number, body in enumerate(self._bodies, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += "".join(f"{place:010} 00000 n \n" for place in places).encode()
        size = len(places) + 1
        out += f"trailer\n<< /Size {size} /Root {root} 0 R /Info {about} 0 R >>\n".encode()
        return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())


def make_pdf(title: str, paragraphs: Iterable[Paragraph], plain: Font, bold: Font) -> bytes:
    """A file of A4 pages that are numbered.

    Args:
        title: Name of the document, which readers show.
        paragraphs: From top to bottom.
        plain: The font of the text.
        bold: That of headings.
    """
    faces = {False: _Face(plain), True: _Face(bold)}
    pages = _pages([_normal(each) for each in paragraphs], faces)
    objects = _Objects()
    tree = objects.reserve()
    contents = [
        objects.add_stream(_content(lines, f"{number} / {len(pages)}", faces))
        for number, lines in enumerate(pages, 1)
    ]
    fonts = " ".join(f"/F{int(key)} {_embedded(objects, face)} 0 R" for key, face in faces.items())
    leaves = [
        objects.add(
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {WIDTH:g} {HEIGHT:g}]"
            f" /Resources << /Font << {fonts} >> >> /Contents {content} 0 R >>"
        )
        for content in contents
    ]
    kids = " ".join(f"{leaf} 0 R" for leaf in leaves)
    objects.put(tree, f"<< /Type /Pages /Count {len(leaves)} /Kids [{kids}] >>")
    root = objects.add(f"<< /Type /Catalog /Pages {tree} 0 R >>")
    about = objects.add(f"<< /Title <{_utf16(chr(0xFEFF) + title)}> /Producer (Citewell) >>")
    return objects.file(root, about)


def _normal(paragraph: Paragraph) -> Paragraph:
    """The paragraph with letters and their marks as one character each, and nothing unseen."""
    text = unicodedata.normalize("NFC", paragraph.text)
    shown = "".join(
        each for each in text if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf")
    )
    return replace(paragraph, text=shown)


def _pages(paragraphs: list[Paragraph], faces: dict[bool, _Face]) -> list[list[_Line]]:
    """The lines of each page."""
    pages: list[list[_Line]] = [[]]
    y = HEIGHT - MARGIN
    for paragraph in paragraphs:
        height = paragraph.size * LEADING
        # A heading needs room for two lines of what it heads.
        needed = height * (3 if paragraph.holds_next else 1)
        y -= paragraph.space if pages[-1] else 0
        if y - needed < MARGIN:
            pages.append([])
            y = HEIGHT - MARGIN
        for number, text in enumerate(_broken(paragraph, faces[paragraph.is_bold].font)):
            if y - height < MARGIN and pages[-1]:
                pages.append([])
                y = HEIGHT - MARGIN
            y -= height
            hang = paragraph.hang if number == 0 else 0.0
            x = MARGIN + paragraph.indent - hang
            pages[-1].append(_Line(text, x, y, paragraph))
    return pages


def _broken(paragraph: Paragraph, font: Font) -> Iterator[str]:
    room = WIDTH - 2 * MARGIN - paragraph.indent
    gap = font.width(" ", paragraph.size)
    for whole in paragraph.text.split("\n"):
        line: list[str] = []
        left = room
        for word, width in _fitting(_SPACES.split(whole), font, paragraph.size, room):
            if line and gap + width > left:
                yield " ".join(line)
                line, left = [], room
            left -= width + (gap if line else 0)
            line.append(word)
        yield " ".join(line)


def _fitting(
    words: Iterable[str], font: Font, size: float, room: float
) -> Iterator[tuple[str, float]]:
    """The words with their widths, those that are longer than a line in pieces."""
    for word in words:
        piece, width = "", 0.0
        for character in word:
            own = font.width(character, size)
            if piece and width + own > room:
                yield piece, width
                piece, width = "", 0.0
            piece += character
            width += own
        if piece:
            yield piece, width


def _content(lines: list[_Line], foot: str, faces: dict[bool, _Face]) -> bytes:
    """The operators that draw a page."""
    small = Paragraph("", FOOT_SIZE, is_grey=True)
    across = (WIDTH - faces[False].font.width(foot, FOOT_SIZE)) / 2
    drawn = [*lines, _Line(foot, across, _FOOT_AT, small)]
    parts = [
        f"BT {_GREY if line.style.is_grey else 0:g} g /F{int(line.style.is_bold)}"
        f" {line.style.size:g} Tf {line.x:.2f} {line.y:.2f} Td"
        f" <{faces[line.style.is_bold].shown(line.text)}> Tj ET"
        for line in drawn
        if line.text
    ]
    return "\n".join(parts).encode("ascii")


def _embedded(objects: _Objects, face: _Face) -> int:
    """Add a font; its number."""
    font = face.font
    file = objects.add_stream(font.data, f"/Length1 {len(font.data)} ")
    box = " ".join(map(str, font.box))
    described = objects.add(
        f"<< /Type /FontDescriptor /FontName /{font.name} /Flags 32 /FontBBox [{box}]"
        f" /ItalicAngle 0 /Ascent {font.ascent} /Descent {font.descent}"
        f" /CapHeight {font.ascent} /StemV 80 /FontFile2 {file} 0 R >>"
    )
    widths = " ".join(f"{glyph} [{font.widths[glyph]}]" for glyph in sorted(face.used))
    inner = objects.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{font.name}"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        f" /FontDescriptor {described} 0 R /DW 600 /W [{widths}] /CIDToGIDMap /Identity >>"
    )
    meaning = objects.add_stream(_meaning(face).encode("ascii"))
    return objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{font.name} /Encoding /Identity-H"
        f" /DescendantFonts [{inner} 0 R] /ToUnicode {meaning} 0 R >>"
    )


def _meaning(face: _Face) -> str:
    """The characters of the glyphs, so that text can be found and copied."""
    entries = [f"<{glyph:04X}> <{_utf16(text)}>" for glyph, text in sorted(face.used.items())]
    blocks: list[str] = []
    for first in range(0, len(entries), _AT_ONCE):
        some = entries[first : first + _AT_ONCE]
        blocks.append(f"{len(some)} beginbfchar\n" + "\n".join(some) + "\nendbfchar\n")
    return _CMAP_HEAD + "".join(blocks) + _CMAP_FOOT


def _utf16(text: str) -> str:
    return text.encode("utf-16-be", "replace").hex().upper()
