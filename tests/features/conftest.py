"""One database for all tests that run their jobs themselves, and light parts over it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from citewell.core.platform import Platform
from citewell.core.settings import Settings
from tests.conftest import Servers, new_caller
from tests.people import People
from tests.quiet import Shelf, quiet_database, quiet_platform


@pytest.fixture(scope="session")
def quiet_url(servers: Servers, template: str) -> Iterator[str]:
    """A migrated database without a worker; each test has a tenant of its own in it.

    A copy of the template takes 0.15 s of processor time, which most modules need not spend again.
    """
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture(scope="session")
def own_url(quiet_url: str) -> str:
    """The database of these tests; folders that need one of their own override it."""
    return quiet_url


@pytest.fixture
async def quiet(own_url: str, settings: Settings) -> AsyncIterator[Platform]:
    """Light parts; jobs run when a test runs them."""
    async with quiet_platform(settings, own_url) as platform:
        yield platform


@pytest.fixture
async def shelf(quiet: Platform, tmp_path: Path) -> Shelf:
    """Documents of a tenant of this test's own."""
    return Shelf(quiet, await new_caller(quiet), tmp_path)


@pytest.fixture
def people(quiet: Platform, shelf: Shelf) -> People:
    """The people of that tenant."""
    return People(quiet, shelf.caller.tenant_id)
