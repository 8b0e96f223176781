"""The embedder that ships with the package: all-MiniLM-L6-v2 with int8 weights on onnxruntime.

Each text is run by itself, unpadded, on one thread, and the texts of a call are spread over
`threads` such runs. Against batches on a session with as many threads of its own this gave, on two
cores and passages of 187 tokens, 150 texts/s where batches of 1, 4, 16 and 32 gave 113, 123, 118
and 98 (147 at best when its threads spin between operations, which costs other work the cores).
It also makes a text's vector depend on nothing but the text: int8 activations are scaled over the
whole tensor, so in a batch the neighbours would shift it. Texts of under 30 tokens pay up to a
quarter more for it than in batches of four.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import numpy as np
from tokenizers import Tokenizer

from citewell.engine.embedding.base import EmbedderOptions, EmbedderSpec, Vector, Vectors
from citewell.engine.embedding.folder import MODEL, MODEL_FOLDER
from citewell.engine.embedding.threads import EmbeddingThreads
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.onnx.errors import ONNX_ERRORS
from citewell.engine.onnx.sessions import available_cores, encodable, load_session

SPEC: Final = EmbedderSpec(
    name=f"bundled:{MODEL}", dimensions=384, max_tokens=256, languages=frozenset({"en"})
)

# Ids of the two special tokens in the model's vocabulary, around each text.
_CLS: Final = 101
_SEP: Final = 102
_ROOM: Final = SPEC.max_tokens - 2

_PREFIX: Final = 4_096
"""Characters tokenised at first of a long text; 254 tokens of prose are about 1,200."""

_SLACK: Final = 8
"""Tokens a cut may change before its last word: a special token as `[MASK]` is 6 characters."""

_WORD: Final = re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]")
"""Words and single marks, into which the tokenizer splits ASCII text before anything else."""

_NOT_PLAIN: Final = re.compile(r"[^ -~\t\n\r]")
_SPACE: Final = re.compile(r"[ \t\n\r]+")
_MARK: Final = re.compile(r"\[(?:PAD|UNK|CLS|SEP|MASK)\]")
"""Its own marks, which it finds before it looks at anything else."""

_CACHED_WORDS: Final = 32_768
"""About 8 MB; nearly all running words of a library."""

_LONGEST_CACHED: Final = 64


class _WordIds(dict[str, tuple[int, ...]]):
    """Token ids of words as the tokenizer gives them, so that few words are tokenised twice.

    WordPiece looks at one word at a time: a text's ids are those of its words one after the other,
    and looked up they take a tenth of the time.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = tuple(self._tokenizer.encode_batch_fast([word], add_special_tokens=False)[0].ids)
        if len(word) <= _LONGEST_CACHED:
            if len(self) >= _CACHED_WORDS:
                # Emptied whole: keeping an order of use would cost more than reading the words
                # anew.
                self.clear()
            self[word] = ids
        return ids


class BundledEmbedder:
    """The model, loaded and ready; 0.1 s and about 50 MB.

    Args:
        threads: Texts embedded at once; None takes one per core.
        folder: Where the model's files are.
        prefix: How many characters of a long text are read first.

    Raises:
        ProviderConfigurationError: The model's files are missing or damaged.
    """

    spec = SPEC

    def __init__(
        self, *, threads: int | None = None, folder: Path = MODEL_FOLDER, prefix: int = _PREFIX
    ) -> None:
        self.threads = threads or available_cores()
        self._prefix = prefix
        _check_files(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._words = _WordIds(self._tokenizer)
        # The fused operator is slower than its parts: 2.9 s against 2.5 s of processor time for
        # 200 passages, and as near to the fp32 vectors (mean cosine 0.9931 both).
        self._session = load_session(
            folder / "model.onnx", disabled_optimizers=["SkipLayerNormFusion"]
        )
        self._running = EmbeddingThreads(self._embed, SPEC.dimensions, self.threads)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [self._count(text) for text in texts]

    def _count(self, text: str) -> int:
        text = encodable(text)
        # The cache knows words only: a special token in the text is one token, its letters several.
        if _MARK.search(text):
            return len(self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0])
        words = self._words
        return sum([len(words[word]) for word in _split(text)])

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._running.passages(list(texts))

    async def embed_query(self, text: str) -> Vector:
        return await self._running.query(text)

    async def close(self) -> None:
        await self._running.close()

    def _embed(self, text: str) -> Vector:
        ids = np.array([self._token_ids(text)], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        try:
            return self._session.run(None, inputs)[0][0]
        except ONNX_ERRORS as error:
            message = f"The bundled embedding model failed: {error}"
            raise ProviderError(message, retryable=True) from error

    def _token_ids(self, text: str) -> list[int]:
        """Get the ids of the first 254 tokens, `[CLS]` and `[SEP]` around them.

        A long text is read only as far as needed. Cutting it may change its last word and, where
        it splits a special token, a few tokens before; a prefix serves when the tokens kept end
        earlier.
        """
        text = encodable(text)
        if len(text) <= self._prefix and not _MARK.search(text):
            words = self._words
            ids = [token for word in _split(text) for token in words[word]]
            return [_CLS, *ids[:_ROOM], _SEP]
        limit = self._prefix
        while limit < len(text):
            encoding = self._tokenizer.encode(text[:limit], add_special_tokens=False)
            words = encoding.word_ids
            if len(words) > _ROOM + _SLACK and words[_ROOM - 1] != words[-1]:
                return [_CLS, *encoding.ids[:_ROOM], _SEP]
            limit *= 4
        encoding = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0]
        return [_CLS, *encoding.ids[:_ROOM], _SEP]


async def open_embedder(model: str, options: EmbedderOptions) -> BundledEmbedder:
    """Load the model in a thread; see `citewell.engine.embedding.registry.open_embedder`."""
    if model not in ("", MODEL):
        message = f"Citewell ships no embedding model named {model!r}; write `bundled`."
        raise ProviderConfigurationError(message)
    return await asyncio.to_thread(BundledEmbedder, threads=options.threads)


def _check_files(folder: Path) -> None:
    """Compare the model's files with their recorded hashes (20 ms), as both must fit together."""
    try:
        facts = json.loads((folder / "PROVENANCE.json").read_bytes())
        expected = cast(dict[str, str], facts["files_sha256"])
        for name in ("model.onnx", "tokenizer.json"):
            with (folder / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != expected[name]:
                raise ProviderConfigurationError(_damaged(f"{name} is not the file it should be"))
    except (OSError, ValueError, KeyError) as error:
        raise ProviderConfigurationError(_damaged(str(error))) from error


def _damaged(reason: str) -> str:
    return f"The bundled embedding model is damaged ({reason}): install Citewell again."


def _split(text: str) -> list[str]:
    """Cut where the tokenizer cuts, or at spaces, as which it takes each of these."""
    return _SPACE.split(text) if _NOT_PLAIN.search(text) else _WORD.findall(text)
