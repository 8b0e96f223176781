"""Agents asked on trial: no run is kept, and nothing is done that a person has to approve."""

import uuid
from dataclasses import dataclass, field, replace

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.agents.base import (
    CallState,
    Finished,
    History,
    RunEndedError,
    Spending,
    ToolOutput,
    Turn,
)
from citewell.engine.agents.loop import AgentLoop
from citewell.engine.llm.base import TokenUsage
from citewell.features.agents import service
from citewell.features.agents.carrying import RunReading
from citewell.features.agents.choosing import model_of
from citewell.features.agents.metering import MeteredModel
from citewell.features.agents.reporting import output_of_report, report_of
from citewell.features.agents.running import MAX_DEPTH, spec_of
from citewell.features.agents.schemas import AgentDefinition, AgentReport
from citewell.features.agents.tools import servers
from citewell.features.agents.tools.registry import TOOLS
from citewell.features.agents.toolset import RunToolbox
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Outcome of a question to an agent on trial."""

    report: AgentReport | None
    """Its answer; None: it came to none."""
    reason: str
    """Why there is none; empty: there is one."""
    model: str
    usage: TokenUsage
    money: float
    read: tuple[uuid.UUID, ...]
    """Documents whose passages it was given, in that order."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """The ledger of a rehearsal (`engine.agents.base.Ledger`): it keeps nothing."""

    caller: Caller
    ancestors: tuple[str, ...] = field(default=())

    def new_key(self) -> str:
        """An identity for a call."""
        return str(uuid7())

    async def begin_call(self, call: CallState) -> Caller:  # noqa: ARG002 - as the ledger of runs
        """The caller, whose rights do not change meanwhile."""
        return self.caller

    async def note_reply(self, turn: Turn, spent: Spending) -> None:
        """Keep nothing."""

    async def ask_person(self, call: CallState, action: str) -> None:
        """End the rehearsal: nobody is there to decide.

        Raises:
            RunEndedError: Always.
        """
        raise RunEndedError(
            f"It asked for something a person would have to approve (`{call.tool}`): {action}"
        )

    async def note_result(self, call: CallState, spent: Spending) -> None:
        """Keep nothing."""


async def rehearse(
    platform: Platform, caller: Caller, slug: str, definition: AgentDefinition, question: str
) -> Rehearsal:
    """Ask an agent, with the rights of the caller and within its own limits.

    Raises:
        ModelNotSetError, ModelNotAvailableError, PriceUnknownError: It cannot run here.
        QuotaReachedError: The tenant's plan does not allow it.
        ProviderError, ProviderConfigurationError: Its model does not answer.
    """
    return await _rehearse(platform, _Trial(caller, (slug,)), definition, question)


async def _rehearse(
    platform: Platform, trial: _Trial, definition: AgentDefinition, question: str
) -> Rehearsal:
    chosen = await model_of(platform, trial.caller, definition)
    model = MeteredModel(chosen, platform, trial.caller)

    async def run_child(_: CallState, caller: Caller, slug: str, task: str) -> ToolOutput:
        return await _ask_other(platform, replace(trial, caller=caller), slug, task)

    tools = {name: TOOLS[name] for name in definition.tools if name in TOOLS}
    tools |= await servers.tools_of(platform, trial.caller.tenant_id, definition.tools)
    history, today = History(question), utc_now().date().isoformat()
    is_agents = len(trial.ancestors) > 1
    reading = RunReading(
        history, definition.instructions, is_persons=not is_agents, has_documents=is_agents
    )
    toolbox = RunToolbox(platform, definition, tools, reading, trial, run_child)
    outcome = await AgentLoop(model, spec_of(definition), toolbox, trial, history, today).run()
    report, reason = None, ""
    if isinstance(outcome, Finished):
        report = await report_of(platform, trial.caller, history, outcome.turn)
    else:
        reason = getattr(outcome, "reason", "It waits for a person.")
    read = dict.fromkeys(uuid.UUID(each.document_id) for each in history.shelf.passages)
    spent = history.spent
    return Rehearsal(report, reason, chosen.name, spent.usage, spent.money, tuple(read))


async def _ask_other(platform: Platform, trial: _Trial, slug: str, task: str) -> ToolOutput:
    """Ask another agent for one that is rehearsed."""
    if slug in trial.ancestors:
        return ToolOutput("An agent cannot call itself or one that called it.", is_error=True)
    if len(trial.ancestors) > MAX_DEPTH:
        return ToolOutput(f"Agents call each other at most {MAX_DEPTH} deep.", is_error=True)
    async with unit_of_work(platform, trial.caller) as ctx:
        agent_id = await service.find(ctx, slug)
        slug, _, definition = await service.definition_of(ctx, agent_id)
    inner = replace(trial, ancestors=(*trial.ancestors, slug))
    made = await _rehearse(platform, inner, definition, task)
    return output_of_report(made.report, made.reason, made.usage, made.money)
