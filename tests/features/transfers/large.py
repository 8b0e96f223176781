"""An export of many passages, made without a library: what only its size matters of."""

import base64
import hashlib
import random
from datetime import UTC, datetime
from typing import Any

from citewell.engine.chunking.base import content_hash
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.lexical.base import ANALYSIS
from citewell.engine.lexical.bm25 import passage_terms
from citewell.kit.ids import uuid7
from tests.features.transfers.conftest import written

WHEN = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
WORDS = [f"word{number}" for number in range(5_000)]


async def large_export(documents: int, passages: int) -> tuple[bytes, list[str]]:
    """The plain stream of so many documents of so many passages of 60 words; their contents."""
    draw, embedder = random.Random(5), HashEmbedder()
    frames: list[Any] = [_record("collection", **_collection(embedder))]
    contents = list[str]()
    for number in range(documents):
        texts = [" ".join(draw.choices(WORDS, k=60)) + ".\n\n" for _ in range(passages)]
        contents.append(content := "".join(texts))
        version, sha256 = str(uuid7()), hashlib.sha256(content.encode()).hexdigest()
        size = len(content.encode())
        frames.append(_record("document", **_document(number, version)))
        frames.append(_record("version", **_version(version, sha256, size, len(content), passages)))
        frames.append(_record("original", sha256=sha256, size_bytes=size))
        frames.append((b"B", content.encode()))
        frames.append(_record("text", start=0, text=content))
        vectors = await embedder.embed_passages(texts)
        rows, start = list[dict[str, Any]](), 0
        for ordinal, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
            encoded = base64.b64encode(vector.astype("<f2").tobytes()).decode()
            rows.append(_chunk(ordinal, text, start) | {"vector": encoded})
            start += len(text)
        frames += [_record("chunks", rows=rows[at : at + 50]) for at in range(0, passages, 50)]
        frames.append(_record("end_of_version"))
        activation = {"version": version, "active_from": WHEN, "active_until": None}
        frames.append(_record("end_of_document", activations=[activation]))
    total = documents * passages
    frames.append(_record("end_of_collection", documents=documents, chunks=total))
    return written(frames), contents


def _record(kind: str, **values: object) -> tuple[bytes, dict[str, Any]]:
    return b"J", {"kind": kind, **values}


def _collection(embedder: HashEmbedder) -> dict[str, Any]:
    spec = embedder.spec
    return {
        "format": 1, "exported_at": WHEN, "id": str(uuid7()), "name": "large", "description": "",
        "chunk_strategy": "structure", "chunk_size": 200, "chunk_overlap": 0, "rules": [],
        "embedding": {
            "name": spec.name, "dimensions": spec.dimensions, "analysis": ANALYSIS,
        },
    }  # fmt: skip


def _document(number: int, version: str) -> dict[str, Any]:
    return {
        "id": str(uuid7()), "title": f"Large {number}", "source": f"file:large-{number}.txt",
        "filename": f"large-{number}.txt", "access_level": 1, "metadata": {},
        "created_at": WHEN, "updated_at": WHEN, "created_by": None, "active_version": version,
        "rules": [],
    }  # fmt: skip


def _version(version: str, sha256: str, size: int, chars: int, passages: int) -> dict[str, Any]:
    return {
        "id": version, "number": 1, "sha256": sha256, "status": "ready", "error_code": None,
        "error_detail": None, "mime_type": "text/plain", "parsed_title": None, "size_bytes": size,
        "page_count": None, "char_count": chars, "chunk_count": passages,
        "embedded_count": passages, "chunking": "structure/200/0", "created_at": WHEN,
        "published_at": WHEN, "created_by": None,
    }  # fmt: skip


def _chunk(ordinal: int, text: str, start: int) -> dict[str, Any]:
    return {
        "id": str(uuid7()), "ordinal": ordinal, "page": None, "start": start,
        "end": start + len(text), "language": "en", "content_hash": content_hash(text).hex(),
        "heading": [], "context": "", "text": text,
        "terms": {str(term): weight for term, weight in passage_terms(text, "en").weights.items()},
    }  # fmt: skip
