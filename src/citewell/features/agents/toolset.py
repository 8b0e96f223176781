"""The tools of one run: called with the rights its user has at that moment."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from pydantic import BaseModel

from citewell.core.context import Caller, unit_of_work
from citewell.core.database.sessions import comes_from_outage
from citewell.core.errors import AppError
from citewell.core.jobs import TransientJobError
from citewell.core.platform import Platform
from citewell.engine.agents.base import (
    CallState,
    PersonNeededError,
    RunEndedError,
    ToolOutput,
    ToolTerms,
)
from citewell.engine.errors import EngineError
from citewell.features.agents.carrying import RunReading
from citewell.features.agents.pacing import AgentPace
from citewell.features.agents.schemas import AgentDefinition
from citewell.features.agents.tools.base import AgentTool, ToolWork
from citewell.features.collections import service as collections
from citewell.features.jobs.errors import JobStoppedError
from citewell.kit.spans import span

log = structlog.get_logger(__name__)

T = TypeVar("T")

ENDS_RUN = (RunEndedError, PersonNeededError, JobStoppedError, TransientJobError)
"""Errors of a tool that are about the run, not about the call."""

CRASHED = "The tool failed with an internal error; the server's log has the details."

CANCEL_SECONDS = 2.0
"""Time for a tool that was cut off to clean up."""

RunChild = Callable[[CallState, Caller, str, str], Awaitable[ToolOutput]]
"""Runs another agent for a call: the caller, its slug, the task."""


class CallLedger(Protocol):
    """Tells whose rights a call has."""

    async def begin_call(self, call: CallState) -> Caller:
        """Note that a call begins; returns its user with the rights of this moment."""
        ...


class RunToolbox:
    """The tools of one attempt at one run (`engine.agents.base.Toolbox`).

    Args:
        platform: The process's platform.
        definition: The agent.
        tools: Its tools by name.
        reading: The texts that the run has before it.
        ledger: Tells who the user is at each call.
        run_child: Runs another agent.
    """

    def __init__(
        self,
        platform: Platform,
        definition: AgentDefinition,
        tools: Mapping[str, AgentTool],
        reading: RunReading,
        ledger: CallLedger,
        run_child: RunChild,
    ) -> None:
        self._platform = platform
        self._definition = definition
        self._tools = tools
        self._reading = reading
        self._ledger = ledger
        self._run_child = run_child
        self._specs = {name: tool.spec for name, tool in tools.items()}

    @property
    def specs(self) -> Mapping[str, ToolTerms]:
        """The tools by name."""
        return self._specs

    def action_of(self, tool: str, arguments: BaseModel) -> str | None:
        """The action that has to be approved first."""
        asked = self._tools[tool]
        address = asked.address(self._platform, arguments)
        if address is not None and self._reading.may_carry(address):
            return f"GET {address}"
        return asked.action(self._platform, arguments)

    async def run(self, call: CallState, arguments: BaseModel) -> ToolOutput:
        """Do a call; its failure is a result like another."""
        caller = await self._ledger.begin_call(call)
        work = ToolWork(
            self._platform,
            caller,
            await self._places(caller),
            call.key,
            partial(self._run_child, call, caller),
        )
        with span("tool", gen_ai__tool__name=call.tool) as told:
            doing = self._tools[call.tool].run(work, arguments)
            error = await _ended(self._platform.state_of(AgentPace).metered(doing))
            if isinstance(error, BaseException):
                told.fail(type(error).__name__)
        if not isinstance(error, BaseException):
            return error
        if isinstance(error, ENDS_RUN) or comes_from_outage(error):
            raise error
        if isinstance(error, AppError):
            return ToolOutput(error.detail, is_error=True)
        if isinstance(error, EngineError):
            return ToolOutput(str(error), is_error=True)
        log.error("tool_crashed", tool=call.tool, call=call.key, exc_info=error)
        return ToolOutput(CRASHED, is_error=True)

    async def _places(self, caller: Caller) -> Sequence[uuid.UUID] | None:
        """The agent's collections that are there for the user now.

        Raises:
            RunEndedError: None is any more.
        """
        wanted = self._definition.collection_ids
        if wanted is None:
            return None
        async with unit_of_work(self._platform, caller) as ctx:
            visible = await collections.visible(ctx, wanted)
        if not visible:
            raise RunEndedError("None of the collections that the agent looks in is there now.")
        return visible


async def _ended(work: Coroutine[Any, Any, T]) -> T | BaseException:
    """The result of work, or the error it ended with; the work is cut off with the caller.

    A task of its own: whatever a tool raises is a value here, and needs no handler for everything.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task])
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_SECONDS)
    if task.cancelled():
        raise asyncio.CancelledError
    return task.exception() or task.result()
