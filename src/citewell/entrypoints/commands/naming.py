"""Finds what is meant by an id, the beginning or end of one, or a name."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from citewell.core.context import Context
from citewell.core.database.base import HasId
from citewell.core.database.parts import NameColumn, RowFilter, ids_named
from citewell.core.errors import InvalidInputError, NotFoundError


@dataclass(frozen=True, slots=True)
class Findable:
    """A kind of objects that commands take by id or name."""

    noun: str
    """One of them, as messages say it."""
    table: type[HasId]
    seen: Callable[[Context], Awaitable[RowFilter]]
    """Which of them are there for the caller; raises `ForbiddenError` for whom none may be."""
    names: tuple[NameColumn, ...] = ()
    """Columns of their names, if they have any."""


async def id_of(ctx: Context, kind: Findable, wanted: str) -> uuid.UUID:
    """The id of the one that is meant; whether a whole id is there is left to what is done with it.

    Raises:
        ForbiddenError: They are not for the caller.
        NotFoundError: None that the caller sees fits.
        InvalidInputError: Several do; their ids are named.
    """
    with suppress(ValueError):
        return uuid.UUID(wanted)
    seen = await kind.seen(ctx)
    found = await ids_named(ctx.session, kind.table, wanted.strip(), kind.names, seen)
    return _only(kind.noun, wanted, found)


async def id_among(
    ctx: Context,
    noun: str,
    kinds: Sequence[tuple[type[HasId], tuple[NameColumn, ...]]],
    wanted: str,
) -> uuid.UUID:
    """The id of the one that an operator means, of whichever of these tables it is.

    Raises:
        NotFoundError: None fits.
        InvalidInputError: Several do; their ids are named.
    """
    with suppress(ValueError):
        return uuid.UUID(wanted)
    found: list[uuid.UUID] = []
    for table, names in kinds:
        found += await ids_named(ctx.session, table, wanted.strip(), names)
    return _only(noun, wanted, found)


def _only(noun: str, wanted: str, found: Sequence[uuid.UUID]) -> uuid.UUID:
    if not found:
        raise NotFoundError(f"There is no {noun} `{wanted}`.")
    if len(found) > 1:
        ids = ", ".join(str(each) for each in found)
        raise InvalidInputError(f"`{wanted}` fits more than one {noun}; say which: {ids}.")
    return found[0]
