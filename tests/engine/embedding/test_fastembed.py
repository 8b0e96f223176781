import importlib.util
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from citewell.engine.embedding.bundled import MODEL_FOLDER, BundledEmbedder
from citewell.engine.embedding.fastembed import FastembedEmbedder, _languages
from citewell.engine.embedding.profiles import ModelProfile
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.embedding.testing import EmbedderContract
from citewell.engine.errors import ProviderConfigurationError

IS_INSTALLED = importlib.util.find_spec("fastembed") is not None
needs_extra = pytest.mark.skipif(not IS_INSTALLED, reason="the extra `fastembed` is not installed")


@pytest.fixture
async def embedder(tmp_path: Path) -> AsyncIterator[FastembedEmbedder]:
    """The bundled model's files, loaded by fastembed: it can fetch nothing here."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    shutil.copytree(MODEL_FOLDER, tmp_path / "model")
    config = {"model_max_length": 256, "pad_token": "[PAD]"}
    (tmp_path / "model" / "tokenizer_config.json").write_text(json.dumps(config))
    name = "local/bundled"
    if name not in {model["model"] for model in TextEmbedding.list_supported_models()}:
        TextEmbedding.add_custom_model(
            name,
            pooling=PoolingType.DISABLED,
            normalization=False,
            sources=ModelSource(hf=name),
            dim=384,
            model_file="model.onnx",
            output_name="sentence_embedding",
        )
    model = TextEmbedding(name, threads=2, specific_model_path=str(tmp_path / "model"))
    made = FastembedEmbedder(name, model, 384, ModelProfile(frozenset({"en"})))
    yield made
    await made.close()


@needs_extra
class TestContract(EmbedderContract):
    async def test_vectors_are_those_of_the_bundled_embedder(
        self, embedder: FastembedEmbedder
    ) -> None:
        ours = BundledEmbedder(threads=1)
        texts = ["Invoices are due within thirty days.", "The pump runs dry. " * 90]
        cosines = np.sum(
            await ours.embed_passages(texts) * await embedder.embed_passages(texts), axis=1
        )
        assert cosines.min() > 0.98
        assert ours.count_tokens(texts) == embedder.count_tokens(texts)
        assert embedder.spec.max_tokens == 256
        await ours.close()


class TestOpen:
    @pytest.mark.skipif(IS_INSTALLED, reason="the extra `fastembed` is installed")
    async def test_missing_extra_says_what_to_install(self) -> None:
        with pytest.raises(
            ProviderConfigurationError, match=r'pip install "citewell\[fastembed\]"'
        ):
            await open_embedder("fastembed:BAAI/bge-small-en-v1.5")

    @needs_extra
    async def test_unknown_model_lists_the_known(self) -> None:
        with pytest.raises(ProviderConfigurationError, match=r"no model 'x/y'.*bge-small-en"):
            await open_embedder("fastembed:x/y")


class TestLanguages:
    @pytest.mark.parametrize(
        ("description", "expected"),
        [
            ("Text embeddings, Unimodal (text), English, 512 input tokens", {"en"}),
            ("Text embeddings, Multilingual (~50 languages), 128 input", None),
            ("Text embeddings, Multilingual (German, English), 8192 input", {"de", "en"}),
        ],
    )
    def test_description_names_them(self, description: str, expected: set[str] | None) -> None:
        assert _languages(description) == expected
