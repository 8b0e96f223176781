"""The light parts of ingestion's tests, where a test says itself when a job runs."""

import pytest

from citewell.core.platform import Platform
from tests.features.ingestion.conftest import own_url, quiet, rows, shelf
from tests.features.usage.test_quotas import limit
from tests.people import People
from tests.quiet import Shelf

__all__ = ["limit", "own_url", "quiet", "rows", "shelf"]


@pytest.fixture
def people(quiet: Platform, shelf: Shelf) -> People:
    """The people of the shelf's tenant."""
    return People(quiet, shelf.caller.tenant_id)
