"""Actions and views shared by the tests of the trash."""

import asyncio
import os
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

import psycopg

from citewell.core.context import Caller, unit_of_work
from citewell.features.documents.registering import Registered
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchReply, SearchRequest
from citewell.features.trash import service as trash
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.indexes.contract import index_of
from citewell.kit.pagination import PageRequest
from tests.acting import act_for
from tests.features.ingestion.conftest import Rows
from tests.quiet import Shelf

HANDBOOK = "# Leave\n\nEverybody gets twenty days of leave.\n\n# Travel\n\nTrains come first."
LIBRARY = {
    "leave.txt": HANDBOOK,
    "other.txt": "# Leave\n\nThe leave of others is twenty hours.",
    "trains.txt": "# Trains\n\nTrains come and trains leave, every day.",
}

EVERYTHING = (
    "document", "document_version", "document_text", "version_terms", "chunk", "job",
    "document_activation", "document_grant", "blob",
)  # fmt: skip


async def fill(shelf: Shelf) -> dict[str, Registered]:
    return {name: await shelf.add(name, text) for name, text in LIBRARY.items()}


async def ask(shelf: Shelf, query: str, **more: object) -> SearchReply:
    request = SearchRequest.model_validate({"query": query, "top_k": 50, **more})
    return await search.search(shelf.platform, shelf.caller, request)


async def told(shelf: Shelf, query: str) -> list[tuple[object, ...]]:
    """Ids, order and scores."""
    await index_of(shelf.platform).maintenance.fold_statistics(shelf.caller.tenant_id)
    found = (await ask(shelf, query)).results
    return [(hit.chunk_id, hit.document_id, hit.version, hit.score) for hit in found]


async def listed(shelf: Shelf, caller: Caller | None = None) -> list[str]:
    """Names in the trash."""
    async with unit_of_work(shelf.platform, caller or shelf.caller) as ctx:
        return [each.filename for each in (await trash.page(ctx, PageRequest())).items]


def stored_files(shelf: Shelf) -> list[Path]:
    folder = shelf.platform.settings.home / "files" / str(shelf.caller.tenant_id)
    return [Path(where) / name for where, _, names in os.walk(folder) for name in names]


def left(rows: Rows) -> set[str]:
    """Tables that still hold something."""
    return {name for name in EVERYTHING if rows.select(f"SELECT 1 FROM {name} WHERE {{t}}")}


def document_row(rows: Rows, registered: Registered) -> dict[str, object]:
    [found] = rows.select("SELECT * FROM document WHERE {t} AND id = %s", registered.document_id)
    return found


async def counted(shelf: Shelf) -> dict[str, int]:
    async with unit_of_work(shelf.platform, shelf.caller) as ctx:
        assert await usage.differences(ctx) == {}
        standing = await usage.standing(ctx)
    return {item.metric: item.used for item in standing.usage if Metric(item.metric).is_kept}


async def outcomes(*actions: Awaitable[None]) -> list[type[BaseException] | None]:
    """The outcome for each; only replies of the trash itself count as an answer."""
    results = await asyncio.gather(*actions, return_exceptions=True)
    for each in results:
        if isinstance(each, BaseException) and not hasattr(each, "code"):
            raise each
    return [type(each) if each else None for each in results]


def age(rows: Rows, registered: Registered, minutes: int) -> None:
    """Let a document have been in the trash for so long."""
    with psycopg.connect(rows.url) as connection:
        act_for(connection, rows.shelf.caller.tenant_id)
        connection.execute(
            "UPDATE document SET deleted_at = deleted_at - %s WHERE id = %s",
            [timedelta(minutes=minutes), registered.document_id],
        )


def remove_row(rows: Rows, registered: Registered) -> None:
    """The first half of a purge."""
    with psycopg.connect(rows.url) as connection:
        act_for(connection, rows.shelf.caller.tenant_id)
        connection.execute("DELETE FROM document WHERE id = %s", [registered.document_id])
