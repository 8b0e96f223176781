"""Routes of sessions."""

import uuid
from dataclasses import replace
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Body, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from citewell.core.context import Caller, Origin, unit_of_work
from citewell.core.errors import AppError
from citewell.core.settings import Settings
from citewell.features.http import (
    PRIVATE,
    PROBE,
    SIGN_IN,
    SIGN_OUT,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    own_address,
)
from citewell.features.notices import service as notices
from citewell.features.sessions import (
    forgetting,
    own_email,
    own_factor,
    passkeys,
    registration,
    service,
    setting_up,
    signing_in,
    single_sign_on,
)
from citewell.features.sessions.errors import ForeignOriginError, RefreshError
from citewell.features.sessions.passkeys import Site
from citewell.features.sessions.schemas import (
    AcceptedRead,
    BothProofs,
    CodeProof,
    EmailChange,
    EmailConfirmation,
    EmailRead,
    ForgottenPassword,
    LoginForm,
    LoginRequest,
    LogoutRequest,
    MeRead,
    PasskeyBegin,
    PasskeyCreate,
    PasskeyOptions,
    PasskeyRead,
    PasskeySignIn,
    PasskeysRead,
    PasswordChange,
    PasswordProof,
    PasswordResetRequest,
    RecoveryCodesRead,
    RefreshRequest,
    RegisterRequest,
    SecondFactorBegin,
    SecondFactorOffer,
    SecondFactorRead,
    SessionTokens,
    SetupRequest,
    TokenRead,
    WaysInRead,
)
from citewell.features.sessions.tokens import ACCESS_SECONDS
from citewell.kit.complaints import UNKNOWN_FIELD, unknown_field

Shape = TypeVar("Shape", bound=BaseModel)

router = Router(policy=PRIVATE, prefix="/auth", tags=["sessions"])
"""Routes of signed-in callers."""

public_router = Router(policy=SIGN_IN, prefix="/auth", tags=["sessions"])
"""Routes that take no credential, or a refresh token."""

COOKIE = "citewell_refresh"
BINDING_COOKIE = "citewell_sign_on"
"""Cookie that binds a sign-in at a provider to the browser in which it began."""

COOKIE_PATH = "/api/v1/auth"

FOREIGN_ADDRESS = replace(SIGN_IN, takes_any_query=True)
"""Of routes that providers and portals link to, with parameters of theirs (OpenID Connect, 4)."""

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


@public_router.post("/reset", responses={202: {"model": AcceptedRead}})
async def reset_password(
    platform: PlatformDep, origin: OriginDep, response: Response, data: PasswordResetRequest
) -> TokenRead | AcceptedRead:
    """Set a new password with a token, and sign in; other sessions end.

    The reply is 202 where the password alone is not enough to sign in.
    """
    tokens = await registration.reset_password(platform, data, origin)
    if tokens is None:
        response.status_code = 202
        return AcceptedRead()
    return _hand_out(tokens, response, platform.settings, in_cookie=data.cookie)


@public_router.post("/forgot", status_code=202)
async def forgot_password(
    platform: PlatformDep, origin: OriginDep, data: ForgottenPassword
) -> AcceptedRead:
    """Have a link to set a new password mailed to an active user who has one.

    The reply does not tell whether the address is anybody's.
    """
    await forgetting.ask(platform, data, origin)
    return AcceptedRead()


@public_router.post("/email/confirm")
async def confirm_email(
    platform: PlatformDep, origin: OriginDep, data: EmailConfirmation
) -> EmailRead:
    """Make a new e-mail address your own, by the token of the link that was mailed to it."""
    return EmailRead(email=await own_email.confirm(platform, data.token, origin))


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
    """Sign in with e-mail address and password, as JSON or as the form of OAuth 2 clients.

    A user with a second factor sends a `code` as well.
    """
    data = await _login_data(request)
    tokens = await signing_in.sign_in(
        platform, data.email, data.password, data.tenant, origin, code=data.code
    )
    return _hand_out(tokens, response, platform.settings, in_cookie=data.cookie)


@public_router.get("/ways-in")
@governed(PROBE)
async def get_ways_in(platform: PlatformDep) -> WaysInRead:
    """Show how one can get in besides e-mail address and password."""
    return WaysInRead(
        providers=single_sign_on.offered(platform),
        resets_passwords=notices.is_on(platform),
        sets_up=await setting_up.is_open(platform),
    )


@public_router.get("/oidc/{name}/start", status_code=302, response_class=Response)
@governed(FOREIGN_ADDRESS)
async def start_single_sign_on(
    platform: PlatformDep, origin: OriginDep, request: Request, name: str
) -> Response:
    """Send the browser to a provider to sign in there."""
    back = _back_from(request, platform.settings, name)
    begun = await single_sign_on.begin(platform, name, back, origin)
    response = _sent_to(begun.address, 302)
    response.set_cookie(
        BINDING_COOKIE,
        begun.binding,
        max_age=single_sign_on.CEREMONY_MINUTES * 60,
        path=f"{COOKIE_PATH}/oidc",
        secure=(platform.settings.public_url or "").startswith("https://"),
        httponly=True,
        # The provider's page sends the browser back, so it has to come along from there.
        samesite="lax",
    )
    return response


@public_router.get("/oidc/{name}/callback", status_code=303, response_class=Response)
@governed(FOREIGN_ADDRESS)
async def finish_single_sign_on(
    platform: PlatformDep,
    origin: OriginDep,
    request: Request,
    name: str,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str | None, Query(max_length=4096)] = None,
    iss: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Take the browser back from a provider: to the web application, signed in or told why not."""
    back = _back_from(request, platform.settings, name)
    given = {"state": state, "code": code, "iss": iss}
    reply = {key: value for key, value in given.items() if value is not None}
    binding = request.cookies.get(BINDING_COOKIE)
    try:
        tokens = await single_sign_on.finish(platform, name, back, reply, binding, origin)
    except AppError as error:
        # People read this in a browser: the page tells them what the problem says.
        response = _sent_to(f"/#{urlencode({'refused': error.code, 'detail': error.detail})}", 303)
    else:
        response = _sent_to("/", 303)
        _hand_out(tokens, response, platform.settings, in_cookie=True)
    response.delete_cookie(BINDING_COOKIE, path=f"{COOKIE_PATH}/oidc")
    return response


@public_router.get("/oidc/{name}/sign-out", status_code=302, response_class=Response)
@governed(FOREIGN_ADDRESS)
async def leave_provider(platform: PlatformDep, request: Request, name: str) -> Response:
    """Send the browser to the place where the session at a provider ends too."""
    back = f"{own_address(request, platform.settings)}/"
    return _sent_to(await single_sign_on.leaving_address(platform, name, back), 302)


@public_router.post("/passkeys/begin")
async def begin_passkey_sign_in(platform: PlatformDep, request: Request) -> PasskeyOptions:
    """Begin to sign in with a passkey: what a browser asks the authenticator with."""
    return await passkeys.begin_signing_in(platform, _site(request, platform.settings))


@public_router.post("/passkeys/sign-in")
async def sign_in_with_passkey(
    platform: PlatformDep,
    origin: OriginDep,
    request: Request,
    response: Response,
    data: PasskeySignIn,
) -> TokenRead:
    """Sign in with a passkey, which stands for password and second factor."""
    site = _site(request, platform.settings)
    tokens = await passkeys.sign_in(platform, site, data.ceremony, data.credential, origin)
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


@router.post("/email", status_code=202)
async def change_email(platform: PlatformDep, caller: WriterDep, data: EmailChange) -> AcceptedRead:
    """Have a link mailed to a new e-mail address of yours; it becomes yours once that is used.

    It takes your password, and a code if you have a second factor. The present address is told.
    """
    await own_email.ask(platform, caller, data)
    return AcceptedRead()


@public_router.post("/second-factor/begin")
async def begin_second_factor(
    platform: PlatformDep, origin: OriginDep, data: SecondFactorBegin
) -> SecondFactorOffer:
    """Set up a second factor that the organisation asks for, before signing in with it."""
    return await signing_in.offer_second_factor(
        platform, data.email, data.password, data.tenant, origin
    )


@router.get("/second-factor")
async def get_second_factor(platform: PlatformDep, caller: ReaderDep) -> SecondFactorRead:
    """Show your second factor."""
    async with unit_of_work(platform, caller) as ctx:
        return await own_factor.state(ctx)


@router.post("/second-factor")
async def offer_second_factor(
    platform: PlatformDep, caller: WriterDep, data: PasswordProof
) -> SecondFactorOffer:
    """Get a secret for your authenticator app; it counts once a code of it was confirmed."""
    return await own_factor.offer(platform, caller, data.password)


@router.post("/second-factor/confirm")
async def confirm_second_factor(
    platform: PlatformDep, caller: WriterDep, data: CodeProof
) -> RecoveryCodesRead:
    """Put the second factor to use with a first code; the reply holds your recovery codes."""
    codes = await own_factor.confirm(platform, caller, data.code)
    return RecoveryCodesRead(recovery_codes=codes)


@router.post("/second-factor/recovery-codes")
async def renew_recovery_codes(
    platform: PlatformDep, caller: WriterDep, data: BothProofs
) -> RecoveryCodesRead:
    """Get new recovery codes; those before are void."""
    codes = await own_factor.renew_codes(platform, caller, data.password, data.code)
    return RecoveryCodesRead(recovery_codes=codes)


@router.post("/second-factor/remove", status_code=204)
async def remove_own_second_factor(
    platform: PlatformDep, caller: WriterDep, data: BothProofs
) -> None:
    """Remove your second factor, unless the organisation asks for it."""
    await own_factor.remove(platform, caller, data.password, data.code)


@router.get("/passkeys")
async def list_passkeys(platform: PlatformDep, caller: ReaderDep) -> PasskeysRead:
    """List your passkeys, oldest first."""
    async with unit_of_work(platform, caller) as ctx:
        return PasskeysRead(data=await passkeys.owned(ctx))


@router.post("/passkeys/options")
async def begin_passkey(
    platform: PlatformDep, caller: WriterDep, request: Request, data: PasskeyBegin
) -> PasskeyOptions:
    """Begin to make a passkey: what a browser makes it with. It takes your password and code."""
    site = _site(request, platform.settings)
    return await passkeys.begin_registering(platform, caller, site, data.password, data.code)


@router.post("/passkeys", status_code=201)
async def add_passkey(
    platform: PlatformDep, caller: WriterDep, request: Request, data: PasskeyCreate
) -> PasskeyRead:
    """Keep a passkey that a browser has made."""
    return await passkeys.register(
        platform, caller, _site(request, platform.settings),
        data.ceremony, data.name, data.credential,
    )  # fmt: skip


@router.delete("/passkeys/{passkey_id}", status_code=204)
async def remove_passkey(platform: PlatformDep, caller: WriterDep, passkey_id: uuid.UUID) -> None:
    """Remove one of your passkeys."""
    async with unit_of_work(platform, caller) as ctx:
        await passkeys.remove(ctx, passkey_id)


@router.get("/me")
async def me(platform: PlatformDep, caller: ReaderDep) -> MeRead:
    """Show the caller: credential, scopes, organisation and user."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.me(ctx)


def _site(request: Request, settings: Settings) -> Site:
    return Site(own_address(request, settings))


def _back_from(request: Request, settings: Settings, name: str) -> str:
    """The address that is registered with a provider; one for each, so that none stands in."""
    return f"{own_address(request, settings)}{COOKIE_PATH}/oidc/{name}/callback"


def _sent_to(address: str, status: int) -> Response:
    return Response(status_code=status, headers={"Location": address})


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
        email=form.username,
        password=form.password,
        tenant=form.tenant,
        code=form.code,
        cookie=form.cookie,
    )


def _validated(shape: type[Shape], given: bytes | dict[str, str]) -> Shape:
    try:
        if isinstance(given, bytes):
            return shape.model_validate_json(given)
        return shape.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"]), "msg": _message(one, shape)} for one in found]
        ) from None


def _message(error: ErrorDetails, shape: type[BaseModel]) -> str:
    if error["type"] == UNKNOWN_FIELD:
        return unknown_field(str(error["loc"][-1]), shape.model_fields)
    return error["msg"]


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
        recovery_codes=list(tokens.recovery_codes) or None,
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
