"""An organisation in the server under test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.conftest import LiveServer
from tests.office import Office, open_office


@pytest.fixture
async def office(live_server: LiveServer) -> AsyncIterator[Office]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield await open_office(live_server, stack)
