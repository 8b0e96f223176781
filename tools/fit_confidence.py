"""Fit the weights that confidence is read with: `engine/answering/calibration.json`.

    python tools/fit_confidence.py TENANT:FILE[:WEIGHT] ... [--write] [--second-look]

FILE holds questions as `citewell eval answers` takes them; TENANT is the library of
`CITEWELL_HOME` that is asked. Of each answerable question a near miss is made besides, by taking
the passages out that hold its answer; of a file whose name begins with `foreign` none is. Passages
under headings are read without them once more, so that plain texts count too. Two
logistic models are fitted (Newton's method, ridge penalty): whether the passages answer the
question, and whether the answer is right. One pair with cosines (questions in the languages the
embedder covers), one without (all questions). Then the second look (`SecondLook`) is fitted on
their logits and the lead of the passage, for what neither an article nor a near miss rules out;
`--second-look` fits it alone, on the two models as they are.

The shipped weights: the 241 questions of `samples/questions/tuned.jsonl` and 65 over six technical
documents of others, each asked of the whole library (weight 4), of a library of one document and
of one of three, once with the document that answers it and once without (1 each); 150 questions
each of one half of SQuAD dev and of ViQuAD dev over 150 of its passages (2), and 80 more of each
asked of the sample library (0.5).

The second look: 130 questions in people's own words over eight documents of others (2);
`samples/questions/everyday.jsonl` asked of the whole library (1), of the document alone and of
three (0.7 each); `tuned.jsonl` asked of the whole library (3) and of one document (1); 400 and 300
questions of one half of SQuAD dev and ViQuAD dev over 300 passages, a hundred of SQuAD's about
paragraphs that are not there (0.7); 330 each of libraries of one to three of their articles, a
quarter of the paragraphs left out (0.3); a hundred each asked of the sample library (1).
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.answering.base import Passage
from citewell.engine.answering.calibration import COSINES, WORDS, Logistic, calibration_of
from citewell.engine.answering.confidence import lacks_the_point
from citewell.engine.answering.extractive import fixed_answer, read_passages
from citewell.engine.answering.near_misses import most_of
from citewell.engine.answering.signals import Signals, judged, signals_of
from citewell.engine.evaluation.answers import AnswerCase, JudgedReply, Verdict, judge, read_cases
from citewell.entrypoints.commands.running import run
from citewell.features.search import answers
from citewell.features.search.answers import PassageReading
from citewell.features.search.schemas import QueryRequest
from citewell.kit.clock import Stopwatch

Matrix = NDArray[np.float64]

TARGET = Path(__file__).resolve().parent.parent / "src/citewell/engine/answering/calibration.json"
RIDGE = 0.01
STEPS = 50
NEAR_MISS = 0.1
"""Weight of a near miss made by taking passages out, beside the question it is made of."""

FLAT = 0.125
"""Weight of passages without their headings, beside those with them."""

LEADS = ("lead", "dense_lead")
"""Signals that the second look alone reads."""

RULES = ("elsewhere",)
"""Signals that rules read, and no weights."""

MIDPOINT = 0.45
"""Cosine of the bundled embedder that speaks neither for nor against an answer: questions that the
library answers have a median of 0.59, those of another subject 0.15."""


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what was read for it."""

    signals: Signals
    is_answerable: bool
    is_right: bool
    weight: float
    has_cosine: bool
    is_ruled_out: bool
    """Whether a rule refuses it, whatever the weights say."""
    is_flat: bool
    """Whether it was read without its headings."""


async def examples(platform: Platform, caller: Caller, file: Path, weight: float) -> list[Example]:
    """Ask the questions of a file and read the passages found for them."""
    made: list[Example] = []
    for case in read_cases(file):
        if fixed_answer(case.question):
            continue
        request = QueryRequest(query=case.question)
        found = await answers.gather(platform, caller, request, watch=Stopwatch())
        reading = await answers.reading_of(platform, found)
        made += read_examples(case, reading, weight)
    return made


def read_examples(case: AnswerCase, reading: PassageReading, weight: float) -> Iterator[Example]:
    """Read the passages found for a question in all ways that are fitted on."""
    has_cosine = reading.calibration is not calibration_of(WORDS)
    for passages, is_answerable, share in _variants(case, reading.passages, weight):
        material, statements = read_passages(reading.question, passages)
        if not statements:
            continue
        text = " ".join(one.text for one in statements)
        statement = judged(material, statements)
        signals = signals_of(material, statement, MIDPOINT if has_cosine else None)
        is_ruled_out = most_of(material, statement, signals) <= 0 or lacks_the_point(
            material, statements, signals
        )
        is_right = is_answerable and _is_right(case, text)
        is_flat = share == weight * FLAT
        yield Example(signals, is_answerable, is_right, share, has_cosine, is_ruled_out, is_flat)


def _variants(
    case: AnswerCase, passages: list[Passage], weight: float
) -> Iterator[tuple[list[Passage], bool, float]]:
    yield passages, not case.abstain, weight
    if any(one.heading for one in passages):
        flat = [replace(one, heading=()) for one in passages]
        yield flat, not case.abstain, weight * FLAT
    if case.abstain:
        return
    gold = (*case.gold, *case.all)
    rest = [one for one in passages if not any(pattern.search(one.text) for pattern in gold)]
    if rest:
        yield rest, False, weight * NEAR_MISS


def _is_right(case: AnswerCase, text: str) -> bool:
    reply = JudgedReply(text, False, 1, None, 0.0, "")
    return judge(case, reply) is Verdict.RIGHT


def fit(rows: Matrix, labels: Matrix, weights: Matrix, names: tuple[str, ...]) -> dict[str, object]:
    """Fit a logistic model; returns its weights by name and its intercept."""
    mean, spread = rows.mean(0), rows.std(0) + 1e-9
    scaled = np.c_[(rows - mean) / spread, np.ones(len(rows))]
    weights = weights / weights.sum()
    penalty = np.eye(scaled.shape[1]) * RIDGE
    penalty[-1, -1] = 0
    found = np.zeros(scaled.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(scaled @ found)))
        slope = scaled.T @ (weights * (chance - labels)) + penalty @ found
        curve = (scaled * (weights * chance * (1 - chance))[:, None]).T @ scaled + penalty
        found -= np.linalg.solve(curve, slope)
    slopes = found[:-1] / spread
    return {
        "weights": {
            name: round(float(slope), 3)
            for name, slope, wide in zip(names, slopes, spread, strict=True)
            if wide > 1e-6  # a signal that never varies has no weight
        },
        "intercept": round(float(found[-1] - (slopes * mean).sum()), 3),
    }


def fitted(made: list[Example]) -> dict[str, object]:
    """Fit all sets; the one without cosines leaves that signal out."""
    sets: dict[str, object] = {}
    for name, chosen in ((COSINES, [one for one in made if one.has_cosine]), (WORDS, made)):
        kept = [
            at
            for at, field in enumerate(Signals._fields)
            if field not in LEADS + RULES and (name == COSINES or field != "dense")
        ]
        names = tuple(Signals._fields[at] for at in kept)
        rows = np.array([one.signals for one in chosen], float)[:, kept]
        weights = np.array([one.weight for one in chosen])
        models = {
            "answerable": fit(
                rows, np.array([one.is_answerable for one in chosen], float), weights, names
            ),
            "right": fit(rows, np.array([one.is_right for one in chosen], float), weights, names),
        }
        sets[name] = {
            "dense_midpoint": MIDPOINT if name == COSINES else None,
            **models,
            "second_look": second_look(made, models, has_cosine=name == COSINES),
        }
    return sets


def second_look(
    made: list[Example], models: dict[str, dict[str, object]], *, has_cosine: bool
) -> dict[str, object]:
    """Fit `calibration.SecondLook` on the logits of two fitted models."""
    chosen = [
        one
        for one in made
        if one.has_cosine is has_cosine and not (one.is_ruled_out or one.is_flat)
    ]
    names = ("answerable", "right", *(LEADS if has_cosine else LEADS[:1]))
    logistics = [Logistic(**models[name]) for name in names[:2]]  # pyright: ignore[reportArgumentType]  # read from JSON
    rows = np.array(
        [
            [
                *(model.logit(one.signals) for model in logistics),
                *(float(getattr(one.signals, name)) for name in names[2:]),
            ]
            for one in chosen
        ]
    )
    found = fit(
        rows,
        np.array([one.is_right for one in chosen], float),
        np.array([one.weight for one in chosen]),
        names,
    )
    weights = found["weights"]
    assert isinstance(weights, dict)
    return {"dense_lead": 0.0, **weights, "intercept": found["intercept"]}


def looked_again(made: list[Example]) -> dict[str, object]:
    """Fit the second look alone, on the two models as they are."""
    sets = json.loads(TARGET.read_text("utf-8"))
    for name, record in sets.items():
        models = {key: record[key] for key in ("answerable", "right")}
        record["second_look"] = second_look(made, models, has_cosine=name == COSINES)
    return sets


def main() -> int:
    """Fit and print, or write, the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", metavar="TENANT:FILE[:WEIGHT]")
    parser.add_argument("--write", action="store_true", help=f"replace {TARGET.name}")
    parser.add_argument("--second-look", action="store_true", help="fit the second look alone")
    options = parser.parse_args()
    made: list[Example] = []
    for given in options.files:
        tenant, file, weight = [*given.split(":"), "1"][:3]

        async def act(platform: Platform, caller: Caller) -> list[Example]:
            return await examples(platform, caller, Path(file), float(weight))  # noqa: B023

        made += run(act, tenant=tenant)
    sets = looked_again(made) if options.second_look else fitted(made)
    text = json.dumps(sets, indent=1) + "\n"
    if options.write:
        TARGET.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
