"""Texts of workflows, checked against what there is in the tenant."""

import json
import uuid
from collections.abc import Mapping

from pydantic import JsonValue

from citewell.core.context import Context
from citewell.engine.workflows.checking import ReadWorkflow, nesting_problems, read_workflow
from citewell.engine.workflows.problems import WorkflowProblem, WorkflowSpecError
from citewell.engine.workflows.spec import (
    AgentTask,
    NestedTask,
    SearchTask,
    WorkflowSpec,
    tasks_of,
)
from citewell.engine.workflows.templates import references
from citewell.features.agents import service as agents
from citewell.features.agents.errors import AgentNotFoundError
from citewell.features.collections import service as collections
from citewell.features.workflows import repository


async def read(
    ctx: Context, slug: str, source: str | Mapping[str, JsonValue]
) -> tuple[str, ReadWorkflow]:
    """A workflow and the text that is kept of it.

    Raises:
        WorkflowSpecError: It cannot be run, with all faults.
    """
    text = source if isinstance(source, str) else json.dumps(source, ensure_ascii=False, indent=2)
    made = read_workflow(text)
    problems = [*await _of_tasks(ctx, made), *await _of_nested(ctx, slug, made)]
    if problems:
        raise WorkflowSpecError(problems)
    return text, made


async def _of_nested(ctx: Context, slug: str, made: ReadWorkflow) -> list[WorkflowProblem]:
    tasks = [task for node in made.spec.nodes for task in tasks_of(node)]
    if not any(isinstance(task, NestedTask) for task in tasks):
        return []
    known = {
        workflow.slug: WorkflowSpec.model_validate(version.spec)
        for workflow, version in await repository.workflows(ctx.session)
    }
    return nesting_problems(slug, made, known)


async def _of_tasks(ctx: Context, made: ReadWorkflow) -> list[WorkflowProblem]:
    """Agents and collections that are not there for the caller."""
    problems: list[WorkflowProblem] = []
    for n, node in enumerate(made.spec.nodes):
        for task in tasks_of(node):
            message = None
            if isinstance(task, AgentTask):
                message = await _of_agent(ctx, task.agent)
            elif isinstance(task, SearchTask):
                message = await _of_collections(ctx, task.collection_ids or [])
            if message is not None:
                problems.append(made.source.problem(("nodes", n), message))
    return problems


async def _of_agent(ctx: Context, slug: str) -> str | None:
    try:
        await agents.find(ctx, slug)
    except AgentNotFoundError:
        return f"there is no agent `{slug}`; name one of `GET /agents`"
    return None


async def _of_collections(ctx: Context, written: list[str]) -> str | None:
    ids: list[uuid.UUID] = []
    for each in written:
        # References are filled in at run time, and looked at then.
        if references(each):
            continue
        try:
            ids.append(uuid.UUID(each))
        except ValueError:
            return f"`{each}` is no id of a collection"
    there = await collections.visible(ctx, ids) if ids else []
    gone = [each for each in ids if each not in there]
    return f"there is no collection `{gone[0]}`" if gone else None
