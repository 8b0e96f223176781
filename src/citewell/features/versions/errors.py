"""Errors of versions."""

from citewell.core.errors import ConflictError, TooLargeError


class VersionNotFinishedError(ConflictError):
    """A version that failed, was cancelled or is being read cannot answer."""

    code = "version_not_finished"

    def __init__(self, number: int, status: str) -> None:
        super().__init__(
            f"Version {number} is {status}: only a version that was ready can answer again."
        )


class VersionIncompleteError(ConflictError):
    """The index does not hold all passages of a version."""

    code = "version_incomplete"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The index does not hold all passages of version {number}; upload its file again."
        )


class TooLargeToCompareError(TooLargeError):
    """A text that is not compared, so that one request cannot keep the server busy."""

    code = "too_large_to_compare"

    def __init__(self, number: int, limit: int) -> None:
        super().__init__(
            f"The text of version {number} is longer than {limit:,} characters; compare the "
            "contents of both versions yourself."
        )
