"""A migrated database that no other worker takes jobs from."""

import uuid
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from citewell.core.database.sessions import Database
from tests.conftest import Servers


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database for one module."""
    name = f"citewell_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242)")  # one clone of the template at a time
        url = servers.create(name, template)
    yield url
    servers.drop(name)


@pytest.fixture
async def own_database(own_url: str) -> AsyncIterator[Database]:
    """The application's connections to it."""
    database = Database(own_url)
    yield database
    await database.close()
