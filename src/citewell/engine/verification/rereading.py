"""Grades after a second reading."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import TokenUsage
from citewell.engine.verification.base import CitedClaim, Entailment, Verifier
from citewell.engine.verification.grading import Assessment, Grade

SECONDS = 20.0
"""Longest wait for a second reading: the answer is on the screen, its grades are not final yet."""

_OPEN = frozenset({Grade.REWORDED, Grade.UNSUPPORTED})
"""Grades that prove and refute nothing: what shares few words with its quotes is `unsupported` to
rules, though 7 to 9 % of the true sentences of two public sets are said in other words altogether
(FEVER symmetric, captions)."""

_GRADES = {Entailment.SUPPORTED: Grade.CONFIRMED, Entailment.REFUTED: Grade.CONTRADICTED}


@dataclass(frozen=True, slots=True)
class GradedClaim:
    """A claim and what rules found."""

    claim: CitedClaim
    assessment: Assessment


def is_open(graded: GradedClaim) -> bool:
    """Whether rules neither proved nor refuted it, and there are quotes to read."""
    return graded.assessment.grade in _OPEN and bool(graded.claim.quotes)


async def read_again(
    verifier: Verifier, graded: Sequence[GradedClaim], *, seconds: float = SECONDS
) -> tuple[list[Assessment], TokenUsage]:
    """Return the assessments after a second reading of those that are open.

    `reworded`, and `unsupported` where there are quotes, becomes `confirmed` or `contradicted`, or
    stays. What rules proved or refuted is not read again.

    Raises:
        ProviderError: They could not be read in time.
        ProviderConfigurationError: The verifier is not set up rightly.
    """
    assessments = [one.assessment for one in graded]
    places = [place for place, one in enumerate(graded) if is_open(one)]
    if not places:
        return assessments, TokenUsage()
    try:
        async with asyncio.timeout(seconds):
            reading = await verifier.read([graded[place].claim for place in places])
    except TimeoutError:
        raise ProviderError(
            f"The second reading by `{verifier.name}` did not end in {seconds:g} s."
        ) from None
    for place, verdict in zip(places, reading.verdicts, strict=True):
        if verdict in _GRADES:
            assessments[place] = replace(
                assessments[place], grade=_GRADES[verdict], verified_by=verifier.reader
            )
    return assessments, reading.usage
