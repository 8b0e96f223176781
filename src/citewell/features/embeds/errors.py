"""Errors of boxes on other sites."""

from citewell.core.errors import AppError, InvalidInputError, NotFoundError


class EmbedNotFoundError(NotFoundError):
    """No such box, or it is turned off."""

    code = "embed_not_found"

    def __init__(self, sought: object) -> None:
        super().__init__(f"There is no box `{sought}`.")


class InvalidEmbedError(InvalidInputError):
    """A collection is not for everybody, or there are too many boxes."""

    code = "invalid_embed"


class EmbedBusyError(AppError):
    """The visitors of a box ask more than it may answer in a minute."""

    code = "embed_busy"
    status = 429
    title = "Too many questions"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many questions at the moment; try again in {retry_after} seconds.")
        self.retry_after = retry_after
