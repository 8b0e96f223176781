"""The index in PostgreSQL keeps the contract, by scanning and through its indexes."""

import pytest

from citewell.core.database.sessions import Database
from citewell.indexes.memory import library_of
from citewell.indexes.postgres.work import SessionWork
from citewell.indexes.testing import IndexContract, SearchContract
from tests.indexes.engines import PostgresEngine


@pytest.fixture
def engine(database: Database, own_url: str) -> PostgresEngine:
    return PostgresEngine(database, own_url)


class TestContract(IndexContract):
    """All of it."""


class TestThroughIndexes(SearchContract):
    """The search contract where nothing is scanned."""

    @pytest.fixture
    def engine(self, database: Database, own_url: str) -> PostgresEngine:
        return PostgresEngine(database, own_url, has_indexes=True)


async def test_work_of_another_engine_is_refused() -> None:
    with pytest.raises(TypeError, match="no library in memory"):
        library_of(SessionWork(None))  # pyright: ignore[reportArgumentType]
