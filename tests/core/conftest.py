"""A migrated database that no other worker takes jobs from."""

from collections.abc import AsyncIterator, Iterator

import pytest

from citewell.core.database.sessions import Database
from tests.conftest import Servers
from tests.quiet import quiet_database


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database for one module."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def own_database(own_url: str) -> AsyncIterator[Database]:
    """The application's connections to it."""
    database = Database(own_url)
    yield database
    await database.close()
