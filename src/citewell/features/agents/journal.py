"""A run's journal in the database: the history is loaded from it, and every entry is written to it.

Each entry is one transaction of one round trip, and none is open while a model or a tool works.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from typing import Any

from citewell.core.context import SYSTEM, BatchContext, Caller, Context, batched_work
from citewell.core.platform import Platform
from citewell.engine.agents.base import (
    CallState,
    CallStatus,
    History,
    RunEndedError,
    Spending,
    Turn,
)
from citewell.engine.answering.base import Passage
from citewell.engine.llm.base import TokenUsage
from citewell.features.agents import journal_repository, repository
from citewell.features.agents.schemas import RunStanding
from citewell.features.agents.standing import acting_caller
from citewell.features.jobs.errors import JobStoppedError
from citewell.kit.ids import uuid7
from citewell.models.agents import AgentRun, ToolExecution

_AFTER_APPROVAL = (CallStatus.APPROVED, CallStatus.RUNNING)
"""Statuses of a call with a decision that was not a refusal, and without a result."""

APPROVAL_HOURS = 7 * 24
"""Time for a decision: a week covers a holiday weekend."""


async def load(ctx: Context, run: AgentRun) -> History:
    """The history of a run, as its rows have it."""
    executions = await repository.calls(ctx.session, run.id)
    by_step: dict[int, list[CallState]] = {}
    for each in executions:
        by_step.setdefault(each.step, []).append(_call(each))
    history = History(
        run.question,
        spent=Spending(TokenUsage(run.input_tokens, run.output_tokens), run.money, run.seconds),
    )
    for step, entry in enumerate(await repository.replies(ctx.session, run.id)):
        said = entry.payload
        calls = by_step.get(step, [])
        usage = TokenUsage(*said["usage"])
        history.turns.append(Turn(said["text"], calls, usage, said["is_truncated"], said["output"]))
        for call in calls:
            history.shelf.add(call.passages)
    return history


def _call(row: ToolExecution) -> CallState:
    # A call that was cut off keeps its approval: it only reads, or is not repeated anyway.
    is_approved = row.decided_at is not None and row.status in _AFTER_APPROVAL
    return CallState(
        str(row.id),
        row.call_id,
        row.tool,
        row.arguments,
        CallStatus(row.status),
        row.output or "",
        tuple(_passage(each) for each in row.passages),
        approved_hash=row.arguments_hash if is_approved else None,
        approved_action=row.action if is_approved else None,
        has_effect=row.has_effect,
    )


def _passage(kept: dict[str, Any]) -> Passage:
    # JSON has no tuples; a passage with a list in it could not be hashed.
    values: dict[str, Any] = {
        **kept,
        "heading": tuple(kept["heading"]),
        "page_breaks": tuple(kept.get("page_breaks", ())),
    }
    return Passage(**values)


class RunLedger:
    """Writes the entries of one attempt at one run (`engine.agents.base.Ledger`).

    Args:
        platform: The process's platform.
        run: The run, as it was when the attempt began.
        attempt: Its number; once another attempt has begun, nothing can be written.
    """

    def __init__(self, platform: Platform, run: AgentRun, attempt: int) -> None:
        self._platform = platform
        self._caller = Caller(run.tenant_id, SYSTEM)
        self._run = run
        self._attempt = attempt
        self._steps = run.steps
        usage = TokenUsage(run.input_tokens, run.output_tokens)
        self._told = Spending(usage, run.money, run.seconds)
        """Spending as of the last entry."""

    def new_key(self) -> str:
        """An identity for a call."""
        return str(uuid7())

    async def note_reply(self, turn: Turn, spent: Spending) -> None:
        """Keep a reply with its calls; see the protocol."""
        calls = [
            {
                "id": call.key,
                "place": place,
                "call_id": call.id,
                "tool": call.tool,
                "arguments": call.arguments,
                "hash": call.hash,
            }
            for place, call in enumerate(turn.calls)
        ]
        payload = {
            "step": self._steps,
            "text": turn.text,
            "usage": [turn.usage.input_tokens, turn.usage.output_tokens],
            "is_truncated": turn.is_truncated,
            "output": turn.output,
        }
        values = {**self._values(spent, payload), "step": self._steps, "calls": _json(calls)}
        async with self._work() as ctx:
            self._require(await journal_repository.note_reply(ctx, values))
        self._told = replace(spent)
        self._steps += 1

    async def ask_person(self, call: CallState, action: str) -> None:
        """Keep that a call waits for a decision; see the protocol."""
        values = {
            **self._values(self._told, {"call": call.key}),
            "call": uuid.UUID(call.key),
            "action": action,
            "has_effect": bool(call.has_effect),
            "hours": APPROVAL_HOURS,
        }
        async with self._work() as ctx:
            self._require(await journal_repository.note_waiting(ctx, values))

    async def note_result(self, call: CallState, spent: Spending) -> None:
        """Keep the result of a call; see the protocol."""
        before = self._told
        values = {
            **self._values(spent, {"call": call.key}),
            "call": uuid.UUID(call.key),
            "status": call.status.value,
            "output": call.content,
            "passages": _json([asdict(each) for each in call.passages]),
            "document_ids": sorted(
                {*documents_of(call.passages), *map(uuid.UUID, call.document_ids)}
            ),
            "own_input": spent.usage.input_tokens - before.usage.input_tokens,
            "own_output": spent.usage.output_tokens - before.usage.output_tokens,
            "own_money": spent.money - before.money,
        }
        async with self._work() as ctx:
            self._require(await journal_repository.note_result(ctx, values))
        self._told = replace(spent)

    async def begin_call(self, call: CallState) -> Caller:
        """Note that a call begins; returns its user with the rights of this moment.

        Raises:
            JobStoppedError: The run was cancelled, or given to another worker.
            RunEndedError: Its user may not act any more.
        """
        return await self._acting(call)

    async def acting(self) -> Caller:
        """The run's user now; raises as `begin_call` does."""
        return await self._acting(None)

    async def _acting(self, call: CallState | None) -> Caller:
        async with self._work() as ctx:
            found = await journal_repository.standing(ctx, self._run.id, self._attempt, call)
        return self.caller_of(found)

    def caller_of(self, found: RunStanding | None) -> Caller:
        """The run's user, from what was found; raises as `begin_call` does."""
        if found is None:
            raise RunEndedError("The run is not there any more.")
        self._require(found.is_mine)
        # All that tools read goes into the answer.
        return acting_caller(self._run, found).asking()

    def _work(self) -> AbstractAsyncContextManager[BatchContext]:
        return batched_work(self._platform, self._caller, has_kept_plans=True)

    def _values(self, spent: Spending, payload: Mapping[str, object]) -> dict[str, object]:
        return {
            "run_id": self._run.id,
            "attempt": self._attempt,
            "input_tokens": spent.usage.input_tokens,
            "output_tokens": spent.usage.output_tokens,
            "money": spent.money,
            "seconds": spent.seconds,
            "payload": _json(payload),
        }

    @staticmethod
    def _require(is_kept: bool) -> None:
        if not is_kept:
            raise JobStoppedError


def documents_of(passages: Sequence[Passage]) -> list[uuid.UUID]:
    """The documents that passages are from."""
    return sorted({uuid.UUID(each.document_id) for each in passages})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
