"""Models that are opened when a library needs them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from citewell.core.embedders import Embedders
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.errors import ProviderConfigurationError, ProviderError


class Shop:
    """Opens models; notes which, and refuses or keeps waiting as told."""

    def __init__(self) -> None:
        self.opened: list[HashEmbedder] = []
        self.asked = 0
        self.refusal: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def open_model(self, name: str) -> HashEmbedder:
        self.asked += 1
        await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        self.opened.append(HashEmbedder(name=name.removesuffix("-alias")))
        return self.opened[-1]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def models(shop: Shop) -> AsyncIterator[Embedders]:
    models = Embedders(shop.open_model)
    yield models
    await models.close()


class TestNamed:
    async def test_crowd_opens_a_model_once(self, models: Embedders, shop: Shop) -> None:
        given = await asyncio.gather(*(models.named("testing:one") for _ in range(20)))
        assert {id(model) for model in given} == {id(shop.opened[0])}
        assert shop.asked == 1

    async def test_model_that_calls_itself_otherwise_is_refused(
        self, models: Embedders, shop: Shop
    ) -> None:
        with pytest.raises(ProviderConfigurationError, match="testing:one-alias"):
            await models.named("testing:one-alias")
        assert shop.opened[0].is_closed

    async def test_refusal_names_the_model_and_is_remembered(
        self, models: Embedders, shop: Shop
    ) -> None:
        shop.refusal = ProviderError("no route", retryable=True)
        for _ in range(3):
            with pytest.raises(ProviderError, match=r"testing:one.*no route") as caught:
                await models.named("testing:one")
            assert caught.value.retryable
        assert shop.asked == 1

    async def test_refusal_is_forgotten_after_a_while(self, shop: Shop) -> None:
        models = Embedders(shop.open_model, retry_seconds=0)
        shop.refusal = ProviderConfigurationError("not installed")
        with pytest.raises(ProviderConfigurationError, match="not installed"):
            await models.named("testing:one")
        shop.refusal = None
        assert (await models.named("testing:one")).spec.name == "testing:one"

    async def test_slow_opening_is_not_waited_for_and_goes_on(self, shop: Shop) -> None:
        models = Embedders(shop.open_model, opening_seconds=0.02)
        shop.gate.clear()
        with pytest.raises(ProviderError, match="being opened"):
            await models.named("testing:one")
        shop.gate.set()
        while not shop.opened:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0)
        await models.named("testing:one")
        assert shop.asked == 1


class TestClose:
    async def test_all_are_closed_and_openings_given_up(self, shop: Shop) -> None:
        models = Embedders(shop.open_model)
        await models.named("testing:one")
        shop.gate.clear()
        waiting = asyncio.ensure_future(models.named("testing:two"))
        await asyncio.sleep(0.01)
        await models.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [model.is_closed for model in shop.opened] == [True]
