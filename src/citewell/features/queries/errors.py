"""Errors of stored answers."""

from citewell.core.errors import NotFoundError


class QueryNotFoundError(NotFoundError):
    """No such question, or not for this caller, or it is not kept any more."""

    code = "query_not_found"

    def __init__(self, query_id: object) -> None:
        super().__init__(f"There is no question `{query_id}`.")
