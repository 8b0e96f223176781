"""The raw limits: the bundled model on bare onnxruntime, and the two legs as bare SQL."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
import onnxruntime
import psutil
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from tokenizers import Tokenizer

from citewell.core.database.sessions import (
    SESSION_SETTINGS,
    TENANT_SETTING,
    connection_options,
)
from citewell.engine.embedding.bundled import MODEL_FOLDER, SPEC
from citewell.engine.lexical.base import SparseVector
from citewell.indexes.postgres.inverted import POSTINGS, choose_terms
from citewell.indexes.postgres.literals import sparse_literal

Rows = NDArray[np.float32]

CORES = len(psutil.Process().cpu_affinity()) if psutil.LINUX else psutil.cpu_count() or 1
BATCH = 32
CANDIDATES = 50
SEARCH_SETTINGS = ("hnsw.ef_search", "hnsw.iterative_scan")


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a piece of work."""

    seconds: float
    cpu_seconds: float
    """Over all cores."""


class BareModel:
    """Tokenizer and session, and nothing else."""

    def __init__(self, *, threads: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(SPEC.max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            MODEL_FOLDER / "model.onnx", options, providers=["CPUExecutionProvider"]
        )

    def embed(self, text: str) -> Rows:
        """One vector of a text."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        return self._run(ids, np.ones_like(ids))[0]

    def embed_batch(self, texts: Sequence[str]) -> Rows:
        """Vectors of texts padded to the longest."""
        encodings = self._tokenizer.encode_batch(list(texts))
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = np.zeros((len(texts), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        return self._run(ids, mask)

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Rows:
        return cast(Rows, self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0])


def by_batches(texts: Sequence[str]) -> Cost:
    """Embed all texts, sorted by length, in padded batches over all cores."""
    model = BareModel(threads=CORES)
    model.embed_batch(texts[:4])
    begun, used = time.perf_counter(), time.process_time()
    ranked = sorted(texts, key=len)
    for start in range(0, len(ranked), BATCH):
        model.embed_batch(ranked[start : start + BATCH])
    return Cost(time.perf_counter() - begun, time.process_time() - used)


def one_by_one(texts: Sequence[str]) -> Cost:
    """Embed all texts, unpadded, one on each core at a time."""
    model = BareModel(threads=1)
    model.embed(texts[0])
    lanes = [list(itertools.islice(texts, lane, None, CORES)) for lane in range(CORES)]

    def work(lane: list[str]) -> None:
        for text in lane:
            model.embed(text)

    with ThreadPoolExecutor(CORES) as pool:
        begun, used = time.perf_counter(), time.process_time()
        list(pool.map(work, lanes))
        return Cost(time.perf_counter() - begun, time.process_time() - used)


def fastest(texts: Sequence[str]) -> tuple[str, Callable[[Sequence[str]], Cost]]:
    """The better of the two ways on this machine, tried on a sample."""
    sample = texts[:: max(1, len(texts) // 160)]
    ways = {"padded batches of 32": by_batches, "one text a core": one_by_one}
    return min(ways.items(), key=lambda way: way[1](sample).seconds)


class BareLegs:
    """Both legs by themselves, as prepared statements on one connection: ids and scores."""

    def __init__(self, url: str, tenant_id: str, generation_id: int, *, is_exact: bool) -> None:
        # The owner is bound by row-level security too, so the tenant has to be named.
        settings = {name: SESSION_SETTINGS[name] for name in SEARCH_SETTINGS}
        self._connection = psycopg.connect(
            url,
            options=connection_options({TENANT_SETTING: tenant_id, "jit": "off", **settings}),
            autocommit=True,
            prepare_threshold=0,
        )
        self._generation_id = generation_id
        query = (
            "SELECT id::text, 1 - s FROM (SELECT id, {score} AS s FROM chunk "
            "WHERE tenant_id = {tenant_id} AND generation_id = {generation_id} AND active "
            "ORDER BY {score} LIMIT {limit}) AS found"
        )
        distance = "((embedding::halfvec(384)) <=> %(q)s::halfvec(384))"
        # Literals, so that the statement is planned once for this tenant's partition and index.
        self._dense = sql.SQL(query).format(
            score=sql.SQL(f"{distance} + 0" if is_exact else distance),
            tenant_id=tenant_id,
            generation_id=generation_id,
            limit=CANDIDATES,
        )

    def dense(self, vector: str) -> list[tuple[str, float]]:
        """Chunks nearest in meaning, with their cosines."""
        return self._connection.execute(self._dense, {"q": vector}).fetchall()

    def lexical(
        self, terms: SparseVector, frequencies: Mapping[int, int]
    ) -> list[tuple[str, float]]:
        """Chunks with the best terms among those of the rarest terms, with their BM25 scores."""
        return self._connection.execute(
            "SELECT id::text, score FROM "
            "citewell_lexical_candidates(%s, %s::bigint[], %s::sparsevec, %s)",
            (
                self._generation_id,
                list(choose_terms(terms, frequencies, POSTINGS).read),
                sparse_literal(terms),
                CANDIDATES,
            ),
        ).fetchall()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
