"""Agents as models: the question is a task, the answer that of the run."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from citewell.access.policy import Scope
from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.llm.base import UserMessage
from citewell.features.agents import runs, streaming
from citewell.features.agents import service as agents
from citewell.features.agents.errors import AgentNotFoundError
from citewell.features.agents.schemas import (
    MAX_QUESTION_CHARS,
    AgentRunRead,
    AskedTask,
    ExecuteRequest,
)
from citewell.features.openai_api.dialogue import ClientDialogue, TurnRequest
from citewell.features.openai_api.errors import (
    AgentRunFailedError,
    ModelNotFoundError,
    UnsupportedParameterError,
)
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.kit.storable import storable

PREFIX = "agent:"
"""Before an agent's slug, in the name of its model."""


async def names(platform: Platform, caller: Caller) -> list[str]:
    """The models that stand for agents; of those beyond a hundred by their names all the same."""
    async with unit_of_work(platform, caller) as ctx:
        page = await agents.page(ctx, PageRequest(1, MAX_LIMIT))
    return [f"{PREFIX}{agent.slug}" for agent in page.items]


async def run(
    platform: Platform, caller: Caller, model: str, asked: TurnRequest
) -> AsyncGenerator[str | AgentRunRead, None]:
    """Yield an empty piece when the run has begun, the pieces of its answer, then the run.

    Raises:
        ForbiddenError: The credential may not start runs.
        ModelNotFoundError: There is no such agent.
        UnsupportedParameterError: Something is asked of it that agents fix themselves.
        AgentRunFailedError: It has no answer, or waits for a decision.
    """
    caller.actor.require(Scope.WRITE)
    if asked.toolbox.tools or asked.dialogue.follows_tools:
        raise UnsupportedParameterError("tools", "An agent has tools of its own: leave it out.")
    if asked.options.model_fields_set:
        raise UnsupportedParameterError("citewell", "An agent fixes where it looks: leave it out.")
    try:
        async with unit_of_work(platform, caller) as ctx:
            agent_id = await agents.find(ctx, model.removeprefix(PREFIX))
    except AgentNotFoundError:
        raise ModelNotFoundError(model) from None
    # Clients' earlier messages are theirs: what cannot be stored in them is no error of the task.
    task = ExecuteRequest(input=storable(task_of(asked.dialogue)))
    said = [each.text for each in asked.dialogue.messages if isinstance(each, UserMessage)]
    person = AskedTask(asked.dialogue.question, said)
    started = await runs.start(platform, caller, agent_id, task, asked=person)
    yield ""
    async with aclosing(streaming.follow(platform, caller, started.id)) as events:
        async for event in events:
            if event.name == "token":
                yield str(event.data["text"])
            elif event.name == "error":
                raise AgentRunFailedError(started.id, str(event.data["detail"]))
            elif event.name == "done":
                done = AgentRunRead.model_validate(event.data)
                if done.report is None:
                    raise AgentRunFailedError(started.id, "It waits for a decision on an action.")
                yield done


def task_of(dialogue: ClientDialogue) -> str:
    """The question with as much of what was said before as a task may hold, newest first."""
    left = MAX_QUESTION_CHARS - len(dialogue.question) - 100
    said: list[str] = []
    for message in reversed(dialogue.history):
        who = "Reader" if isinstance(message, UserMessage) else "You"
        line = f"{who}: {message.text}"
        left -= len(line) + 2
        if left < 0:
            break
        said.append(line)
    if not said:
        return dialogue.question
    before = "\n\n".join(reversed(said))
    return f"Said before:\n\n{before}\n\nThe task now:\n\n{dialogue.question}"
