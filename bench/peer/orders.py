"""Orders of the bench to a peer, one JSON object a line; runs in the peer's environment."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import psutil

RANKED = 20
"""Different documents that a ranking holds."""

PASSAGES = 100
"""Passages that are asked for: enough that 20 different documents are among them."""


_ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
"""From its import on: whatever libraries print, also while a peer is made, is no answer."""


class Peer(Protocol):
    """The work of a program in the way its documentation shows first."""

    def index(self, documents: list[dict[str, str]], folder: str) -> int:
        """Make documents (`id`, `title`, `text`) searchable; returns the number of passages."""
        ...

    def rank(self, query: str, count: int) -> list[str]:
        """Ids of the documents of the best passages, best first."""
        ...


def quality(peer: Peer, order: dict[str, Any]) -> dict[str, object]:
    """Index a set and ask its questions; the first one is asked twice, to be warm."""
    lines = Path(order["corpus"]).read_text(encoding="utf-8").splitlines()
    begun = time.perf_counter()
    passages = peer.index([json.loads(line) for line in lines], order["folder"])
    seconds = time.perf_counter() - begun
    queries: list[dict[str, str]] = order["queries"]
    peer.rank(queries[0]["text"], 10)
    rankings: dict[str, list[str]] = {}
    times: list[float] = []
    for query in queries:
        begun = time.perf_counter()
        peer.rank(query["text"], 10)
        times.append((time.perf_counter() - begun) * 1_000)
        found = peer.rank(query["text"], PASSAGES)
        rankings[query["id"]] = list(dict.fromkeys(found))[:RANKED]
    return {"seconds": seconds, "passages": passages, "rankings": rankings, "ms": times}


def serve(peer: Any) -> None:
    """Answer one JSON object a line with one a line, until there are no more."""
    _ANSWERS.write(json.dumps({"rss": psutil.Process().memory_info().rss}) + "\n")
    _ANSWERS.flush()
    for line in sys.stdin:
        order = json.loads(line)
        name = order.pop("do")
        if name == "quality":
            result = quality(peer, order)
        else:
            result = getattr(peer, name)(**order)
        result["rss"] = psutil.Process().memory_info().rss
        _ANSWERS.write(json.dumps(result) + "\n")
        _ANSWERS.flush()
