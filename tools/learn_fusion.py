"""Learns how much the dense leg counts, by language, for an embedding model.

    python tools/learn_fusion.py bundled FOLDER... [--limit 2500] [--cache FOLDER] [--write]

Each FOLDER holds a retrieval set as `citewell eval retrieval` takes it. Passages are cut, weighed
and embedded as ingestion does, and ranked by the formula of `engine/retrieval/fusion.py`. The
weight of a language is in the middle of those with the best mean nDCG@10 over the halves of its
sets that are for tuning; the other halves, whose documents no question of the first is about, are
only reported.
`--write` puts the weights, with these figures, into `engine/embedding/calibrations.json`.
"""

import argparse
import asyncio
import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from citewell.engine.chunking.base import ChunkSizes, embedding_text
from citewell.engine.chunking.registry import STRATEGIES, create_chunker
from citewell.engine.embedding.base import Embedder
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.evaluation.datasets import read_corpus, read_judgements, read_queries
from citewell.engine.evaluation.metrics import ndcg
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.lexical.bm25 import best_possible_score, passage_terms, query_weights
from citewell.engine.parsing.base import Block
from citewell.engine.parsing.readers.text import paragraph_blocks
from citewell.engine.retrieval.analysis import analyse
from citewell.engine.retrieval.fusion import PLAIN
from citewell.engine.text.language import UNDETERMINED, detect_language

CALIBRATIONS = Path("src/citewell/engine/embedding/calibrations.json")
WEIGHTS = [round(0.05 * step, 2) for step in range(21)]
SEED = 7
ALIKE = 0.002
"""Difference of nDCG@10 that 1,000 questions do not tell from none."""


@dataclass(frozen=True)
class Scored:
    """One set with both shares of every passage for every question."""

    name: str
    language: str
    """That most questions are in."""
    lexical: np.ndarray
    dense: np.ndarray
    owners: list[str]
    """The document of each passage."""
    judgements: list[dict[str, int]]
    """Of each question."""
    is_tuning: np.ndarray

    def ndcg(self, weight: float, rows: np.ndarray) -> float:
        """Mean nDCG@10 of some questions."""
        found: list[float] = []
        for row in np.flatnonzero(rows):
            scores = (1 - weight) * self.lexical[row] + weight * self.dense[row]
            ranking: dict[str, None] = {}
            for at in np.argsort(-scores, kind="stable")[:100]:
                ranking.setdefault(self.owners[at])
            found.append(ndcg(list(ranking), self.judgements[row], 10))
        return float(np.mean(found))


def _blocks(text: str) -> Iterator[Block]:
    part: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            part.append(line)
        else:
            yield from paragraph_blocks(part)
            part = []


async def _score(embedder: Embedder, folder: Path, limit: int, cache: Path | None) -> Scored:
    texts: list[str] = []
    terms: list[dict[int, float]] = []
    owners: list[str] = []
    for document in read_corpus(folder):
        title = document.title or f"{document.id}.txt"
        chunker = create_chunker(STRATEGIES[0], embedder.count_tokens, ChunkSizes())
        chunks = [chunk for block in _blocks(document.text) for chunk in chunker.feed(block)]
        language = UNDETERMINED
        for chunk in [*chunks, *chunker.finish()]:
            found = detect_language(chunk.text)
            language = found if found != UNDETERMINED else language
            heading = " ".join(chunk.heading)
            body = f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text
            terms.append(passage_terms(body, language, heading=heading, title=title).weights)
            texts.append(embedding_text(chunk, title))
            owners.append(document.id)
    judgements = read_judgements(folder)
    queries = [each for each in read_queries(folder) if each.id in judgements]
    if len(queries) > limit:
        queries = random.Random(SEED).sample(queries, limit)
    analyses = [analyse(each.text) for each in queries]
    vectors, asked = await _vectors(embedder, folder, texts, [a.text for a in analyses], cache)
    language = Counter(each.language for each in analyses).most_common(1)[0][0]
    floor, ceiling = embedder.spec.calibration.bounds_of(language, None)
    return Scored(
        name=folder.name,
        language=language,
        lexical=lexical_shares(terms, [each.terms for each in analyses]),
        dense=np.clip((asked @ vectors.T - floor) / (ceiling - floor), 0, 1),
        owners=owners,
        judgements=[judgements[each.id] for each in queries],
        is_tuning=np.array([_is_tuning(judgements[each.id]) for each in queries]),
    )


async def _vectors(
    embedder: Embedder, folder: Path, texts: Sequence[str], asked: Sequence[str], cache: Path | None
) -> tuple[np.ndarray, np.ndarray]:
    content = "\0".join([embedder.spec.name, *texts, *asked]).encode("utf-8", "replace")
    name = f"{folder.name}-{hashlib.blake2b(content, digest_size=8).hexdigest()}.npz"
    if cache is not None and (cache / name).is_file():
        with np.load(cache / name) as held:
            return held["passages"], held["questions"]
    passages = await embedder.embed_passages(texts)
    questions = np.stack([await embedder.embed_query(each) for each in asked])
    if cache is not None:
        np.savez(cache / name, passages=passages, questions=questions)
    return passages, questions


def lexical_shares(passages: Sequence[dict[int, float]], questions: Sequence[Any]) -> np.ndarray:
    """BM25 of every passage for every question's terms, as shares of what could be reached."""
    postings: dict[int, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    for at, terms in enumerate(passages):
        for term, weight in terms.items():
            postings[term][0].append(at)
            postings[term][1].append(weight)
    frequency = {term: len(held[0]) for term, held in postings.items()}
    shares = np.zeros((len(questions), len(passages)), dtype=np.float32)
    for row, terms in enumerate(questions):
        weights = query_weights(terms, CorpusStatistics(len(passages), frequency))
        for term, weight in weights.items():
            places, held = postings[term]
            shares[row, places] += weight * np.array(held, dtype=np.float32)
        if weights:
            shares[row] /= best_possible_score(weights)
    return np.clip(shares, 0, 1)


def _is_tuning(judged: dict[str, int]) -> bool:
    """Split by document, so that no passage is read in both halves."""
    return hashlib.blake2b(min(judged).encode(), digest_size=1).digest()[0] % 2 == 0


def _learn(sets: Sequence[Scored]) -> tuple[float, list[dict[str, Any]]]:
    """The best weight on the tuning halves, and the figures of each set on both."""
    means = {
        weight: float(np.mean([each.ndcg(weight, each.is_tuning) for each in sets]))
        for weight in WEIGHTS
    }
    best = max(means.values())
    # The middle of those that are as good: the very best one of a few hundred questions is chance.
    alike = [each for each, mean in means.items() if mean >= best - ALIKE]
    weight = round((min(alike) + max(alike)) / 2, 2)
    figures = [
        {
            "set": each.name,
            "questions": len(rows),
            **{
                leg: [round(each.ndcg(share, part), 4) for part in (rows, ~rows)]
                for leg, share in (("lexical", 0.0), ("dense", 1.0), ("hybrid", weight))
            },
        }
        for each in sets
        for rows in [each.is_tuning]
    ]
    return weight, figures


async def learn(
    embedder: Embedder, folders: Sequence[Path], limit: int, cache: Path | None
) -> dict[str, Any]:
    """Weights by language, with the figures of each set: tuning half, other half."""
    sets = [await _score(embedder, folder, limit, cache) for folder in folders]
    weights: dict[str, float] = {}
    figures: list[dict[str, Any]] = []
    for language in sorted({each.language for each in sets}):
        weights[language], found = _learn([each for each in sets if each.language == language])
        figures += found
    return {"weights": weights, "ndcg_at_10": figures}


def write(name: str, learned: dict[str, Any], embedder: Embedder) -> None:
    """Put what was learned into the package's data."""
    known = json.loads(CALIBRATIONS.read_text(encoding="utf-8"))
    before = known.get(name, {})
    kept = {key: before[key] for key in ("bounds", "likeness") if key in before}
    if not kept and embedder.spec.calibration.bounds == PLAIN.bounds:
        raise SystemExit("This model has no calibration to learn weights for.")
    known[name] = kept | learned
    CALIBRATIONS.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", "utf-8")


async def main() -> None:
    """Read the command line, learn and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("embedding", help="as CITEWELL_EMBEDDING takes it")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=2_500, help="questions of a set")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors between runs")
    parser.add_argument("--write", metavar="NAME", help="name of the model in calibrations.json")
    options = parser.parse_args()
    embedder = await open_embedder(options.embedding)
    try:
        learned = await learn(embedder, options.folders, options.limit, options.cache)
    finally:
        await embedder.close()
    print(json.dumps(learned, indent=2))
    if options.write:
        write(options.write, learned, embedder)


if __name__ == "__main__":
    asyncio.run(main())
