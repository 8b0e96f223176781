"""Errors and codes of versions that cannot be made ready; the parser has codes of its own."""

ATTACHMENTS_REFUSED = "attachments_refused"
EMBEDDING_FAILED = "embedding_failed"
FILE_MISSING = "stored_file_missing"
INTERNAL = "internal_error"
STORAGE_FAILED = "storage_failed"


class IngestionError(Exception):
    """The version cannot be made ready; trying again would not help."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class AbandonedError(Exception):
    """The version was deleted meanwhile, the job cancelled, or taken over by another worker."""
