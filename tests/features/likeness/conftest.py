"""Light parts over a database of the module's own, and the people of a tenant."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from citewell.core.platform import Platform
from citewell.core.settings import Settings
from tests.conftest import new_caller
from tests.people import People
from tests.quiet import Shelf, quiet_platform


@pytest.fixture(scope="session")
def own_url(quiet_url: str) -> str:
    """The database that these tests share."""
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
