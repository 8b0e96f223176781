"""Any embedding model that was exported to ONNX, from a folder: no network, no other framework.

How its vectors are made is read from the files sentence-transformers writes (`modules.json`,
`1_Pooling/config.json`, `config_sentence_transformers.json`), or from the card `citewell.json`.
Each text is run by itself, unpadded, as the bundled model is, and for the same reasons.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from citewell.engine.embedding.base import EmbedderOptions, EmbedderSpec, Vector, Vectors
from citewell.engine.embedding.profiles import profile_of
from citewell.engine.embedding.threads import EmbeddingThreads
from citewell.engine.errors import ProviderError
from citewell.engine.onnx.errors import ONNX_ERRORS
from citewell.engine.onnx.folders import ModelFolder, open_folder
from citewell.engine.onnx.sessions import LoadedGraph, available_cores, encodable

CARD_KEYS: Final = (
    "model", "languages", "pooling", "query_prefix", "passage_prefix", "max_tokens", "dimensions",
)  # fmt: skip
"""Keys of `citewell.json` beside an embedding model."""

_TOKEN_VECTORS = NDArray[np.float32]
"""Shape (tokens, dimensions)."""


def _weighted_mean(tokens: _TOKEN_VECTORS) -> Vector:
    """Later tokens count more (SGPT, Muennighoff 2022)."""
    weights = np.arange(1, len(tokens) + 1, dtype=np.float32)
    return cast(Vector, weights @ tokens / weights.sum())


_POOLINGS: Final[dict[str, Callable[[_TOKEN_VECTORS], Vector]]] = {
    "mean": lambda tokens: tokens.mean(axis=0),
    "cls": lambda tokens: tokens[0],
    "last": lambda tokens: tokens[-1],
    "max": lambda tokens: tokens.max(axis=0),
    "weighted_mean": _weighted_mean,
}

_POOLING_NAMES: Final = {
    "pooling_mode_mean_tokens": "mean",
    # The same direction as the mean, and vectors are made of length 1 afterwards.
    "pooling_mode_mean_sqrt_len_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
}
"""Keys of `1_Pooling/config.json`."""

# Outputs that are one vector a text, pooled inside the graph.
_POOLED_OUTPUTS: Final = ("sentence_embedding", "pooled_embeddings", "embeddings")
_TOKEN_OUTPUTS: Final = ("last_hidden_state", "token_embeddings")

_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How a text becomes a vector."""

    output: str
    pooling: str | None
    """None: the graph pools."""
    query_prefix: str
    passage_prefix: str
    max_tokens: int
    dimensions: int | None
    """The first so many numbers are kept, which models trained for it allow (Matryoshka); None:
    all of them."""
    is_lower_case: bool


class OnnxEmbedder:
    """The model of a folder, loaded and ready.

    Args:
        folder: Its files.
        threads: Texts embedded at once; None takes one per core.

    Raises:
        ProviderConfigurationError: Files are missing, or ask for what is not supported.
    """

    spec: EmbedderSpec

    def __init__(self, folder: ModelFolder, *, threads: int | None = None) -> None:
        self._session, self._tokenizer = folder.load()
        self._recipe = recipe = _recipe_of(folder, self._session)
        self._inputs = [each.name for each in self._session.get_inputs()]
        if unknown := sorted(set(self._inputs) - _INPUTS):
            raise folder.refusal(f"its graph wants the input `{unknown[0]}`")
        # Counting wants texts whole, embedding wants them cut: a tokenizer for each.
        self._counter = Tokenizer.from_str(self._tokenizer.to_str())
        self._counter.no_truncation()
        self._tokenizer.enable_truncation(recipe.max_tokens)  # pyright: ignore[reportUnknownMemberType]
        try:
            # By a run: not every graph states the size of its output, and a model that cannot run
            # fails here.
            dimensions = len(self._direction("dimensions"))
        except ProviderError as error:
            raise folder.refusal(str(error)) from error
        self.spec = EmbedderSpec(
            name=f"onnx:{folder.path}#{folder.fingerprint(recipe)}",
            dimensions=dimensions,
            max_tokens=recipe.max_tokens,
            languages=_languages_of(folder),
        )
        self._running = EmbeddingThreads(self._embed, dimensions, threads or available_cores())

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        encodings = self._counter.encode_batch_fast(
            [encodable(text) for text in texts], add_special_tokens=False
        )
        return [len(encoding) for encoding in encodings]

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._running.passages([self._recipe.passage_prefix + each for each in texts])

    async def embed_query(self, text: str) -> Vector:
        return await self._running.query(self._recipe.query_prefix + text)

    async def close(self) -> None:
        await self._running.close()

    def _embed(self, text: str) -> Vector:
        """Embed one text, its prefix in front."""
        vector = self._direction(text)
        length = float(np.linalg.norm(vector))
        if not (np.isfinite(length) and length > 0):
            raise ProviderError(f"{self.spec.name} gave a vector that has no direction.")
        return vector / np.float32(length)

    def _direction(self, text: str) -> Vector:
        recipe = self._recipe
        # No tokenizer gets 64 characters of prose into a token: bounds the cost of tokenising.
        text = encodable(text[: 64 * recipe.max_tokens])
        encoding = self._tokenizer.encode(text.lower() if recipe.is_lower_case else text)
        # Graphs fail on an input without tokens, which an empty text may have.
        ids = np.array([encoding.ids or [0]], dtype=np.int64)
        values = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.arange(ids.shape[1], dtype=np.int64)[None, :],
        }
        try:
            inputs = {name: values[name] for name in self._inputs}
            output = self._session.run([recipe.output], inputs)[0]
        except ONNX_ERRORS as error:
            raise ProviderError(f"The ONNX model failed: {error}", retryable=True) from error
        vector = output[0] if recipe.pooling is None else _POOLINGS[recipe.pooling](output[0])
        return vector[: recipe.dimensions].astype(np.float32)


async def open_embedder(model: str, options: EmbedderOptions) -> OnnxEmbedder:
    """Load the model in a thread; see `citewell.engine.embedding.registry.open_embedder`.

    A name may end in the fingerprint of a model, as those of libraries do; a folder that holds
    another model by now gives an embedder of another name.
    """
    path, _, _ = model.partition("#")
    return await asyncio.to_thread(
        lambda: OnnxEmbedder(open_folder(path, CARD_KEYS), threads=options.threads)
    )


def _recipe_of(folder: ModelFolder, session: LoadedGraph) -> _Recipe:
    outputs = {each.name: len(each.shape) for each in session.get_outputs()}
    pooled = next((name for name in _POOLED_OUTPUTS if outputs.get(name) == 2), None)
    tokens = next((name for name in _TOKEN_OUTPUTS if outputs.get(name) == 3), None)
    if pooled is None and tokens is None and len(outputs) == 1:
        name, rank = next(iter(outputs.items()))
        pooled, tokens = (name, None) if rank == 2 else (None, name)
    pooling = folder.text("pooling")
    if pooling not in (None, *_POOLINGS):
        raise folder.refusal(f"`pooling` must be one of {', '.join(_POOLINGS)}, not {pooling!r}")
    if pooling is None and pooled is None:
        pooling = _pooling_of(folder)
    output = pooled if pooling is None else tokens
    if output is None:
        raise folder.refusal(f"none of its outputs fits ({', '.join(outputs)})")
    known = profile_of(folder.path.name)
    prompts = folder.settings("config_sentence_transformers.json").get("prompts")
    said = cast(dict[str, str], prompts) if isinstance(prompts, dict) else {}
    query, passage = folder.text("query_prefix"), folder.text("passage_prefix")
    return _Recipe(
        output=output,
        pooling=pooling,
        query_prefix=said.get("query", known.query_prefix) if query is None else query,
        passage_prefix=next(
            (said[name] for name in ("document", "passage") if name in said), known.passage_prefix
        )
        if passage is None
        else passage,
        max_tokens=folder.max_tokens(),
        dimensions=folder.integer("dimensions"),
        is_lower_case=folder.settings("sentence_bert_config.json").get("do_lower_case") is True,
    )


def _pooling_of(folder: ModelFolder) -> str:
    """Read the pooling that sentence-transformers does after the graph."""
    places = _pooling_folders(folder)
    config = next((found for place in places if (found := folder.settings(place))), None)
    if config is None:
        raise folder.refusal(
            "its files do not tell the pooling: `pooling` in its citewell.json must be one of "
            + ", ".join(_POOLINGS)
        )
    if config.get("include_prompt") is False:
        raise folder.refusal("it pools without the prefix, which is not supported")
    asked = [key for key, is_on in config.items() if key.startswith("pooling_mode_") and is_on]
    named = config.get("pooling_mode")
    if isinstance(named, str):
        asked = [f"pooling_mode_{named}", f"pooling_mode_{named}_token", f"{named}_tokens"]
        asked = [key for key in (*asked, f"pooling_mode_{named}_tokens") if key in _POOLING_NAMES]
    if len(asked) != 1 or asked[0] not in _POOLING_NAMES:
        raise folder.refusal(f"it pools in a way that is not supported: {', '.join(asked)}")
    return _POOLING_NAMES[asked[0]]


def _pooling_folders(folder: ModelFolder) -> list[str]:
    """Paths of the pooling's settings by `modules.json`, or the usual one without it."""
    file = folder.path / "modules.json"
    if not file.is_file():
        return ["1_Pooling/config.json"]
    try:
        modules = cast(list[dict[str, str]], json.loads(file.read_text(encoding="utf-8")))
        kinds = {each["type"].rpartition(".")[2]: each["path"] for each in modules}
    except (ValueError, TypeError, KeyError) as error:
        raise folder.refusal(f"its modules.json cannot be read ({error})") from error
    if further := sorted(kinds.keys() - {"Transformer", "Pooling", "Normalize"}):
        raise folder.refusal(
            f"its layer {further[0]} is not in the graph; export the whole model, with its "
            "output `sentence_embedding`"
        )
    return [f"{kinds['Pooling']}/config.json"] if "Pooling" in kinds else []


def _languages_of(folder: ModelFolder) -> frozenset[str] | None:
    stated = folder.languages()
    return stated if stated is None or stated else profile_of(folder.path.name).languages
