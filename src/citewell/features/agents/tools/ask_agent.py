"""Handing a part of the task to another agent."""

from pydantic import BaseModel, ConfigDict, Field

from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.features.agents.tools.base import AgentTool, ToolWork


class AskAgentArguments(BaseModel):
    """An agent and its task."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(min_length=1, max_length=64, description="Its slug, such as `researcher`.")
    task: str = Field(
        min_length=1, max_length=8_000, description="All it needs to know: it sees nothing else."
    )


async def _run(work: ToolWork, arguments: AskAgentArguments) -> ToolOutput:
    return await work.run_agent(arguments.agent, arguments.task)


TOOL = AgentTool(
    ToolTerms(
        "ask_agent",
        "Have another agent work on a part of the task; its answer comes back with its passages.",
        AskAgentArguments,
        # Bounded by what the asking run has left, and by the other's own limit.
        seconds=3_600,
    ),
    _run,
)
