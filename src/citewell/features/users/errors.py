"""Errors of users."""

from citewell.core.errors import InvalidInputError, NotFoundError


class InvalidEmailError(InvalidInputError):
    """The text is no e-mail address; it is not repeated, so that no log can hold it."""

    code = "invalid_email"
    title = "Not an e-mail address"

    def __init__(self) -> None:
        super().__init__(
            "Give one e-mail address such as name@example.org, at most 254 characters long."
        )


class WeakPasswordError(InvalidInputError):
    """The password can be guessed; `detail` says why and what to do."""

    code = "weak_password"
    title = "The password is too weak"


class UserNotFoundError(NotFoundError):
    """No such user in the tenant."""

    code = "user_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no user `{wanted}`.")


class GroupNotFoundError(NotFoundError):
    """No such group in the tenant."""

    code = "group_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no group `{wanted}`.")
