"""Embedders between the pipeline and the model: one notes, one remembers, one estimates."""

import hashlib
import random
import re
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewell.engine.embedding.base import Embedder, Vector, Vectors

BUCKETS = 4_096
RIDGE = 3.0
HELD_OUT = 0.25

_WORD = re.compile(r"[a-z0-9]+")


class Recorder:
    """The embedder it is given, with a note of what went through it."""

    def __init__(self, inner: Embedder) -> None:
        self.spec = inner.spec
        self.texts: list[str] = []
        self.vectors: list[Vectors] = []
        self._inner = inner

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count_tokens(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = await self._inner.embed_passages(texts)
        self.texts += texts
        self.vectors.append(vectors)
        return vectors

    async def embed_query(self, text: str) -> Vector:
        return await self._inner.embed_query(text)

    async def close(self) -> None:
        """The inner embedder is closed by its owner."""


class Remembering:
    """The embedder it is given, whose vectors are kept in a file for later runs.

    Embedding is nine tenths of what filling a library costs: with its vectors at hand, a library
    of 67,000 chunks is filled in minutes.
    """

    def __init__(self, inner: Embedder, file: Path) -> None:
        self.spec = inner.spec
        self._inner = inner
        self._kept = sqlite3.connect(file)
        self._kept.execute(
            "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count_tokens(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        keys = [self._key(text) for text in texts]
        found = {key: self._find(key) for key in keys}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if found[key] is None}
        if missing:
            vectors = await self._inner.embed_passages(list(missing.values()))
            found |= dict(zip(missing, vectors, strict=True))
            with self._kept:
                self._kept.executemany(
                    "INSERT OR IGNORE INTO vector VALUES (?, ?)",
                    [(key, found[key].tobytes()) for key in missing],
                )
        return np.stack([found[key] for key in keys])

    async def embed_query(self, text: str) -> Vector:
        return await self._inner.embed_query(text)

    async def close(self) -> None:
        """Close the file; the inner embedder is closed by its owner."""
        self._kept.close()

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.spec.name}\0{text}".encode()).digest()

    def _find(self, key: bytes) -> Any:
        row = self._kept.execute("SELECT value FROM vector WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], dtype=np.float32)


class Estimator:
    """Vectors guessed from a text's words: a thousand times cheaper than the model.

    Ridge regression from hashed word counts to the model's vectors, fitted on passages that were
    embedded for real, plus a residual of a held-out passage, so that the guesses are as spread out
    as real vectors are. They serve to fill an index with as many rows as a large library has.
    """

    def __init__(self, inner: Embedder, texts: Sequence[str], vectors: Vectors) -> None:
        self.spec = inner.spec
        self._inner = inner
        order = list(range(len(texts)))
        random.Random(3).shuffle(order)
        cut = round(len(order) * HELD_OUT)
        held, kept = order[:cut], order[cut:]
        features = np.stack([_features(text) for text in texts])
        self._mean = vectors[kept].mean(axis=0)
        x = features[kept]
        # The dual form: as many equations as passages, not as words.
        weights = np.linalg.solve(x @ x.T + RIDGE * np.eye(len(kept)), vectors[kept] - self._mean)
        self._weights: NDArray[np.float32] = (x.T @ weights).astype(np.float32)
        guesses = features[held] @ self._weights + self._mean
        self._residuals = (vectors[held] - guesses).astype(np.float32)
        self.fit = float(np.mean(np.sum(_unit(guesses) * vectors[held], axis=1)))
        """Mean cosine between a guess without its residual and the real vector, held out."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count_tokens(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        features = np.stack([_features(text) for text in texts])
        chosen = [zlib.crc32(text.encode()) % len(self._residuals) for text in texts]
        return _unit(features @ self._weights + self._mean + self._residuals[chosen])

    async def embed_query(self, text: str) -> Vector:
        return await self._inner.embed_query(text)

    async def close(self) -> None:
        """The inner embedder is closed by its owner."""


def _features(text: str) -> NDArray[np.float32]:
    row = np.zeros(BUCKETS, dtype=np.float32)
    for word in _WORD.findall(text.lower()):
        row[zlib.crc32(word.encode()) % BUCKETS] += 1
    row = np.log1p(row)
    return (row / max(float(np.linalg.norm(row)), 1e-9)).astype(np.float32)


def _unit(rows: NDArray[Any]) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
