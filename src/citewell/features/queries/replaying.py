"""Asking a stored question again: what is different today, and why."""

import uuid
from collections.abc import Mapping

import citewell
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.retrieval.base import Hit
from citewell.features.queries import service
from citewell.features.queries.schemas import Change, Readable, ReplayRead, StoredAnswer
from citewell.features.search import answers
from citewell.features.search.admission import admitted
from citewell.features.search.answer_records import Making, settings_of
from citewell.features.search.schemas import QueryReply, QueryRequest, Setting


async def replay(platform: Platform, caller: Caller, query_id: uuid.UUID) -> ReplayRead:
    """Ask a stored question anew with the caller's own access; the new answer is not kept.

    Raises what answering raises, and QueryNotFoundError.
    """
    async with unit_of_work(platform, caller) as ctx:
        then, readable = await service.find(ctx, query_id)
    question = then.standalone or then.query
    request = QueryRequest.model_validate({**then.request, "query": question})
    # Asked again, it is a question like another: what is refused today is not answered.
    async with admitted(platform, caller, request) as admission, admission.time():
        now, made = await answers.trial(platform, caller, request)
    differences = _differences(then, now)
    reasons = _reasons(caller, then, now, readable)
    reasons += _of_index(then, made)
    reasons += _of_settings(then.metadata.settings, settings_of(platform, made))
    async with unit_of_work(platform, caller) as ctx:
        reasons += _of_library(then, reasons, await service.published_since(ctx, then.timestamp))
    if differences and not reasons:
        detail = "Neither what it was made of nor its settings have changed."
        reasons.append(Change(code="unknown", detail=detail))
    return ReplayRead(
        query_id=query_id,
        is_same=not differences,
        differences=differences,
        reasons=reasons,
        then=then,
        now=now,
    )


def _differences(then: StoredAnswer, now: QueryReply) -> list[Change]:
    found: list[Change] = []
    if then.abstained != now.abstained:
        detail = "It is answered today." if then.abstained else "It is not answered today."
        found.append(Change(code="abstained", detail=detail))
    elif not then.is_complete:
        detail = "Part of the stored answer is withheld or erased, so the words are not compared."
        found.append(Change(code="not_comparable", detail=detail))
    elif then.answer != now.answer:
        found.append(Change(code="answer", detail="The words of the answer are others."))
    if then.confidence.level != now.confidence.level:
        detail = f"The confidence was {then.confidence.level} and is {now.confidence.level}."
        found.append(Change(code="confidence", detail=detail))
    before = {
        (each.document_id, each.version, each.start, each.end)
        for each in then.citations
        if each.is_readable
    }
    today = {(each.document_id, each.version, each.start, each.end) for each in now.citations}
    if before != today:
        found.append(Change(code="citations", detail="Other passages are cited."))
    return found


def _reasons(
    caller: Caller, then: StoredAnswer, now: QueryReply, readable: Readable
) -> list[Change]:
    """Changes since the answer was made, whether or not they made a difference."""
    made = then.metadata
    values = [
        ("model_changed", "The model", made.model, now.metadata.model),
        ("program_changed", "The version of Citewell", made.release, citewell.__version__),
    ]
    if made.prompt_version is not None and now.metadata.prompt is not None:
        values.append(("prompt_changed", "The prompt", made.prompt_version, now.metadata.prompt))
    found = [
        Change(code=code, detail=f"{what} was {before} and is {after}.")
        for code, what, before, after in values
        if before != after
    ]
    if (caller.actor.user_id or caller.actor.id) != then.user_id and then.user_id is not None:
        detail = "Somebody else asked, who may read other documents."
        found.append(Change(code="other_caller", detail=detail))
    found += _of_documents(then, now, readable)
    found += [
        Change(code="degraded", detail=f"{when}, {each.what}: {each.why}")
        for when, degraded in (("Then", made.degraded), ("Today", now.metadata.degraded))
        for each in degraded
    ]
    return found


def _of_index(then: StoredAnswer, made: Making) -> list[Change]:
    """Changes of the index under the same versions: the model of its vectors, and the cut.

    Passages of one version that overlap without being equal were cut by other rules, and equal ones
    under other ids come from an index that was built anew. Told from what today's search found:
    where it found none of the version's passages, neither is noticed.
    """
    if made.found is None:
        return []
    found: list[Change] = []
    space = made.found.retrieved.embedding
    before = then.metadata.embedding
    # Without one there were no documents then, or `degraded` says why it was not asked.
    if before is not None and space is not None and before != space.name:
        detail = f"The embedding was {before} and is {space.name}."
        found.append(Change(code="embedding_changed", detail=detail))
    today: dict[tuple[uuid.UUID | None, int | None], list[Hit]] = {}
    for hit in made.found.hits:
        today.setdefault((hit.document_id, hit.version), []).append(hit)
    recut: dict[uuid.UUID, str] = {}
    is_rebuilt = False
    for passage in then.passages:
        if passage.document_id is None or passage.start is None or passage.end is None:
            continue
        for hit in today.get((passage.document_id, passage.version), []):
            if (hit.start, hit.end) == (passage.start, passage.end):
                is_rebuilt = is_rebuilt or hit.chunk_id != passage.chunk_id
            elif hit.start < passage.end and passage.start < hit.end:
                recut[passage.document_id] = hit.title
    found += [
        Change(
            code="chunking_changed",
            detail=f"`{title}` is cut into other passages than then.",
            document_id=document_id,
        )
        for document_id, title in recut.items()
    ]
    if is_rebuilt and not recut:
        detail = "The index was built anew since; its passages are the same."
        found.append(Change(code="index_rebuilt", detail=detail))
    return found


_SETTINGS = {
    "verifier": ("verifier_changed", "The second reading of sentences"),
    "reranker": ("reranker_changed", "The reranker"),
    "rerank_candidates": ("settings_changed", "The number of passages that are reranked"),
}


def _of_settings(then: Mapping[str, Setting], now: Mapping[str, Setting]) -> list[Change]:
    """Settings that are others; those that were not noted then are not compared."""
    return [
        Change(code=code, detail=f"{what} was {_shown(then[name])} and is {_shown(now[name])}.")
        for name, (code, what) in _SETTINGS.items()
        if name in then
        and then[name] != now[name]
        # Without a reranker there are no candidates: that it is gone is said already.
        and not (name == "rerank_candidates" and then.get("reranker") != now["reranker"])
    ]


def _shown(value: Setting) -> str:
    return "none" if value is None else str(value)


def _of_library(then: StoredAnswer, reasons: list[Change], published: int) -> list[Change]:
    """Documents that others were weighed against: they change the ranks of those that are read."""
    named = sum(each.code in ("document_changed", "document_added") for each in reasons)
    if published <= named:
        return []
    detail = f"Other documents published since {then.timestamp:%Y-%m-%d}: {published - named}."
    return [Change(code="library_changed", detail=detail)]


def _of_documents(then: StoredAnswer, now: QueryReply, readable: Readable) -> list[Change]:
    found: list[Change] = []
    hidden = sum(not passage.is_readable for passage in then.passages)
    if hidden:
        detail = f"{hidden} of its passages are gone, or you may not read them now."
        found.append(Change(code="documents_unavailable", detail=detail))
    known: set[uuid.UUID] = set()
    for place, passage in enumerate(then.passages):
        if passage.document_id is None or passage.document_id in known:
            continue
        known.add(passage.document_id)
        active = readable[place].active_version
        if active != passage.version:
            shown = f"version {active} answers" if active else "no version answers"
            detail = f"`{passage.title}`: it was version {passage.version}, today {shown}."
            found.append(
                Change(code="document_changed", detail=detail, document_id=passage.document_id)
            )
    for citation in now.citations:
        if not hidden and citation.document_id not in known:
            known.add(citation.document_id)
            detail = f"`{citation.title}` is cited today and was not among the passages then."
            found.append(
                Change(code="document_added", detail=detail, document_id=citation.document_id)
            )
    return found
