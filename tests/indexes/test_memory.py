"""The index in memory keeps the contract."""

import pytest

from citewell.indexes.postgres.work import session_of
from citewell.indexes.testing import IndexContract
from citewell.kit.ids import uuid7
from tests.indexes.engines import MemoryEngine


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


class TestContract(IndexContract):
    """All of it."""


async def test_work_of_another_engine_is_refused(engine: MemoryEngine) -> None:
    async with engine.unit_of_work(uuid7()) as work:
        with pytest.raises(TypeError, match="no session of PostgreSQL"):
            session_of(work)
