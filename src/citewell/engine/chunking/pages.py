"""Pages of a passage and of what is quoted from it."""

from collections.abc import Sequence


def pages_of(
    page: int | None, breaks: Sequence[int], start: int, end: int
) -> tuple[int | None, int | None]:
    """The first and the last page of a stretch of a passage.

    Args:
        page: Page on which the passage begins.
        breaks: Offsets in the passage at which a page ends, in order; a page without text repeats
            the offset.
        start: Offset of the stretch in the passage.
        end: Offset behind the stretch.

    Returns:
        (first, last), which are the same for a stretch of one page; None without pages.
    """
    if page is None:
        return None, None
    first = page + sum(at <= start for at in breaks)
    return first, max(first, page + sum(at < end for at in breaks))


def breaks_within(breaks: Sequence[int], start: int, end: int) -> tuple[int, ...]:
    """Page breaks inside a stretch, as offsets in it; those at its begin belong before it."""
    return tuple(at - start for at in breaks if start < at < end)


def page_at(page: int | None, breaks: Sequence[int], at: int) -> int | None:
    """The page that an offset stands on."""
    return pages_of(page, breaks, at, at)[0]
