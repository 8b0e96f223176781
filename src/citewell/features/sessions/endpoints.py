"""Routes of sessions."""

from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

from fastapi import Body, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from citewell.core.context import Caller, Origin, unit_of_work
from citewell.core.settings import Settings
from citewell.features.http import (
    PRIVATE,
    SIGN_IN,
    SIGN_OUT,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
)
from citewell.features.sessions import registration, service, setting_up, signing_in
from citewell.features.sessions.errors import ForeignOriginError, RefreshError
from citewell.features.sessions.schemas import (
    AcceptedRead,
    LoginForm,
    LoginRequest,
    LogoutRequest,
    MeRead,
    PasswordChange,
    RefreshRequest,
    RegisterRequest,
    SessionTokens,
    SetupRequest,
    TokenRead,
)
from citewell.features.sessions.tokens import ACCESS_SECONDS

Shape = TypeVar("Shape", bound=BaseModel)

router = Router(policy=PRIVATE, prefix="/auth", tags=["sessions"])
"""Routes of signed-in callers."""

public_router = Router(policy=SIGN_IN, prefix="/auth", tags=["sessions"])
"""Routes that take no credential, or a refresh token."""

COOKIE = "citewell_refresh"
COOKIE_PATH = "/api/v1/auth"

FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 20
"""Above the eight fields of `LoginForm`; parsing stops there."""


async def _origin(request: Request) -> Origin:
    return Origin(request.client.host if request.client else None, request.state.request_id)


OriginDep = Annotated[Origin, Depends(_origin)]

# The body is read by hand, because FastAPI cannot declare JSON and a form for one route; this tells
# OpenAPI of both.
_LOGIN_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": LoginRequest.model_json_schema()},
            FORM: {"schema": LoginForm.model_json_schema()},
        },
    }
}


@public_router.post("/register", status_code=201, responses={202: {"model": AcceptedRead}})
async def register(
    platform: PlatformDep, origin: OriginDep, response: Response, data: RegisterRequest
) -> TokenRead | AcceptedRead:
    """Make an account with an invitation, or where registration is open.

    With open registration the reply is 202, whether or not the address had an account: sign in.
    """
    tokens = await registration.register(platform, data, origin)
    if tokens is None:
        response.status_code = 202
        return AcceptedRead()
    return _hand_out(tokens, response, platform.settings, in_cookie=data.cookie)


@public_router.post("/setup", status_code=201)
async def set_up(
    platform: PlatformDep, origin: OriginDep, response: Response, data: SetupRequest
) -> TokenRead:
    """Make the first account of a new installation, its administrator, with the set-up token."""
    tokens = await setting_up.set_up(platform, data, origin)
    return _hand_out(tokens, response, platform.settings, in_cookie=data.cookie)


@public_router.post("/login", openapi_extra=_LOGIN_BODIES)
async def login(
    platform: PlatformDep, origin: OriginDep, request: Request, response: Response
) -> TokenRead:
    """Sign in with e-mail address and password, as JSON or as the form of OAuth 2 clients."""
    data = await _login_data(request)
    tokens = await signing_in.sign_in(platform, data.email, data.password, data.tenant, origin)
    return _hand_out(tokens, response, platform.settings, in_cookie=data.cookie)


@public_router.post("/refresh")
async def refresh(
    platform: PlatformDep,
    origin: OriginDep,
    request: Request,
    response: Response,
    data: Annotated[RefreshRequest | None, Body()] = None,
) -> TokenRead:
    """Renew a session: new tokens for its refresh token, which is spent."""
    given = data.refresh_token if data else None
    token = given if given is not None else _token_in_cookie(request, platform.settings)
    if token is None:
        raise RefreshError
    tokens = await service.refresh(platform, token, origin)
    return _hand_out(tokens, response, platform.settings, in_cookie=given is None)


@public_router.post("/logout", status_code=204)
@governed(SIGN_OUT)
async def logout(
    platform: PlatformDep,
    origin: OriginDep,
    request: Request,
    response: Response,
    data: Annotated[LogoutRequest | None, Body()] = None,
) -> None:
    """End the session of the access token, the refresh token or the cookie; or all the user has."""
    wanted = data or LogoutRequest()
    caller = cast(Caller | None, getattr(request.state, "caller", None))
    token = wanted.refresh_token
    if token is None and caller is None:
        token = _token_in_cookie(request, platform.settings)
    if token is not None:
        await service.end_by_refresh_token(platform, token, origin, everywhere=wanted.everywhere)
    elif caller is not None:
        async with unit_of_work(platform, caller) as ctx:
            await service.end(ctx, everywhere=wanted.everywhere)
    else:
        raise RefreshError
    if COOKIE in request.cookies:
        _set_cookie(response, platform.settings, "", 0)


@router.post("/password")
async def change_password(
    platform: PlatformDep, caller: WriterDep, data: PasswordChange
) -> TokenRead:
    """Change the password; all other sessions end, this one goes on with a new access token."""
    token = await signing_in.change_password(platform, caller, data.old_password, data.new_password)
    return TokenRead(access_token=token, expires_in=ACCESS_SECONDS)


@router.get("/me")
async def me(platform: PlatformDep, caller: ReaderDep) -> MeRead:
    """Show the caller: credential, scopes, organisation and user."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.me(ctx)


async def _login_data(request: Request) -> LoginRequest:
    """The fields of the request, sent as JSON or as a form.

    Raises:
        RequestValidationError: It is in neither, or a field is missing, unknown or too long.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind == "application/json":
        return _validated(LoginRequest, body)
    if kind != FORM:
        raise _invalid("content_type", f"Send application/json or {FORM}")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"
        )
    except ValueError:
        raise _invalid("form", "The form cannot be read") from None
    fields = dict(pairs)
    # `dict` would keep the last of two passwords, while a proxy in front may have checked the
    # first.
    if len(fields) != len(pairs):
        raise _invalid("form", "A field was sent twice")
    form = _validated(LoginForm, fields)
    return LoginRequest(
        email=form.username, password=form.password, tenant=form.tenant, cookie=form.cookie
    )


def _validated(shape: type[Shape], given: bytes | dict[str, str]) -> Shape:
    try:
        if isinstance(given, bytes):
            return shape.model_validate_json(given)
        return shape.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in found]
        ) from None


def _invalid(place: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": place, "loc": ("body",), "msg": message}])


def _hand_out(
    tokens: SessionTokens, response: Response, settings: Settings, *, in_cookie: bool
) -> TokenRead:
    if in_cookie:
        _set_cookie(response, settings, tokens.refresh_token, tokens.refresh_expires_in)
    return TokenRead(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=None if in_cookie else tokens.refresh_token,
    )


def _set_cookie(response: Response, settings: Settings, value: str, seconds: int) -> None:
    """Set or, with 0 seconds, delete: a browser deletes only what has the same attributes."""
    response.set_cookie(
        COOKIE,
        value,
        max_age=seconds,
        path=COOKIE_PATH,
        secure=(settings.public_url or "").startswith("https://"),
        httponly=True,
        # No other site's link or form makes the browser send it; the path keeps it from all other
        # routes.
        samesite="strict",
    )


def _token_in_cookie(request: Request, settings: Settings) -> str | None:
    """The refresh token a browser keeps; None if it keeps none.

    Raises:
        ForeignOriginError: A page of another site made the browser send it.
    """
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    origin = request.headers.get("origin", "")
    ours = {settings.public_url, *settings.cors_origins}
    # A second lock behind `SameSite`, which older browsers and sibling subdomains get around.
    is_same_host = urlsplit(origin).netloc == request.headers.get("host", "")
    if not (origin.startswith(("http://", "https://")) and (is_same_host or origin in ours)):
        raise ForeignOriginError
    return token
