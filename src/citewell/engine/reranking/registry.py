"""Which rerankers there are; a new one is its file and one line here."""

import importlib
from typing import Final, Protocol, cast

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.reranking.base import Reranker, RerankerOptions

PROVIDERS: Final = {
    "fastembed": "citewell.engine.reranking.fastembed",
    "onnx": "citewell.engine.reranking.onnx",
    "cohere": "citewell.engine.reranking.cohere",
    "jina": "citewell.engine.reranking.jina",
}
"""Prefix of the name -> the module with its `open_reranker`, imported when it is chosen."""


class _Provider(Protocol):
    async def open_reranker(self, model: str, options: RerankerOptions) -> Reranker: ...


async def open_reranker(name: str, options: RerankerOptions) -> Reranker:
    """Get the reranker of CITEWELL_RERANKER, ready to use; a service is not asked for anything.

    Raises:
        ProviderConfigurationError: The name is unknown or something must be set or installed.
    """
    prefix, _, model = name.strip().partition(":")
    module = PROVIDERS.get(prefix)
    if module is None or not model.strip():
        choices = ", ".join(f"`{each}:MODEL`" for each in PROVIDERS)
        message = f"CITEWELL_RERANKER must be `none`, {choices}, not {name!r}."
        raise ProviderConfigurationError(message)
    provider = cast(_Provider, importlib.import_module(module))
    return await provider.open_reranker(model.strip(), options)
