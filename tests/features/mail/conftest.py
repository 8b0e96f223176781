"""A server that sends mail, and the mailbox it goes to."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

import httpx
import pytest
from pydantic import SecretStr

from citewell.core.settings import Settings
from citewell.features.mail.sending import queue_due
from tests.conftest import LiveServer, Servers, serving
from tests.features.sessions.conftest import People, password_hash
from tests.mailbox import Mailbox
from tests.office import Office, open_office
from tests.quiet import quiet_database
from tests.waiting import PATIENCE

__all__ = ["password_hash"]

T = TypeVar("T")

SITE = "https://citewell.example.org"

NETWORKS = itertools.count(1)


def mailing(settings: Settings, box: Mailbox, **more: object) -> Settings:
    """The settings of an installation that sends to a mailbox."""
    return settings.model_copy(
        update={
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{box.port}?tls=none"),
            "mail_from": "Citewell <no-reply@example.org>",
            "public_url": SITE,
            # Each test comes from a network of its own, as limits are by network.
            "trusted_proxies": ("127.0.0.1",),
            **more,
        }
    )


def nudge(server: LiveServer) -> None:
    """Have new messages queued at once, as the schedule does every two seconds."""
    queued = asyncio.run_coroutine_threadsafe(queue_due(server.platform), server.loop)
    queued.result(PATIENCE)


async def until(look: Callable[[], T]) -> T:
    """The first finding of a look that is not empty."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def post_office() -> Iterator[Mailbox]:
    """The mailbox of the module's server."""
    box = Mailbox()
    box.open()
    yield box
    box.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mailbox of the test's own."""
    box = Mailbox()
    box.open()
    yield box
    box.close()


@pytest.fixture(scope="module")
def mail_url(servers: Servers, template: str) -> Iterator[str]:
    """A database that no worker without mail takes messages from, each for two seconds."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture(scope="module")
def mail_server(settings: Settings, mail_url: str, post_office: Mailbox) -> Iterator[LiveServer]:
    """A server that sends mail."""
    own = mailing(settings, post_office, database_url=mail_url)
    with serving(own, mail_url, poll=0.2) as server:
        post_office.nudge = partial(nudge, server)
        yield server
        post_office.nudge = None


@pytest.fixture
def people(mail_server: LiveServer, password_hash: str) -> People:
    """Makes people of that server."""
    return People(mail_server, password_hash)


@pytest.fixture
async def visitor(mail_server: LiveServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, in a network of its own."""
    async with mail_server.client() as client:
        client.headers["X-Forwarded-For"] = f"203.0.113.{next(NETWORKS)}"
        yield client


@pytest.fixture
async def office(mail_server: LiveServer) -> AsyncIterator[Office]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield await open_office(mail_server, stack)
