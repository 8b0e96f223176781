"""Measures strategies and sizes of chunking on documents of several passages.

    python tools/measure_chunking.py FOLDER... [--together 25] [--limit 400] [--half tuning|other]

Each FOLDER holds a retrieval set as `citewell eval retrieval` takes it, with the `answers` of its
questions. Its passages are too short to be cut differently, so `--together` neighbouring ones are
made into a document, as articles (`Điều 1. ...`) where they are of a statute. Documents are split
into a half for tuning and another; a question counts as answered where the passages of the first
`BUDGET` tokens hold an answer in the passage it was asked about. A budget of tokens, not of
passages: else long ones win by being long.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from citewell.engine.chunking.base import BLOCK_SEPARATOR, Chunk, ChunkSizes, embedding_text
from citewell.engine.chunking.registry import create_chunker
from citewell.engine.embedding.base import Embedder
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.evaluation.datasets import read_corpus, read_judgements, read_objects
from citewell.engine.lexical.bm25 import passage_terms
from citewell.engine.parsing.base import Block, BlockKind
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.fusion import FIT_WEIGHT, UNFIT_WEIGHT
from citewell.engine.text.language import detect_language
from tools.learn_fusion import lexical_shares

BUDGET = 1_000
MANNERS = (
    *(("structure", size, 0) for size in (100, 150, 200)),
    *(("structure", 200, overlap) for overlap in (20, 40)),
    *((name, 200, 0) for name in ("sentence", "fixed", "semantic", "legal_vi")),
)


@dataclass(frozen=True)
class Document:
    """Passages of a set, one after the other."""

    blocks: list[Block]
    spans: dict[str, tuple[int, int]]
    """Offsets of each passage in the document's text."""


@dataclass(frozen=True)
class Question:
    """A question, where it was asked, and what answers it."""

    text: str
    document: int
    span: tuple[int, int]
    answers: list[str]


def _documents(folder: Path, together: int, half: str) -> list[Document]:
    passages = list(read_corpus(folder))
    groups = [passages[at : at + together] for at in range(0, len(passages), together)]
    made: list[Document] = []
    for group in groups[0 if half == "tuning" else 1 :: 2]:
        blocks: list[Block] = []
        spans: dict[str, tuple[int, int]] = {}
        length = 0
        for number, passage in enumerate(group, 1):
            parts = [part for part in passage.text.split("\n\n") if part.strip()]
            if "legal" in folder.name:
                parts.insert(0, f"Điều {number}. {passage.title}")
            start = length
            for part in parts:
                blocks.append(Block(BlockKind.PARAGRAPH, part))
                length += len(part) + len(BLOCK_SEPARATOR)
            spans[passage.id] = (start, length)
        made.append(Document(blocks, spans))
    return made


def _questions(folder: Path, documents: list[Document], limit: int) -> list[Question]:
    places = {name: at for at, each in enumerate(documents) for name in each.spans}
    judgements = read_judgements(folder)
    found: list[Question] = []
    for _, record in read_objects(folder / "queries.jsonl"):
        gold = next(iter(judgements.get(str(record["id"]), {})), "")
        answers = record.get("answers")
        if gold in places and isinstance(answers, list) and answers:
            at = places[gold]
            texts = [str(answer) for answer in answers]
            found.append(Question(str(record["text"]), at, documents[at].spans[gold], texts))
    step = max(1, len(found) // limit)
    return found[::step][:limit]


def _cut(embedder: Embedder, document: Document, manner: tuple[str, int, int]) -> Iterator[Chunk]:
    strategy, size, overlap = manner
    sizes = ChunkSizes(target=size, overlap=overlap)
    chunker = create_chunker(strategy, embedder.count_tokens, sizes)
    for block in document.blocks:
        yield from chunker.feed(block)
    yield from chunker.finish()


async def _measure(
    embedder: Embedder,
    documents: list[Document],
    questions: list[Question],
    manner: tuple[str, int, int],
) -> dict[str, object]:
    chunks = [(at, c) for at, each in enumerate(documents) for c in _cut(embedder, each, manner)]
    terms = [
        passage_terms(c.text, detect_language(c.text), heading=" ".join(c.heading)).weights
        for _, c in chunks
    ]
    vectors = await embedder.embed_passages([embedding_text(c, None) for _, c in chunks])
    analyses = [analyse(each.text) for each in questions]
    asked = np.stack([await embedder.embed_query(each.text) for each in analyses])
    shares = lexical_shares(terms, [each.terms for each in analyses])
    weights = np.array([
        FIT_WEIGHT if embedder.spec.covers(each.language) else UNFIT_WEIGHT for each in analyses
    ])[:, None]  # fmt: skip
    scores = (1 - weights) * shares + weights * np.clip(asked @ vectors.T, 0, 1)
    held, first = 0, 0
    for row, question in enumerate(questions):
        tokens = 0
        for rank, at in enumerate(np.argsort(-scores[row], kind="stable")):
            tokens += chunks[at][1].token_count
            if tokens > BUDGET and rank:
                break
            if _answers(question, *chunks[at]):
                held += 1
                first += rank == 0
                break
    return {
        "chunking": "/".join(map(str, manner)),
        "chunks": len(chunks),
        "tokens": round(float(np.mean([c.token_count for _, c in chunks]))),
        "answered": round(held / len(questions), 4),
        "by_first": round(first / len(questions), 4),
    }


def _answers(question: Question, document: int, chunk: Chunk) -> bool:
    start, end = question.span
    is_there = document == question.document and chunk.start < end and chunk.end > start
    return is_there and any(answer in chunk.text for answer in question.answers)


async def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--together", type=int, default=25, help="passages of a document")
    parser.add_argument("--limit", type=int, default=400, help="questions of a set")
    parser.add_argument("--half", choices=("tuning", "other"), default="tuning")
    parser.add_argument("--only", nargs="*", default=[], help="chunkings, as `structure/200/0`")
    arguments = parser.parse_args()
    manners = [each for each in MANNERS if "/".join(map(str, each)) in arguments.only] or MANNERS
    embedder = await open_embedder("bundled")
    for folder in arguments.folders:
        documents = _documents(folder, arguments.together, arguments.half)
        questions = _questions(folder, documents, arguments.limit)
        for manner in manners:
            found = await _measure(embedder, documents, questions, manner)
            figures = {"set": folder.name, "questions": len(questions), **found}
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
