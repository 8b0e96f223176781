"""Admission of a question: what the tenant's rules say before anything is looked for."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.core.slots import SlotLease, SlotsTakenError, Wanted
from citewell.engine.text.expressions import SeenText
from citewell.features.question_policies import service
from citewell.features.question_policies.errors import (
    CollectionNotAskedError,
    QuestionRefusedError,
    QuestionTimedOutError,
    QuestionTooLongError,
    TooManyQuestionsError,
)
from citewell.features.question_policies.schemas import AskedQuestion
from citewell.features.question_policies.service import RulesInForce
from citewell.kit.ids import uuid7

PER_USER, PER_TENANT = "user-questions", "tenant-questions"

MOST_AT_ONCE = 10_000_000
"""Characters times instructions of patterns that the event loop reads itself, 20 ms at most; more
is read in a thread, which RE2 lets others work beside."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class AdmittedQuestion:
    """A question that was admitted, and for how long."""

    rules: RulesInForce
    deadline: float | None = None
    """Time of the event loop; None: it may take as long as it takes."""

    async def check(self, texts: Sequence[str]) -> None:
        """Refuse texts that a pattern fits.

        Raises:
            QuestionRefusedError: One does; its message is that of the first pattern.
        """
        patterns = self.rules.patterns
        steps = sum(map(len, texts)) * sum(pattern.size for pattern, _ in patterns)
        if steps <= MOST_AT_ONCE:
            message = self._fitting(texts)
        else:
            message = await asyncio.to_thread(self._fitting, texts)
        if message is not None:
            raise QuestionRefusedError(message)

    def _fitting(self, texts: Sequence[str]) -> str | None:
        seen = [SeenText.of(text) for text in texts]
        for pattern, message in self.rules.patterns:
            if any(pattern.is_in(text) for text in seen):
                return message
        return None

    @asynccontextmanager
    async def time(self) -> AsyncGenerator[None, None]:
        """Cut the block off when the time is over.

        Raises:
            QuestionTimedOutError: It is.
        """
        limit = asyncio.timeout_at(self.deadline)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise QuestionTimedOutError(self.rules.policy.seconds or 0) from None

    async def timed(self, items: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
        """Yield the items that come in time; raises as `time` does.

        The time of whoever reads them is not bounded here, only counted.
        """
        while True:
            async with self.time():
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            yield item


@asynccontextmanager
async def admitted(
    platform: Platform, caller: Caller, asked: AskedQuestion
) -> AsyncGenerator[AdmittedQuestion, None]:
    """Admit a question for as long as the block lasts; it counts as one that is being answered.

    Args:
        platform: The handles of the process.
        caller: Who asks; whose access it has stands in `asked`.
        asked: The question.

    Raises:
        QuestionTooLongError, QuestionRefusedError, CollectionNotAskedError: It is not admitted.
        TooManyQuestionsError: As many are being answered as may be.
    """
    admission = await _checked(platform, caller, asked)
    wanted, lease = _wanted(admission.rules, caller), platform.state_of(SlotLease)
    try:
        async with platform.limiter.slots.holding(wanted, str(uuid7()), lease):
            yield admission
    except SlotsTakenError as error:
        raise _too_many(error) from None


async def admit_run(
    platform: Platform, caller: Caller, asked: AskedQuestion, run_id: uuid.UUID
) -> AdmittedQuestion:
    """Admit a question that a job answers; it counts for one lease, until the job goes on with it.

    Raises as `admitted` does.
    """
    admission = await _checked(platform, caller, asked)
    wanted, lease = _wanted(admission.rules, caller), platform.state_of(SlotLease)
    try:
        await platform.limiter.slots.take(wanted, str(run_id), lease)
    except SlotsTakenError as error:
        raise _too_many(error) from None
    return admission


async def drop_run(
    platform: Platform, caller: Caller, admission: AdmittedQuestion, run_id: uuid.UUID
) -> None:
    """Count a question no more that was admitted, and for which no job was made."""
    wanted = _wanted(admission.rules, caller)
    await platform.limiter.slots.give_back(wanted, str(run_id))


async def admit_made(platform: Platform, caller: Caller, asked: AskedQuestion) -> AdmittedQuestion:
    """Admit what a workflow asks: it may be of any length, and has no slot of its own.

    Nobody is there to ask again later, so it is not refused for what else goes on.

    Raises:
        QuestionRefusedError, CollectionNotAskedError: It is not admitted.
    """
    return await _checked(platform, caller, asked, has_length=False)


@asynccontextmanager
async def running(
    platform: Platform, tenant_id: uuid.UUID, user_id: uuid.UUID | None, run_id: uuid.UUID
) -> AsyncGenerator[None, None]:
    """Count an admitted question as being answered while its job is at work."""
    rules = await service.in_force(platform, tenant_id)
    wanted = _limits(rules, tenant_id, user_id)
    slots, lease = platform.limiter.slots, platform.state_of(SlotLease)
    async with slots.holding(wanted, str(run_id), lease, is_admitted=True):
        yield


async def _checked(
    platform: Platform, caller: Caller, asked: AskedQuestion, *, has_length: bool = True
) -> AdmittedQuestion:
    rules = await service.in_force(platform, caller.tenant_id)
    policy = rules.policy
    seconds = policy.seconds
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    admission = AdmittedQuestion(rules, deadline)
    longest = policy.longest_question if has_length else None
    if longest is not None and len(asked.text) > longest:
        raise QuestionTooLongError(len(asked.text), longest)
    if rules.patterns:
        await admission.check([asked.text, *asked.more])
    askable = policy.askable(asked.role)
    for each in asked.collection_ids if askable is not None else ():
        if each not in (askable or ()):
            raise CollectionNotAskedError(each)
    return admission


def _wanted(rules: RulesInForce, caller: Caller) -> list[Wanted]:
    return _limits(rules, caller.tenant_id, caller.actor.user_id)


def _limits(rules: RulesInForce, tenant_id: uuid.UUID, user_id: uuid.UUID | None) -> list[Wanted]:
    """The limits for a user; None: software of the organisation or a box, behind which are many."""
    policy, tenant = rules.policy, str(tenant_id)
    wanted: list[Wanted] = []
    if policy.concurrent_per_user is not None and user_id is not None:
        wanted.append(Wanted(PER_USER, policy.concurrent_per_user, (tenant, str(user_id))))
    if policy.concurrent_per_tenant is not None:
        wanted.append(Wanted(PER_TENANT, policy.concurrent_per_tenant, (tenant,)))
    return wanted


def _too_many(error: SlotsTakenError) -> TooManyQuestionsError:
    wanted = error.wanted
    return TooManyQuestionsError(wanted.most, is_own=wanted.name == PER_USER)
