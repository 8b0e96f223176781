"""Retrieval quality on judged sets, beside each peer's defaults: same texts, same weights."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.charts import Chart
from bench.options import ROOT, Options
from bench.peer_process import PEERS, PeerMissingError, running_peer
from bench.report import Row, percentile
from citewell.engine.evaluation.datasets import read_corpus, read_judgements, read_queries
from citewell.engine.evaluation.metrics import ndcg, recall

HELP = (
    "Not measured: BENCH_SETS names no folder. Give one whose folders hold judged sets as "
    "`citewell eval retrieval` reads them (`corpus.jsonl`, `queries.jsonl`, `qrels.tsv`), such as "
    "BEIR's SciFact or SQuAD's paragraphs: `make bench BENCH=quality BENCH_SETS=FOLDER`."
)


def measure(options: Options, work: Path) -> tuple[list[Row], list[str], list[Chart]]:
    """Ask a sample of each set of Citewell and of the peers."""
    assert options.sets is not None
    names = sorted(path.parent.name for path in options.sets.glob("*/qrels.tsv"))
    notes = [
        f"Of each set {options.set_queries} questions, and up to {options.set_documents:,} "
        "documents: all that are judged for them, filled up with others in the order of the file. "
        "So figures are higher than on whole sets; compare columns, not with what others publish.",
        "Peers as their documentation shows them first: LangChain with Chroma, 1,000 characters "
        "and 200 of overlap, fp32 weights; LlamaIndex 1,024 tokens and 200; Haystack 200 words, "
        "both in memory; txtai whole texts. The last three have the bundled int8 weights. All of "
        "them are dense only. ms: p50 of one search after the other, the question's embedding "
        "included, top 10 of peers and top 100 of Citewell, which passes access rules, a database "
        "and both legs.",
    ]
    sets = {name: _sample(options, name, work) for name in names}
    scores: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name, folder in sets.items():
        for mode, found in _ours(folder, work).items():
            told = (found["ndcg_at_10"], found["recall_at_20"], found["p50_ms"])
            scores.setdefault(f"Citewell, {mode}", {})[name] = told
    for peer, title in PEERS.items():
        try:
            with running_peer(peer) as process:
                for name, folder in sets.items():
                    scores.setdefault(title, {})[name] = _theirs(process, folder, work, name)
        except PeerMissingError as error:
            notes.append(f"{title} could not be measured: {error}.")
    rows = [
        Row(
            f"{name}, {system}",
            f"nDCG@10 {of[name][0]:.4f}",
            f"recall@20 {of[name][1]:.4f}, p50 {of[name][2]:.1f} ms",
        )
        for name in names
        for system, of in scores.items()
        if name in of
    ]
    chart = Chart(
        "quality",
        "Retrieval quality per set: nDCG@10 of Citewell and of each peer's defaults",
        "nDCG@10",
        names,
        {
            system: [of[name][0] if name in of else None for name in names]
            for system, of in scores.items()
        },
    )
    return rows, notes, [chart]


def _sample(options: Options, name: str, work: Path) -> Path:
    """A folder with a part of a set, always the same."""
    assert options.sets is not None
    source, folder = options.sets / name, work / name
    folder.mkdir()
    judged = read_judgements(source)
    asked = [query for query in read_queries(source) if query.id in judged]
    step = max(1, len(asked) // options.set_queries)
    asked = asked[::step][: options.set_queries]
    needed = {document for query in asked for document in judged[query.id]}
    room = max(0, options.set_documents - len(needed))
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for document in read_corpus(source):
            if document.id not in needed:
                if room == 0 or not document.text.strip():
                    continue
                room -= 1
            line = {"id": document.id, "title": document.title, "text": document.text}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(
            json.dumps({"id": query.id, "text": query.text}, ensure_ascii=False) + "\n"
            for query in asked
        )
    with (folder / "qrels.tsv").open("w", encoding="utf-8") as file:
        file.write("query_id\tcorpus_id\tgrade\n")
        for query in asked:
            file.writelines(
                f"{query.id}\t{document}\t{grade}\n" for document, grade in judged[query.id].items()
            )
    return folder


def _ours(folder: Path, work: Path) -> dict[str, dict[str, float]]:
    """By leg, as the command measures it."""
    return command(work, "eval", "retrieval", str(folder), "--json")


def command(work: Path, *arguments: str) -> Any:
    """The JSON that a `citewell` command prints, with a home of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "citewell.entrypoints.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "CITEWELL_HOME": str(work / "home"), "CITEWELL_LOG_LEVEL": "error"},
    )
    if done.returncode:
        raise SystemExit(f"citewell {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def _theirs(process: Any, folder: Path, work: Path, name: str) -> tuple[float, float, float]:
    judged = read_judgements(folder)
    queries = [{"id": query.id, "text": query.text} for query in read_queries(folder)]
    kept = work / f"peer-{name}"
    kept.mkdir(exist_ok=True)
    corpus = str(folder / "corpus.jsonl")
    found = process.do("quality", corpus=corpus, folder=str(kept), queries=queries)
    pairs = [(ranking, judged[query]) for query, ranking in found["rankings"].items()]
    return (
        sum(ndcg(ranking, judgement, 10) for ranking, judgement in pairs) / len(pairs),
        sum(recall(ranking, judgement, 20) for ranking, judgement in pairs) / len(pairs),
        percentile(found["ms"], 0.5),
    )
