"""Organisations with people."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.conftest import LiveServer
from tests.office import Office, open_office


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """A stack that closes the clients of a test."""
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def office(live_server: LiveServer, stack: AsyncExitStack) -> Office:
    """A tenant of this test's own."""
    return await open_office(live_server, stack)


@pytest.fixture
async def other_office(live_server: LiveServer, stack: AsyncExitStack) -> Office:
    """Another one."""
    return await open_office(live_server, stack)
