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
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray
from tokenizers import Tokenizer

from citewell.engine.embedding.base import EmbedderOptions, EmbedderSpec, Vector, Vectors
from citewell.engine.embedding.onnx_errors import ONNX_ERRORS
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.kit.tasks import TaskGroup

MODEL: Final = "all-MiniLM-L6-v2"
MODEL_FOLDER: Final = Path(__file__).parent / "models" / MODEL

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

_GROUP_CHARACTERS: Final = 2_000
"""Characters of one turn in a thread, about 25 ms: short enough to be fair between callers."""

_SHORTEST: Final = 100
"""Characters that a shorter text counts as there: a run of one word takes 1 ms."""

_WORD: Final = re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]")
"""What the tokenizer splits ASCII text into before anything else: words and single marks."""

_NOT_PLAIN: Final = re.compile(r"[^ -~\t\n\r]")
_SPACE: Final = re.compile(r"[ \t\n\r]+")
_MARK: Final = re.compile(r"\[(?:PAD|UNK|CLS|SEP|MASK)\]")
"""Its own marks, which it finds before it looks at anything else."""

_CACHED_WORDS: Final = 32_768
"""About 8 MB; nearly all running words of a library."""

_LONGEST_CACHED: Final = 64

_SURROGATES: Final = re.compile("[\ud800-\udfff]")

_ORT: Final[Any] = onnxruntime  # carries no types


class _Session(Protocol):
    def run(
        self, output_names: None, inputs: dict[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...


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
        self.threads = threads or _available_cores()
        self._prefix = prefix
        _check_files(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._words = _WordIds(self._tokenizer)
        self._session = _load_session(folder / "model.onnx")
        # Questions have threads of their own, so that none queues behind an ingestion.
        self._passage_pool = ThreadPoolExecutor(self.threads, "embed-passage")
        self._query_pool = ThreadPoolExecutor(self.threads, "embed-query")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [self._count(text) for text in texts]

    def _count(self, text: str) -> int:
        text = _encodable(text)
        if _MARK.search(text):
            return len(self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0])
        words = self._words
        return sum([len(words[word]) for word in _split(text)])

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        texts = list(texts)
        vectors = np.empty((len(texts), SPEC.dimensions), dtype=np.float32)
        groups = _groups(texts)
        loop = asyncio.get_running_loop()

        async def lane() -> None:
            for start, stop in groups:
                work = partial(self._embed_into, vectors[start:stop], texts[start:stop])
                await loop.run_in_executor(self._passage_pool, work)

        async with TaskGroup() as lanes:
            # Two for each thread: the next group waits in the pool, not for the event loop.
            for _ in range(min(2 * self.threads, len(texts))):
                lanes.create_task(lane())
        return vectors

    async def embed_query(self, text: str) -> Vector:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._query_pool, self._embed, text)

    async def close(self) -> None:
        for pool in (self._query_pool, self._passage_pool):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    def _embed_into(self, vectors: Vectors, texts: Sequence[str]) -> None:
        for row, text in enumerate(texts):
            vectors[row] = self._embed(text)

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
        text = _encodable(text)
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


def _available_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def _load_session(path: Path) -> _Session:
    options = _ORT.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Patterns are kept per input shape: with every length its own they cost 10 MB and save nothing.
    options.enable_mem_pattern = False
    session = _ORT.InferenceSession(
        path,
        options,
        providers=["CPUExecutionProvider"],
        # The fused operator is slower than its parts: 2.9 s against 2.5 s of processor time for
        # 200 passages, and as near to the fp32 vectors (mean cosine 0.9931 both).
        disabled_optimizers=["SkipLayerNormFusion"],
    )
    return cast(_Session, session)


def _encodable(text: str) -> str:
    """Replace lone surrogates: the tokenizer takes no text that has no UTF-8 form."""
    return _SURROGATES.sub("\ufffd", text)


def _split(text: str) -> list[str]:
    """Cut where the tokenizer cuts, or at spaces, as which it takes each of these."""
    return _SPACE.split(text) if _NOT_PLAIN.search(text) else _WORD.findall(text)


def _groups(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Cut into runs of neighbours that are short work together; give each one's bounds."""
    start, size = 0, 0
    for position, text in enumerate(texts):
        size += max(len(text), _SHORTEST)
        if size >= _GROUP_CHARACTERS:
            yield start, position + 1
            start, size = position + 1, 0
    if start < len(texts):
        yield start, len(texts)
