"""A verifier by any entailment model that was exported to ONNX, from a folder.

Cross-encoders for natural language inference or for hallucinations: they read quotes and sentence
together and tell by numbers whether the one follows from the other. What the numbers mean is read
from `config.json` (`id2label`) or from the card `citewell.json`.
"""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import TokenUsage
from citewell.engine.onnx.errors import ONNX_ERRORS
from citewell.engine.onnx.folders import ModelFolder, open_folder
from citewell.engine.onnx.sessions import available_cores, encodable
from citewell.engine.verification.base import CitedClaim, Entailment, Verdicts

CARD_KEYS: Final = ("model", "labels", "threshold", "template", "max_tokens", "languages")
"""Keys of a verifier's `citewell.json`."""

USUAL_THRESHOLD: Final = 0.5
"""Probability from which a verdict is given; what the published models are used with."""

BATCH: Final = 8
"""Pairs in one run, of about the same length: more of them wait for the longest."""

MAX_WINDOWS: Final = 16
"""Stretches of very long quotes that are read; beyond, the sentence is not about them."""

_OVERLAP: Final = 0.25
"""Share of a stretch that the next one repeats: a statement cut in two is whole in one."""

_PREMISE, _HYPOTHESIS = "{premise}", "{hypothesis}"
_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids"})

_MEANINGS: Final = {
    Entailment.SUPPORTED: ("entailment", "entailed", "supported", "supports", "consistent"),
    Entailment.REFUTED: ("contradiction", "contradicted", "refuted", "refutes"),
    Entailment.UNKNOWN: (
        "neutral", "unknown", "not_entailment", "not entailment", "unsupported", "hallucinated",
        "hallucination", "inconsistent", "not enough info",
    ),
}  # fmt: skip
"""Labels of published models, in lower case."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """Input of the model, and the meaning of its numbers."""

    output: str
    labels: tuple[Entailment, ...]
    """One for each number; a single number is the chance of `supported`."""
    threshold: float
    template: str | None
    """One text made of premise and hypothesis; None: a pair of texts."""
    max_tokens: int
    padding: int


class OnnxVerifier:
    """The model of a folder, loaded and ready.

    Args:
        folder: Its files.
        threads: Batches read at once; None takes one per core.

    Raises:
        ProviderConfigurationError: Files are missing, or ask for what is not supported.
    """

    name = "onnx"
    reader: Literal["rules", "model"] = "model"

    def __init__(self, folder: ModelFolder, *, threads: int | None = None) -> None:
        self._session, self._tokenizer = folder.load()
        # Long quotes are cut into windows here; the tokenizer would drop their end without a word.
        self._tokenizer.no_truncation()
        self._inputs = [each.name for each in self._session.get_inputs()]
        if unknown := sorted(set(self._inputs) - _INPUTS):
            raise folder.refusal(f"its graph wants the input `{unknown[0]}`")
        outputs = {each.name: len(each.shape) for each in self._session.get_outputs()}
        # The usual name. Of other exports the first output is taken; one of a wrong shape is
        # refused below.
        output = "logits" if "logits" in outputs else next(iter(outputs))
        self._recipe = _recipe_of(folder, output)
        # One pair is read at once: a folder that cannot work is refused at the start, not by the
        # first answer.
        try:
            scores = self._scores([self._encode("premise", "hypothesis")])
        except ProviderError as error:
            raise folder.refusal(str(error)) from error
        if scores.ndim != 2 or scores.shape[1] != len(self._recipe.labels):
            raise folder.refusal(
                f"it gives {scores.shape[-1]} numbers and has {len(self._recipe.labels)} labels; "
                "`labels` in citewell.json lists them in the order of the numbers"
            )
        self._pool = ThreadPoolExecutor(threads or available_cores(), "verify")

    async def read(self, claims: Sequence[CitedClaim]) -> Verdicts:
        loop = asyncio.get_running_loop()
        verdicts = await loop.run_in_executor(self._pool, self._read, claims)
        return Verdicts(verdicts, TokenUsage())

    async def close(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _read(self, claims: Sequence[CitedClaim]) -> tuple[Entailment, ...]:
        pairs = [
            (number, encoding)
            for number, claim in enumerate(claims)
            for encoding in self._windows(claim)
        ]
        # Every pair of a batch is padded to its longest.
        pairs.sort(key=lambda pair: len(pair[1].ids))
        best = np.zeros((len(claims), len(Entailment)), dtype=np.float64)
        for start in range(0, len(pairs), BATCH):
            batch = pairs[start : start + BATCH]
            chances = _chances(self._scores([encoding for _, encoding in batch]))
            for (number, _), row in zip(batch, chances, strict=True):
                # The best window counts for each verdict, as a statement stands in one place of a
                # long quote. A quote that says it here and denies it there may come out either way.
                best[number] = np.maximum(best[number], self._by_verdict(row))
        return tuple(map(self._verdict, best))

    def _by_verdict(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.zeros(len(Entailment))
        for label, chance in zip(self._recipe.labels, chances, strict=True):
            sums[_ORDER.index(label)] += chance
        return sums

    def _verdict(self, chances: NDArray[np.float64]) -> Entailment:
        supported, refuted = chances[0], chances[1]
        if max(supported, refuted) < self._recipe.threshold:
            return Entailment.UNKNOWN
        return Entailment.SUPPORTED if supported >= refuted else Entailment.REFUTED

    def _windows(self, claim: CitedClaim) -> Iterator[Encoding]:
        """The claim with each stretch of its quotes that the model can take."""
        premise = encodable("\n".join(claim.quotes))
        room = self._recipe.max_tokens - len(self._encode("", claim.text).ids)
        whole = self._tokenizer.encode(premise, add_special_tokens=False)
        if len(whole.ids) <= room:
            yield self._encode(premise, claim.text)
            return
        # A sentence that fills the model leaves no room: then few tokens of the quote are read, and
        # `_scores` cuts off what is too much.
        room = max(room, 16)
        step = max(int(room * (1 - _OVERLAP)), 1)
        offsets = whole.offsets
        for start in range(0, min(len(offsets), step * MAX_WINDOWS), step):
            end = min(start + room, len(offsets))
            yield self._encode(premise[offsets[start][0] : offsets[end - 1][1]], claim.text)
            if end == len(offsets):
                return

    def _encode(self, premise: str, hypothesis: str) -> Encoding:
        hypothesis = encodable(hypothesis)
        if self._recipe.template is None:
            return self._tokenizer.encode(premise, hypothesis)
        before, _, after = self._recipe.template.partition(_PREMISE)
        text = [part.replace(_HYPOTHESIS, hypothesis) for part in (before, after)]
        return self._tokenizer.encode(premise.join(text))

    def _scores(self, encodings: Sequence[Encoding]) -> NDArray[np.float32]:
        longest = min(max(len(encoding.ids) for encoding in encodings), self._recipe.max_tokens)
        shape = (len(encodings), longest)
        values = {
            "input_ids": np.full(shape, self._recipe.padding, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for row, encoding in enumerate(encodings):
            size = min(len(encoding.ids), longest)
            values["input_ids"][row, :size] = encoding.ids[:size]
            values["attention_mask"][row, :size] = 1
            values["token_type_ids"][row, :size] = encoding.type_ids[:size]
        try:
            inputs = {name: values[name] for name in self._inputs}
            return self._session.run([self._recipe.output], inputs)[0]
        except ONNX_ERRORS as error:
            raise ProviderError(f"The ONNX model failed: {error}", retryable=True) from error


_ORDER: Final = (Entailment.SUPPORTED, Entailment.REFUTED, Entailment.UNKNOWN)


async def open_onnx(path: str) -> OnnxVerifier:
    """Load the model of a folder in a thread.

    Raises:
        ProviderConfigurationError: It cannot be used; the message says why.
    """
    return await asyncio.to_thread(lambda: OnnxVerifier(open_folder(path, CARD_KEYS)))


def _chances(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities by row: a logistic of a single number, else a softmax."""
    values = scores.astype(np.float64)
    if values.shape[1] == 1:
        return 1 / (1 + np.exp(-values))
    # Less the largest, so that no power overflows.
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _recipe_of(folder: ModelFolder, output: str) -> _Recipe:
    template = folder.text("template")
    if template is not None and (_PREMISE not in template or _HYPOTHESIS not in template):
        raise folder.refusal(f"`template` in citewell.json must hold {_PREMISE} and {_HYPOTHESIS}")
    threshold = folder.card.get("threshold", USUAL_THRESHOLD)
    if not isinstance(threshold, int | float) or not 0 < threshold < 1:
        raise folder.refusal("`threshold` in citewell.json must be a number between 0 and 1")
    padding = folder.settings("config.json").get("pad_token_id")
    return _Recipe(
        output=output,
        labels=_labels_of(folder),
        threshold=float(threshold),
        template=template,
        max_tokens=folder.max_tokens(),
        padding=padding if isinstance(padding, int) else 0,
    )


def _labels_of(folder: ModelFolder) -> tuple[Entailment, ...]:
    stated = folder.card.get("labels")
    if stated is None:
        known = folder.settings("config.json").get("id2label")
        named = cast(dict[str, str], known) if isinstance(known, dict) else {}
        # By number: the keys are text, in which 10 comes before 2.
        stated = [named[key] for key in sorted(named, key=_number)]
    if not isinstance(stated, list) or not stated:
        raise folder.refusal(
            "its files do not tell the labels: `labels` in citewell.json lists them in the order "
            'of the numbers, as ["entailment", "neutral", "contradiction"]'
        )
    names = [str(each).strip().lower() for each in cast(list[object], stated)]
    meanings = {name: verdict for verdict, labels in _MEANINGS.items() for name in labels}
    if unknown := [name for name in names if name not in meanings]:
        raise folder.refusal(
            f"its label `{unknown[0]}` is not known: `labels` in citewell.json lists them in the "
            "order of the model's numbers, as entailment, neutral or contradiction"
        )
    labels = tuple(meanings[name] for name in names)
    if Entailment.SUPPORTED not in labels:
        raise folder.refusal("none of its labels says that a sentence is supported")
    return labels


def _number(key: str) -> int:
    return int(key) if key.isdecimal() else 0
