"""Errors that reach a user, with a stable code and what to do."""

from dataclasses import dataclass


class AppError(Exception):
    """Base of the errors shown to callers; rendered as RFC 9457 problem details."""

    code = "error"
    status = 400
    title = "The request could not be carried out"
    retry_after: int | None = None
    """Seconds after which a retry may succeed; the reply's `Retry-After`."""
    parameter: str | None = None
    """The field of the request that is at fault, where it is one."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFoundError(AppError):
    """The object does not exist, or not for this caller: both look the same."""

    code = "not_found"
    status = 404
    title = "Not found"


class InvalidInputError(AppError):
    """The input is understood but cannot be used."""

    code = "invalid_input"
    status = 422
    title = "The input cannot be used"


class ConflictError(AppError):
    """The object is in a state that does not allow this."""

    code = "conflict"
    status = 409
    title = "Conflict with the current state"


class TooLargeError(AppError):
    """More bytes than this installation accepts."""

    code = "too_large"
    status = 413
    title = "Too large"


class UnauthorizedError(AppError):
    """No credential, or not a valid one."""

    code = "unauthorized"
    status = 401
    title = "Sign in first"


class ForbiddenError(AppError):
    """The caller may see the object or route, but may not do this."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class UnavailableError(AppError):
    """A service that this installation needs does not answer; a later retry can help."""

    code = "unavailable"
    status = 503
    title = "Temporarily not available"


class StorageFullError(AppError):
    """A disk of this installation is full."""

    code = "storage_full"
    status = 507
    title = "No space left"

    def __init__(self) -> None:
        super().__init__(
            "The disk of this installation is full; nothing was changed. Its operator can make "
            "space."
        )


class StorageReservedError(StorageFullError):
    """The disk of this installation has no more than what is kept free for the database."""

    def __init__(self) -> None:
        AppError.__init__(
            self,
            "The disk of this installation is nearly full; nothing was changed, and reading goes "
            "on. Its operator can make space (CITEWELL_DISK_RESERVE_BYTES is kept free).",
        )


class StartupError(Exception):
    """Citewell cannot start; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the API shows it."""

    code: str
    title: str
    detail: str
    status: int
    parameter: str | None = None
    """The field of the request that is at fault; None: not one of them, or several."""
