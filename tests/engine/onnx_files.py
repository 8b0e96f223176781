"""Small ONNX models, written field by field: a graph needs no other library than its format."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from citewell.engine.embedding.bundled import MODEL_FOLDER

WORDS = 30_522
"""Tokens of the bundled tokenizer, which these models share."""

_FLOAT, _INT64 = 1, 7


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


@dataclass(frozen=True)
class Node:
    """One operation with its integer attributes."""

    kind: str
    inputs: Sequence[str]
    output: str
    attributes: Mapping[str, int | Sequence[int]] = field(default_factory=dict)

    def encoded(self) -> bytes:
        out = b"".join(_field(1, name) for name in self.inputs) + _field(2, self.output)
        out += _field(4, self.kind)
        for name, value in self.attributes.items():
            if isinstance(value, int):
                body = _field(1, name) + _field(3, value) + _field(20, 2)
            else:
                body = _field(1, name) + b"".join(_field(8, each) for each in value)
                body += _field(20, 7)
            out += _field(5, body)
        return out


def _place(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(
        _field(1, _field(1, each) if isinstance(each, int) else _field(2, each)) for each in shape
    )
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, dims)))


def graph(
    nodes: Sequence[Node],
    table: np.ndarray,
    output: str,
    shape: Sequence[int | str],
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
) -> bytes:
    """A model whose constant `table` the nodes use."""
    tensor = b"".join(_field(1, each) for each in table.shape) + _field(2, _FLOAT)
    tensor += _field(8, "table") + _field(9, table.astype("<f4").tobytes())
    body = b"".join(_field(1, node.encoded()) for node in nodes) + _field(2, "small")
    body += _field(5, tensor)
    body += b"".join(_field(11, _place(each, _INT64, ("batch", "tokens"))) for each in inputs)
    body += _field(12, _place(output, _FLOAT, shape))
    return _field(1, 8) + _field(7, body) + _field(8, _field(1, "") + _field(2, 17))


def token_vectors(dimensions: int = 32, seed: int = 7) -> bytes:
    """A model that gives each token a fixed vector of random direction."""
    table = np.random.default_rng(seed).normal(size=(WORDS, dimensions)).astype(np.float32)
    nodes = [Node("Gather", ["table", "input_ids"], "last_hidden_state")]
    return graph(nodes, table, "last_hidden_state", ("batch", "tokens", dimensions))


def write_model(folder: Path, model: bytes, **files: object) -> Path:
    """Lay out a folder as the usual tools do; `files` are JSON files by name, `__` for a slash."""
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx" / "model.onnx").write_bytes(model)
    shutil.copyfile(MODEL_FOLDER / "tokenizer.json", folder / "tokenizer.json")
    for name, content in files.items():
        path = folder / (name.replace("__", "/") + ".json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder
