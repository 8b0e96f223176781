"""Errors of sharing."""

from citewell.core.errors import NotFoundError


class GrantNotFoundError(NotFoundError):
    """The object has no such rule."""

    code = "grant_not_found"

    def __init__(self, grant_id: object) -> None:
        super().__init__(f"There is no grant `{grant_id}` here.")
