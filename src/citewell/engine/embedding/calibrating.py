"""Calibration of a model's cosines: shipped for models measured on sets, else made by probes.

`calibrations.json` holds the fusion weights that `tools/learn_fusion.py` found, with the figures
they were chosen by. Likeness depends on more than a model's name (its weights' precision, a
server's prefixes), so every model but the bundled one, whose files are known by their sums, is
asked for the vectors of a few texts when it is opened.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, cast

import numpy as np
import structlog

from citewell.engine.embedding.base import Calibration, Embedder, Likeness, Vectors
from citewell.engine.embedding.probes import PROBES

log = structlog.get_logger(__name__)

MEASURING_SECONDS: Final = 10.0
"""Patience with a service that is asked for the vectors of the probes: a process must start while
the service is slow or busy, and 24 short texts take a model on two cores under a second."""

_RIGHT: Final = len(PROBES) - 1
"""Questions nearest to their own passage that show a model to understand a pair of languages.

Of six: the bundled model has 6 in English, 2 in Vietnamese and 2 across; multilingual-e5-small 6
everywhere. By chance one has 5 or more once in 1,500 times.
"""

_LEAST_DISTANCE: Final = 0.02
"""Between the typical cosines, for a model that tells nothing apart; others have 0.05 to 0.5."""

_BUNDLED: Final = Likeness(0.074, 0.498, is_understood=True)
"""Of the bundled model between the English probes."""


@dataclass(frozen=True, slots=True)
class _Shipped:
    """The shipped calibration of one model."""

    weights: Mapping[str, float]
    bounds: tuple[float, float] | None
    likeness: Mapping[tuple[str, str], Likeness]


async def calibrated(embedder: Embedder, patience: float = MEASURING_SECONDS) -> Calibration:
    """Get the calibration of an embedder; one that is not known whole embeds 24 short texts.

    A model that takes longer than `patience` seconds for them counts as not measured: its cosines
    are taken as they are until the next start.

    Raises:
        ProviderError: The model did not answer.
    """
    known = shipped(embedder.spec.name)
    if known is not None and known.bounds is not None:
        return Calibration(known.bounds, known.weights, known.likeness)
    try:
        async with asyncio.timeout(patience):
            measured = await measure(embedder)
    except TimeoutError:
        log.warning("embedding_not_calibrated", model=embedder.spec.name)
        return Calibration()
    if known is None:
        return measured
    # Learned weights are for languages the model understands, however it is served here.
    understood = {key[0] for key, each in measured.likeness.items() if each.is_understood}
    weights = {each: weight for each, weight in known.weights.items() if each in understood}
    return Calibration(None, weights, measured.likeness)


async def measure(embedder: Embedder) -> Calibration:
    """Measure the cosines between probes."""
    passages = await embedder.embed_passages(
        [*(each.passage for each in PROBES), *(each.vietnamese_passage for each in PROBES)]
    )
    asked = [*(each.question for each in PROBES), *(each.vietnamese_question for each in PROBES)]
    questions = np.stack(await asyncio.gather(*(embedder.embed_query(each) for each in asked)))
    count = len(PROBES)
    parts = {"en": slice(count), "vi": slice(count, 2 * count)}
    cosines = {
        (of, to): cast(Vectors, questions[parts[of]] @ passages[parts[to]].T)
        for of in parts
        for to in parts
    }
    likeness = {pair: _likeness(found) for pair, found in cosines.items()}
    return Calibration(None, {}, likeness)


def _likeness(cosines: Vectors) -> Likeness:
    own = np.eye(len(cosines), dtype=bool)
    unrelated = float(cosines[~own].mean())
    return Likeness(
        unrelated=unrelated,
        # A floor for the distance, by which cosines are divided later.
        answering=max(float(cosines[own].mean()), unrelated + _LEAST_DISTANCE),
        is_understood=int((cosines.argmax(axis=1) == np.arange(len(cosines))).sum()) >= _RIGHT,
    )


def as_bundled(cosine: float, likeness: Likeness) -> float:
    """Return the cosine the bundled model would give, on whose cosines confidence was learned."""
    own = _BUNDLED
    return own.unrelated + likeness.place(cosine) * (own.answering - own.unrelated)


def shipped(name: str) -> _Shipped | None:
    """Get what is shipped for a model, by its name; a longer name may hold that of a family."""
    wanted = name.lower()
    # One model has many names: `fastembed:intfloat/multilingual-e5-small`, or as a server calls it.
    return next((known for model, known in _all_shipped().items() if model in wanted), None)


@cache
def _all_shipped() -> dict[str, _Shipped]:
    text = (files("citewell.engine.embedding") / "calibrations.json").read_text(encoding="utf-8")
    read = cast(dict[str, dict[str, object]], json.loads(text))
    return {model.lower(): _read(content) for model, content in read.items()}


def _read(content: Mapping[str, object]) -> _Shipped:
    bounds = cast(list[float] | None, content.get("bounds"))
    pairs = cast(dict[str, tuple[float, float, bool]], content.get("likeness", {}))
    likeness: dict[tuple[str, str], Likeness] = {}
    for pair, values in pairs.items():
        asked, _, said = pair.partition(">")
        likeness[asked, said] = Likeness(*values)
    return _Shipped(
        weights=cast(dict[str, float], content["weights"]),
        bounds=(bounds[0], bounds[1]) if bounds else None,
        likeness=likeness,
    )
