"""Weights that turn the signals of an answer into probabilities, with cosines and without.

They are data, `calibration.json`, fitted by `tools/fit_confidence.py`. Passages bring their cosines
on the scale of the bundled model, whichever model made them (`engine/embedding`); a set of its own
can be added for a model whose cosines tell more.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from citewell.engine.answering.signals import Signals

WORDS: Final = "words"
"""Set that needs no cosines: for languages that the embedder does not cover."""

COSINES: Final = "cosines"
"""Set of embedders that cover the question's language."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model over signals; a signal without a weight does not count."""

    weights: dict[str, float]
    intercept: float

    def probability(self, signals: Signals) -> float:
        """Get the probability that the model gives, 0 to 1."""
        logit = self.intercept
        for name, weight in self.weights.items():
            logit += weight * float(getattr(signals, name))
        return 1 / (1 + math.exp(-max(-50.0, min(logit, 50.0))))

    def logit(self, signals: Signals) -> float:
        """Get the same as the logarithm of its odds, kept within what a fit can tell."""
        chance = min(max(self.probability(signals), _RARE), 1 - _RARE)
        return math.log(chance / (1 - chance))


_RARE = 0.001
"""Probabilities below are alike: no fit has so many examples."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A logistic model of whether an answer is right that the two others speak against.

    The others count the words of the question. This one takes their logits together with how far
    the cited passage leads over the others: a question in other words than the document's has few
    of its words anywhere, and yet one passage stands out.
    """

    answerable: float
    """Weight of the first model's logit."""
    right: float
    """Weight of the second model's logit."""
    lead: float
    dense_lead: float
    intercept: float

    def probability(self, answerable: float, right: float, signals: Signals) -> float:
        """Get the probability that the answer is right.

        Args:
            answerable: Logit of the first model.
            right: Logit of the second model.
            signals: Of the answer's first statement.
        """
        logit = (
            self.intercept
            + self.answerable * answerable
            + self.right * right
            + self.lead * signals.lead
            + self.dense_lead * signals.dense_lead
        )
        return 1 / (1 + math.exp(-max(-50.0, min(logit, 50.0))))


@dataclass(frozen=True, slots=True)
class ConfidenceCalibration:
    """Parameters that confidence is computed with."""

    answerable: Logistic
    """Whether the passages answer the question at all."""
    right: Logistic
    """Whether the answer that was read from them is right."""
    second_look: SecondLook
    """Whether it is right all the same where the two say no."""
    dense_midpoint: float | None = None
    """Cosine that speaks neither for nor against an answer; None leaves cosines out."""


def calibration_of(name: str = WORDS) -> ConfidenceCalibration:
    """Get a calibration by its name; the one that needs no cosines where there is none of it."""
    known = _load()
    return known.get(name, known[WORDS])


@cache
def _load() -> dict[str, ConfidenceCalibration]:
    text = files("citewell.engine.answering").joinpath("calibration.json").read_text("utf-8")
    return {
        name: ConfidenceCalibration(
            Logistic(**record["answerable"]),
            Logistic(**record["right"]),
            SecondLook(**record["second_look"]),
            record["dense_midpoint"],
        )
        for name, record in json.loads(text).items()
    }
