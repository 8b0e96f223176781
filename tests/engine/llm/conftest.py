"""Models of each provider, spoken to over real HTTP."""

from collections.abc import AsyncIterator

import pytest

from citewell.engine.llm.base import LanguageModel, Timeouts
from citewell.engine.llm.registry import PROVIDERS
from tests.engine.llm.opening import opened
from tests.vendor import Reply, VendorServer, running_vendor


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def model(provider: str, vendor: VendorServer) -> AsyncIterator[LanguageModel]:
    model = opened(provider, vendor, Timeouts(backoff=0.01))
    yield model
    await model.close()


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


@pytest.fixture
def reply() -> type[Reply]:
    """The `Reply` class: test modules are not importable from each other."""
    return Reply
