"""Searches of a run, with the rights that its user has now."""

import uuid

from pydantic import JsonValue, TypeAdapter, ValidationError

from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.engine.retrieval.base import Hit
from citewell.engine.workflows.spec import SearchTask, duration
from citewell.features.collections import service as collections
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentQuery, DocumentState
from citewell.features.question_policies import admission as policies
from citewell.features.question_policies.schemas import AskedQuestion
from citewell.features.search import service as searching
from citewell.features.search.schemas import MAX_QUERY_CHARS, Filters, heading_text
from citewell.features.workflows.state import NodeTask
from citewell.kit.clock import Stopwatch, utc_now
from citewell.kit.pagination import MAX_LIMIT, PageRequest

MOST_PAGES = 10
"""Pages of documents that are looked through for changed ones: the thousand newest."""

_FILTERS: TypeAdapter[Filters] = TypeAdapter(Filters)

Found = tuple[JsonValue, list[uuid.UUID]]
"""Output of a search, and the documents whose text is in it."""


async def search(platform: Platform, caller: Caller, work: NodeTask) -> Found:
    """Do a search; its query is a question to the tenant's rules.

    Raises:
        AppError: It cannot be done; the detail says why.
        ProviderError: The embedder did not do its work.
    """
    task = work.task
    assert isinstance(task, SearchTask)
    # Agents and texts are made of what is found, also where documents are only listed.
    caller = caller.asking()
    places = _ids(work.values["collection_ids"])
    is_listing = task.changed_within is not None
    query = "" if is_listing else str(work.values["query"]).strip()[:MAX_QUERY_CHARS]
    asked = AskedQuestion(query, (), caller.actor.role, tuple(places or ()))
    admission = await policies.admit_made(platform, caller, asked)
    if task.changed_within is not None:
        since = utc_now() - duration(task.changed_within)
        async with unit_of_work(platform, caller) as ctx:
            if places is not None:
                await collections.require_all(ctx, places)
            changed: list[DocumentState] = []
            for place in [None] if places is None else places:
                for number in range(1, MOST_PAGES + 1):
                    page = await documents.page(
                        ctx, PageRequest(number, MAX_LIMIT), DocumentQuery(collection_id=place)
                    )
                    changed += [
                        state for state in page.items
                        if state.active is not None
                        and (state.active.published_at or state.active.created_at) >= since
                    ]  # fmt: skip
                    if len(page.items) < MAX_LIMIT:
                        break
        shown: list[JsonValue] = [_changed(each) for each in changed]
        return {"documents": shown, "count": len(shown)}, [each.document.id for each in changed]
    try:
        filters = _FILTERS.validate_python(work.values["filters"])
    except ValidationError:
        raise InvalidInputError("A filter takes a text, a number or true or false.") from None
    async with admission.time():
        found = await searching.find(
            platform,
            caller,
            query,
            spender=caller.actor,
            top_k=task.top_k,
            filters=filters,
            collection_ids=places,
            watch=Stopwatch(),
        )
    passages: list[JsonValue] = [_passage(hit) for hit in found.hits]
    ids = sorted({uuid.UUID(str(hit.document_id)) for hit in found.hits})
    return {"passages": passages, "count": len(passages)}, ids


def _ids(written: JsonValue) -> list[uuid.UUID] | None:
    if not isinstance(written, list):
        return None
    try:
        return [uuid.UUID(str(each)) for each in written]
    except ValueError:
        raise InvalidInputError(
            f"`collection_ids` takes ids of collections, and these are none: {written!r:.200}"
        ) from None


def _changed(state: DocumentState) -> JsonValue:
    document, active = state.document, state.active
    assert active is not None
    at = active.published_at or active.created_at
    return {
        "document_id": str(document.id),
        "title": document.title,
        "filename": document.filename,
        "collection_id": str(document.collection_id),
        "version": active.number,
        "is_new": active.number == 1,
        "changed_at": at.isoformat(),
    }


def _passage(hit: Hit) -> JsonValue:
    return {
        "document_id": str(hit.document_id),
        "title": hit.title,
        "version": hit.version,
        "page": hit.page,
        "heading": heading_text(hit.heading),
        "start": hit.start,
        "end": hit.end,
        "text": hit.text,
        "score": round(hit.score, 4),
    }
