"""File names: cleaned for display, numbered for copies, and as sources of documents."""

from pathlib import PurePosixPath, PureWindowsPath

from citewell.engine.parsing.cleaning import clean_line
from citewell.features.documents.errors import (
    EmptyFileError,
    FileTooLargeError,
    InvalidFilenameError,
)

# The limit of most file systems, so that a download can be saved under the name.
MAX_FILENAME = 255
UPLOADED = "upload:"
"""Prefix of the source of uploaded documents, which are recognised by their file name alone."""

GIVEN = "given:"
"""Prefix of the source of documents that software names itself."""

TEXT_SUFFIXES = (".md", ".markdown", ".txt")


# Browsers, curl and most libraries write these three characters so in a form (HTML, multipart form
# data), and leave a per cent sign as it is: a file whose own name holds `%22` is taken for one with
# a quote, which is far rarer than the quote itself.
_ESCAPED_IN_FORMS = {"%22": '"', "%0D": "\r", "%0A": "\n"}


def checked_filename(name: str, size: int, limit: int) -> str:
    """The cleaned name of an uploaded file.

    Args:
        name: As the client wrote it in a form.
        size: Bytes of the file.
        limit: Most bytes that are accepted.

    Raises:
        InvalidFilenameError: Nothing is left of the name.
        FileTooLargeError, EmptyFileError: The file has too many bytes, or none.
    """
    for written, meant in _ESCAPED_IN_FORMS.items():
        name = name.replace(written, meant)
    cleaned = safe_filename(name)
    if size > limit:
        raise FileTooLargeError(cleaned, limit)
    if not size:
        raise EmptyFileError(cleaned)
    return cleaned


def safe_filename(name: str) -> str:
    """The last part of a path, cleaned for display; names are never used as paths.

    Raises:
        InvalidFilenameError: Nothing is left of it.
    """
    # Browsers send paths of either system; the last part is the name in both.
    last = PureWindowsPath(PurePosixPath(name).name).name
    cleaned = clean_line(last).strip(" .")
    if not cleaned:
        raise InvalidFilenameError("The file has no usable name.")
    if len(cleaned) > MAX_FILENAME:
        # Bounded: a name may be one dot and 300 letters.
        suffix = PurePosixPath(cleaned).suffix[:20]
        cleaned = _fitting(cleaned, "", suffix)
    return cleaned


def folders_within(path: object) -> tuple[str, ...]:
    """Folders of a path, `Policies/2026/leave.docx`, below the first, which was handed in."""
    return PurePosixPath(path).parts[1:-1] if isinstance(path, str) else ()


def numbered(name: str, number: int) -> str:
    """The name of a copy, `report (2).pdf`; number 1 keeps the file's own name."""
    if number == 1:
        return name
    suffix = PurePosixPath(name).suffix[:20]
    return _fitting(name.removesuffix(suffix), f" ({number})", suffix)


def source_of_copy(source: str, name: str, number: int) -> str:
    """The source of a copy; for an uploaded file it is derived from the copy's own name."""
    if number == 1:
        return source
    if source == UPLOADED + name:
        return UPLOADED + numbered(name, number)
    return f"{source} ({number})"


def text_name(name: str) -> str:
    """The file name of a document whose content is replaced by a text sent to the API."""
    path = PurePosixPath(name)
    # The name decides how the file is read: text in a `.pdf` would not be.
    return name if path.suffix.lower() in TEXT_SUFFIXES else _fitting(path.stem, "", ".md")


def _fitting(stem: str, mark: str, suffix: str) -> str:
    return stem[: MAX_FILENAME - len(mark) - len(suffix)] + mark + suffix
