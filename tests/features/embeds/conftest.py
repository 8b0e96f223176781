"""An organisation in the server under test, with an administrator."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from citewell.access.policy import Role
from tests.conftest import LiveServer
from tests.office import Office, Person, open_office


@pytest.fixture
async def office(live_server: LiveServer) -> AsyncIterator[Office]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield await open_office(live_server, stack)


@pytest.fixture
async def admin(office: Office) -> Person:
    """A person who may make boxes."""
    return await office.person(Role.MANAGER, is_admin=True)
