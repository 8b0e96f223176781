"""Errors of OAuth, with the codes of its RFCs."""

from citewell.core.errors import AppError


class OAuthError(AppError):
    """A request of a client that cannot be granted."""

    code = "invalid_request"
    status = 400
    title = "The request cannot be granted"


class InvalidClientError(OAuthError):
    """No such client was registered here."""

    code = "invalid_client"

    def __init__(self) -> None:
        super().__init__("This client is not registered here; it has to register once more.")


class InvalidClientMetadataError(OAuthError):
    """A client cannot be registered like this (RFC 7591)."""

    code = "invalid_client_metadata"


class InvalidRedirectError(OAuthError):
    """The address is none that the client has registered, or may not be one."""

    code = "invalid_redirect_uri"


class InvalidGrantError(OAuthError):
    """The code does not work, or not for this client."""

    code = "invalid_grant"

    def __init__(self) -> None:
        super().__init__("The code does not work: it is wrong, was used, or is over a minute old.")


class InvalidScopeError(OAuthError):
    """None of the scopes can be given to a client."""

    code = "invalid_scope"

    def __init__(self) -> None:
        super().__init__("Clients are given the scopes `read` and `write` only.")


class InvalidTargetError(OAuthError):
    """The resource is another server's (RFC 8707)."""

    code = "invalid_target"

    def __init__(self) -> None:
        super().__init__("The resource is not this server's.")


class UnsupportedGrantError(OAuthError):
    """Another grant than that of a code was asked for."""

    code = "unsupported_grant_type"

    def __init__(self) -> None:
        super().__init__("The one grant there is is `authorization_code`.")
