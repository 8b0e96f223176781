"""Opening this installation: database, stores, models."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import structlog
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from citewell.core import tracing
from citewell.core.blobs.base import Storage
from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from citewell.core.caching.cache import MIB, Cache, ValueKind
from citewell.core.compute import ComputePool
from citewell.core.database.connecting import connect
from citewell.core.database.embedded import EmbeddedServer
from citewell.core.database.keyring import KeyRing
from citewell.core.database.migrations import migrate
from citewell.core.database.sessions import Database
from citewell.core.embedders import Embedders
from citewell.core.error_reports import reports_of_log
from citewell.core.errors import StartupError
from citewell.core.jobs import SHUTDOWN_GRACE_SECONDS, JobQueue
from citewell.core.metrics import ProcessMetrics
from citewell.core.platform import Platform
from citewell.core.ratelimit import RateLimiter
from citewell.core.schedules import Schedules
from citewell.core.secrets import derive_key, load_master_keys
from citewell.core.settings import Settings
from citewell.core.span_figures import SpanFigures
from citewell.core.supervision import Supervisor
from citewell.engine.embedding.base import Embedder
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import NO_MODEL, LanguageModel, Timeouts
from citewell.engine.llm.registry import open_llm
from citewell.engine.parsing.sandbox import ParseLimits, SandboxedParser
from citewell.engine.reranking.base import Reranker, RerankerOptions, Reranking
from citewell.engine.reranking.registry import open_reranker
from citewell.engine.retrieval.techniques import Rewriting
from citewell.engine.verification.registry import open_verifier
from citewell.entrypoints.scraping import is_noting
from citewell.features.error_log import service as error_log
from citewell.features.usage import service as usage
from citewell.indexes.postgres.index import postgres_index
from citewell.kit.spans import SpanRecorder, SpanState
from citewell.kit.tasks import TaskGroup

if TYPE_CHECKING:
    from citewell.core.caching.shared import SharedStore

log = structlog.get_logger(__name__)

DATABASE_NAME = "citewell"
OWNER_ROLE = "citewell_owner"
TOKENS = "access tokens"
"""Purpose of the key that signs access tokens."""


@dataclass(frozen=True, slots=True)
class DatabaseHandle:
    """A running database at the newest schema."""

    url: str
    is_first_user: bool
    """Whether no other process of this installation can be alive (embedded only)."""


@contextmanager
def running_database(settings: Settings) -> Generator[DatabaseHandle, None, None]:
    """The operator's database, or the embedded one for as long as the block lasts.

    Raises:
        StartupError: It cannot be used; the message says what to do.
    """
    if settings.database_url is not None:
        migrate(settings.database_url)
        yield DatabaseHandle(settings.database_url, is_first_user=False)
        return
    make_home(settings.home)
    server = EmbeddedServer(settings.home / "database")
    server.start()
    try:
        try:
            create_database(server, DATABASE_NAME)
        except psycopg.Error as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise StartupError(f"The embedded database cannot be used: {said}") from error
        url = server.url(OWNER_ROLE, DATABASE_NAME)
        migrate(url)
        with server.kept_up():
            yield DatabaseHandle(url, server.is_first_user)
    finally:
        server.stop()


@asynccontextmanager
async def open_platform(
    settings: Settings, database: DatabaseHandle, *, embedder: Embedder | None = None
) -> AsyncGenerator[Platform, None]:
    """Everything one process needs, closed in order at the end; so is `embedder`, if one is given.

    Raises:
        StartupError: A model or a folder cannot be used; the message says what to do.
    """
    async with AsyncExitStack() as stack:
        try:
            embedder = embedder or await _open_embedder(settings, settings.embedding)
            stack.push_async_callback(embedder.close)
            embedders = Embedders(partial(_open_embedder, settings))
            stack.push_async_callback(embedders.close)
            if (reranker := await _open_reranker(settings)) is not None:
                stack.push_async_callback(reranker.close)
            if (llm := open_model(settings)) is not None:
                stack.push_async_callback(llm.close)
            verifier = await open_verifier(settings.verifier, llm=llm)
            stack.push_async_callback(verifier.close)
        except (ProviderConfigurationError, ProviderError) as error:
            raise StartupError(str(error)) from error
        make_home(settings.home)
        spans = _open_telemetry(stack)
        # In a process that was told to: the library decides at its import where figures go.
        metrics = ProcessMetrics.recording() if is_noting(settings) else ProcessMetrics()
        if metrics.is_recording:
            spans = SpanFigures(metrics, spans)
        connections = _open_connections(settings, database.url, metrics, spans)
        stack.push_async_callback(connections.close)
        masters = load_master_keys(settings)
        limiter = RateLimiter(settings.redis_url, key=derive_key(masters.primary, "rate limits"))
        stack.push_async_callback(limiter.close)
        cache = _open_cache(settings, masters.primary)
        stack.push_async_callback(cache.close)
        keys = KeyRing(connections, partial(load_master_keys, settings))
        blobs = _open_blobs(settings, keys)
        parser = _open_parser(settings, blobs)
        stack.push_async_callback(parser.close)
        compute = ComputePool(folders=blobs.plain_folders)
        stack.push_async_callback(compute.close)
        supervisor = Supervisor()
        queue = _open_queue(settings, database.url, supervisor, metrics, spans)
        schedules = Schedules[Platform](connections, supervisor)
        queue.register_later(partial(_register_work, queue, schedules, settings))
        platform = Platform(
            settings=settings,
            database=connections,
            queue=queue,
            schedules=schedules,
            keys=keys,
            blobs=blobs,
            parser=parser,
            compute=compute,
            embedder=embedder,
            embedders=embedders,
            llm=llm,
            verifier=verifier,
            limiter=limiter,
            token_key=derive_key(masters.primary, TOKENS),
            former_token_keys=tuple(derive_key(key, TOKENS) for key in masters.others),
            supervisor=supervisor,
        ).holding(postgres_index(connections))
        platform = (
            platform.holding(cache)
            .holding(metrics)
            .holding(SpanState(spans))
            .holding(Reranking(reranker, settings.reranker_candidates, settings.reranker_seconds))
            .holding(Rewriting(settings.query_rewriting, settings.query_rewriting_seconds))
        )
        # Pushed last, so it runs first, while the database is still open.
        stack.push_async_callback(_write_usage, platform)
        stack.push_async_callback(platform.close_states)
        yield platform


def _open_telemetry(stack: AsyncExitStack) -> SpanRecorder | None:
    """The recorder of spans, if there is one; at the end spans and reports of errors are sent."""
    if (reports := reports_of_log()) is not None:
        stack.push_async_callback(asyncio.to_thread, reports.flush)
    spans = tracing.open_exporter() if tracing.is_wanted() else None
    if spans is not None:
        stack.push_async_callback(asyncio.to_thread, spans.close)
    return spans


def _open_connections(
    settings: Settings, url: str, metrics: ProcessMetrics, spans: SpanRecorder | None
) -> Database:
    size = settings.database_pool_size
    metrics.set("database_pool_size", size)
    on_use = partial(metrics.set, "database_pool_in_use") if metrics.is_recording else None
    return Database(url, pool_size=size, has_spans=spans is not None, on_use=on_use)


def _open_queue(
    settings: Settings,
    url: str,
    supervisor: Supervisor,
    metrics: ProcessMetrics,
    spans: SpanRecorder | None,
) -> JobQueue[Platform]:
    return JobQueue(
        url,
        concurrency=settings.worker_concurrency,
        model_concurrency=settings.worker_model_concurrency,
        agent_concurrency=settings.worker_agent_concurrency,
        outbound_concurrency=settings.worker_outbound_concurrency,
        supervisor=supervisor,
        metrics=metrics,
        spans=spans,
    )


def _register_work(
    queue: JobQueue[Platform], schedules: Schedules[Platform], settings: Settings
) -> None:
    # Imported where jobs are queued or done: the features behind them take two seconds.
    from citewell.entrypoints.work import register_work  # noqa: PLC0415 - see above

    register_work(queue, schedules, settings)


def open_model(settings: Settings) -> LanguageModel | None:
    """The language model of the settings; None: none is set.

    Raises:
        ProviderConfigurationError: Something must be set first.
    """
    if settings.llm == NO_MODEL:
        return None
    key = settings.llm_api_key
    return open_llm(
        settings.llm,
        base_url=settings.llm_base_url,
        api_key=key.get_secret_value() if key else None,
        timeout=Timeouts(total=settings.llm_timeout_seconds),
        places=settings.llm_concurrency,
    )


async def _open_embedder(settings: Settings, name: str) -> Embedder:
    key = settings.embedding_api_key
    return await open_embedder(
        name,
        base_url=settings.embedding_base_url,
        api_key=key.get_secret_value() if key else None,
        threads=settings.threads,
    )


async def _open_reranker(settings: Settings) -> Reranker | None:
    if settings.reranker == NO_MODEL:
        return None
    key = settings.reranker_api_key
    options = RerankerOptions(
        base_url=settings.reranker_base_url,
        api_key=key.get_secret_value() if key else None,
        threads=settings.threads,
    )
    return await open_reranker(settings.reranker, options)


def _open_cache(settings: Settings, master: bytes) -> Cache:
    secret = derive_key(master, "cached values")
    shared = None if settings.redis_url is None else _open_shared(settings.redis_url, secret)
    return Cache(
        settings.cache_mib * MIB,
        lifetimes={
            ValueKind.EMBEDDINGS: settings.cache_embedding_seconds,
            ValueKind.SEARCHES: settings.cache_search_seconds,
            ValueKind.ANSWERS: settings.cache_answer_seconds,
        },
        shared=shared,
        secret=derive_key(master, "keys of cached values"),
    )


def _open_shared(url: str, secret: bytes) -> "SharedStore":
    from citewell.core.caching.shared import SharedStore  # noqa: PLC0415 - the client of Redis

    return SharedStore(url, secret)


async def _write_usage(platform: Platform) -> None:
    """Write the counts that are still in memory; an outage must not stop the shutdown."""
    try:
        await usage.write_waiting(platform)
    except SQLAlchemyError as error:
        log.warning("usage_not_written", reason=type(error).__name__)


def _open_parser(settings: Settings, blobs: BlobStore) -> SandboxedParser:
    return SandboxedParser(
        ParseLimits(
            file_bytes=settings.max_upload_bytes,
            ocr_languages=settings.ocr_languages,
            keeps_hidden=settings.hidden_text == "mark",
        ),
        concurrency=settings.worker_concurrency,
        folders=blobs.plain_folders,
    )


def _open_blobs(settings: Settings, keys: KeyRing) -> BlobStore:
    folder = settings.home / "files"
    try:
        return BlobStore(
            open_storage(settings), keys, folder / "staging",
            reserve_bytes=settings.disk_reserve_bytes,
        )  # fmt: skip
    except OSError as error:
        raise StartupError(f"{settings.home} cannot be written: {error.strerror}.") from error


def open_storage(settings: Settings) -> Storage:
    """Where original files are kept.

    Raises:
        OSError: The folder cannot be made.
        StartupError: The bucket cannot be used.
    """
    if settings.blob_url is None:
        return FolderStorage(settings.home / "files")
    return _object_storage(settings.blob_url)


def _object_storage(url: str) -> Storage:
    # Imported where it is used: few installations have an object store.
    from obstore.exceptions import BaseError  # noqa: PLC0415 - 15 MB that few need

    from citewell.core.blobs.object_store import ObjectStorage  # noqa: PLC0415 - see above

    try:
        return ObjectStorage(url)
    except (BaseError, ValueError) as error:
        raise StartupError(f"CITEWELL_BLOB_URL cannot be used: {error}.") from error


@asynccontextmanager
async def running_worker(
    platform: Platform, *, adopt_all: bool, grace: float = SHUTDOWN_GRACE_SECONDS
) -> AsyncGenerator[None, None]:
    """Run a job worker beside the block; an error of the block is raised unchanged.

    Args:
        platform: The handles of the process.
        adopt_all: No other worker can be alive.
        grace: Seconds that jobs have to end when the block does.
    """
    # Before either begins: recurring work is registered together with the jobs.
    platform.queue.prepare()
    async with TaskGroup() as group:
        tasks = [
            group.create_task(
                platform.queue.run_worker(platform, adopt_all=adopt_all, grace=grace)
            ),
            group.create_task(platform.schedules.run(platform, adopt_all=adopt_all)),
            group.create_task(
                platform.supervisor.repeat(
                    "errors.write", lambda: error_log.write(platform), error_log.WRITING_SECONDS
                )
            ),
        ]
        try:
            yield
        finally:
            for task in tasks:
                await _cancel(task)


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task until it ends: `wait_for` can lose a cancellation before Python 3.12."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.5)


def make_home(home: Path) -> None:
    """Make the folder of this installation, for its owner alone.

    Raises:
        StartupError: It cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartupError(
            f"The folder {home} cannot be made: {error.strerror}. Set CITEWELL_HOME to another one."
        ) from error


def create_database(server: EmbeddedServer, database: str) -> None:
    """The owner role, a database of that name and the extension, as the server's superuser."""
    owner, name = sql.Identifier(OWNER_ROLE), sql.Identifier(database)
    with connect(server.url("postgres", "postgres")) as connection:
        # Two processes may start on a new installation at once; the second finds the database made.
        connection.execute("SELECT pg_advisory_lock(1)")
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (database,)).fetchone():
            return
        role_query = "SELECT 1 FROM pg_roles WHERE rolname = %s"
        if not connection.execute(role_query, (OWNER_ROLE,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
        # Under another name until it is complete, so that a killed start leaves nothing half made.
        fresh = sql.Identifier(f"{database}_new")
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(fresh))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(fresh, owner))
        with psycopg.connect(server.url("postgres", f"{database}_new"), autocommit=True) as inside:
            inside.execute("CREATE EXTENSION vector")
            inside.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(fresh, name))
