"""Evaluating retrieval: a scratch library, all questions, the figures."""

import random
import statistics
import tempfile
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from citewell.core.context import OPERATOR, Caller
from citewell.core.errors import ConflictError, InvalidInputError
from citewell.core.jobs import Urgency
from citewell.core.platform import Platform
from citewell.engine.evaluation.datasets import (
    DatasetError,
    EvaluationDocument,
    EvaluationQuery,
    Judgements,
    read_corpus,
    read_judgements,
    read_queries,
)
from citewell.engine.evaluation.metrics import ndcg, recall, reciprocal_rank
from citewell.engine.text.normalisation import fold
from citewell.features.documents import registering
from citewell.features.documents.schemas import NewFile
from citewell.features.evaluations import repository
from citewell.features.evaluations.schemas import RetrievalFigures, SearchMode
from citewell.features.identity import service as identity
from citewell.features.search import service as search
from citewell.features.search.schemas import MAX_QUERY_CHARS
from citewell.kit.clock import Stopwatch
from citewell.kit.ids import uuid7

PASSAGES = 100
"""Passages ranked for a question: enough that 20 different documents are among them."""

SAMPLE_SEED = 7

OnDocument = Callable[[int], None]
OnQuery = Callable[[SearchMode, int], None]


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Questions with their judged documents."""

    folder: Path
    queries: list[EvaluationQuery]
    judgements: Judgements


def read_set(
    folder: Path, *, limit: int | None = None, strip_diacritics: bool = False
) -> RetrievalSet:
    """Read the questions and grades; with `limit` a random sample, always the same.

    Raises:
        InvalidInputError: A file is missing or malformed; the message names file and line.
    """
    try:
        judgements = read_judgements(folder)
        queries = [query for query in read_queries(folder) if query.id in judgements]
    except DatasetError as error:
        raise InvalidInputError(str(error)) from error
    if limit is not None and limit < len(queries):
        queries = random.Random(SAMPLE_SEED).sample(queries, limit)  # noqa: S311 - a sample, no secret
    if strip_diacritics:
        queries = [replace(query, text=fold(query.text)) for query in queries]
    if not queries:
        raise InvalidInputError(f"No question of {folder} has a judged document.")
    return RetrievalSet(folder, queries, judgements)


@asynccontextmanager
async def scratch_tenant(platform: Platform) -> AsyncGenerator[uuid.UUID, None]:
    """A tenant for the block alone; what killed evaluations left behind goes too."""
    await remove_abandoned(platform)
    slug = f"eval-{uuid7().hex}"
    async with repository.holding(platform.database, slug):
        await identity.create_tenant(platform, slug, "Evaluation")
        tenant_id = await identity.find_tenant(platform, slug)
        try:
            yield tenant_id
        finally:
            await identity.delete_tenant(platform, tenant_id)


async def remove_abandoned(platform: Platform) -> int:
    """Remove the tenants of evaluations whose process is gone; returns how many."""
    removed = 0
    async with platform.database.unit_of_work(None) as session:
        candidates = await repository.evaluation_tenants(session)
    for tenant_id in candidates:
        async with platform.database.unit_of_work(tenant_id) as session:
            slug = await repository.slug_of(session, tenant_id)
        with suppress(ConflictError):
            async with repository.holding(platform.database, slug or ""):
                await identity.delete_tenant(platform, tenant_id)
                removed += 1
    return removed


async def register_corpus(
    platform: Platform,
    tenant_id: uuid.UUID,
    folder: Path,
    on_document: OnDocument,
    on_empty: Callable[[str], None],
) -> dict[uuid.UUID, str]:
    """Take the corpus in as documents of a scratch tenant; returns their ids in the set.

    Sets hold documents without a text, which nothing finds: `on_empty` is told of each.
    """
    caller = Caller(tenant_id, OPERATOR)
    names: dict[uuid.UUID, str] = {}
    with tempfile.TemporaryDirectory(prefix="citewell-eval-") as scratch:
        path = Path(scratch) / "document.txt"
        try:
            for document in read_corpus(folder):
                if not document.text.strip():
                    on_empty(document.id)
                    continue
                await anyio.Path(path).write_text(document.text, encoding="utf-8")
                registered = await registering.register_file(
                    platform, caller, _new_file(document, path)
                )
                names[registered.document_id] = document.id
                on_document(len(names))
        except DatasetError as error:
            raise InvalidInputError(str(error)) from error
    return names


def _new_file(document: EvaluationDocument, path: Path) -> NewFile:
    return NewFile(
        path=path,
        filename=f"{document.id}.txt",
        source=f"eval:{document.id}",
        title=document.title or None,
        urgency=Urgency.BULK,
    )


async def measure(
    platform: Platform,
    tenant_id: uuid.UUID,
    retrieval_set: RetrievalSet,
    names: dict[uuid.UUID, str],
    on_query: OnQuery,
) -> dict[SearchMode, RetrievalFigures]:
    """Ask every question in every mode."""
    caller = Caller(tenant_id, OPERATOR)
    figures: dict[SearchMode, RetrievalFigures] = {}
    for mode in SearchMode:
        rankings: dict[str, list[str]] = {}
        times: list[float] = []
        for number, query in enumerate(retrieval_set.queries, 1):
            watch = Stopwatch()
            found = await search.find(
                platform,
                caller,
                query.text[:MAX_QUERY_CHARS],
                top_k=PASSAGES,
                filters={},
                collection_ids=None,
                watch=watch,
                has_dense=mode is not SearchMode.LEXICAL,
                has_lexical=mode is not SearchMode.DENSE,
                reranks=mode is SearchMode.HYBRID,
            )
            times.append(watch.finish()["total"])
            rankings[query.id] = [names[hit.document_id] for hit in found.hits]
            on_query(mode, number)
        figures[mode] = _figures(rankings, retrieval_set.judgements, times)
    return figures


def _figures(
    rankings: dict[str, list[str]], judgements: Judgements, times: list[float]
) -> RetrievalFigures:
    pairs = [(ranking, judgements[query]) for query, ranking in rankings.items()]
    cuts = statistics.quantiles(times, n=20) if len(times) > 1 else times * 19
    return RetrievalFigures(
        queries=len(pairs),
        ndcg_at_10=_mean(ndcg(ranking, judged, 10) for ranking, judged in pairs),
        recall_at_5=_mean(recall(ranking, judged, 5) for ranking, judged in pairs),
        recall_at_20=_mean(recall(ranking, judged, 20) for ranking, judged in pairs),
        mrr_at_10=_mean(reciprocal_rank(ranking, judged, 10) for ranking, judged in pairs),
        p50_ms=round(statistics.median(times), 2),
        p95_ms=round(cuts[18], 2),
    )


def _mean(values: Iterable[float]) -> float:
    return round(statistics.fmean(values), 4)
