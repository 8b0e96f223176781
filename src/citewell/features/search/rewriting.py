"""Searches for the questions that a model writes besides the one that was asked."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.embedding.token_estimate import estimate_tokens
from citewell.engine.llm.base import LanguageModel
from citewell.engine.retrieval.arranging import AS_RANKED
from citewell.engine.retrieval.pipeline import (
    NO_RERANKING,
    EmptyQuestionError,
    Failure,
    Options,
    Retrieved,
    Source,
    arranged,
    retrieve,
)
from citewell.engine.retrieval.rewriting import (
    REPLY_TOKENS,
    Rewritten,
    merged,
    rewrite,
)
from citewell.engine.retrieval.techniques import TECHNIQUES, Rewriting
from citewell.features.search.writing import writing_of
from citewell.features.usage import service as usage
from citewell.features.usage.errors import QuotaReachedError
from citewell.kit.clock import Stopwatch, utc_now
from citewell.kit.tasks import TaskGroup


async def rewriting_of(platform: Platform, caller: Caller) -> Rewriting:
    """Other questions that a model writes for the caller's tenant; none without a model."""
    installations = platform.state_of(Rewriting)
    if platform.llm is None:
        return replace(installations, techniques=())
    own = await writing_of(platform, caller)
    techniques = installations.techniques
    if own.techniques is not None:
        techniques = tuple(name for name in TECHNIQUES if name in own.techniques)
    return replace(installations, techniques=techniques, own_prompts=own.prompts)


async def retrieve_with_others(
    platform: Platform,
    spender: Caller,
    rewriting: Rewriting,
    own: Source,
    other: Callable[[], Source],
    question: str,
    options: Options,
    watch: Stopwatch,
) -> Retrieved:
    """Search for the question while the model writes others, then for those, all at once.

    Args:
        platform: Its model.
        spender: Whose tokens the model takes.
        rewriting: What the model writes.
        own: The library for the question.
        other: Opens it for another one, which is not counted as a query.
        question: As asked.
        options: How to look.
        watch: Takes the times of the stages.

    Raises:
        EmptyQuestionError: It holds no words.
    """
    assert platform.llm is not None
    # All that may be needed later, as the lists are put in order only when they are one.
    plain = replace(
        options,
        top_k=options.candidates,
        reranking=NO_RERANKING,
        arrangement=replace(AS_RANKED, neighbours=options.arrangement.neighbours),
    )
    async with TaskGroup() as group:
        writing = group.create_task(_written(platform, platform.llm, spender, question, rewriting))
        found = await retrieve(own, question, plain, watch)
    written = writing.result()
    watch.lap("rewrite")
    searches = [
        _search(other(), each.text, replace(plain, has_lexical=each.technique != "hyde"))
        for each in written.questions
    ]
    others = [each for each in await asyncio.gather(*searches) if each is not None]
    watch.lap("others")
    return await arranged(merged(found, others, written), options, watch)


async def _search(source: Source, text: str, options: Options) -> Retrieved | None:
    try:
        return await retrieve(source, text, options, Stopwatch())
    except EmptyQuestionError:
        return None  # a model may write a line of dashes


async def _written(
    platform: Platform, model: LanguageModel, spender: Caller, question: str, rewriting: Rewriting
) -> Rewritten:
    prompts = sum(
        estimate_tokens(rewriting.prompt_of(name) + question) for name in rewriting.techniques
    )
    reserved, at = prompts + REPLY_TOKENS * len(rewriting.techniques), utc_now()
    try:
        await usage.reserve_tokens(platform, spender, reserved)
    except QuotaReachedError as error:
        return Rewritten(failures=(Failure("rewriting", error.detail),))
    written = await rewrite(model, question, rewriting)
    await usage.settle_tokens(
        platform, spender, model.name, written.usage, reserved=reserved, at=at
    )
    return written
