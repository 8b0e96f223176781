"""Claims with evidence and a label, and how far the grades agree with the labels."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from citewell.engine.evaluation.datasets import DatasetError, read_objects
from citewell.engine.verification.base import CitedClaim, Verifier
from citewell.engine.verification.grading import Grade, grade_sentence
from citewell.engine.verification.rereading import GradedClaim, read_again

ACCEPTED = frozenset({Grade.QUOTED, Grade.CLOSE, Grade.CONFIRMED})
"""Grades a reader may take for said by the source."""

BATCH = 10
"""Claims that are read a second time in one call: about as many as an answer has sentences."""


SECONDS = 300.0
"""Longest wait for one second reading: nobody waits for an answer here."""


class Label(StrEnum):
    """Relation of the evidence to a claim."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """One sentence with the text it is held against."""

    id: str
    language: str
    evidence: str
    text: str
    label: Label
    kind: str | None = None
    """Group of the claim in the counts, besides its label."""


@dataclass(frozen=True, slots=True)
class VerificationFigures:
    """How a set of claims was graded; shares are in 0..1, None where nothing was counted."""

    claims: int
    grades: dict[str, dict[str, float]]
    """By label: the share of each grade."""
    recall: float | None
    """Share of the supported claims that were `quoted`, `close` or, read again, `confirmed`."""
    false_support_refuted: float | None
    false_support_unknown: float | None
    contradicted_right: float | None
    """Share of the claims graded `contradicted` that are refuted."""
    accepted_by_kind: dict[str, dict[str, float]]
    """By kind and label: the share that counts for `recall`."""


def read_claims(path: Path) -> Iterator[LabelledClaim]:
    """Yield the claims of a file of JSON lines.

    Raises:
        DatasetError: The file is missing, or a line is malformed.
    """
    for line, record in read_objects(path):
        texts: dict[str, str] = {}
        for name in ("evidence", "claim", "label"):
            value = record.get(name)
            if not isinstance(value, str) or not value.strip():
                raise DatasetError(path, f"needs a text in {name!r}", line)
            texts[name] = value
        if texts["label"] not in set(Label):
            known = ", ".join(Label)
            raise DatasetError(path, f"label {texts['label']!r} is none of {known}", line)
        language, kind = record.get("lang", "en"), record.get("kind")
        if not isinstance(language, str):
            raise DatasetError(path, "needs a language code in 'lang'", line)
        yield LabelledClaim(
            id=str(record.get("id", line)),
            language=language,
            evidence=texts["evidence"],
            text=texts["claim"],
            label=Label(texts["label"]),
            kind=kind if isinstance(kind, str) else None,
        )


async def measure_grades(
    claims: Sequence[LabelledClaim], on_progress: Callable[[int], None], verifier: Verifier
) -> VerificationFigures:
    """Grade all claims and count.

    Args:
        claims: At least one.
        on_progress: Called with how many are done.
        verifier: Reads those that rules leave open.

    Raises:
        ProviderError: The verifier failed.
        ProviderConfigurationError: The verifier is not set up rightly.
    """
    counts: Counter[tuple[Label, Grade]] = Counter()
    kinds: dict[str, Counter[tuple[Label, bool]]] = {}
    for start in range(0, len(claims), BATCH):
        batch = claims[start : start + BATCH]
        assessments, _ = await read_again(verifier, list(map(_graded, batch)), seconds=SECONDS)
        for claim, assessment in zip(batch, assessments, strict=True):
            counts[claim.label, assessment.grade] += 1
            if claim.kind is not None:
                is_accepted = assessment.grade in ACCEPTED
                kinds.setdefault(claim.kind, Counter())[claim.label, is_accepted] += 1
        on_progress(start + len(batch))
    contradicted = sum(counts[label, Grade.CONTRADICTED] for label in Label)
    return VerificationFigures(
        claims=len(claims),
        grades={
            label.value: {
                grade.value: _share(counts[label, grade], total)
                for grade in Grade
                if counts[label, grade]
            }
            for label in Label
            if (total := _total(counts, label))
        },
        recall=_accepted(counts, Label.SUPPORTED),
        false_support_refuted=_accepted(counts, Label.REFUTED),
        false_support_unknown=_accepted(counts, Label.UNKNOWN),
        contradicted_right=(
            _share(counts[Label.REFUTED, Grade.CONTRADICTED], contradicted)
            if contradicted
            else None
        ),
        accepted_by_kind={
            kind: {
                label.value: _share(found[label, True], found[label, True] + found[label, False])
                for label in Label
                if found[label, True] + found[label, False]
            }
            for kind, found in sorted(kinds.items())
        },
    )


def _graded(claim: LabelledClaim) -> GradedClaim:
    assessment = grade_sentence(claim.text, [claim.evidence], language=claim.language)
    return GradedClaim(CitedClaim(claim.text, (claim.evidence,), claim.language), assessment)


def _total(counts: Counter[tuple[Label, Grade]], label: Label) -> int:
    return sum(counts[label, grade] for grade in Grade)


def _accepted(counts: Counter[tuple[Label, Grade]], label: Label) -> float | None:
    total = _total(counts, label)
    return _share(sum(counts[label, grade] for grade in ACCEPTED), total) if total else None


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4)
