"""Errors of search."""

from citewell.core.errors import InvalidInputError


class EmptyQueryError(InvalidInputError):
    """Nothing in the question can be searched for."""

    code = "query_without_words"

    def __init__(self) -> None:
        super().__init__("The question has no word or number to search for.")


class UnknownFilterError(InvalidInputError):
    """A filter names something no document has."""

    code = "unknown_filter"

    def __init__(self, key: str, fields: tuple[str, ...]) -> None:
        super().__init__(
            f"No document has the metadata key `{key}`; besides metadata you can filter by "
            f"{', '.join(fields)}."
        )


class InvalidFilterError(InvalidInputError):
    """A filter's value cannot be compared."""

    code = "invalid_filter"


class AnswerNotKeptError(Exception):
    """The database could not take an answer; the message says why."""
