"""Writes answers into the log: those of a tenant that wait at one moment go together."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from citewell.core.context import Caller, batched_work
from citewell.core.platform import Platform
from citewell.features.search import repository
from citewell.features.search.errors import AnswerNotKeptError
from citewell.features.search.schemas import AnswerRecord

MOST_TOGETHER = 50
"""Answers of one transaction: beyond some tens a transaction for each costs little more."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    caller: Caller
    record: AnswerRecord
    written: "asyncio.Future[None]"


@dataclass(slots=True)
class AnswerLog:
    """Answers that wait to be written, by tenant.

    Each is committed before it is given, so that whoever got it can rate it. A transaction for each
    would cost more than a cached answer; while one is under way the next ones gather.
    """

    _waiting: dict[uuid.UUID, list[_Waiting]] = field(
        default_factory=dict[uuid.UUID, list[_Waiting]]
    )
    _writing: dict[uuid.UUID, "asyncio.Future[None]"] = field(
        default_factory=dict[uuid.UUID, "asyncio.Future[None]"]
    )

    async def add(self, platform: Platform, caller: Caller, record: AnswerRecord) -> None:
        """Write an answer and wait until it is committed.

        Raises:
            AnswerNotKeptError: The database does not answer, or is full.
        """
        tenant_id, written = caller.tenant_id, asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, []).append(_Waiting(caller, record, written))
        if tenant_id not in self._writing:
            self._writing[tenant_id] = asyncio.ensure_future(self._write_all(platform, tenant_id))
        await asyncio.wait([written])
        written.result()

    async def _write_all(self, platform: Platform, tenant_id: uuid.UUID) -> None:
        try:
            while waiting := self._waiting.get(tenant_id):
                self._waiting[tenant_id] = waiting[MOST_TOGETHER:]
                await _write(platform, waiting[:MOST_TOGETHER])
        finally:
            self._waiting.pop(tenant_id, None)
            del self._writing[tenant_id]


async def _write(platform: Platform, waiting: Sequence[_Waiting]) -> None:
    """Write answers; what fails is told to those who wait."""
    writing = asyncio.ensure_future(_keep(platform, waiting))
    await asyncio.wait([writing])
    failure = writing.exception()
    if failure is not None and len(waiting) > 1 and not isinstance(failure, AnswerNotKeptError):
        for each in waiting:  # one of them is at fault
            await _write(platform, [each])
        return
    for each in waiting:
        if failure is None:
            each.written.set_result(None)
        else:
            each.written.set_exception(failure)
            each.written.exception()  # whoever waits may have left


async def _keep(platform: Platform, waiting: Sequence[_Waiting]) -> None:
    records = [(each.caller.actor, each.record) for each in waiting]
    async with batched_work(platform, waiting[0].caller, has_kept_plans=True) as ctx:
        await repository.keep(ctx, records, usual_days=platform.settings.answer_days)
