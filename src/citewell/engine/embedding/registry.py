"""Which embedders there are; a new one is its file and one line here."""

import importlib
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final, Protocol, cast

from citewell.engine.embedding.base import Embedder, EmbedderOptions
from citewell.engine.errors import ProviderConfigurationError

PROVIDERS: Final = {
    "bundled": "citewell.engine.embedding.bundled",
    "fastembed": "citewell.engine.embedding.fastembed",
    "onnx": "citewell.engine.embedding.onnx",
    "openai-compatible": "citewell.engine.embedding.openai_compatible",
}
"""Prefix of the name -> the module with its `open_embedder`, imported when it is chosen."""


class _Provider(Protocol):
    async def open_embedder(self, model: str, options: EmbedderOptions) -> Embedder: ...


async def open_embedder(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    threads: int | None = None,
) -> Embedder:
    """Get the embedder of CITEWELL_EMBEDDING, ready to use and with a valid `spec`.

    A model of our own is loaded; a service is asked for one vector, to learn its dimensions. Both
    embed a few texts that tell what their cosines mean, unless that is known. The `spec.name` of
    what is returned opens the same embedder again.

    Args:
        name: `bundled`, or `provider:model`; the model may hold further colons.
        base_url: Where an `openai-compatible` service answers.
        api_key: The key to send to it; None or empty where it needs none.
        threads: Threads of a model that runs here; None takes all cores.

    Raises:
        ProviderConfigurationError: The name is unknown or something must be set or installed.
        ProviderError: The service does not answer as it should, within half a minute.
    """
    prefix, _, model = name.strip().partition(":")
    module = PROVIDERS.get(prefix)
    model = model.strip()
    if module is None or (not model and prefix != "bundled"):
        message = (
            "CITEWELL_EMBEDDING must be `bundled`, `fastembed:MODEL`, `onnx:FOLDER` or "
            f"`openai-compatible:MODEL`, not {name!r}."
        )
        raise ProviderConfigurationError(message)
    # With numpy, which the wire and lists of a short command do without.
    from citewell.engine.embedding.calibrating import calibrated  # noqa: PLC0415 - see above

    provider = cast(_Provider, importlib.import_module(module))
    options = EmbedderOptions(base_url=base_url, api_key=api_key or None, threads=threads)
    embedder = await provider.open_embedder(model, options)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(embedder.close)
        embedder.spec = replace(embedder.spec, calibration=await calibrated(embedder))
        undo.pop_all()
    return embedder
