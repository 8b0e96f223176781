"""What endpoints share: the platform, the authenticated caller, a page of a list."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from citewell.access.policy import Scope
from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.kit.pagination import MAX_LIMIT, Page, PageRequest

Item = TypeVar("Item")


def _platform(request: Request) -> Platform:
    return cast(Platform, request.app.state.platform)


def _requires(scope: Scope) -> Callable[[Request], Caller]:
    """The caller, refused unless their credential has the scope."""

    def caller_with_scope(request: Request) -> Caller:
        # Set by the authentication middleware, which lets nobody through without it.
        caller = cast(Caller, request.state.caller)
        caller.actor.require(scope)
        if scope is Scope.ADMIN and request.method != "GET":
            caller.actor.require(Scope.WRITE)  # to administer by reading is a right of its own
        return caller

    return caller_with_scope


def _page(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
) -> PageRequest:
    return PageRequest(page, limit)


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


class Pagination(BaseModel):
    """Where a page lies in its list."""

    page: int
    limit: int
    total: int
    total_pages: int


class Listing(BaseModel, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    pagination: Pagination


def listing(page: Page[Any], items: list[Item]) -> Listing[Item]:
    """The page as the API shows it."""
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
            message = "Extra inputs are not permitted"
            raise RequestValidationError(
                [
                    {"type": "extra_forbidden", "loc": ("body", name), "msg": message}
                    for name in unknown
                ]
            )

    return check
