"""Judges of answers: the rules that compare words, and a language model that reads.

A model's verdict stands beside that of the rules and never in its place: it costs, it varies, and
it forgives what a reader would not.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Protocol

from citewell.engine.errors import ProviderError
from citewell.engine.evaluation.answers import AnswerCase, JudgedReply, Verdict, judge
from citewell.engine.evaluation.proposing import read_prompt
from citewell.engine.llm.base import LanguageModel, ModelRequest, TokenUsage, complete
from citewell.engine.llm.untrusted import harmless

SECONDS = 30.0
"""Longest wait for one verdict."""

MAX_TOKENS = 1_000
"""A word, with room for models that think aloud before it."""

_SAID = re.compile(r"verdict\W{1,10}(right|partly|wrong|abstained)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """Case, reply and truth, as a judge reads them."""

    case: AnswerCase
    reply: JudgedReply
    truth: str
    """The right answer in words; empty where no document answers the question."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it cost."""

    verdict: Verdict
    usage: TokenUsage = field(default_factory=TokenUsage)


class Judge(Protocol):
    """Reads replies. Safe to share between tasks of one event loop."""

    name: str
    """Of the reader, as shown beside the verdict: `rules` or the model."""

    async def judge(self, judged: JudgedCase) -> Judgement:
        """Judge one reply.

        Raises:
            ProviderError: It could not be judged, or not in time.
            ProviderConfigurationError: The model is not set up rightly.
        """
        ...


class RulesJudge:
    """Looks for the words that must be there."""

    name = "rules"

    async def judge(self, judged: JudgedCase) -> Judgement:
        return Judgement(judge(judged.case, judged.reply))


class ModelJudge:
    """Asks a model, one reply a call; whether it had to abstain is decided without it."""

    def __init__(self, model: LanguageModel, *, seconds: float = SECONDS) -> None:
        self.name = model.name
        self._model = model
        self._seconds = seconds

    async def judge(self, judged: JudgedCase) -> Judgement:
        if judged.case.abstain or judged.reply.is_abstained:
            return Judgement(judge(judged.case, judged.reply))
        request = ModelRequest.of(read_prompt("judge"), _shown(judged), max_tokens=MAX_TOKENS)
        try:
            async with asyncio.timeout(self._seconds):
                reply = await complete(self._model, request)
        except TimeoutError:
            raise ProviderError(f"{self.name} gave no verdict in {self._seconds:g} s.") from None
        said = {word.lower() for word in _SAID.findall(reply.text)}
        if len(said) != 1:
            raise ProviderError(f"{self.name} gave no verdict in the form asked for.")
        [word] = said
        verdict = Verdict.WRONGLY_ABSTAINED if word == "abstained" else Verdict(word)
        return Judgement(verdict, reply.usage)


def _shown(judged: JudgedCase) -> str:
    parts = (
        ("question", judged.case.question),
        ("right", judged.truth),
        ("answer", judged.reply.answer),
    )
    return "\n".join(f"<{name}>{harmless(text)}</{name}>" for name, text in parts)
