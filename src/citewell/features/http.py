"""Shared parts of endpoints: route policies, the platform, the caller, a page of a list."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from citewell.access.policy import Scope
from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.features.idempotency import service as idempotency
from citewell.kit.complaints import UNKNOWN_FIELD, unknown_field
from citewell.kit.pagination import MAX_LIMIT, Page, PageRequest

ViewAs = Callable[[Platform, Caller, uuid.UUID], Awaitable[Caller]]
"""A caller with the access of another user; in the state of the application as `view_as`."""

Item = TypeVar("Item")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Admission(Enum):
    """Callers that a route admits."""

    CREDENTIAL = auto()
    """Those with a valid access token or API key."""
    OPTIONAL = auto()
    """Everybody; a valid credential is read, but a refresh token in the body will do instead."""
    PUBLIC = auto()
    """Everybody; credentials are ignored."""


class Rate(Enum):
    """Rate class of the requests to a route."""

    REQUESTS = auto()
    QUERIES = auto()
    """Searches and questions."""
    SIGNING_IN = auto()
    """Counted by address, with a credential or without, because passwords are guessed here."""
    UNLIMITED = auto()


class BodySize(Enum):
    """The largest body of a route."""

    JSON = auto()
    DOCUMENT = auto()
    """A text in JSON."""
    FILE = auto()
    """Files in a form, each as large as the settings allow."""


class ErrorFormat(Enum):
    """How a route writes its errors."""

    PROBLEM = auto()
    """Problem details (RFC 9457)."""
    OPENAI = auto()
    """As OpenAI's API does, for the clients made for it."""
    OAUTH = auto()
    """As RFC 6749 does, 5.2."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Notice that a route will go; at least half a year lies between the two days."""

    since: date
    sunset: date
    """The first day on which it may be gone."""


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Policy of a route; unknown paths get the default."""

    admission: Admission = Admission.CREDENTIAL
    rate: Rate = Rate.REQUESTS
    body: BodySize = BodySize.JSON
    errors: ErrorFormat = ErrorFormat.PROBLEM
    body_scopes: tuple[Scope, ...] = ()
    """Asked for before a long body is read; its own checks come after that."""
    fills_library: bool = True
    """Whether a long body becomes documents that others read: some may add none."""
    is_page: bool = False
    """Whether it is a page of the documentation: the same for everybody, with a script inside."""
    deprecation: Deprecation | None = None
    """None: the route stays as long as its version of the API."""
    events: tuple[tuple[str, type[BaseModel]], ...] = ()
    """Of a route that replies with server-sent events: their names, and the shapes of their data
    for the API's description. Such a route takes no `HEAD`."""
    shows_as_user: bool = False
    """Whether its `GET` takes `as_user_id`: an administrator is shown what that user is shown."""
    takes_any_query: bool = False
    """Whether query parameters that it does not know are ignored: for addresses that others make,
    as providers of sign-on (RFC 6749, 4.1.2), probes and clients of other protocols do."""


PRIVATE = RoutePolicy()
LIBRARY = RoutePolicy(shows_as_user=True)
"""Of routes that show the library as far as their caller may read it."""
QUERY = RoutePolicy(rate=Rate.QUERIES)
SIGN_IN = RoutePolicy(Admission.PUBLIC, Rate.SIGNING_IN)
SIGN_OUT = RoutePolicy(Admission.OPTIONAL)
PUBLIC = RoutePolicy(Admission.PUBLIC)
PROBE = RoutePolicy(Admission.PUBLIC, Rate.UNLIMITED, takes_any_query=True)
PAGE = RoutePolicy(Admission.PUBLIC, Rate.UNLIMITED, is_page=True)
TAKES_TEXT = RoutePolicy(body=BodySize.DOCUMENT, body_scopes=(Scope.WRITE,))
TAKES_FILES = RoutePolicy(body=BodySize.FILE, body_scopes=(Scope.WRITE,))
ATTACHES_FILES = RoutePolicy(body=BodySize.FILE, body_scopes=(Scope.WRITE,), fills_library=False)
TAKES_EXPORTS = RoutePolicy(body=BodySize.FILE, body_scopes=(Scope.WRITE, Scope.READ, Scope.ADMIN))

_POLICY = "citewell_policy"
_QUERY = "citewell_query"
_AS_USER = "as_user_id"


def governed(policy: RoutePolicy) -> Callable[[Endpoint], Endpoint]:
    """Declare a route's policy; written below the decorator of the route."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _POLICY, policy)
        return endpoint

    return declare


def policy_of(endpoint: object) -> RoutePolicy | None:
    """The policy that was declared for an endpoint."""
    return getattr(endpoint, _POLICY, None)


class Router(APIRouter):
    """A router whose routes have its policy unless they declare their own.

    Its routes refuse query parameters that the API's description does not name, unless their policy
    takes any; even those refuse to reply as another user.
    """

    def __init__(self, *, policy: RoutePolicy, **more: Any) -> None:
        super().__init__(**more)
        self._policy = policy

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        """Add a route; see `fastapi.APIRouter.add_api_route`."""
        # A route's own `@governed` has run before, so it wins over the router's policy.
        if policy_of(endpoint) is None:
            governed(self._policy)(endpoint)
        policy = policy_of(endpoint) or self._policy
        before = [Depends(_refuse_unknown_query)]
        if policy.shows_as_user and set(more.get("methods") or ()) == {"GET"}:
            before.append(Depends(_look_as_user))
        more["dependencies"] = [*before, *(more.get("dependencies") or ())]
        super().add_api_route(path, endpoint, **more)
        added = cast(APIRoute, self.routes[-1])
        setattr(endpoint, _QUERY, frozenset(_query_names(added.dependant)))

    def add_api_websocket_route(
        self, path: str, endpoint: Callable[..., Any], name: str | None = None, **more: Any
    ) -> None:
        """Add a socket; see `fastapi.APIRouter.add_api_websocket_route`."""
        governed(self._policy)(endpoint)
        super().add_api_websocket_route(path, endpoint, name, **more)


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (param.alias for param in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_names(inner)


# Dependencies are coroutines although they await nothing, because FastAPI runs plain functions in a
# thread, which costs more than the function.


async def _refuse_unknown_query(request: Request) -> None:
    endpoint = request.scope["endpoint"]
    unknown = sorted(set(request.query_params) - getattr(endpoint, _QUERY))
    policy = policy_of(endpoint)
    if policy is not None and policy.takes_any_query:
        unknown = [name for name in unknown if name == _AS_USER]
    if unknown:
        raise RequestValidationError(
            [
                {
                    "type": UNKNOWN_FIELD,
                    "loc": ("query", name),
                    "msg": "This route is answered for its caller alone"
                    if name == _AS_USER
                    else "There is no such query parameter",
                }
                for name in unknown
            ]
        )


async def _look_as_user(
    request: Request,
    as_user_id: Annotated[
        uuid.UUID | None,
        Query(
            description=(
                "Reply as this user would get it, but for private collections; "
                "for administrators, and recorded."
            )
        ),
    ] = None,
) -> None:
    """Put the user in the place of the caller, before a route's own dependencies ask for them."""
    if as_user_id is not None:
        view_as: ViewAs = request.app.state.view_as
        caller = cast(Caller, request.state.caller)
        request.state.caller = await view_as(request.app.state.platform, caller, as_user_id)


async def _platform(request: Request) -> Platform:
    return cast(Platform, request.app.state.platform)


def _requires(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """The caller, refused unless their credential has the scope."""

    async def caller_with_scope(request: Request) -> Caller:
        # Set by the authentication middleware, which admits no request without a caller here.
        caller = cast(Caller, request.state.caller)
        caller.actor.require(scope)
        is_shown = request.path_params and request.method in ("PATCH", "POST")
        if scope is Scope.ADMIN or (scope is Scope.WRITE and is_shown):
            # The reply shows what was there before: a key that only writes must not read that way.
            caller.actor.require(Scope.READ)
        if scope is Scope.ADMIN and request.method != "GET":
            # A key with `read` and `admin` may look at everything, and change nothing.
            caller.actor.require(Scope.WRITE)
        return caller

    return caller_with_scope


async def _page(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
) -> PageRequest:
    return PageRequest(page, limit)


async def _is_head(request: Request) -> bool:
    return cast(bool, request.state.is_head)


async def _nothing() -> AsyncIterator[bytes]:
    for part in ():
        yield part


def own_address(request: Request, settings: Settings) -> str:
    """Address of this installation as its clients see it, without a slash at the end."""
    named = settings.public_url
    return (named or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")


def head_alone(media_type: str, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """The reply to a `HEAD`, where making the body would cost more than its head tells.

    A stream, as that has no length to be told.
    """
    return StreamingResponse(_nothing(), media_type=media_type, headers=headers)


PlatformDep = Annotated[Platform, Depends(_platform)]
ReaderDep = Annotated[Caller, Depends(_requires(Scope.READ))]
"""The caller of a route that changes nothing."""

WriterDep = Annotated[Caller, Depends(_requires(Scope.WRITE))]
"""The caller of a route that changes documents, collections or what is their own."""

AdminDep = Annotated[Caller, Depends(_requires(Scope.ADMIN))]
"""The caller of a route for administrators of a tenant."""

OperatorDep = Annotated[Caller, Depends(_requires(Scope.OPERATOR))]
"""The caller of a route over all tenants."""

PageDep = Annotated[PageRequest, Depends(_page)]

HeadDep = Annotated[bool, Depends(_is_head)]
"""Whether the head of the reply alone is asked for."""


class Pagination(BaseModel):
    """Position of a page in its list."""

    page: int
    limit: int
    total: int
    total_pages: int


class Listing(BaseModel, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    pagination: Pagination


def listing(page: Page[Any], items: list[Item]) -> Listing[Item]:
    """A page as the API shows it."""
    request = page.request
    return Listing[Item](
        data=items,
        pagination=Pagination(
            page=request.page, limit=request.limit, total=page.total, total_pages=page.total_pages
        ),
    )


def known_fields(known: set[str]) -> Callable[[Request], Awaitable[None]]:
    """Refuses a form with fields that a route does not have, as JSON with such fields is."""

    async def check(request: Request) -> None:
        unknown = sorted(set(await request.form()) - known)
        if unknown:
            raise RequestValidationError(
                [
                    {
                        "type": UNKNOWN_FIELD,
                        "loc": ("body", name),
                        "msg": unknown_field(name, known),
                    }
                    for name in unknown
                ]
            )

    return check


def no_form(elsewhere: str) -> Callable[[Request], Awaitable[None]]:
    """Refuses a form where JSON is taken, with a word on the route that takes it."""

    async def check(request: Request) -> None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _FORMS:
            message = f"Send JSON (`Content-Type: application/json`), no form; {elsewhere}"
            raise RequestValidationError([{"type": "no_form", "loc": ("body",), "msg": message}])

    return check


_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


async def _idempotency_key(
    idempotency_key: Annotated[
        list[str] | None,
        Header(
            description=(
                "Any text of 1 to 255 characters, a new one for each request. A request that is "
                "repeated with its key within 24 hours runs once and gets the first reply again."
            )
        ),
    ] = None,
) -> str | None:
    return idempotency.checked_key(idempotency_key or [])


KeyDep = Annotated[str | None, Depends(_idempotency_key)]
"""The key of a request that shall run only once."""
