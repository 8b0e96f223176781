"""Errors of documents."""

from collections.abc import Sequence

from citewell.core.errors import (
    AppError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)

MOST_SHOWN = 40
"""Characters of a title or name in a table."""


class DocumentNotFoundError(NotFoundError):
    """No such document, or not for this caller."""

    code = "document_not_found"

    def __init__(self, document_id: object, titles: Sequence[str] = ()) -> None:
        """Tell what was looked for, with titles of documents whose names hold it."""
        named = ", ".join(f"`{_cut(each)}`" for each in titles)
        more = f" Title or file name has it of: {named}." if named else ""
        super().__init__(f"There is no document `{document_id}`.{more}")


class DocumentAmbiguousError(ConflictError):
    """Several documents fit what was meant to name one."""

    code = "document_ambiguous"

    def __init__(self, wanted: str, found: Sequence[tuple[str, str, str, str]]) -> None:
        """Tell of what was found: id, title, collection and source of each."""
        rows = [("id", "title", "collection", "source"), *found]
        cut = [[*row[:1], *(_cut(each) for each in row[1:3]), row[3]] for row in rows]
        widths = [max(len(row[at]) for row in cut) for at in range(3)]
        lines = [
            "  ".join(
                [*(each.ljust(width) for each, width in zip(row[:3], widths, strict=True)), row[3]]
            )
            for row in cut
        ]
        table = "\n".join(lines)
        super().__init__(
            f"Several documents fit `{wanted}`. Say which by its id, or the last 8 characters of "
            f"it, or by --collection:\n{table}"
        )


def _cut(text: str) -> str:
    """A title or name, short enough for a table."""
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


class VersionNotFoundError(NotFoundError):
    """The document has no such version, or none that can be read yet."""

    code = "version_not_found"


class FileTooLargeError(TooLargeError):
    """A file over the limit of this installation."""

    code = "file_too_large"

    def __init__(self, filename: str, limit: int) -> None:
        super().__init__(
            f"`{filename}` is larger than {limit / 1024 / 1024:,.0f} MB "
            "(CITEWELL_MAX_UPLOAD_BYTES)."
        )


class InvalidFilenameError(InvalidInputError):
    """The name of a file cannot be used."""

    code = "invalid_filename"


class EmptyFileError(InvalidInputError):
    """A file without a single byte."""

    code = "empty_file"

    def __init__(self, filename: str) -> None:
        super().__init__(f"`{filename}` is empty; nothing was changed.")


class FileMissingError(AppError):
    """The store has lost the original; what was extracted from it is still there."""

    code = "file_missing"
    status = 410
    title = "No longer there"

    def __init__(self, filename: str, number: int) -> None:
        super().__init__(
            f"The original of `{filename}`, version {number}, has been lost from this "
            "installation's files. Its text can still be read and searched; upload the same file "
            "again to bring it back."
        )


class UploadTooSlowError(UnavailableError):
    """Storing the files took so long that upkeep has given the upload up."""

    code = "upload_too_slow"

    def __init__(self) -> None:
        super().__init__("The file store took too long; nothing was changed. Try again later.")
