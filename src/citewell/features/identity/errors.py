"""Errors of identity."""

from citewell.core.errors import ConflictError, NotFoundError, UnauthorizedError


class CredentialError(UnauthorizedError):
    """The access token or API key is missing, wrong, expired or ended; which is not told."""

    def __init__(self) -> None:
        super().__init__("Send a valid access token or API key as `Authorization: Bearer ...`.")


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
