"""Routes of agents and their runs."""

import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

from fastapi import Header
from fastapi.responses import StreamingResponse

from citewell.core.context import unit_of_work
from citewell.features.agents import runs, service, streaming
from citewell.features.agents.choosing import require_model
from citewell.features.agents.schemas import (
    MAX_INTEGER,
    AgentCitation,
    AgentCreate,
    AgentRead,
    AgentRestore,
    AgentRunRead,
    AgentRunSummary,
    AgentUpdate,
    AgentVersionRead,
    ApprovalRequest,
    ExecuteRequest,
    RunEvent,
    ToolCallShown,
)
from citewell.features.http import (
    PRIVATE,
    QUERY,
    KeyDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    listing,
)
from citewell.features.search.schemas import (
    StreamedError,
    StreamedStep,
    StreamedToken,
    StreamedUsage,
)
from citewell.kit.sse import encode_json
from citewell.models.agents import AgentRunStatus

router = Router(policy=PRIVATE, tags=["agents"])


@router.get("/agents")
async def list_agents(
    platform: PlatformDep, caller: ReaderDep, request: PageDep
) -> Listing[AgentRead]:
    """List agents, the built-in ones first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, request)
        return listing(page, page.items)


@router.post("/agents", status_code=201)
async def create_agent(platform: PlatformDep, caller: WriterDep, data: AgentCreate) -> AgentRead:
    """Make an agent."""
    await require_model(platform, caller, data.model)
    async with unit_of_work(platform, caller) as ctx:
        return await service.create(ctx, data)


@router.get("/agents/{agent_id}")
async def get_agent(platform: PlatformDep, caller: ReaderDep, agent_id: uuid.UUID) -> AgentRead:
    """Show an agent."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, agent_id)


@router.patch("/agents/{agent_id}")
async def update_agent(
    platform: PlatformDep, caller: WriterDep, agent_id: uuid.UUID, data: AgentUpdate
) -> AgentRead:
    """Change an agent, which makes a new version."""
    await require_model(platform, caller, data.model)
    async with unit_of_work(platform, caller) as ctx:
        return await service.update(ctx, agent_id, data)


@router.delete("/agents/{agent_id}", status_code=204)
async def delete_agent(platform: PlatformDep, caller: WriterDep, agent_id: uuid.UUID) -> None:
    """Remove an agent with its versions; its runs stay."""
    async with unit_of_work(platform, caller) as ctx:
        await service.delete(ctx, agent_id)


@router.get("/agents/{agent_id}/versions")
async def list_agent_versions(
    platform: PlatformDep, caller: ReaderDep, agent_id: uuid.UUID, request: PageDep
) -> Listing[AgentVersionRead]:
    """List the versions of an agent, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.versions(ctx, agent_id, request)
        return listing(page, page.items)


@router.post("/agents/{agent_id}/restore")
async def restore_agent(
    platform: PlatformDep, caller: WriterDep, agent_id: uuid.UUID, data: AgentRestore
) -> AgentRead:
    """Make an earlier definition the newest version."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.restore(ctx, agent_id, data.version)


@router.post("/agents/{agent_id}/execute", status_code=202)
@governed(QUERY)
async def execute_agent(
    platform: PlatformDep, caller: WriterDep, key: KeyDep, agent_id: uuid.UUID, data: ExecuteRequest
) -> AgentRunRead:
    """Start a run of an agent; `GET /agent-runs/{run_id}` shows how it goes."""
    return await runs.start(platform, caller, agent_id, data, key)


RUN_EVENTS = (
    ("step", StreamedStep),
    ("tool_call", ToolCallShown),
    ("tool_result", ToolCallShown),
    ("token", StreamedToken),
    ("citation", AgentCitation),
    ("usage", StreamedUsage),
    ("done", AgentRunRead),
    ("error", StreamedError),
)


@router.post("/agents/{agent_id}/execute/stream", response_class=StreamingResponse)
@governed(replace(QUERY, events=RUN_EVENTS))
async def execute_agent_as_stream(
    platform: PlatformDep, caller: WriterDep, key: KeyDep, agent_id: uuid.UUID, data: ExecuteRequest
) -> StreamingResponse:
    """Start a run and follow it: `step`, `tool_call`, `tool_result`, `usage`, then the answer.

    The answer comes as `citation` and `token` events, sentence by sentence, once it is graded;
    `done` has the whole run, `error` the reason why there is no answer. A run that waits for a
    decision is `done` too, for now. Leaving the stream does not end the run.
    """
    run = await runs.start(platform, caller, agent_id, data, key)
    return await _streamed(streaming.follow(platform, caller, run.id))


@router.get("/agent-runs/{run_id}/stream", response_class=StreamingResponse)
@governed(replace(PRIVATE, events=RUN_EVENTS))
async def follow_agent_run(
    platform: PlatformDep,
    caller: ReaderDep,
    run_id: uuid.UUID,
    last_event_id: Annotated[int, Header(ge=0, le=MAX_INTEGER)] = 0,
) -> StreamingResponse:
    """Follow a run from its beginning, or behind the event of the header `Last-Event-ID`."""
    return await _streamed(streaming.follow(platform, caller, run_id, last_event_id))


async def _streamed(events: AsyncGenerator[RunEvent, None]) -> StreamingResponse:
    # The first look is taken before the reply begins: a run that is not there is a plain 404.
    first = await anext(events)

    async def body() -> AsyncIterator[bytes]:
        async with aclosing(events):
            yield _encoded(first)
            async for event in events:
                yield _encoded(event)

    return StreamingResponse(
        body(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


def _encoded(event: RunEvent) -> bytes:
    return encode_json(event.name, json.dumps(event.data, ensure_ascii=False), event.id)


@router.get("/agent-runs")
async def list_agent_runs(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    agent_id: uuid.UUID | None = None,
    status: AgentRunStatus | None = None,
) -> Listing[AgentRunSummary]:
    """List the caller's runs, newest first; for administrators those of all, without contents."""
    async with unit_of_work(platform, caller) as ctx:
        page = await runs.page(ctx, request, agent_id=agent_id, status=status)
        return listing(page, page.items)


@router.get("/agent-runs/{run_id}")
async def get_agent_run(
    platform: PlatformDep, caller: ReaderDep, run_id: uuid.UUID
) -> AgentRunRead:
    """Show a run with its steps, calls and report."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.get(ctx, run_id)


@router.post("/agent-runs/{run_id}/approve")
async def approve_agent_run(
    platform: PlatformDep, caller: WriterDep, run_id: uuid.UUID, data: ApprovalRequest
) -> AgentRunRead:
    """Approve or refuse an action that a run waits for."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.decide(ctx, run_id, data)


@router.post("/agent-runs/{run_id}/cancel")
async def cancel_agent_run(
    platform: PlatformDep, caller: WriterDep, run_id: uuid.UUID
) -> AgentRunRead:
    """Cancel a run that has not ended."""
    async with unit_of_work(platform, caller) as ctx:
        return await runs.cancel(ctx, run_id)
