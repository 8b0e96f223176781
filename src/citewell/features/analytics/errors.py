"""Errors of analytics."""

from citewell.core.errors import AppError


class UnusableRangeError(AppError):
    """The range of days is empty or too long."""

    code = "unusable_range"
    status = 422
    title = "The input cannot be used"


class StaleSnapshotError(Exception):
    """A snapshot is older than a count of the same day that has ended meanwhile."""


class PeopleHiddenError(AppError):
    """The tenant's question log does not tell who asked."""

    code = "people_hidden"
    status = 403
    title = "Not told"

    def __init__(self) -> None:
        super().__init__("The question log of your organisation does not tell who asked.")
