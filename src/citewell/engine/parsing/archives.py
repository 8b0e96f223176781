"""Inspects zipped documents before anything is unpacked."""

import struct
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

from citewell.engine.parsing.base import ParseError, ParseFailure, WarningCode
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.formats import DocumentFormat
from citewell.engine.parsing.limits import MIB, ParseLimits

MAX_RATIO = 200
"""Unpacked to packed size beyond which a large archive is a bomb; office files reach about 30,
deflate cannot pass 1,032."""

RATIO_MATTERS_FROM = 50 * MIB
"""Unpacked size below which any ratio is harmless."""

# Bytes read of a manifest; real ones are far smaller.
_MANIFEST_LIMIT = 4 * MIB

_MIME_TYPES = {
    b"application/epub+zip": DocumentFormat.EPUB,
    b"application/vnd.oasis.opendocument.text": DocumentFormat.ODT,
    b"application/vnd.oasis.opendocument.text-template": DocumentFormat.ODT,
    b"application/vnd.oasis.opendocument.spreadsheet": DocumentFormat.ODS,
    b"application/vnd.oasis.opendocument.presentation": DocumentFormat.ODP,
}

READ_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,  # an unknown way of packing
    EOFError,
    KeyError,  # no such part
    OSError,
    RuntimeError,  # an encrypted part
    ValueError,
)
"""Errors of `zipfile` for a damaged archive; callers handle `zlib.error` themselves."""

PART_ERRORS = (*READ_ERRORS, zlib.error, ET.ParseError)
"""Errors of `parse_part` for a damaged part; a document is read without one that it can spare."""


def inspect_archive(path: Path, limits: ParseLimits) -> DocumentFormat | None:
    """Detect the format of a zipped document, and refuse archives that unpack to too much.

    Returns:
        Its format, or None when it is an archive of something else.

    Raises:
        ParseError: Damaged, encrypted, or too large when unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, limits)
            return _format_of(archive)
    except (*READ_ERRORS, zlib.error, struct.error) as error:
        raise ParseError(
            ParseFailure.CORRUPT, "The file is a damaged archive: it cannot be unpacked."
        ) from error


def _check_size(archive: zipfile.ZipFile, limits: ParseLimits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.archive_entries:
        raise ParseError(
            ParseFailure.TOO_LARGE,
            f"The file holds {len(entries):,} parts; at most {limits.archive_entries:,} are read.",
        )
    # Sizes as the archive's directory states them; a directory that lies is caught by `zipfile`,
    # which stops at the stated size.
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    is_bomb = unpacked > RATIO_MATTERS_FROM and unpacked > MAX_RATIO * max(packed, 1)
    if unpacked > limits.unpacked_bytes or is_bomb:
        raise ParseError(
            ParseFailure.TOO_LARGE,
            f"Unpacked, the file would take {unpacked / MIB:,.0f} MiB"
            f" ({unpacked // max(packed, 1):,} times its size), so it is not opened.",
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise locked_error()


def _format_of(archive: zipfile.ZipFile) -> DocumentFormat | None:
    names = set(archive.namelist())
    # EPUB and OpenDocument name their type in this part (OpenDocument 1.3 part 2, section 3.3);
    # OOXML is told by its folders.
    if "mimetype" in names:
        with archive.open("mimetype") as part:
            found = _MIME_TYPES.get(part.read(100).strip())
        if found and found is not DocumentFormat.EPUB and _is_odf_encrypted(archive, names):
            raise locked_error()
        return found
    if "[Content_Types].xml" not in names:
        return DocumentFormat.EPUB if "META-INF/container.xml" in names else None
    if "xl/workbook.bin" in names:
        return DocumentFormat.XLSB
    folders = {name.partition("/")[0] for name in names if "/" in name}
    for folder, found in (
        ("word", DocumentFormat.DOCX),
        ("xl", DocumentFormat.XLSX),
        ("ppt", DocumentFormat.PPTX),
    ):
        if folder in folders:
            return found
    return None


def _is_odf_encrypted(archive: zipfile.ZipFile, names: set[str]) -> bool:
    if "META-INF/manifest.xml" not in names:
        return False
    with archive.open("META-INF/manifest.xml") as part:
        return b":encryption-data" in part.read(_MANIFEST_LIMIT)


def locked_error() -> ParseError:
    """The error for a document that asks for a password."""
    return ParseError(
        ParseFailure.ENCRYPTED,
        "The file is protected by a password. Save it without one and upload it again.",
    )


def parse_part(archive: zipfile.ZipFile, name: str) -> ET.Element:
    """Parse a small XML part whole.

    Raises:
        ET.ParseError: It is no XML.
        KeyError and others of `PART_ERRORS`: It cannot be unpacked.
    """
    with archive.open(name) as part:
        # The child process bounds time and memory; expat 2.4 and later refuses entity bombs.
        return ET.parse(part).getroot()  # noqa: S314


def spared_part(
    archive: zipfile.ZipFile, name: str | None, findings: Findings
) -> ET.Element | None:
    """Parse a part that a document can be read without.

    Returns:
        None if it is missing or damaged; `findings` tell of a damaged one.
    """
    if not name:
        return None
    try:
        return parse_part(archive, name)
    except KeyError:
        return None  # relations often lead to parts that were taken out
    except PART_ERRORS:
        warn_of_damage(name, findings)
        return None


def warn_of_damage(name: str, findings: Findings) -> None:
    """Tell people that a part of the file was left out because it is damaged."""
    findings.warn(
        WarningCode.PARTS_LEFT_OUT,
        f"The file is damaged and was read without some of its parts, `{name}` for one. Compare the"
        " document with its original.",
    )
