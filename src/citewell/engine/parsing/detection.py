"""Detects the format of a file: by its content first, by its name second."""

import re
from pathlib import Path, PurePosixPath

from citewell.engine.parsing.archives import inspect_archive, locked_error
from citewell.engine.parsing.base import ParseError, ParseFailure
from citewell.engine.parsing.compound import MAGIC as COMPOUND_MAGIC
from citewell.engine.parsing.compound import CompoundFile, CompoundFileError
from citewell.engine.parsing.encoding import SAMPLE, choose_encoding, open_decoder
from citewell.engine.parsing.formats import (
    FORMATS,
    WORKBOOK_FORMATS,
    DocumentFormat,
    format_of_name,
)
from citewell.engine.parsing.limits import MIB, ParseLimits

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", DocumentFormat.PNG),
    (b"\xff\xd8\xff", DocumentFormat.JPEG),
    (b"II*\x00", DocumentFormat.TIFF),
    (b"MM\x00*", DocumentFormat.TIFF),
)

_FOREIGN = (
    (b"GIF8", "a GIF image"),
    (b"BM", "a bitmap image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
    (b"\x1aE\xdf\xa3", "a video file"),
    (b"%!PS", "a PostScript file"),
)
"""First bytes -> name for people; two-letter marks count only if the rest is binary."""

_CONTROL_SHARE = 0.02
"""Share of control characters above which bytes are no text; random bytes have 0.1."""

_XML = re.compile(r"\s*<\?xml\b.{0,400}?\?>", re.S)
_PROLOGUE = (("<!--", "-->"), ("<?", "?>"), ("<!", ">"))
"""Beginnings and ends of what may stand before the first tag of a page or an XML file."""
_TAG = re.compile(r"<(?:[\w.-]{1,40}:)?([\w.-]{1,40})\b")
_HTML_TYPE = re.compile(r"<!doctype\s+html\b", re.I)
_HTML_TAGS = frozenset({"html", "head", "body"})
_SHEETS = re.compile(
    r"<(?:\w+:)?Workbook\s[^>]{0,2000}urn:schemas-microsoft-com:office:spreadsheet"
)
_ENTRIES = re.compile(r"\s*BEGIN:(?:(VCALENDAR)|VCARD)\s*\n", re.I)
# The line before each message of a mailbox (RFC 4155) ends in a date.
_MAILBOX = re.compile(r"From [^\n]{1,200}\d\d:\d\d[^\n]{0,40}\n")
_XHTML = re.compile(r"<html[\s>]", re.I)
# Header lines up to one that only mails have. A text that begins with "Name: value" lines alone is
# no mail.
_MAIL = re.compile(
    r"(?:[!-9;-~]{1,60}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,60}?"
    r"(?:mime-version|received|message-id|return-path):",
    re.I,
)

_READ = "PDF, Office files, e-books, web pages, texts, tables, data, e-mails and pictures"
"""The formats in a line of people's words; the guide lists them all."""

_TEXT_FORMATS = frozenset(
    {
        DocumentFormat.HTML,
        DocumentFormat.XML,
        DocumentFormat.MARKDOWN,
        DocumentFormat.TEXT,
        DocumentFormat.RST,
        DocumentFormat.ORG,
        DocumentFormat.CSV,
        DocumentFormat.JSON,
        DocumentFormat.JSON_LINES,
        DocumentFormat.EML,
    }
)


def detect_format(path: Path, filename: str, limits: ParseLimits) -> DocumentFormat:
    """Detect the format of a file.

    The content decides where it is unmistakable (PDF, zipped documents, OLE, RTF, HTML), the name
    between kinds of text.

    Raises:
        ParseError: Empty, encrypted, too large when unpacked, or of an unsupported kind.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            sample = file.read(SAMPLE)
    except OSError as error:
        raise ParseError(
            ParseFailure.CORRUPT, f"The file cannot be opened: {error.strerror}."
        ) from error
    if size > limits.file_bytes:
        raise ParseError(
            ParseFailure.TOO_LARGE,
            f"The file has {size / MIB:,.0f} MiB; at most {limits.file_bytes / MIB:,.0f} are read.",
        )
    if not sample.strip(b"\x00 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise ParseError(ParseFailure.EMPTY, "The file is empty.")
    named = format_of_name(filename)
    # A file entry, or the end record of an empty archive.
    if sample.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return inspect_archive(path, limits) or _refuse("an archive", filename)
    if sample.startswith(COMPOUND_MAGIC):
        return _inspect_compound(path, filename)
    # Within the first 1,024 bytes, as Acrobat accepts it: mail programs put lines before it.
    if b"%PDF-" in sample[:1024]:
        return DocumentFormat.PDF
    if sample.startswith(b"{\\rtf"):
        return DocumentFormat.RTF
    for mark, picture in _PICTURES:
        if sample.startswith(mark):
            return picture
    if sample.startswith(b"RIFF") and sample[8:12] == b"WEBP":
        return DocumentFormat.WEBP
    return _detect_text(sample, filename, named)


def _inspect_compound(path: Path, filename: str) -> DocumentFormat:
    try:
        compound = CompoundFile(path)
        names = compound.names
        if "EncryptedPackage" in names:
            raise locked_error()
        if "WordDocument" in names:
            # [MS-DOC] 2.5.2: bit 8 of the flags at offset 10 says encrypted.
            beginning = compound.beginning("WordDocument")
            # [MS-DOC] 2.5.1: Word 97 begins with A5EC; Word 6 and 95 had A5DC and other tables.
            if beginning[:2] == b"\xdc\xa5":
                raise ParseError(
                    ParseFailure.UNSUPPORTED,
                    "This is a document of Word 6 or 95, which is not read. Open it in a word"
                    " processor and save it as .docx.",
                )
            if len(beginning) > 11 and beginning[11] & 1:
                raise locked_error()
            return DocumentFormat.DOC
    except CompoundFileError as error:
        raise ParseError(ParseFailure.CORRUPT, "The Office file is damaged.") from error
    for stream in ("Workbook", "Book"):
        if stream in names:
            if _has_file_password(compound.beginning(stream)):
                raise locked_error()
            return DocumentFormat.XLS
    if "PowerPoint Document" in names:
        return DocumentFormat.PPT
    if "__properties_version1.0" in names:
        return DocumentFormat.MSG
    return _refuse("an unknown kind of Office file", filename)


def _has_file_password(beginning: bytes) -> bool:
    """[MS-XLS] 2.4.117: a FilePass record (0x2F) near the beginning says encrypted."""
    offset = 0
    while offset + 4 <= len(beginning):
        kind = int.from_bytes(beginning[offset : offset + 2], "little")
        if kind == 0x2F:
            return True
        offset += 4 + int.from_bytes(beginning[offset + 2 : offset + 4], "little")
    return False


def _detect_text(sample: bytes, filename: str, named: DocumentFormat | None) -> DocumentFormat:
    encoding = choose_encoding(sample, is_markup=True)
    text = open_decoder(encoding).decode(sample, final=len(sample) < SAMPLE)
    if _is_binary(text):
        _refuse(_foreign_name(sample) or "a binary file", filename)
    head = text[:8192].lstrip("\ufeff")
    if found := _unmistakable(head, named):
        return found
    if named in WORKBOOK_FORMATS and _is_table(head):
        return DocumentFormat.CSV
    if named and named in _TEXT_FORMATS and named is not DocumentFormat.HTML:
        return named
    declaration = _XML.match(head)
    if declaration:
        return DocumentFormat.HTML if _XHTML.search(head[:4096]) else DocumentFormat.XML
    if _MAIL.match(head):
        return DocumentFormat.EML
    if named is DocumentFormat.HTML:
        return named
    if named is None:
        if PurePosixPath(filename).suffix:
            _refuse("a file of a kind that is not known", filename)
        return DocumentFormat.TEXT
    raise ParseError(
        ParseFailure.CORRUPT,
        f"The file's name says {FORMATS[named].label}, but it holds something else.",
    )


def _unmistakable(head: str, named: DocumentFormat | None) -> DocumentFormat | None:
    """The format that a text's beginning says, whatever its name; drawings apart."""
    if entries := _ENTRIES.match(head):
        return DocumentFormat.CALENDAR if entries[1] else DocumentFormat.CONTACTS
    # Mails that were never sent lack what servers add; a name tells them from a text.
    if (envelope := _MAILBOX.match(head)) and (
        named is DocumentFormat.MBOX or _MAIL.match(head, envelope.end())
    ):
        return DocumentFormat.MBOX
    start, is_declared = _root_of(head)
    if _HTML_TYPE.match(head, start) and not is_declared:
        return DocumentFormat.HTML
    tag = _TAG.match(head, start)
    root = tag[1].lower() if tag else ""
    if root in _HTML_TAGS and not is_declared:
        return DocumentFormat.HTML
    if root == "workbook" and _SHEETS.match(head, start):
        return DocumentFormat.XML_SHEETS
    # A drawing may be the beginning of a page or of a text in Markdown.
    is_text = named in _TEXT_FORMATS and named is not DocumentFormat.XML
    return DocumentFormat.SVG if root == "svg" and not is_text else None


def _root_of(head: str) -> tuple[int, bool]:
    """The place of the first tag, or of the page's type, and whether a declaration is before it."""
    at, is_declared = 0, False
    while True:
        at += len(head[at:]) - len(head[at:].lstrip())
        found = next((ends for ends in _PROLOGUE if head.startswith(ends[0], at)), None)
        if found is None or _HTML_TYPE.match(head, at):
            return at, is_declared
        begin, end = found
        is_declared = is_declared or begin == "<?"
        # Entities are declared within the type of an XML file.
        close = head.find("]", at) if begin == "<!" and "[" in head[at : head.find(">", at)] else at
        at = head.find(end, close)
        if close < 0 or at < 0:
            return len(head), is_declared
        at += len(end)


def _is_table(text: str) -> bool:
    """Whether a text is an export of tabs or semicolons, which Excel opens under its own name."""
    lines = [line for line in text.split("\n")[:20] if line.strip()]
    counts = [max(line.count("\t"), line.count(";")) for line in lines]
    # The last one may be cut.
    return len(lines) > 1 and 2 * sum(count > 0 for count in counts) > len(lines)


def _is_binary(text: str) -> bool:
    # Tab, line ends, form feed and escape occur in texts.
    odd = sum(text.count(chr(code)) for code in range(32) if code not in (9, 10, 12, 13, 27))
    return odd + text.count("\ufffd") > _CONTROL_SHARE * len(text) + 3


def _foreign_name(sample: bytes) -> str | None:
    for mark, name in _FOREIGN:
        if sample.startswith(mark):
            return name
    if sample[4:8] == b"ftyp":
        brand = sample[8:12]
        return "a HEIC image" if brand in (b"heic", b"mif1", b"avif") else "a video file"
    if sample.startswith(b"RIFF"):
        return "a sound or video file"
    return None


def _refuse(what: str, filename: str) -> DocumentFormat:
    suffix = PurePosixPath(filename).suffix.lower()
    named = format_of_name(filename)
    more = (
        f"{what} and no {FORMATS[named].label} file, though its name ends in {suffix}"
        if named
        else f"{what}. {_READ} are read"
    )
    raise ParseError(ParseFailure.UNSUPPORTED, f"This is {more}.")
