"""The contract of embedders as a test class, and an embedder that needs no model.

A provider's tests inherit `EmbedderContract` and give it one fixture named `embedder`.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from citewell.engine.embedding.base import Embedder, EmbedderSpec, Vector, Vectors

_UNIT_TOLERANCE = 1e-3


class HashEmbedder:
    """Turns a text's words into a vector by hashing: the same each time, and in microseconds.

    Texts that share words are near each other, so that a search over it finds something sensible.
    A word weighs its count; each adds +1 or -1 to four of the dimensions (feature hashing,
    Weinberger et al. 2009).
    """

    def __init__(
        self,
        dimensions: int = 384,
        *,
        name: str = "testing:hash",
        languages: frozenset[str] | None = None,
    ) -> None:
        self.spec = EmbedderSpec(name, dimensions, max_tokens=256, languages=languages)
        self.embedded: list[str] = []
        """Every passage that was embedded, in order."""
        self.is_closed = False

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) for text in texts]

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        vectors = [self._embed(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(len(texts), self.spec.dimensions)

    async def embed_query(self, text: str) -> Vector:
        return self._embed(text)

    async def close(self) -> None:
        self.is_closed = True

    def _embed(self, text: str) -> Vector:
        values = [0.0] * self.spec.dimensions
        for word in ["", *_words(text)[: self.spec.max_tokens - 2]]:
            for number, sign in _hashed(word):
                values[number % self.spec.dimensions] += sign
        vector = np.array(values, dtype=np.float32)
        length = float(np.linalg.norm(vector))
        if length == 0.0:
            vector[0] = length = 1.0
        return vector / length


@lru_cache(maxsize=65_536)
def _hashed(word: str) -> list[tuple[int, float]]:
    """The four numbers that a word stands for, each with the sign that it adds."""
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=20).digest()
    return [
        (int.from_bytes(digest[start : start + 4], "big"), 1.0 if digest[start + 4] & 1 else -1.0)
        for start in range(0, 20, 5)
    ]


_SUBJECTS = (
    ("leave", "days off", "nghỉ"),
    ("pump", "bơm"),
    ("invoice", "supplier", "hóa đơn"),
    ("password", "account", "mật khẩu", "tài khoản"),
    ("fire", "alarm", "hỏa hoạn", "báo cháy"),
    ("laboratory", "biological", "phòng thí nghiệm", "sinh học"),
    ("harbour", "bến cảng"),
    ("library", "thư viện"),
    ("opens", "mở cửa"),
)
"""Subjects of the texts of tests and of the probes of calibration, in two languages."""


class BilingualEmbedder(HashEmbedder):
    """Knows a few subjects by their names in English and Vietnamese, and nothing else."""

    def __init__(self, *, name: str = "testing:bilingual") -> None:
        super().__init__(len(_SUBJECTS) + 1, name=name)

    def _embed(self, text: str) -> Vector:
        text = text.lower()
        named = [sum(text.count(name) for name in names) for names in _SUBJECTS]
        vector = np.array([*named, 0.7], dtype=np.float32)
        return vector / np.float32(np.linalg.norm(vector))


class EmbedderContract:
    """Tests for every embedder; inherit it and give the fixture `embedder`."""

    async def test_spec_is_complete(self, embedder: Embedder) -> None:
        provider, _, model = embedder.spec.name.partition(":")
        assert provider
        assert model
        assert embedder.spec.dimensions > 0
        assert embedder.spec.max_tokens > 2

    async def test_passages_give_unit_rows_in_order(self, embedder: Embedder) -> None:
        texts = [f"Rule {number} of the house. " * (1 + number * 7 % 23) for number in range(40)]
        vectors = await embedder.embed_passages(texts)
        _check_unit(vectors, (len(texts), embedder.spec.dimensions))
        for position in (0, 7, 22, 39):
            alone = await embedder.embed_passages([texts[position]])
            nearest = int(np.argmax(vectors @ alone[0]))
            assert float(vectors[position] @ alone[0]) > 0.98
            assert nearest == position or float(vectors[nearest] @ vectors[position]) > 0.98

    async def test_no_passages_give_no_rows(self, embedder: Embedder) -> None:
        vectors = await embedder.embed_passages([])
        assert vectors.shape == (0, embedder.spec.dimensions)
        assert vectors.dtype == np.float32

    async def test_query_gives_a_unit_vector(self, embedder: Embedder) -> None:
        vector = await embedder.embed_query("How many days of leave are there?")
        _check_unit(vector[None, :], (1, embedder.spec.dimensions))

    async def test_same_text_gives_the_same_vector(self, embedder: Embedder) -> None:
        text = "The pump is under warranty for two years."
        first = await embedder.embed_passages([text])
        second = await embedder.embed_passages([text])
        assert np.allclose(first, second, atol=1e-5)
        assert np.allclose(await embedder.embed_query(text), await embedder.embed_query(text))

    async def test_question_is_nearest_its_passage(self, embedder: Embedder) -> None:
        passages = await embedder.embed_passages(
            [
                "The cat sleeps on the roof of the barn.",
                "Employees get twenty days of annual leave in each year.",
                "The printer takes paper of every common size.",
            ]
        )
        question = await embedder.embed_query("How many days of annual leave do employees get?")
        assert int(np.argmax(passages @ question)) == 1

    async def test_hostile_texts_give_finite_vectors(self, embedder: Embedder) -> None:
        texts = [
            "",
            " \n\t ",
            "\0",
            "a\0b",
            "lone \ud800 surrogate \udfff",
            "\u202eright to left\u202c",
            "🙂🙃👩‍👩‍👧‍👦",
            "e\u0301" * 500,
            "[CLS] [SEP] [PAD] <s> </s> <|endoftext|>",
            "word " * 200_000,
            "x" * 100_000,
        ]
        vectors = await embedder.embed_passages(texts)
        _check_unit(vectors, (len(texts), embedder.spec.dimensions))
        for text in texts[:9]:
            _check_unit((await embedder.embed_query(text))[None, :], (1, embedder.spec.dimensions))
        assert len(embedder.count_tokens(texts)) == len(texts)

    async def test_token_counts_follow_the_texts(self, embedder: Embedder) -> None:
        sentence = "Invoices are due within thirty days. "
        counts = embedder.count_tokens(["", sentence, sentence * 2, sentence * 200])
        assert counts[0] == 0
        assert counts[1] >= 6
        assert counts[1] < counts[2] <= 2 * counts[1] + 1
        assert counts[3] > embedder.spec.max_tokens
        assert embedder.count_tokens([]) == []

    async def test_concurrent_calls_do_not_mix(self, embedder: Embedder) -> None:
        texts = [f"Shelf {number} holds box {number * 31} of the archive." for number in range(12)]
        expected = await embedder.embed_passages(texts)
        groups, questions = await asyncio.gather(
            asyncio.gather(*(embedder.embed_passages(texts[start:]) for start in range(6))),
            asyncio.gather(*(embedder.embed_query(text) for text in texts)),
        )
        for start, vectors in enumerate(groups):
            assert vectors.shape == (len(texts) - start, embedder.spec.dimensions)
            assert float(np.sum(vectors * expected[start:], axis=1).min()) > 0.98
        for text, question in zip(texts, questions, strict=True):
            assert np.allclose(question, await embedder.embed_query(text), atol=1e-5)

    async def test_close_twice_is_allowed(self, embedder: Embedder) -> None:
        await embedder.embed_query("once")
        await embedder.close()
        await embedder.close()


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _check_unit(vectors: Vectors, shape: tuple[int, int]) -> None:
    assert vectors.shape == shape
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1.0).max() < _UNIT_TOLERANCE
