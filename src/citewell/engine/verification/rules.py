"""The rules that grade sentences, as a verifier: they find nothing on a second reading."""

from collections.abc import Sequence
from typing import Literal

from citewell.engine.llm.base import TokenUsage
from citewell.engine.verification.base import CitedClaim, Entailment, Verdicts
from citewell.engine.verification.grading import Grade, grade_sentence

_VERDICTS = {
    Grade.QUOTED: Entailment.SUPPORTED,
    Grade.CLOSE: Entailment.SUPPORTED,
    Grade.CONTRADICTED: Entailment.REFUTED,
}


class RulesVerifier:
    """No second reading."""

    name = "rules"
    reader: Literal["rules", "model"] = "rules"

    async def read(self, claims: Sequence[CitedClaim]) -> Verdicts:
        grades = [
            grade_sentence(
                claim.text, claim.quotes, language=claim.language, question=claim.question
            ).grade
            for claim in claims
        ]
        return Verdicts(
            tuple(_VERDICTS.get(grade, Entailment.UNKNOWN) for grade in grades), TokenUsage()
        )

    async def close(self) -> None:
        """Nothing is held."""
