"""A platform of light parts over a database that no worker looks at.

Texts are read by `TextParser` and embedded by `HashEmbedder`, what is computed is computed beside
the loop instead of in a child process; jobs run when a test runs them.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import psycopg
from sqlalchemy import select

from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from citewell.core.compute import ComputePool
from citewell.core.context import Caller, unit_of_work
from citewell.core.database.keyring import KeyRing
from citewell.core.database.sessions import Database
from citewell.core.embedders import Embedders
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.ratelimit import RateLimiter
from citewell.core.schedules import Schedules
from citewell.core.secrets import MasterKeys
from citewell.core.settings import Settings
from citewell.core.supervision import Supervisor
from citewell.engine.embedding.base import Embedder
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.parsing.base import Parser
from citewell.engine.parsing.testing import TextParser
from citewell.engine.verification.rules import RulesVerifier
from citewell.features.documents import registering
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import NewFile
from citewell.features.ingestion import jobs as ingestion_jobs
from citewell.features.ingestion import service as ingestion
from citewell.features.trash import jobs as trash_jobs
from citewell.features.trash import service as trash
from citewell.indexes.postgres.index import postgres_index
from citewell.models.documents import DocumentVersion
from citewell.models.work import Job
from tests.conftest import Servers
from tests.waiting import PATIENCE

P = ParamSpec("P")
T = TypeVar("T")


class ThreadCompute(ComputePool):
    """Computes in a thread: no start of a child, and no limit that a busy machine reaches.

    A function is pure, so the same call is made once: the key of a file that was just exported is
    the one it is imported with. Arguments and results go through JSON, as to and from a child.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, str] = {}

    async def run(
        self, tenant_id: uuid.UUID, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The result of a function."""
        assert tenant_id
        assert not kwargs
        call = json.dumps([function.__module__, function.__qualname__, args])
        if call not in self._known:
            result = await asyncio.to_thread(function, *json.loads(call)[2])
            self._known[call] = json.dumps(result)
        return cast(T, json.loads(self._known[call]))


Handles = dict[frozenset[tuple[str, str]], list[Database]]

USED: dict[str, Handles] = {}
"""Closed handles of the databases that are there, by URL and settings.

Each compiles its statements once, which is a tenth of the processor time of a short test. A handle
that was closed connects anew, in whichever loop.
"""


@asynccontextmanager
async def used_database(
    url: str, session_settings: Mapping[str, str] | None
) -> AsyncIterator[Database]:
    """A handle that nobody else has meanwhile, without connections before and after."""
    settings = frozenset((session_settings or {}).items())
    free = USED[url].setdefault(settings, []) if url in USED else []
    database = free.pop() if free else Database(url, session_settings=session_settings)
    try:
        yield database
    finally:
        await database.close()
        free.append(database)


@contextmanager
def quiet_database(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database; its URL."""
    name = f"citewell_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242)")  # one clone of the template at a time
        url = servers.create(name, template)
    USED[url] = {}
    try:
        yield url
    finally:
        del USED[url]
        servers.drop(name)


@asynccontextmanager
async def quiet_platform(
    settings: Settings,
    url: str,
    *,
    embedder: Embedder | None = None,
    embedders: Embedders | None = None,
    parser: Parser | None = None,
    compute: ComputePool | None = None,
    dead_after: float = 20,
    session_settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Platform]:
    """The light parts, put together."""
    async with used_database(url, session_settings) as database:
        keys = KeyRing(database, lambda: MasterKeys(b"master key of the tests" * 2))
        queue = JobQueue[Platform](url, dead_after=dead_after)
        schedules = Schedules[Platform](database, Supervisor())
        ingestion_jobs.register(queue, schedules)
        trash_jobs.register(schedules)
        files = settings.home / "files"
        blobs = BlobStore(FolderStorage(files), keys, files / "staging")
        compute = compute or ThreadCompute()
        try:
            yield Platform(
                settings=settings,
                database=database,
                queue=queue,
                schedules=schedules,
                keys=keys,
                blobs=blobs,
                parser=parser or TextParser(),
                compute=compute,
                embedder=embedder or HashEmbedder(),
                embedders=embedders or Embedders(open_embedder),
                verifier=RulesVerifier(),
                llm=None,
                limiter=RateLimiter(),
                token_key=b"signs tokens of the tests" * 2,
            ).holding(postgres_index(database))
        finally:
            await compute.close()


@dataclass(frozen=True)
class Shelf:
    """Acts of tests on documents, without a worker."""

    platform: Platform
    caller: Caller
    folder: Path

    async def register(self, name: str, text: str | bytes, **more: object) -> Registered:
        """Hand a file in; the same name again is a new version."""
        path = self.folder / uuid.uuid4().hex
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        new = NewFile(path=path, filename=name, source=f"file:{name}", **more)  # pyright: ignore[reportArgumentType]
        return await registering.register_file(self.platform, self.caller, new)

    async def process(self, registered: Registered) -> None:
        """Do the file's job."""
        assert registered.job_id is not None
        await ingestion.process(self.platform, self.caller.tenant_id, registered.job_id)

    async def add(self, name: str, text: str | bytes, **more: object) -> Registered:
        """Hand a file in and make it ready."""
        registered = await self.register(name, text, **more)
        await self.process(registered)
        return registered

    async def add_beside_a_worker(self, name: str, text: str | bytes, **more: object) -> Registered:
        """Hand a file in and make it ready; a worker of this database may do it instead."""
        registered = await self.add(name, text, **more)
        async with asyncio.timeout(PATIENCE):
            while (await self.state(registered))[0].status in ("queued", "processing"):  # noqa: ASYNC110 - done by others
                await asyncio.sleep(0.02)
        return registered

    async def delete(self, registered: Registered) -> None:
        """Move a document into the trash."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            await trash.delete(ctx, registered.document_id)

    async def restore(self, registered: Registered) -> None:
        """Bring a document back from the trash."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            await trash.restore(ctx, registered.document_id)

    async def purge(self) -> None:
        """Remove for good whatever is in the trash of this database."""
        settings = self.platform.settings.model_copy(update={"trash_minutes": 0})
        await trash.purge_expired(replace(self.platform, settings=settings))

    async def state(self, registered: Registered) -> tuple[DocumentVersion, Job | None]:
        """The version as it is now, with its latest job."""
        async with unit_of_work(self.platform, self.caller) as ctx:
            version = await ctx.session.get_one(
                DocumentVersion, {"tenant_id": ctx.tenant_id, "id": registered.version_id}
            )
            job = await ctx.session.scalar(
                select(Job).where(Job.version_id == version.id).order_by(Job.created_at.desc())
            )
        return version, job
