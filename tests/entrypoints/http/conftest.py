"""A server of one test alone, over a database that the test may break."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewell.core.settings import Settings
from tests.conftest import LiveServer, Servers, serving


@pytest.fixture
def own_database(servers: Servers, template: str) -> Iterator[str]:
    """Name of a database of this test alone."""
    name = f"citewell_test_{uuid.uuid4().hex[:12]}"
    servers.create(name, template)
    yield name
    servers.drop(name)


@pytest.fixture
def own_server(servers: Servers, own_database: str, tmp_path: Path) -> Iterator[LiveServer]:
    """A server over that database."""
    url = servers.url(own_database)
    settings = Settings(
        _env_file=None, home=tmp_path, database_url=url, log_level="error", threads=1
    )
    with serving(settings, url) as server:
        yield server
