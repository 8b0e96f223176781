"""What endpoints share: the platform, the authenticated caller, a page of a list."""

from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.kit.pagination import MAX_LIMIT, Page, PageRequest

Item = TypeVar("Item")


def _platform(request: Request) -> Platform:
    return cast(Platform, request.app.state.platform)


def _caller(request: Request) -> Caller:
    # Set by the authentication middleware, which lets nobody through without it.
    return cast(Caller, request.state.caller)


def _page(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
) -> PageRequest:
    return PageRequest(page, limit)


PlatformDep = Annotated[Platform, Depends(_platform)]
CallerDep = Annotated[Caller, Depends(_caller)]
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
