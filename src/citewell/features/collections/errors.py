"""Errors of collections."""

from citewell.core.errors import ConflictError, InvalidInputError, NotFoundError


class CollectionNotFoundError(NotFoundError):
    """No such collection, or not for this caller."""

    code = "collection_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no collection `{wanted}`.")


class CollectionExistsError(ConflictError):
    """The name is taken."""

    code = "collection_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"A collection `{name}` exists already. Choose another name.")


class CollectionNotEmptyError(ConflictError):
    """Documents are left in it."""

    code = "collection_not_empty"

    def __init__(self, name: str) -> None:
        super().__init__(f"The collection `{name}` still has documents; delete them first.")


class ChunkingError(InvalidInputError):
    """The chunking of a collection cannot be as asked."""

    code = "invalid_chunking"
