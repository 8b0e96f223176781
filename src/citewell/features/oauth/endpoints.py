"""Routes of OAuth, for clients of the Model Context Protocol."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Form, Query, Request

from citewell.core.context import Origin, unit_of_work
from citewell.features.http import (
    PRIVATE,
    PROBE,
    SIGN_IN,
    ErrorFormat,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    own_address,
)
from citewell.features.oauth import service
from citewell.features.oauth.errors import UnsupportedGrantError
from citewell.features.oauth.schemas import (
    AuthorizationAsked,
    AuthorizationGrant,
    AuthorizationRead,
    ClientId,
    ClientMetadata,
    ClientRead,
    ClientToken,
    RedirectUri,
    ResourceMetadata,
    ScopeText,
    SentBack,
    ServerMetadata,
)

# Requests of clients without a credential are counted by address, as signing in is.
FOR_CLIENTS = replace(SIGN_IN, errors=ErrorFormat.OAUTH)

router = Router(policy=PRIVATE, prefix="/auth/oauth", tags=["oauth"])
client_router = Router(policy=FOR_CLIENTS, prefix="/auth/oauth", tags=["oauth"])
metadata_router = Router(policy=PROBE, prefix="/.well-known", include_in_schema=False)


async def _address(request: Request, platform: PlatformDep) -> str:
    return own_address(request, platform.settings)


AddressDep = Annotated[str, Depends(_address)]


async def _asked(
    client_id: Annotated[ClientId, Query()],
    redirect_uri: Annotated[RedirectUri, Query()],
    scope: Annotated[ScopeText, Query()] = "",
    resource: Annotated[str | None, Query(max_length=500)] = None,
) -> AuthorizationAsked:
    return AuthorizationAsked(
        client_id=client_id, redirect_uri=redirect_uri, scope=scope, resource=resource
    )


@metadata_router.get("/oauth-protected-resource")
@metadata_router.get("/oauth-protected-resource/mcp")
async def describe_resource(address: AddressDep) -> ResourceMetadata:
    """Tell where access to `/mcp` is given (RFC 9728)."""
    return service.resource_metadata(address)


@metadata_router.get("/oauth-authorization-server")
async def describe_server(address: AddressDep) -> ServerMetadata:
    """Tell how access is given (RFC 8414)."""
    return service.server_metadata(address)


@client_router.post("/register", status_code=201)
async def register_client(platform: PlatformDep, data: ClientMetadata) -> ClientRead:
    """Register a client (RFC 7591); nothing is kept of it."""
    return service.register(platform, data)


@client_router.post("/token")
async def exchange_code(
    platform: PlatformDep,
    request: Request,
    grant_type: Annotated[str, Form(max_length=100)],
    code: Annotated[str, Form(max_length=8_000)],
    client_id: Annotated[str, Form(max_length=4_000)],
    redirect_uri: Annotated[str, Form(max_length=500)],
    code_verifier: Annotated[str, Form(min_length=43, max_length=128)],
) -> ClientToken:
    """Exchange a code for an access token: an API key of the person who admitted the client."""
    if grant_type != "authorization_code":
        raise UnsupportedGrantError
    host = request.client.host if request.client else None
    return await service.exchange(
        platform,
        Origin(host, request.state.request_id),
        code=code,
        client_id=client_id,
        redirect_uri=redirect_uri,
        verifier=code_verifier,
    )


@router.get("/request")
async def read_request(
    platform: PlatformDep,
    caller: ReaderDep,  # noqa: ARG001 - admits people who are signed in
    address: AddressDep,
    asked: Annotated[AuthorizationAsked, Depends(_asked)],
) -> AuthorizationRead:
    """Tell what a client asks for, for the page on which a person decides."""
    return service.ask(platform, asked, address)


@router.post("/grants")
async def decide_request(
    platform: PlatformDep, caller: WriterDep, address: AddressDep, data: AuthorizationGrant
) -> SentBack:
    """Admit a client, or not; the browser goes back to it with the outcome."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.decide(ctx, platform, data, address)
