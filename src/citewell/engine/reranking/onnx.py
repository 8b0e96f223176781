"""Any cross-encoder that was exported to ONNX, from a folder."""

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citewell.engine.errors import ProviderError
from citewell.engine.onnx.errors import ONNX_ERRORS
from citewell.engine.onnx.folders import ModelFolder, open_folder
from citewell.engine.reranking.base import RerankerOptions
from citewell.engine.reranking.local import LocalReranker

CARD_KEYS: Final = ("model", "max_tokens")
"""Keys of a reranker's card `citewell.json`."""


async def open_reranker(model: str, options: RerankerOptions) -> LocalReranker:  # noqa: ARG001 - pairs run one by one
    """Load the model in a thread; see `citewell.engine.reranking.registry`."""
    return await asyncio.to_thread(lambda: _load(open_folder(model, CARD_KEYS)))


def _load(folder: ModelFolder) -> LocalReranker:
    session, tokenizer = folder.load()
    tokenizer.enable_truncation(folder.max_tokens(), strategy="longest_first")  # pyright: ignore[reportUnknownMemberType]
    wanted = [each.name for each in session.get_inputs()]
    if unknown := sorted(set(wanted) - {"input_ids", "attention_mask", "token_type_ids"}):
        raise folder.refusal(f"its graph wants the input `{unknown[0]}`")
    if len(session.get_outputs()) != 1 or session.get_outputs()[0].shape[-1] not in (1, "1"):
        raise folder.refusal("its graph does not give one number for a pair of texts")
    name = f"onnx:{folder.path}"

    def logit(question: str, passage: str) -> float:
        pair = tokenizer.encode(question, passage)
        values = {
            "input_ids": pair.ids,
            "attention_mask": pair.attention_mask,
            "token_type_ids": pair.type_ids,
        }
        try:
            found = session.run(
                None, {each: np.array([values[each]], dtype=np.int64) for each in wanted}
            )
        except ONNX_ERRORS as error:
            raise ProviderError(f"{name} failed: {error}", retryable=True) from error
        return float(found[0].reshape(-1)[0])

    def logits(question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        return np.array([logit(question, each) for each in passages], dtype=np.float32)

    return LocalReranker(name, logits)
