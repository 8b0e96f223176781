"""The index in PostgreSQL keeps the contract."""

import pytest

from citewell.core.database.sessions import Database
from citewell.indexes.memory import library_of
from citewell.indexes.postgres.work import SessionWork
from citewell.indexes.testing import IndexContract
from tests.indexes.engines import PostgresEngine


@pytest.fixture
def engine(database: Database, own_url: str) -> PostgresEngine:
    return PostgresEngine(database, own_url)


class TestContract(IndexContract):
    """All of it."""


async def test_work_of_another_engine_is_refused() -> None:
    with pytest.raises(TypeError, match="no library in memory"):
        library_of(SessionWork(None))  # pyright: ignore[reportArgumentType]
