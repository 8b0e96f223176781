"""Titles of conversations: the first question, or better words of a model."""

import uuid

import structlog

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.answering.conversing import tokens_of, write_title
from citewell.features.connections import service as connections
from citewell.features.connections.schemas import Use
from citewell.features.conversations import repository
from citewell.features.question_policies.admission import AdmittedQuestion
from citewell.features.question_policies.errors import QuestionTimedOutError
from citewell.features.usage import service as usage
from citewell.features.usage.errors import QuotaReachedError
from citewell.kit.clock import utc_now
from citewell.kit.storable import storable

log = structlog.get_logger(__name__)

MAX_TITLE = 80
"""Characters of a title that a question gives: one line of a list."""


def title_of(question: str) -> str:
    """The first words of a question."""
    text = " ".join(question.split())
    if len(text) <= MAX_TITLE:
        return text
    head, _, _ = text[: MAX_TITLE - 1].rpartition(" ")
    return f"{head or text[: MAX_TITLE - 1]}…"


async def suggest(
    platform: Platform, caller: Caller, question: str, admission: AdmittedQuestion
) -> str | None:
    """A title by the model for a conversation that begins with a question.

    It is shown the question alone: a title is there for all who may see the conversation, and an
    answer is not. None where there is no model, it fails, or the time of the question is over: the
    question stays the title.
    """
    try:
        async with admission.time():
            return await _by_model(platform, caller, question)
    except QuestionTimedOutError as error:
        log.info("conversation_not_named", why=error.detail)
        return None


async def _by_model(platform: Platform, caller: Caller, question: str) -> str | None:
    model = (await connections.equipped(platform, caller, Use.TITLE)).llm
    if model is None:
        return None
    reserved, at = tokens_of("title", question), utc_now()
    try:
        await usage.reserve_tokens(platform, caller, reserved)
    except QuotaReachedError as error:
        log.info("conversation_not_named", why=error.detail)
        return None
    spoken = await write_title(model, question)
    await usage.settle_tokens(platform, caller, model.name, spoken.usage, reserved=reserved, at=at)
    if spoken.text is None:
        log.info("conversation_not_named", why=spoken.why)
    return spoken.text


async def give(
    platform: Platform, caller: Caller, conversation_id: uuid.UUID, title: str | None
) -> None:
    """Name a conversation, unless somebody has named it meanwhile."""
    if title is not None:
        async with unit_of_work(platform, caller) as ctx:
            await repository.set_title(ctx.session, conversation_id, storable(title))
