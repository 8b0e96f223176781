"""Shapes of agents and their runs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, computed_field

from citewell.access.policy import Role
from citewell.features.search.schemas import CollectionIds, DegradedRead, SentenceRead, passage_link
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableJson, StorableText
from citewell.kit.visible import VISIBLE_LINE, VISIBLE_TEXT
from citewell.models.agents import AgentRunStatus

MAX_QUESTION_CHARS = 20_000
MAX_INSTRUCTIONS_CHARS = 20_000
MAX_INTEGER = 2**31 - 1

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
ToolName = Annotated[str, Field(min_length=1, max_length=64)]


LEAST_SECONDS = 5
"""Least time of a run: below it no model has answered once."""


class AgentLimitsRead(RequestBody):
    """Bounds of one run."""

    steps: int = Field(default=12, ge=1, le=50, description="Replies of the model.")
    tokens: int = Field(
        default=200_000, ge=1_000, le=5_000_000, description="Input and output of all replies."
    )
    money: float | None = Field(
        default=None, gt=0, le=1_000, allow_inf_nan=False, description="US dollars."
    )
    seconds: int = Field(
        default=300,
        ge=LEAST_SECONDS,
        le=3_600,
        description="Time at work; waiting for a person is free.",
    )


class AgentDefinition(RequestBody):
    """Everything that a version of an agent fixes."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
    description: Annotated[str, Field(max_length=2_000), VISIBLE_TEXT] = ""
    instructions: Annotated[StorableText, Field(min_length=1, max_length=MAX_INSTRUCTIONS_CHARS)]
    model: Annotated[StorableText, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="`provider:model`; none: the default of the installation."
    )
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    collection_ids: CollectionIds | None = Field(
        default=None, description="Where it looks; none: everywhere its user may."
    )
    tools: list[ToolName] = Field(max_length=40)
    limits: AgentLimitsRead = Field(default_factory=AgentLimitsRead)
    answer_schema: dict[str, StorableJson] | None = Field(
        default=None, description="JSON Schema of the answer, an object; none: prose."
    )


class AgentCreate(AgentDefinition):
    """A new agent."""

    slug: Slug = Field(description="Its short name, unique in the tenant.")


class AgentUpdate(RequestBody):
    """Changes that make a new version; fields left out stay as they are."""

    model_config = ConfigDict(str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE] | None = None
    description: Annotated[str, Field(max_length=2_000), VISIBLE_TEXT] | None = None
    instructions: (
        Annotated[StorableText, Field(min_length=1, max_length=MAX_INSTRUCTIONS_CHARS)] | None
    ) = None
    model: Annotated[StorableText, Field(min_length=1, max_length=200)] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    collection_ids: CollectionIds | None = None
    tools: list[ToolName] | None = Field(default=None, max_length=40)
    limits: AgentLimitsRead | None = None
    answer_schema: dict[str, StorableJson] | None = None


class AgentRestore(RequestBody):
    """The version whose definition becomes the newest one."""

    version: int = Field(ge=1, le=MAX_INTEGER)


class AgentRead(BaseModel):
    """An agent as the API shows it."""

    id: uuid.UUID
    slug: str
    name: str
    description: str
    version: int
    is_built_in: bool
    tools: list[str]
    definition: AgentDefinition | None
    """Null for those who may not change agents."""
    created_at: datetime | None
    updated_at: datetime | None


class AgentVersionRead(BaseModel):
    """One version of an agent."""

    number: int
    is_active: bool
    definition: AgentDefinition
    created_by: uuid.UUID | None
    created_at: datetime


class ExecuteRequest(RequestBody):
    """A task for an agent."""

    model_config = ConfigDict(str_strip_whitespace=True)

    input: Annotated[StorableText, Field(min_length=1, max_length=MAX_QUESTION_CHARS)] = Field(
        description="The task, in words."
    )


class ApprovalRequest(RequestBody):
    """A person's decision on a call that waits."""

    model_config = ConfigDict(str_strip_whitespace=True)

    call_id: uuid.UUID
    arguments_hash: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="As shown with the action that is decided on."
    )
    approve: bool
    comment: Annotated[StorableText, Field(max_length=2_000)] = ""


class AgentCitation(BaseModel):
    """Where a sentence of an answer comes from."""

    number: int
    chunk_id: uuid.UUID | None
    """Null where a tool read a stretch of a document that is no chunk."""
    document_id: uuid.UUID
    title: str
    version: int
    page: int | None
    heading: str | None
    provision: str | None
    start: int
    end: int
    quote: str
    score: float

    @computed_field
    @property
    def link(self) -> str:
        """Path in the web application, at the address of the installation: the passage."""
        return passage_link(self.document_id, self.version, self.start, self.end, self.page)


class AgentReport(BaseModel):
    """The answer of a run."""

    answer: str
    output: dict[str, JsonValue] | None
    """The answer in the agent's schema; null without one."""
    sentences: list[SentenceRead]
    citations: list[AgentCitation]
    grades: dict[str, int]
    """Number of sentences by grade."""
    degraded: list[DegradedRead]


class AgentUsage(BaseModel):
    """Resources that a run has used."""

    steps: int
    input_tokens: int
    output_tokens: int
    money: float
    """US dollars by the public list of prices; 0 where the price is not known."""
    seconds: float


class ToolCallRead(BaseModel):
    """A call of a tool."""

    id: uuid.UUID
    run_id: uuid.UUID
    """The run it is of: this one, or that of an agent it called."""
    step: int
    tool: str
    arguments: dict[str, JsonValue] | None
    status: str
    """pending, waiting, approved, denied, running, succeeded, failed, refused or unknown."""
    action: str | None
    """The action that needs approval."""
    arguments_hash: str
    output: str | None
    money: float
    started_at: datetime | None
    finished_at: datetime | None
    decided_by: uuid.UUID | None
    decided_at: datetime | None
    expires_at: datetime | None


class ToolCallShown(BaseModel):
    """Data of the events `tool_call` and `tool_result`: a call as a stream shows it."""

    id: uuid.UUID
    step: int
    tool: str
    arguments: dict[str, JsonValue] | None
    status: str
    action: str | None
    arguments_hash: str
    expires_at: datetime | None
    output: str | None = None
    """Beginning of the output, in `tool_result`."""


class StepRead(BaseModel):
    """A reply of the model."""

    number: int
    text: str | None
    at: datetime


class AgentRunSummary(BaseModel):
    """A run in a list."""

    id: uuid.UUID
    agent_id: uuid.UUID
    agent: str
    agent_version: int
    status: AgentRunStatus
    reason: str | None
    input: str | None
    """Null for others than its user."""
    user_id: uuid.UUID | None
    model: str | None
    usage: AgentUsage
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class AgentRunRead(AgentRunSummary):
    """A run with everything it did; contents are for its user alone."""

    job_id: uuid.UUID | None
    is_withheld: bool
    """Whether contents are left out: of another user, or a document that was read is not readable
    for its user any more."""
    report: AgentReport | None
    steps: list[StepRead]
    calls: list[ToolCallRead]


StreamName = Literal[
    "step", "tool_call", "tool_result", "token", "citation", "usage", "done", "error"
]


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event of a run's stream."""

    name: StreamName
    data: dict[str, Any]
    id: int | None = None
    """The entry of the journal that is complete with this event."""


@dataclass(frozen=True, slots=True)
class RunSight:
    """The runs that a caller may see."""

    actor_id: uuid.UUID
    sees_all: bool
    """Those of others too, without contents: the caller is an administrator."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to make."""

    id: uuid.UUID
    agent_id: uuid.UUID
    slug: str
    version: int
    definition: AgentDefinition
    question: str
    model: str
    given_document_ids: Sequence[uuid.UUID] = ()
    """Documents whose text may be in the question."""


@dataclass(frozen=True, slots=True)
class AskedTask:
    """The part of a task that a person asked, where it holds more than that."""

    question: str
    said: Sequence[str]
    """Their questions before it."""


@dataclass(frozen=True, slots=True)
class GivenTask:
    """A task that a workflow gives."""

    text: str
    document_ids: Sequence[uuid.UUID]
    """Documents whose text may be in it."""


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended, for whatever started it."""

    id: uuid.UUID
    status: AgentRunStatus
    reason: str | None
    report: "AgentReport | None"
    document_ids: list[uuid.UUID]
    """Documents that it read."""


class RunAttempt(NamedTuple):
    """One attempt at a run."""

    run_id: uuid.UUID
    number: int


@dataclass(frozen=True, slots=True)
class RunStanding:
    """A run as it is now, and the rights that its user has now."""

    is_mine: bool
    """Whether the asking attempt may still write."""
    is_tenant_active: bool
    user_status: str | None
    role: Role | None
    is_admin: bool
    key_scopes: list[str] | None
    """Of the key it was started with; None: that is not valid any more, or there was none."""
