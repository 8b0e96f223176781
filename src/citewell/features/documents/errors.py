"""Errors of documents."""

import uuid
from collections.abc import Sequence

from citewell.core.errors import (
    AppError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)


class DocumentNotFoundError(NotFoundError):
    """No such document, or not for this caller."""

    code = "document_not_found"

    def __init__(self, document_id: object) -> None:
        super().__init__(f"There is no document `{document_id}`.")


class DocumentAmbiguousError(ConflictError):
    """Several documents fit what was meant to name one."""

    code = "document_ambiguous"

    def __init__(self, wanted: str, ids: Sequence[uuid.UUID]) -> None:
        named = ", ".join(map(str, ids))
        super().__init__(f"Several documents fit `{wanted}`: {named}.")


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
