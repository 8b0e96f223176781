"""Makes follow-ups stand alone: by the model where there is one, else by rules."""

import asyncio
from dataclasses import dataclass, replace

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.answering.conversing import (
    MAX_SUMMARY,
    Spoken,
    history_of,
    may_refer,
    rewrite_follow_up,
    sum_up,
    tokens_of,
)
from citewell.engine.llm.base import LanguageModel
from citewell.features.connections import service as connections
from citewell.features.connections.schemas import Use
from citewell.features.conversations.remembering import Recalled, by_rules
from citewell.features.search.schemas import DegradedRead, FollowUp
from citewell.features.usage import service as usage
from citewell.features.usage.errors import QuotaReachedError
from citewell.kit.clock import utc_now


@dataclass(frozen=True, slots=True)
class StandingAlone:
    """A question that can be understood by itself."""

    text: str
    follow_up: FollowUp
    summary: str
    """Of what was asked before the turns, for the next question."""


async def standing_alone(
    platform: Platform, caller: Caller, question: str, place: Recalled
) -> StandingAlone:
    """Make a question stand alone; what the model fails to do rules do, and `degraded` says so."""
    model = (await connections.equipped(platform, caller, Use.REWRITE)).llm
    longer = f"{place.summary} {place.leaving}".strip()[-MAX_SUMMARY:]
    if model is None or not may_refer(question, place.turns):
        text, follow_up = by_rules(question, place.turns, place.cited)
        return StandingAlone(text, follow_up, longer)
    history = history_of(place.turns, longer)
    reserved, at = tokens_of("rewrite", history + question), utc_now()
    if place.leaving:
        reserved += tokens_of("summary", longer)
    try:
        await usage.reserve_tokens(platform, caller, reserved)
    except QuotaReachedError as error:
        text, follow_up = by_rules(question, place.turns, place.cited)
        failed = DegradedRead(what="rewriting", why=error.detail)
        return StandingAlone(text, replace(follow_up, degraded=(failed,)), longer)
    rewritten, summed = await asyncio.gather(
        rewrite_follow_up(model, question, history), _summed(model, place)
    )
    tokens = rewritten.usage + summed.usage
    await usage.settle_tokens(platform, caller, model.name, tokens, reserved=reserved, at=at)
    text, follow_up = _taken(question, place, rewritten)
    if summed.text is None:
        failed = DegradedRead(what="summary", why=summed.why)
        follow_up = replace(follow_up, degraded=(*follow_up.degraded, failed))
    counted = replace(
        follow_up, input_tokens=tokens.input_tokens, output_tokens=tokens.output_tokens
    )
    return StandingAlone(text, counted, longer if summed.text is None else summed.text)


async def _summed(model: LanguageModel, place: Recalled) -> Spoken:
    """The summary with the question that has left the turns."""
    if not place.leaving:
        return Spoken(place.summary)
    return await sum_up(model, place.leaving, place.summary)


def _taken(question: str, place: Recalled, rewritten: Spoken) -> tuple[str, FollowUp]:
    """The question as the model wrote it, or as the rules do where it failed."""
    if rewritten.text is None:
        text, follow_up = by_rules(question, place.turns, place.cited)
        failed = DegradedRead(what="rewriting", why=rewritten.why)
        return text, replace(follow_up, degraded=(failed,))
    if rewritten.text.casefold() == " ".join(question.split()).casefold():
        return question, FollowUp(question)
    # Which words of which answer it took cannot be told: all that it was shown count.
    return rewritten.text, FollowUp(question, passages=place.cited)
