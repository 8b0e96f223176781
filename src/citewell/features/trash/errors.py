"""Errors of the trash."""

from citewell.core.errors import ConflictError


class NotInTrashError(ConflictError):
    """A document that was not deleted cannot be restored, nor removed for good."""

    code = "not_in_trash"

    def __init__(self, document_id: object) -> None:
        super().__init__(f"The document `{document_id}` is not in the trash.")
