"""Shapes of OAuth: of its RFCs for clients, and of the page on which a person decides."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from citewell.kit.bodies import RequestBody

MAX_CLIENT_CHARS = 4_000
"""Characters of a client's id, which holds what it has registered."""

ClientId = Annotated[str, Field(min_length=1, max_length=MAX_CLIENT_CHARS)]
RedirectUri = Annotated[
    str, Field(min_length=1, max_length=500, examples=["https://app.example/callback"])
]
# Base64url of a SHA-256 (RFC 7636).
Challenge = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{43}$", examples=["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]),
]
ScopeText = Annotated[str, Field(max_length=200)]
State = Annotated[str, Field(max_length=1_000)]


class ClientMetadata(BaseModel):
    """Description of a client by itself (RFC 7591); unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore")

    client_name: str | None = Field(default=None, max_length=80)
    redirect_uris: list[RedirectUri] = Field(min_length=1, max_length=5)


class ClientRead(BaseModel):
    """A registered client; it has no secret."""

    client_id: str
    client_id_issued_at: int
    """Seconds since 1970."""
    client_name: str
    redirect_uris: list[str]
    grant_types: list[str]
    response_types: list[str]
    token_endpoint_auth_method: Literal["none"] = "none"  # noqa: S105 - a name
    scope: str


class AuthorizationAsked(RequestBody):
    """A client, the scopes it asks for, and where the answer goes."""

    client_id: ClientId
    redirect_uri: RedirectUri
    scope: ScopeText = ""
    resource: str | None = Field(default=None, max_length=500)


class AuthorizationGrant(AuthorizationAsked):
    """The decision of a person about the request of a client, as it came to the page."""

    response_type: Literal["code"] = "code"
    code_challenge: Challenge
    code_challenge_method: Literal["S256"] = "S256"
    state: State | None = None
    approve: bool


class AuthorizationRead(BaseModel):
    """A request as a person is asked about it."""

    client_name: str
    """As the client calls itself: nobody has checked it."""
    redirect_host: str
    """Where the code goes. A loopback name means a program of one's own machine, and so does a
    scheme of its own, which then stands before the host (`cursor://anysphere.cursor-mcp`)."""
    scopes: list[str]
    expires_in_days: int
    """How long the access holds unless it is revoked."""


class SentBack(BaseModel):
    """Where the browser goes next."""

    redirect_to: str


class ClientToken(BaseModel):
    """The access of a client: an API key of the person who admitted it."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a name
    expires_in: int
    """Seconds."""
    scope: str


class ResourceMetadata(BaseModel):
    """The server of the protocol as a protected resource (RFC 9728)."""

    resource: str
    authorization_servers: list[str]
    scopes_supported: list[str]
    bearer_methods_supported: list[str]
    resource_name: str


class ServerMetadata(BaseModel):
    """This installation as an authorisation server (RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str]
    authorization_response_iss_parameter_supported: bool
