"""The rules that grade sentences, as a verifier: they find nothing on a second reading."""

from collections.abc import Sequence
from typing import Literal

from citewell.engine.llm.base import TokenUsage
from citewell.engine.verification.base import Claim, Reading, Verdict
from citewell.engine.verification.grading import Grade, grade_sentence

_VERDICTS = {
    Grade.QUOTED: Verdict.SUPPORTED,
    Grade.CLOSE: Verdict.SUPPORTED,
    Grade.CONTRADICTED: Verdict.REFUTED,
}


class RulesVerifier:
    """No second reading."""

    name = "rules"
    reader: Literal["rules", "model"] = "rules"

    async def read(self, claims: Sequence[Claim]) -> Reading:
        grades = [
            grade_sentence(claim.text, claim.quotes, language=claim.language).grade
            for claim in claims
        ]
        return Reading(
            tuple(_VERDICTS.get(grade, Verdict.UNKNOWN) for grade in grades), TokenUsage()
        )

    async def close(self) -> None:
        """Nothing is held."""
