"""Pages of lists, as the API shows them."""

from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_LIMIT = 100
"""Most items of one page, as the API promises."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested part of a list; `page` counts from 1."""

    page: int = 1
    limit: int = 20

    @property
    def offset(self) -> int:
        """Rows to skip."""
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page and the size of the whole list."""

    items: list[T]
    request: PageRequest
    total: int

    @property
    def total_pages(self) -> int:
        """At least 1, so that an empty list has a first page."""
        return max(1, ceil(self.total / self.request.limit))
