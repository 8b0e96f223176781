"""The document formats that can be read: their names, extensions and MIME types."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple


class DocumentFormat(StrEnum):
    """A kind of file; each is read by one reader."""

    PDF = "pdf"
    DOCX = "docx"
    DOC = "doc"
    PPTX = "pptx"
    PPT = "ppt"
    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    XML_SHEETS = "xml-sheets"
    ODT = "odt"
    ODS = "ods"
    ODP = "odp"
    RTF = "rtf"
    EPUB = "epub"
    HTML = "html"
    XML = "xml"
    MARKDOWN = "markdown"
    TEXT = "text"
    RST = "rst"
    ORG = "org"
    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    EML = "eml"
    MBOX = "mbox"
    MSG = "msg"
    CALENDAR = "ics"
    CONTACTS = "vcf"
    SVG = "svg"
    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    WEBP = "webp"


class FormatFacts(NamedTuple):
    """Label, MIME type and file extensions of a format."""

    label: str
    mime_type: str
    extensions: tuple[str, ...]


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"

SETTINGS_EXTENSIONS = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties")
"""Texts of which each line stands for itself."""

FORMATS: dict[DocumentFormat, FormatFacts] = {
    DocumentFormat.PDF: FormatFacts("PDF", "application/pdf", (".pdf",)),
    DocumentFormat.DOCX: FormatFacts(
        "Word", f"{_OOXML}.wordprocessingml.document", (".docx", ".docm", ".dotx", ".dotm")
    ),
    DocumentFormat.DOC: FormatFacts("Word 97-2003", "application/msword", (".doc", ".dot")),
    DocumentFormat.PPTX: FormatFacts(
        "PowerPoint", f"{_OOXML}.presentationml.presentation", (".pptx", ".pptm", ".ppsx", ".potx")
    ),
    DocumentFormat.PPT: FormatFacts(
        "PowerPoint 97-2003", "application/vnd.ms-powerpoint", (".ppt", ".pps")
    ),
    DocumentFormat.XLSX: FormatFacts(
        "Excel", f"{_OOXML}.spreadsheetml.sheet", (".xlsx", ".xlsm", ".xltx")
    ),
    DocumentFormat.XLSB: FormatFacts(
        "Excel binary", "application/vnd.ms-excel.sheet.binary.macroEnabled.12", (".xlsb",)
    ),
    DocumentFormat.XLS: FormatFacts("Excel 97-2003", "application/vnd.ms-excel", (".xls",)),
    # Under the names of other formats, by which Excel opens it: .xls and .xml.
    DocumentFormat.XML_SHEETS: FormatFacts(
        "Excel 2003 XML", "application/vnd.ms-excel.spreadsheetml", ()
    ),
    DocumentFormat.ODT: FormatFacts("OpenDocument text", f"{_ODF}.text", (".odt", ".ott")),
    DocumentFormat.ODS: FormatFacts("OpenDocument sheet", f"{_ODF}.spreadsheet", (".ods",)),
    DocumentFormat.ODP: FormatFacts("OpenDocument slides", f"{_ODF}.presentation", (".odp",)),
    DocumentFormat.RTF: FormatFacts("Rich Text", "application/rtf", (".rtf",)),
    DocumentFormat.EPUB: FormatFacts("EPUB", "application/epub+zip", (".epub",)),
    DocumentFormat.HTML: FormatFacts("HTML", "text/html", (".html", ".htm", ".xhtml")),
    DocumentFormat.XML: FormatFacts("XML", "application/xml", (".xml", ".nxml")),
    DocumentFormat.MARKDOWN: FormatFacts("Markdown", "text/markdown", (".md", ".markdown", ".mdx")),
    DocumentFormat.TEXT: FormatFacts(
        "plain text", "text/plain", (".txt", ".text", ".log", *SETTINGS_EXTENSIONS)
    ),
    DocumentFormat.RST: FormatFacts("reStructuredText", "text/x-rst", (".rst",)),
    DocumentFormat.ORG: FormatFacts("Org", "text/x-org", (".org",)),
    DocumentFormat.CSV: FormatFacts("CSV", "text/csv", (".csv", ".tsv", ".tab")),
    DocumentFormat.JSON: FormatFacts("JSON", "application/json", (".json",)),
    DocumentFormat.JSON_LINES: FormatFacts(
        "JSON lines", "application/x-ndjson", (".jsonl", ".ndjson")
    ),
    DocumentFormat.EML: FormatFacts("e-mail", "message/rfc822", (".eml", ".mht", ".mhtml")),
    DocumentFormat.MBOX: FormatFacts("mailbox", "application/mbox", (".mbox",)),
    DocumentFormat.MSG: FormatFacts("Outlook e-mail", "application/vnd.ms-outlook", (".msg",)),
    DocumentFormat.CALENDAR: FormatFacts("calendar", "text/calendar", (".ics",)),
    DocumentFormat.CONTACTS: FormatFacts("address book", "text/vcard", (".vcf",)),
    DocumentFormat.SVG: FormatFacts("SVG drawing", "image/svg+xml", (".svg",)),
    DocumentFormat.PNG: FormatFacts("PNG picture", "image/png", (".png",)),
    DocumentFormat.JPEG: FormatFacts("JPEG picture", "image/jpeg", (".jpg", ".jpeg")),
    DocumentFormat.TIFF: FormatFacts("TIFF picture", "image/tiff", (".tif", ".tiff")),
    DocumentFormat.WEBP: FormatFacts("WebP picture", "image/webp", (".webp",)),
}

_FAMILIES = {
    "pdf": ("pdf",),
    "word": ("docx", "doc", "odt", "rtf"),
    "sheet": ("xlsx", "xlsb", "xls", "xml-sheets", "ods", "csv"),
    "slides": ("pptx", "ppt", "odp"),
    "web": ("html", "xml", "epub", "svg"),
    "text": ("markdown", "text", "rst", "org"),
    "data": ("json", "jsonl"),
    "mail": ("eml", "mbox", "msg", "ics", "vcf"),
    "picture": ("png", "jpeg", "tiff", "webp"),
}

FAMILIES: dict[DocumentFormat | None, str] = {
    DocumentFormat(name): family for family, names in _FAMILIES.items() for name in names
}
"""Family of a format, of which there are few enough for a histogram each."""

WORKBOOK_FORMATS = (
    DocumentFormat.XLSX,
    DocumentFormat.XLSB,
    DocumentFormat.XLS,
    DocumentFormat.XML_SHEETS,
    DocumentFormat.ODS,
)
"""Formats of sheets with names."""

WORKBOOKS = tuple(FORMATS[name].mime_type for name in WORKBOOK_FORMATS)
"""MIME types of formats whose pages are sheets with names."""

PICTURES = frozenset(
    {DocumentFormat.PNG, DocumentFormat.JPEG, DocumentFormat.TIFF, DocumentFormat.WEBP}
)
"""Formats whose text must be recognised."""

PICTURE_EXTENSIONS = frozenset(
    extension for name in PICTURES for extension in FORMATS[name].extensions
)

_BY_EXTENSION = {
    extension: name for name, facts in FORMATS.items() for extension in facts.extensions
}

SUPPORTED_EXTENSIONS: dict[str, str] = {
    extension: FORMATS[name].mime_type for extension, name in sorted(_BY_EXTENSION.items())
}
"""Extension with its dot, in lower case -> MIME type; a folder walk takes these files."""

SUPPORTED_MIME_TYPES: frozenset[str] = frozenset(SUPPORTED_EXTENSIONS.values())


def format_of_name(filename: str) -> DocumentFormat | None:
    """The format that a file's name promises; None if the extension is unknown."""
    return _BY_EXTENSION.get(PurePosixPath(filename).suffix.lower())
