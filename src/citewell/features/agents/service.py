"""Making, changing and removing agents; every change is a version."""

import uuid
from collections.abc import Sequence

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.engine.agents.answer_schema import SchemaError, check_schema
from citewell.features.agents import repository
from citewell.features.agents.built_in import BUILT_IN, VERSION, BuiltInAgent
from citewell.features.agents.errors import (
    AgentBuiltInError,
    AgentExistsError,
    AgentNotFoundError,
    AgentVersionNotFoundError,
    InvalidAgentError,
    TooManyAgentsError,
)
from citewell.features.agents.schemas import (
    AgentCreate,
    AgentDefinition,
    AgentRead,
    AgentUpdate,
    AgentVersionRead,
)
from citewell.features.agents.tools import servers
from citewell.features.agents.tools.registry import TOOLS
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.agents import Agent, AgentVersion

MAKES_AGENTS_FROM = Role.MANAGER
"""Lowest role that makes and changes agents, as it does collections."""

MAX_AGENTS = 200


async def page(ctx: Context, request: PageRequest) -> Page[AgentRead]:
    """Agents by slug, the built-in ones first."""
    shown = [_built_in_read(ctx, each) for each in BUILT_IN.values()]
    shown += [_read(ctx, *each) for each in await repository.agents(ctx.session)]
    part = shown[request.offset : request.offset + request.limit]
    return Page(part, request, len(shown))


async def get(ctx: Context, agent_id: uuid.UUID) -> AgentRead:
    """An agent.

    Raises:
        AgentNotFoundError: There is none.
    """
    if (built_in := BUILT_IN.get(agent_id)) is not None:
        return _built_in_read(ctx, built_in)
    found = await repository.agent(ctx.session, agent_id)
    if found is None:
        raise AgentNotFoundError(agent_id)
    return _read(ctx, *found)


async def find(ctx: Context, wanted: str) -> uuid.UUID:
    """The id of the agent with this slug, id or unique beginning of an id.

    Raises:
        AgentNotFoundError: There is none, or several begin so.
    """
    known = {each.slug: each.id for each in BUILT_IN.values()}
    known |= {agent.slug: agent.id for agent, _ in await repository.agents(ctx.session)}
    if wanted in known:
        return known[wanted]
    begun = [each for each in known.values() if str(each).startswith(wanted.lower())]
    if not wanted or len(begun) != 1:
        raise AgentNotFoundError(wanted)
    return begun[0]


async def definition_of(ctx: Context, agent_id: uuid.UUID) -> tuple[str, int, AgentDefinition]:
    """Slug, version and definition of an agent, for whoever runs it.

    Raises:
        AgentNotFoundError: There is none.
    """
    if (built_in := BUILT_IN.get(agent_id)) is not None:
        return built_in.slug, VERSION, built_in.definition
    found = await repository.agent(ctx.session, agent_id)
    if found is None:
        raise AgentNotFoundError(agent_id)
    agent, version = found
    return agent.slug, version.number, AgentDefinition.model_validate(version.definition)


async def create(ctx: Context, data: AgentCreate) -> AgentRead:
    """Make an agent.

    Raises:
        ForbiddenError: The caller's role does not make agents.
        AgentExistsError: The slug is taken.
        InvalidAgentError, CollectionNotFoundError: The definition cannot be run.
        TooManyAgentsError: There are too many.
    """
    ctx.actor.require_role(MAKES_AGENTS_FROM)
    definition = AgentDefinition.model_validate(data.model_dump(exclude={"slug"}))
    await _check(ctx, definition)
    if any(each.slug == data.slug for each in BUILT_IN.values()):
        raise AgentExistsError(data.slug)
    if await repository.count_agents(ctx.session) >= MAX_AGENTS:
        raise TooManyAgentsError(MAX_AGENTS)
    agent = Agent(
        tenant_id=ctx.tenant_id,
        id=uuid7(),
        slug=data.slug,
        name=definition.name,
        version=1,
        created_by=ctx.actor.user_id,
    )
    version = _version(ctx, agent, definition)
    if not await repository.add_agent(ctx.session, agent, version):
        raise AgentExistsError(data.slug)
    await _record(ctx, "agent.created", agent.id, version=1)
    return _read(ctx, agent, version)


async def update(ctx: Context, agent_id: uuid.UUID, data: AgentUpdate) -> AgentRead:
    """Change an agent: a new version, unless nothing is different.

    Raises:
        ForbiddenError, AgentNotFoundError, AgentBuiltInError, InvalidAgentError: As they say.
    """
    agent = await _changeable(ctx, agent_id)
    before = await repository.version(ctx.session, agent.id, agent.version)
    assert before is not None
    changes = data.model_dump(mode="json", exclude_unset=True)
    definition = AgentDefinition.model_validate(
        {**before.definition, **{k: v for k, v in changes.items() if _may_be(k, v)}}
    )
    if definition.model_dump(mode="json") == before.definition:
        return _read(ctx, agent, before)
    await _check(ctx, definition)
    return await _add_version(ctx, agent, definition, "agent.changed")


async def restore(ctx: Context, agent_id: uuid.UUID, number: int) -> AgentRead:
    """Make the definition of an earlier version the newest one.

    Raises:
        ForbiddenError, AgentNotFoundError, AgentBuiltInError, InvalidAgentError: As they say.
        AgentVersionNotFoundError: There is no such version.
    """
    agent = await _changeable(ctx, agent_id)
    wanted = await repository.version(ctx.session, agent.id, number)
    if wanted is None:
        raise AgentVersionNotFoundError(number)
    if number == agent.version:
        return _read(ctx, agent, wanted)
    definition = AgentDefinition.model_validate(wanted.definition)
    await _check(ctx, definition)
    return await _add_version(ctx, agent, definition, "agent.restored")


async def delete(ctx: Context, agent_id: uuid.UUID) -> None:
    """Remove an agent with its versions; runs that have begun go on, and stay.

    Raises:
        ForbiddenError, AgentNotFoundError, AgentBuiltInError: As they say.
    """
    agent = await _changeable(ctx, agent_id)
    await repository.remove_agent(ctx.session, agent.id)
    await _record(ctx, "agent.deleted", agent.id)


async def versions(
    ctx: Context, agent_id: uuid.UUID, request: PageRequest
) -> Page[AgentVersionRead]:
    """Versions of an agent, newest first.

    Raises:
        ForbiddenError: The caller's role does not change agents.
        AgentNotFoundError: There is none.
        AgentBuiltInError: It has no versions.
    """
    agent = await _changeable(ctx, agent_id)
    found = await repository.versions(ctx.session, agent.id, request)
    shown = [
        AgentVersionRead(
            number=each.number,
            is_active=each.number == agent.version,
            definition=AgentDefinition.model_validate(each.definition),
            created_by=each.created_by,
            created_at=each.created_at,
        )
        for each in found.items
    ]
    return Page(shown, request, found.total)


def _may_be(name: str, value: object) -> bool:
    """Whether null is a value of the field, and not an absent change."""
    return value is not None or name in (
        "model", "temperature", "collection_ids", "answer_schema",
    )  # fmt: skip


async def _changeable(ctx: Context, agent_id: uuid.UUID) -> Agent:
    built_in = BUILT_IN.get(agent_id)
    agent = None if built_in else await repository.lock_agent(ctx.session, agent_id)
    if built_in is None and agent is None:
        raise AgentNotFoundError(agent_id)
    ctx.actor.require_role(MAKES_AGENTS_FROM)
    if agent is None:
        assert built_in is not None
        raise AgentBuiltInError(built_in.slug)
    return agent


async def _check(ctx: Context, definition: AgentDefinition) -> None:
    outside = [name for name in definition.tools if servers.SEPARATOR in name]
    for name in outside:
        why = servers.problem_with(name, ctx.platform.settings, ctx.tenant_id)
        if why is not None:
            raise InvalidAgentError(why)
    unknown = [name for name in definition.tools if name not in TOOLS and name not in outside]
    if unknown:
        raise InvalidAgentError(
            f"There is no tool `{unknown[0]}`; the tools are {', '.join(TOOLS)}."
        )
    if definition.answer_schema is not None:
        try:
            check_schema(dict(definition.answer_schema))
        except SchemaError as error:
            raise InvalidAgentError(f"The answer schema cannot be used: {error}") from None
    if definition.collection_ids is not None:
        await collections.require_all(ctx, definition.collection_ids)


async def _add_version(
    ctx: Context, agent: Agent, definition: AgentDefinition, action: str
) -> AgentRead:
    agent.version += 1
    agent.name = definition.name
    version = _version(ctx, agent, definition)
    await repository.add_version(ctx.session, agent, version)
    await _record(ctx, action, agent.id, version=agent.version)
    return _read(ctx, agent, version)


def _version(ctx: Context, agent: Agent, definition: AgentDefinition) -> AgentVersion:
    return AgentVersion(
        tenant_id=ctx.tenant_id,
        agent_id=agent.id,
        number=agent.version,
        definition=definition.model_dump(mode="json"),
        created_by=ctx.actor.user_id,
    )


async def _record(ctx: Context, action: str, agent_id: uuid.UUID, **details: object) -> None:
    await audit.record(ctx, action, object_kind="agent", object_id=agent_id, details=details)


def _read(ctx: Context, agent: Agent, version: AgentVersion) -> AgentRead:
    definition = AgentDefinition.model_validate(version.definition)
    may_change = ctx.actor.role >= MAKES_AGENTS_FROM
    return AgentRead(
        id=agent.id,
        slug=agent.slug,
        name=definition.name,
        description=definition.description,
        version=agent.version,
        is_built_in=False,
        tools=definition.tools,
        definition=definition if may_change else None,
        created_at=agent.created_at,
        updated_at=agent.updated_at,
    )


def _built_in_read(ctx: Context, agent: BuiltInAgent) -> AgentRead:
    definition = agent.definition
    return AgentRead(
        id=agent.id,
        slug=agent.slug,
        name=definition.name,
        description=definition.description,
        version=VERSION,
        is_built_in=True,
        tools=definition.tools,
        definition=definition if ctx.actor.role >= MAKES_AGENTS_FROM else None,
        created_at=None,
        updated_at=None,
    )


def tool_names() -> Sequence[str]:
    """Names of all tools."""
    return list(TOOLS)
