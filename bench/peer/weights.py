"""Citewell's bundled weights for a peer: the very file, by onnxruntime, without a model hub."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MAX_TOKENS = 256
BATCH = 32


class OnnxWeights:
    """all-MiniLM-L6-v2 with int8 weights; the file takes the mean of the tokens itself."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        self._inputs = {each.name for each in self._session.get_inputs()}

    def embed(self, texts: list[str]) -> np.ndarray:
        """A row of 384 numbers for each text."""
        rows = []
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for start in range(0, len(order), BATCH):
            encoded = self._tokenizer.encode_batch(
                [texts[at] for at in order[start : start + BATCH]]
            )
            mask = np.array([each.attention_mask for each in encoded], dtype=np.int64)
            fed = {
                "input_ids": np.array([each.ids for each in encoded], dtype=np.int64),
                "attention_mask": mask,
                "token_type_ids": np.zeros_like(mask),
            }
            fed = {name: value for name, value in fed.items() if name in self._inputs}
            rows.append(self._session.run(None, fed)[0])
        vectors = np.concatenate(rows).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        result = np.empty_like(vectors)
        result[order] = vectors
        return result


def given_weights() -> OnnxWeights:
    """The weights in the folder that the bench names as the first argument."""
    return OnnxWeights(Path(sys.argv[1]))
