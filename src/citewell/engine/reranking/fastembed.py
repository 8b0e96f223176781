"""Cross-encoders by name through `fastembed`, which is an optional extra."""

import asyncio
import importlib
from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.onnx.errors import ONNX_ERRORS
from citewell.engine.reranking.base import RerankerOptions
from citewell.engine.reranking.local import LocalReranker

_BATCH = 8
"""Pairs run at once, as many as `embedding/fastembed.py` takes."""


def fastembed_reranker(name: str, model: Any) -> LocalReranker:
    """Make a reranker of a `fastembed.rerank.cross_encoder.TextCrossEncoder` that is loaded."""

    def logits(question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        try:
            scored = cast(Iterable[float], model.rerank(question, passages, batch_size=_BATCH))
            return np.array(list(scored), dtype=np.float32)
        except (*ONNX_ERRORS, RuntimeError, ValueError) as error:
            raise ProviderError(f"fastembed:{name} failed: {error}", retryable=True) from error

    return LocalReranker(f"fastembed:{name}", logits)


async def open_reranker(model: str, options: RerankerOptions) -> LocalReranker:
    """Load the model, fetching it once; see `citewell.engine.reranking.registry`."""
    return await asyncio.to_thread(_load, model, options.threads)


def _load(name: str, threads: int | None) -> LocalReranker:
    try:
        module = cast(Any, importlib.import_module("fastembed.rerank.cross_encoder"))
    except ImportError as error:
        message = f'`fastembed:{name}` needs an extra: pip install "citewell[fastembed]"'
        raise ProviderConfigurationError(message) from error
    known = [each["model"] for each in module.TextCrossEncoder.list_supported_models()]
    if name not in known:
        message = f"fastembed has no reranker {name!r}; it has {', '.join(sorted(known))}."
        raise ProviderConfigurationError(message)
    try:
        return fastembed_reranker(name, module.TextCrossEncoder(name, threads=threads))
    except (*ONNX_ERRORS, ValueError, OSError, RuntimeError) as error:
        message = f"The model of `fastembed:{name}` cannot be fetched or loaded: {error}"
        raise ProviderConfigurationError(message) from error
