"""Errors of identity."""

from citewell.core.errors import ConflictError, NotFoundError, UnauthorizedError


class CredentialError(UnauthorizedError):
    """The API key is missing, wrong, expired or revoked; which of them is not told."""

    def __init__(self) -> None:
        super().__init__("Send a valid API key as `Authorization: Bearer cw_...`.")


class TenantNotFoundError(NotFoundError):
    """No active tenant has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no tenant `{slug}`.")


class TenantExistsError(ConflictError):
    """The slug is taken."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"A tenant `{slug}` exists already.")


class ApiKeyNotFoundError(NotFoundError):
    """The tenant has no such key."""

    def __init__(self, key_id: object) -> None:
        super().__init__(f"There is no API key `{key_id}`.")
