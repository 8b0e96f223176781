import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citewell.engine.embedding.onnx import OnnxEmbedder
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.embedding.testing import EmbedderContract
from citewell.engine.errors import ProviderConfigurationError
from tests.engine.onnx_files import Node, graph, token_vectors, write_model

MEAN = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True, "include_prompt": True}
TEXT = "The lessee pays the rent on the first working day."


def small_model(folder: Path, **files: object) -> Path:
    """As sentence-transformers saves it; `files` replace its settings."""
    modules = [
        {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    usual: dict[str, object] = {"modules": modules, "1_Pooling__config": MEAN}
    return write_model(folder, token_vectors(), **(usual | files))


async def opened(folder: Path) -> OnnxEmbedder:
    embedder = await open_embedder(f"onnx:{folder}", threads=1)
    assert isinstance(embedder, OnnxEmbedder)
    await embedder.close()  # its threads; what is asked of it here runs on the caller's
    return embedder


@pytest.fixture
async def embedder(tmp_path: Path) -> AsyncIterator[OnnxEmbedder]:
    folder = small_model(tmp_path / "model", sentence_bert_config={"max_seq_length": 128})
    made = await open_embedder(f"onnx:{folder}", threads=2)
    assert isinstance(made, OnnxEmbedder)
    yield made
    await made.close()


class TestContract(EmbedderContract):
    pass


class TestFiles:
    async def test_settings_are_read_from_the_files_of_the_usual_tools(
        self, tmp_path: Path
    ) -> None:
        folder = small_model(
            tmp_path / "model",
            config={"model_type": "xlm-roberta", "max_position_embeddings": 66},
            tokenizer_config={"model_max_length": 10**30},
            config_sentence_transformers={"prompts": {"query": "query: ", "document": "text: "}},
        )
        card = "---\nlicense: mit\nlanguage:\n- en\n- vi\ntags:\n- x\n---\n# A model\n"
        (folder / "README.md").write_text(card, encoding="utf-8")
        model = await opened(folder)
        assert model.spec.max_tokens == 64
        assert model.spec.dimensions == 32
        assert model.spec.languages == {"en", "vi"}
        assert model._recipe.query_prefix == "query: "
        assert model._recipe.passage_prefix == "text: "

    async def test_card_has_the_last_word(self, tmp_path: Path) -> None:
        card = {"languages": "multilingual", "pooling": "last", "query_prefix": "", "dimensions": 8}
        folder = small_model(
            tmp_path / "model",
            config_sentence_transformers={"prompts": {"query": "query: "}},
            citewell=card | {"max_tokens": 16},
        )
        model = await opened(folder)
        assert model.spec.languages is None
        assert model.spec.max_tokens == 16
        assert model.spec.dimensions == 8
        assert model._recipe.query_prefix == ""
        # The last token is the closing one, whatever the text says.
        assert np.allclose(model._embed("one text"), model._embed("another"))

    async def test_family_is_known_by_the_name_of_the_folder(self, tmp_path: Path) -> None:
        model = await opened(small_model(tmp_path / "multilingual-e5-small"))
        assert model._recipe.query_prefix == "query: "
        assert model._recipe.passage_prefix == "passage: "
        assert model.spec.languages is None

    async def test_graph_that_pools_by_itself_is_taken_as_it_is(self, tmp_path: Path) -> None:
        table = np.eye(30_522, 16, dtype=np.float32) + 0.1
        nodes = [
            Node("Gather", ["table", "input_ids"], "tokens"),
            Node("ReduceMean", ["tokens"], "sentence_embedding", {"axes": [1], "keepdims": 0}),
        ]
        folder = write_model(
            tmp_path / "model", graph(nodes, table, "sentence_embedding", ("batch", 16))
        )
        assert (await opened(folder)).spec.dimensions == 16

    async def test_name_changes_with_the_model_in_the_folder(self, tmp_path: Path) -> None:
        folder = small_model(tmp_path / "model")
        before = await opened(folder)
        again = await open_embedder(before.spec.name, threads=1)
        assert again.spec.name == before.spec.name
        await again.close()
        (folder / "onnx" / "model.onnx").write_bytes(token_vectors(seed=8))
        assert (await opened(folder)).spec.name != before.spec.name
        (folder / "onnx" / "model.onnx").write_bytes(token_vectors())
        (folder / "citewell.json").write_text(json.dumps({"pooling": "cls"}))
        assert (await opened(folder)).spec.name != before.spec.name


class TestRefusals:
    @pytest.mark.parametrize(
        ("files", "reason"),
        [
            ({"citewell": {"poling": "mean"}}, "unknown key `poling`"),
            ({"citewell": {"pooling": "median"}}, "`pooling` must be one of mean"),
            ({"citewell": {"max_tokens": "many"}}, "positive whole number"),
            ({"citewell": {"model": "other.onnx"}}, "no other.onnx"),
            ({"citewell": []}, "not a JSON object"),
            ({"1_Pooling__config": {}}, "do not tell the pooling"),
            ({"1_Pooling__config": MEAN | {"pooling_mode_cls_token": True}}, "not supported"),
            ({"modules": [{"type": "x.Dense", "path": "2_Dense"}]}, "layer Dense"),
            ({"tokenizer": {}}, "tokenizer.json cannot be read"),
        ],
    )
    async def test_reason_names_what_is_wrong(
        self, tmp_path: Path, files: dict[str, Any], reason: str
    ) -> None:
        folder = small_model(tmp_path / "model", **files)
        with pytest.raises(ProviderConfigurationError, match=reason):
            await open_embedder(f"onnx:{folder}")

    async def test_missing_and_broken_files_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(ProviderConfigurationError, match="no folder"):
            await open_embedder(f"onnx:{tmp_path}/absent")
        folder = small_model(tmp_path / "model")
        (folder / "onnx" / "model.onnx").write_bytes(b"no graph")
        with pytest.raises(ProviderConfigurationError, match="cannot be loaded"):
            await open_embedder(f"onnx:{folder}")
        (folder / "tokenizer.json").unlink()
        with pytest.raises(ProviderConfigurationError, match="has no tokenizer"):
            await open_embedder(f"onnx:{folder}")
        (folder / "onnx" / "model.onnx").unlink()
        with pytest.raises(ProviderConfigurationError, match=r"has no model\.onnx"):
            await open_embedder(f"onnx:{folder}")
