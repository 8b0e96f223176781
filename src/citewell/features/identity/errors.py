"""Errors of identity."""

from citewell.core.errors import ConflictError, InvalidInputError, NotFoundError, UnauthorizedError


class CredentialError(UnauthorizedError):
    """The access token or API key is missing, wrong, expired or ended; not told which."""

    def __init__(self) -> None:
        super().__init__("Send a valid access token or API key as `Authorization: Bearer ...`.")


class TenantNotFoundError(NotFoundError):
    """No such tenant, or not for this caller."""

    code = "tenant_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no tenant `{wanted}`.")


class TenantExistsError(ConflictError):
    """The slug is taken."""

    code = "tenant_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(f"A tenant `{slug}` exists already.")


class DefaultTenantError(ConflictError):
    """The tenant this installation begins with has to stay."""

    code = "default_tenant"

    def __init__(self) -> None:
        super().__init__("The tenant `default` can neither be suspended nor deleted.")


class ApiKeyNotFoundError(NotFoundError):
    """No such key, or not for this caller."""

    code = "api_key_not_found"

    def __init__(self, key_id: object) -> None:
        super().__init__(f"There is no API key `{key_id}`.")


class ApiKeyOwnerError(InvalidInputError):
    """The caller acts for no user, so the key would have no owner; `service` was not set."""

    code = "service_key_needed"

    def __init__(self) -> None:
        super().__init__(
            "Your credential acts for no user, so a key of yours would too: set `service` to true."
        )


class OperatorKeyError(InvalidInputError):
    """Keys over all tenants belong to the tenant this installation begins with."""

    code = "operator_key"

    def __init__(self) -> None:
        super().__init__("Operator keys are made in the tenant `default`, for no user.")
