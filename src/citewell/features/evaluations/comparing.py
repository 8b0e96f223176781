"""Two runs of a dataset beside each other, case by case, and whether the later one is worse."""

import uuid
from typing import Literal

from citewell.core.context import Context
from citewell.core.errors import InvalidInputError
from citewell.engine.evaluation.answers import Verdict
from citewell.features.evaluations import running
from citewell.features.evaluations.schemas import (
    CaseChange,
    ResultRead,
    RunComparison,
    RunFigures,
    RunRead,
)

_WORTH = {
    Verdict.RIGHT: 3,
    Verdict.PARTLY: 2,
    # To say nothing is better than to say what is wrong.
    Verdict.WRONGLY_ABSTAINED: 1,
    Verdict.WRONG: 0,
    Verdict.SHOULD_HAVE_ABSTAINED: 0,
}

_KINDS = ("better", "worse", "same")


async def compare(
    ctx: Context, run_id: uuid.UUID, other_id: uuid.UUID, *, tolerance: float = 0.0
) -> RunComparison:
    """Compare a run with an other, later one.

    Args:
        ctx: Of a caller who may read everything.
        run_id: What was before.
        other_id: What is after it.
        tolerance: Share by which a figure may fall without being a regression.

    Raises:
        ForbiddenError, RunNotFoundError, RunUnfinishedError: As `running.finished`.
        InvalidInputError: They are of different datasets.
    """
    before, old = await running.finished(ctx, run_id)
    after, new = await running.finished(ctx, other_id)
    if before.dataset_id != after.dataset_id:
        raise InvalidInputError("The runs are of different datasets; their figures do not compare.")
    changes = _changes(old, new)
    counts = {kind: sum(each.change == kind for each in changes) for kind in _KINDS}
    regressions = _regressions(before, after, tolerance)
    return RunComparison(
        before=before,
        after=after,
        **counts,
        is_worse=bool(regressions),
        regressions=regressions,
        changes=[each for each in changes if each.change != "same"],
    )


def _changes(old: list[ResultRead], new: list[ResultRead]) -> list[CaseChange]:
    before = {each.case_id: each for each in old}
    after = {each.case_id: each for each in new}
    found: list[CaseChange] = []
    for case_id in sorted(before.keys() | after.keys()):
        first, second = before.get(case_id), after.get(case_id)
        either = second or first
        assert either is not None
        found.append(
            CaseChange(
                case_id=case_id,
                question=either.question,
                change=_change(first, second),
                before=first,
                after=second,
            )
        )
    return found


def _change(
    first: ResultRead | None, second: ResultRead | None
) -> Literal["better", "worse", "same", "added", "removed"]:
    if first is None:
        return "added"
    if second is None:
        return "removed"
    worth = _worth(first), _worth(second)
    if worth[0] == worth[1]:
        return "same"
    return "better" if worth[1] > worth[0] else "worse"


def _worth(result: ResultRead) -> tuple[float, float, float]:
    """Order of replies to one question: the verdict first, then what the case measures else."""
    verdict = -1 if result.error else 0
    if result.verdict is not None:
        verdict = _WORTH[Verdict(result.verdict)]
    measures = result.measures
    return verdict, measures.get("ndcg_at_10", 0.0), measures.get("similarity", 0.0)


def _regressions(before: RunRead, after: RunRead, tolerance: float) -> list[str]:
    """Figures that have become worse, in words."""
    assert before.figures is not None
    assert after.figures is not None
    old, new = before.figures, after.figures
    shares = [
        ("right", _right(old), _right(new), 1),
        ("wrong", _wrong(old), _wrong(new), -1),
        ("failed", _share(old.failed, old.cases), _share(new.failed, new.cases), -1),
        ("nDCG@10", old.ndcg_at_10, new.ndcg_at_10, 1),
        ("recall@10", old.recall_at_10, new.recall_at_10, 1),
        ("citation precision", old.citation_precision, new.citation_precision, 1),
        ("similarity", old.similarity, new.similarity, 1),
    ]
    found: list[str] = []
    for name, was, is_now, direction in shares:
        if was is None or is_now is None:
            continue
        # Shares are rounded to four digits: a difference below that is none.
        if (was - is_now) * direction > tolerance + 1e-9:
            found.append(f"{name}: {was:.4f} before, {is_now:.4f} after")
    return found


def _right(figures: RunFigures) -> float | None:
    return _share(figures.verdicts.right, figures.verdicts.questions)


def _wrong(figures: RunFigures) -> float | None:
    """Share of misleading answers: wrong ones, and ones to questions no document answers."""
    counts = figures.verdicts
    return _share(counts.wrong + counts.should_have_abstained, counts.questions)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
