"""Errors of requests that carry an `Idempotency-Key`."""

from citewell.core.errors import AppError, ConflictError, InvalidInputError


class InvalidIdempotencyKeyError(AppError):
    """The header cannot be used as a key."""

    code = "invalid_idempotency_key"
    title = "The request cannot be read"

    def __init__(self) -> None:
        super().__init__(
            "`Idempotency-Key` must be given once, with 1 to 255 visible ASCII characters, such as "
            "a UUID; nothing was changed."
        )


class IdempotencyKeyReusedError(InvalidInputError):
    """The key was used for another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This `Idempotency-Key` was sent with another request before; nothing was changed. "
            "Use a new key for each request."
        )


class IdempotencyKeyInUseError(ConflictError):
    """The first request with this key is still being carried out."""

    code = "idempotency_key_in_use"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__(
            "A request with this `Idempotency-Key` is being carried out right now. Send it again "
            "in a moment for its reply."
        )
