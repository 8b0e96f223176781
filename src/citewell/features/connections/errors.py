"""Errors of connections."""

from citewell.core.errors import ConflictError, InvalidInputError, NotFoundError


class ConnectionNotFoundError(NotFoundError):
    """No such connection, or not for this caller."""

    code = "connection_not_found"

    def __init__(self, connection_id: object) -> None:
        super().__init__(f"There is no connection `{connection_id}`.")


class ConnectionExistsError(ConflictError):
    """The name is taken."""

    code = "connection_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a connection `{name}` already.")


class InvalidConnectionError(InvalidInputError):
    """Provider, model, address and key do not go together."""

    code = "invalid_connection"


class KeyNeededError(InvalidInputError):
    """The address changed, and the key that was given for the former one stays behind."""

    code = "connection_key_needed"

    def __init__(self) -> None:
        super().__init__(
            "The key was given for another provider or address and is not sent to this one: send "
            "`api_key` with the change, or null to remove it."
        )
