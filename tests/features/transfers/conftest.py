"""Moves a collection into a file and out of it."""

import io
import json
import uuid
import zlib
from functools import cache
from typing import Any

import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.features.transfers import exporting, importing
from citewell.features.transfers.schemas import ImportReport
from citewell.features.transfers.sealing import HEADER_BYTES, Opener, Sealer, new_header, stream_key
from tests.conftest import new_caller
from tests.features.ingestion.conftest import rows

__all__ = ["rows"]

PASSPHRASE = "a long enough passphrase"
HEADER = new_header()
"""Of all files that the tests seal themselves: to derive a key takes a quarter of a second."""


@cache
def key_of(header: bytes) -> str:
    """The key of a file by its header."""
    return stream_key(PASSPHRASE, header.hex())


async def exported(platform: Platform, caller: Caller, name: str = "library") -> bytes:
    """A collection as a file."""
    async with unit_of_work(platform, caller) as ctx:
        collection = await collections.find(ctx, name)
    pieces = [
        piece async for piece in exporting.export(platform, caller, collection.id, PASSPHRASE)
    ]
    return b"".join(pieces)


async def imported(
    platform: Platform,
    caller: Caller,
    content: bytes,
    *,
    name: str | None = None,
    restrict: bool = False,
) -> ImportReport:
    """The result of importing a file."""
    return await importing.import_collection(
        platform, caller, io.BytesIO(content), PASSPHRASE, name=name, restrict=restrict
    )


async def hits(
    platform: Platform, caller: Caller, query: str, **more: object
) -> list[tuple[uuid.UUID, float]]:
    """Ids and scores of what a search finds."""
    request = SearchRequest.model_validate({"query": query, "top_k": 20, **more})
    reply = await search.search(platform, caller, request)
    return [(hit.chunk_id, hit.score) for hit in reply.results]


@pytest.fixture
async def target(quiet: Platform) -> Caller:
    """Another tenant."""
    return await new_caller(quiet)


def frames_of(content: bytes) -> list[tuple[bytes, dict[str, Any] | bytes]]:
    """The contents of a sealed file: records as JSON, and bytes."""
    opener = Opener(io.BytesIO(content), key_of(content[:HEADER_BYTES]))
    found: list[tuple[bytes, dict[str, Any] | bytes]] = []
    while head := opener.read(5):
        inside = opener.read(int.from_bytes(head[1:], "big"))
        is_record = head[:1] == b"J"
        found.append((head[:1], json.loads(zlib.decompress(inside)) if is_record else inside))
    return found


def written(frames: list[tuple[bytes, dict[str, Any] | bytes]]) -> bytes:
    """Frames as the plain stream, whatever they say."""
    parts: list[bytes] = []
    for kind, inside in frames:
        raw = inside if isinstance(inside, bytes) else zlib.compress(json.dumps(inside).encode())
        parts.append(kind + len(raw).to_bytes(4, "big") + raw)
    return b"".join(parts)


def sealed(frames: list[tuple[bytes, dict[str, Any] | bytes]]) -> bytes:
    """Frames as a sealed file."""
    sealer = Sealer(HEADER, key_of(HEADER))
    return sealer.header() + sealer.seal(written(frames)) + sealer.finish()
