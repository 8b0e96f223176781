"""The index in memory keeps the contract."""

import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import pytest

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
from citewell.indexes.postgres.work import session_of
from citewell.indexes.testing import IndexContract
from citewell.kit.ids import uuid7


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
        async with self.store.unit_of_work(tenant_id) as work:
            number = len(work.session.documents)
            work.session.documents[document_id] = StoredDocument(
                title=f"title {number}",
                filename=f"{number}.txt",
                source=f"source {number}",
                metadata=metadata or {},
                numbers={first.version_id: 1, second.version_id: 2},
            )
        return first, second

    def unit_of_work(self, tenant_id: uuid.UUID) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.store.unit_of_work(tenant_id)

    async def settle(self, tenant_id: uuid.UUID) -> None:
        """They are counted at each question."""

    async def kill(self, work: UnitOfWork) -> None:
        assert isinstance(work, MemoryWork)
        work.is_lost = True


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


class TestContract(IndexContract):
    """All of it."""


async def test_work_of_another_engine_is_refused(engine: MemoryEngine) -> None:
    async with engine.unit_of_work(uuid7()) as work:
        with pytest.raises(TypeError, match="no session of PostgreSQL"):
            session_of(work)
