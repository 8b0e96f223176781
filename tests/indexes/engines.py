"""The two engines the contract is tested on, with records of documents around them."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg

from citewell.core.database.sessions import Database, driver_connection
from citewell.indexes.contract import UnitOfWork
from citewell.indexes.events import VersionKey
from citewell.indexes.memory import (
    MemoryGenerations,
    MemorySearcher,
    MemoryStore,
    MemoryWork,
    MemoryWriter,
    StoredDocument,
)
from citewell.indexes.postgres.index import postgres_index
from citewell.indexes.postgres.work import SessionWork, session_of
from citewell.kit.ids import uuid7
from citewell.models.documents import Blob, Collection, Document, DocumentVersion
from citewell.models.tenancy import Tenant


class MemoryEngine:
    """The parts of the index in memory over one store."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.searcher = MemorySearcher(self.store)
        self.writer = MemoryWriter()
        self.generations = MemoryGenerations()

    async def new_tenant(self) -> uuid.UUID:
        return uuid7()

    async def new_document(
        self,
        tenant_id: uuid.UUID,
        *,
        level: int = 1,
        collection_id: uuid.UUID | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> tuple[VersionKey, VersionKey]:
        document_id, collection_id = uuid7(), collection_id or uuid7()
        first, second = (VersionKey(document_id, uuid7(), collection_id, level) for _ in range(2))
        await self.add_record(tenant_id, (first, second), metadata=metadata)
        return first, second

    async def add_record(
        self,
        tenant_id: uuid.UUID,
        versions: tuple[VersionKey, VersionKey],
        *,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """The record of a document whose ids are given."""
        async with self.store.unit_of_work(tenant_id) as work:
            number = len(work.session.documents)
            work.session.documents[versions[0].document_id] = StoredDocument(
                title=f"title {number}",
                filename=f"{number}.txt",
                source=f"source {number}",
                metadata=metadata or {},
                numbers={key.version_id: place for place, key in enumerate(versions, start=1)},
            )

    def unit_of_work(self, tenant_id: uuid.UUID) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.store.unit_of_work(tenant_id)

    async def settle(self, tenant_id: uuid.UUID) -> None:
        """They are counted at each question."""

    async def kill(self, work: UnitOfWork) -> None:
        assert isinstance(work, MemoryWork)
        work.is_lost = True


class PostgresEngine:
    """The index over a database that holds the records, too."""

    def __init__(self, database: Database, own_url: str, *, has_indexes: bool = False) -> None:
        """The engine; `has_indexes`: it builds its indexes for any size, and reads through them."""
        self._index = postgres_index(database, **({"exact_limit": 0} if has_indexes else {}))
        self._has_indexes = has_indexes
        self.searcher = self._index.searcher
        self.writer = self._index.writer
        self.generations = self._index.generations
        self._database = database
        self._own_url = own_url
        self._documents = Counter[uuid.UUID]()

    async def new_tenant(self) -> uuid.UUID:
        tenant = Tenant(id=uuid7(), slug=f"t-{uuid.uuid4().hex}", name="Test")
        async with self._database.unit_of_work(tenant.id) as session:
            session.add(tenant)
        return tenant.id

    async def new_document(
        self,
        tenant_id: uuid.UUID,
        *,
        level: int = 1,
        collection_id: uuid.UUID | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> tuple[VersionKey, VersionKey]:
        number = self._documents[tenant_id]
        self._documents[tenant_id] += 1
        async with self._database.unit_of_work(tenant_id) as session:
            if collection_id is None:
                collection_id = uuid7()
                session.add(
                    Collection(tenant_id=tenant_id, id=collection_id, name=str(collection_id))
                )
            blob_id, document_id = uuid7(), uuid7()
            session.add(
                Blob(tenant_id=tenant_id, id=blob_id, sha256=blob_id.bytes * 2, size_bytes=1)
            )
            await session.flush()
            session.add(
                Document(
                    tenant_id=tenant_id,
                    id=document_id,
                    collection_id=collection_id,
                    title=f"title {number}",
                    source=f"source {number}",
                    filename=f"{number}.txt",
                    access_level=level,
                    metadata_=dict(metadata or {}),
                )
            )
            await session.flush()
            keys = [VersionKey(document_id, uuid7(), collection_id, level) for _ in range(2)]
            for version, key in enumerate(keys, start=1):
                session.add(
                    DocumentVersion(
                        tenant_id=tenant_id,
                        id=key.version_id,
                        document_id=document_id,
                        number=version,
                        blob_id=blob_id,
                        status=("ready", "superseded")[version - 1],
                        size_bytes=1,
                    )
                )
        return keys[0], keys[1]

    @asynccontextmanager
    async def unit_of_work(self, tenant_id: uuid.UUID) -> AsyncIterator[UnitOfWork]:
        async with self._database.unit_of_work(tenant_id) as session:
            yield SessionWork(session)

    async def settle(self, tenant_id: uuid.UUID) -> None:
        await self._index.maintenance.fold_statistics(tenant_id)
        if self._has_indexes:
            await self._index.maintenance.build_indexes(tenant_id, at_once=True, min_chunks=1)

    async def kill(self, work: UnitOfWork) -> None:
        connection = await driver_connection(session_of(work))
        with psycopg.connect(self._own_url) as killer:
            killer.execute("SELECT pg_terminate_backend(%s, 180000)", [connection.info.backend_pid])
