"""A verifier that asks a language model, all claims in one call."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Literal

from citewell.engine.errors import ProviderError
from citewell.engine.llm.base import LanguageModel, ModelRequest, complete
from citewell.engine.llm.untrusted import harmless
from citewell.engine.verification.base import CitedClaim, Entailment, Verdicts

_LINE_TOKENS = 12
"""Of a verdict in the reply, with room for models that put marks around it."""

_THINKING_TOKENS = 1_000
"""For models that think aloud before they reply."""

# Small models set marks around what they were asked for: `**1**: supported`, `- 1) Supported`.
# Marks are bounded, and no word may stand between number and verdict; a line that has one is not
# read, and its claim stays `unknown`.
_VERDICT = re.compile(
    rf"^[^\w\n]{{0,10}}(\d{{1,4}})[^\w\n]{{1,10}}({'|'.join(Entailment)})\b",
    re.IGNORECASE | re.MULTILINE,
)


class ModelVerifier:
    """Asks the model that writes the answers.

    The verdicts are read as plain lines, since small models know no structured output. A claim of
    which it says nothing, or two things, is `unknown`.
    """

    name = "model"
    reader: Literal["rules", "model"] = "model"

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    async def read(self, claims: Sequence[CitedClaim]) -> Verdicts:
        user = "\n\n".join(_pair(number, claim) for number, claim in enumerate(claims, start=1))
        room = _LINE_TOKENS * len(claims) + _THINKING_TOKENS
        reply = await complete(self.model, ModelRequest.of(_system(), user, max_tokens=room))
        # A set: a model that argues before it concludes may give a claim two verdicts, and then
        # none of them counts (`_only`).
        found: dict[int, set[Entailment]] = {}
        for number, verdict in _VERDICT.findall(reply.text):
            found.setdefault(int(number), set()).add(Entailment(verdict.lower()))
        # A reply without any verdict is a failed call, not a reading by which everything is
        # unknown: the answer says `degraded`.
        if not found:
            raise ProviderError(f"{self.model.name} gave no verdict in the form asked for.")
        return Verdicts(
            tuple(_only(found.get(number, set())) for number in range(1, len(claims) + 1)),
            reply.usage,
        )

    async def close(self) -> None:
        """The model belongs to whoever opened it."""


def _pair(number: int, claim: CitedClaim) -> str:
    quotes = "\n".join(f"<quote>{harmless(quote)}</quote>" for quote in claim.quotes)
    sentence = " ".join(harmless(claim.text).split())
    return f'<pair number="{number}">\n{quotes}\n<sentence>{sentence}</sentence>\n</pair>'


def _only(verdicts: set[Entailment]) -> Entailment:
    return next(iter(verdicts)) if len(verdicts) == 1 else Entailment.UNKNOWN


@cache
def _system() -> str:
    folder = resources.files("citewell.engine.verification").joinpath("prompts")
    return folder.joinpath("verify.md").read_text(encoding="utf-8").strip()
