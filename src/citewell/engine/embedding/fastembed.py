"""ONNX models by name through `fastembed`, which is an optional extra."""

import asyncio
import importlib
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from citewell.engine.embedding.base import EmbedderOptions, EmbedderSpec, Vector, Vectors
from citewell.engine.embedding.profiles import ModelProfile, profile_of
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.onnx.errors import ONNX_ERRORS
from citewell.engine.onnx.sessions import encodable

_BATCH: Final = 8
"""Texts run at once, alike in length: a six-layer int8 model did 127/s in eights, 88/s in 32s."""

_LANGUAGES: Final = {"English": "en", "German": "de", "Chinese": "zh", "Spanish": "es"}
"""Languages that fastembed's descriptions name."""


class FastembedEmbedder:
    """A model that fastembed has loaded.

    Args:
        name: What the model is called.
        model: A `fastembed.TextEmbedding` that is loaded.
        dimensions: Length of its vectors.
        profile: Its languages and prefixes; `max_tokens` is taken from its tokenizer.
    """

    def __init__(self, name: str, model: Any, dimensions: int, profile: ModelProfile) -> None:
        tokenizer = cast(Tokenizer, model.model.tokenizer)
        truncation = cast(dict[str, Any] | None, tokenizer.truncation)  # pyright: ignore[reportUnknownMemberType]
        self.spec = EmbedderSpec(
            name=f"fastembed:{name}",
            dimensions=dimensions,
            max_tokens=truncation["max_length"] if truncation else profile.max_tokens,
            languages=profile.languages,
        )
        self._model = model
        self._profile = profile
        # Counting wants texts whole; embedding wants them cut and padded: a tokenizer for each.
        self._counter = Tokenizer.from_str(tokenizer.to_str())
        self._counter.no_truncation()
        self._counter.no_padding()
        self._passage_thread = ThreadPoolExecutor(1, "embed-passage")
        self._query_thread = ThreadPoolExecutor(1, "embed-query")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        encodings = self._counter.encode_batch_fast(
            [encodable(text) for text in texts], add_special_tokens=False
        )
        return [len(encoding) for encoding in encodings]

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        inputs = [self._profile.passage_prefix + self._cut(text) for text in texts]
        vectors = np.empty((len(inputs), self.spec.dimensions), dtype=np.float32)
        order = sorted(range(len(inputs)), key=lambda index: len(inputs[index]))
        loop = asyncio.get_running_loop()
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = [inputs[row] for row in rows]
            vectors[rows] = await loop.run_in_executor(
                self._passage_thread, self._embed, self._model.passage_embed, batch
            )
        return vectors

    async def embed_query(self, text: str) -> Vector:
        inputs = [self._profile.query_prefix + self._cut(text)]
        loop = asyncio.get_running_loop()
        vectors = await loop.run_in_executor(
            self._query_thread, self._embed, self._model.query_embed, inputs
        )
        return vectors[0]

    async def close(self) -> None:
        for thread in (self._query_thread, self._passage_thread):
            await asyncio.to_thread(thread.shutdown, cancel_futures=True)

    def _cut(self, text: str) -> str:
        """Bound the cost of tokenising: no tokenizer gets 64 characters of prose into a token."""
        return encodable(text[: 64 * self.spec.max_tokens])

    def _embed(self, embed: Any, texts: list[str]) -> Vectors:
        try:
            rows = list(cast(Iterable[NDArray[np.float32]], embed(texts)))
        except (*ONNX_ERRORS, RuntimeError, ValueError) as error:
            raise ProviderError(f"{self.spec.name} failed: {error}", retryable=True) from error
        vectors = np.array(rows, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if vectors.shape != (len(texts), self.spec.dimensions):
            raise ProviderError(f"{self.spec.name} gave vectors of shape {vectors.shape}")
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise ProviderError(f"{self.spec.name} gave a vector that has no direction")
        return vectors / lengths


async def open_embedder(model: str, options: EmbedderOptions) -> FastembedEmbedder:
    """Load the model, fetching it once; see `citewell.engine.embedding.registry.open_embedder`."""
    return await asyncio.to_thread(_load, model, options.threads)


def _load(name: str, threads: int | None) -> FastembedEmbedder:
    try:
        fastembed = cast(Any, importlib.import_module("fastembed"))
    except ImportError as error:
        message = f'`fastembed:{name}` needs an extra: pip install "citewell[fastembed]"'
        raise ProviderConfigurationError(message) from error
    known: dict[str, dict[str, Any]] = {
        description["model"].lower(): description
        for description in fastembed.TextEmbedding.list_supported_models()
    }
    description = known.get(name.lower())
    if description is None:
        choices = ", ".join(sorted(found["model"] for found in known.values()))
        message = f"fastembed has no model {name!r}; it has {choices}."
        raise ProviderConfigurationError(message)
    try:
        model = fastembed.TextEmbedding(description["model"], threads=threads)
    except (*ONNX_ERRORS, ValueError, OSError, RuntimeError) as error:
        message = f"The model of `fastembed:{name}` cannot be fetched or loaded: {error}"
        raise ProviderConfigurationError(message) from error
    profile = profile_of(description["model"])
    profile = ModelProfile(
        languages=_languages(description["description"]),
        max_tokens=profile.max_tokens,
        query_prefix=profile.query_prefix,
        passage_prefix=profile.passage_prefix,
    )
    return FastembedEmbedder(description["model"], model, description["dim"], profile)


def _languages(description: str) -> frozenset[str] | None:
    """Read the languages named in `Text embeddings, Unimodal (text), English, 512 input ...`."""
    named = re.findall("|".join(_LANGUAGES), description)
    return frozenset(_LANGUAGES[language] for language in named) or None
