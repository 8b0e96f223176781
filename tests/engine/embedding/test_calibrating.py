import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from citewell.engine.embedding.base import Calibration, Likeness
from citewell.engine.embedding.bundled import BundledEmbedder
from citewell.engine.embedding.calibrating import as_bundled, calibrated, measure, shipped
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.embedding.testing import BilingualEmbedder, HashEmbedder
from tests.waiting import PATIENCE


class TestShipped:
    async def test_bundled_model_is_as_the_probes_find_it(self) -> None:
        embedder = BundledEmbedder(threads=2)
        measured = await measure(embedder)
        await embedder.close()
        stated = shipped(embedder.spec.name)
        assert stated is not None
        assert stated.likeness.keys() == measured.likeness.keys()
        for pair, likeness in stated.likeness.items():
            found = measured.likeness[pair]
            assert likeness.is_understood == found.is_understood == (pair == ("en", "en"))
            assert likeness.unrelated == pytest.approx(found.unrelated, abs=0.01)
        english = measured.likeness["en", "en"]
        assert as_bundled(0.5, english) == pytest.approx(0.5, abs=0.01)

    async def test_opened_by_name_it_has_its_calibration(self) -> None:
        embedder = await open_embedder("bundled", threads=1)
        await embedder.close()
        assert embedder.spec.calibration.bounds == (0.0, 1.0)
        assert embedder.spec.covers("en")
        assert not embedder.spec.covers("vi")
        assert not embedder.spec.calibration.crosses_languages

    async def test_learned_weights_hold_for_languages_that_are_understood(self) -> None:
        known = BilingualEmbedder(name="fastembed:intfloat/multilingual-e5-small")
        assert set((await calibrated(known)).weights) == {"en", "vi"}
        broken = HashEmbedder(name="onnx:/models/multilingual-e5-small#00")
        assert (await calibrated(broken)).weights == {}


class TestSlow:
    async def test_service_that_does_not_come_to_an_end_holds_up_no_start(self) -> None:
        class Busy(HashEmbedder):
            async def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
                await asyncio.Event().wait()
                return await super().embed_passages(texts)

        async with asyncio.timeout(PATIENCE):
            found = await calibrated(Busy(name="openai-compatible:busy"), patience=0.1)
        assert found == Calibration()


class TestMeasure:
    async def test_model_of_two_languages_crosses_them(self) -> None:
        found = await measure(BilingualEmbedder())
        assert found.crosses_languages
        assert all(each.is_understood for each in found.likeness.values())

    async def test_model_that_gives_all_texts_one_vector_understands_nothing(self) -> None:
        class Constant(HashEmbedder):
            async def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
                return np.tile(self._embed(""), (len(texts), 1))

            async def embed_query(self, text: str) -> np.ndarray:  # noqa: ARG002
                return self._embed("")

        found = await measure(Constant())
        assert not any(each.is_understood for each in found.likeness.values())
        floor, ceiling = found.bounds_of("en", "en")
        assert floor < ceiling


class TestBounds:
    def test_cosine_is_placed_by_the_languages_of_question_and_passage(self) -> None:
        near, far = Likeness(0.8, 0.9, True), Likeness(0.7, 0.8, True)
        both = Calibration(None, {}, {("vi", "vi"): near, ("vi", "en"): far, ("en", "en"): far})
        assert both.bounds_of("vi", "en") == pytest.approx((0.64, 0.86))
        assert both.bounds_of("vi", "vi") == pytest.approx((0.74, 0.96))
        assert both.bounds_of("vi", "fr") == both.bounds_of("vi", None)
