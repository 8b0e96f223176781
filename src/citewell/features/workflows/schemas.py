"""Shapes of workflows."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from citewell.engine.workflows.spec import DurationText, WorkflowInput, WorkflowSpec
from citewell.engine.workflows.text import MAX_CHARS
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableJson, StorableText
from citewell.models.workflows import WorkflowRunStatus

MAX_INTEGER = 2**31 - 1

WorkflowSlug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
WorkflowSource = Annotated[
    Annotated[StorableText, Field(max_length=MAX_CHARS)] | dict[str, StorableJson],
    Field(description="The workflow: a text, YAML or JSON, or the object that it stands for."),
]


class WorkflowCreate(RequestBody):
    """A new workflow."""

    slug: WorkflowSlug = Field(description="Its short name, unique in the tenant.")
    source: WorkflowSource | None = None
    template: WorkflowSlug | None = Field(
        default=None, description="Name of a template whose text it gets, instead of `source`."
    )

    @model_validator(mode="after")
    def _has_text(self) -> "WorkflowCreate":
        if (self.source is None) == (self.template is None):
            raise ValueError("a workflow takes either `source` or `template`")
        return self


class WorkflowUpdate(RequestBody):
    """A text that becomes the newest version."""

    source: WorkflowSource


class WorkflowRestore(RequestBody):
    """The version whose text becomes the newest one."""

    version: int = Field(ge=1, le=MAX_INTEGER)


class WorkflowValidate(RequestBody):
    """A text to check."""

    slug: WorkflowSlug = Field(default="new", description="The name it is going to have.")
    source: WorkflowSource


class WorkflowProblemRead(BaseModel):
    """One fault of a text."""

    line: int
    """Of an object: of its JSON, indented by 2."""
    path: str
    """Place in the structure, such as `nodes.2.query`."""
    message: str


class WorkflowValidation(BaseModel):
    """Whether a text is a workflow that can be run."""

    is_valid: bool
    problems: list[WorkflowProblemRead]
    spec: WorkflowSpec | None
    """The structure that was read; null unless it is valid."""


class WorkflowRead(BaseModel):
    """A workflow as the API shows it."""

    id: uuid.UUID
    slug: str
    name: str
    description: str
    version: int
    inputs: dict[str, WorkflowInput]
    node_count: int
    source: str | None
    """Null for those who may not change workflows."""
    created_at: datetime
    updated_at: datetime


class WorkflowVersionRead(BaseModel):
    """One version of a workflow."""

    number: int
    is_active: bool
    source: str
    created_by: uuid.UUID | None
    created_at: datetime


class WorkflowStart(RequestBody):
    """The inputs of a run."""

    inputs: dict[str, StorableJson] = Field(default_factory=dict[str, JsonValue], max_length=50)


class WorkflowDecision(RequestBody):
    """A person's decision on a node that waits."""

    model_config = ConfigDict(str_strip_whitespace=True)

    node: str = Field(min_length=1, max_length=40)
    action_hash: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="As shown with the message that is decided on."
    )
    approve: bool
    comment: Annotated[StorableText, Field(max_length=2_000)] = ""


class WorkflowRetry(RequestBody):
    """The place from which a run is done again."""

    node: str | None = Field(
        default=None,
        max_length=40,
        description="This node and all behind it; none: what did not succeed.",
    )


class PlannedNode(BaseModel):
    """A node of a dry run."""

    node: str
    kind: str
    after: list[str]
    join: str
    tasks: list[dict[str, JsonValue]]
    """Work that it would do: inputs are filled in, outputs of nodes are left as references. Empty
    for those who may not change workflows."""


class WorkflowPlan(BaseModel):
    """A dry run: everything that could run, in its order; nothing was called."""

    inputs: dict[str, JsonValue]
    nodes: list[PlannedNode]
    problems: list[str]
    """Reasons for which a run would fail now."""


class WorkflowNodeRead(BaseModel):
    """A node of a run that has begun or was skipped, or one item of it."""

    node: str
    kind: str
    item: int | None
    """Of a `map`, from 0; of a `parallel`, the place of the branch; null: the node itself."""
    status: str
    """ready, running, waiting, succeeded, failed, skipped or cancelled."""
    outcome: str | None
    """`yes` or `no`, of a condition or an approval."""
    output: JsonValue
    reason: str | None
    message: str | None
    """Of an approval: what is to be decided on."""
    action_hash: str | None
    wakes_at: datetime | None
    """End of a pause, or of the time for a decision."""
    agent_run_id: uuid.UUID | None
    workflow_run_id: uuid.UUID | None
    """The run within this one."""
    started_at: datetime
    finished_at: datetime | None
    decided_by: uuid.UUID | None
    decided_at: datetime | None
    comment: str | None


class WorkflowRunSummary(BaseModel):
    """A run in a list."""

    id: uuid.UUID
    workflow_id: uuid.UUID
    workflow: str
    workflow_version: int
    status: WorkflowRunStatus
    reason: str | None
    user_id: uuid.UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class WorkflowRunRead(WorkflowRunSummary):
    """A run with the state of its nodes; contents are for its user alone."""

    job_id: uuid.UUID | None
    """The job that goes on with it; null while it waits, and at its end."""
    parent_id: uuid.UUID | None
    is_withheld: bool
    """Whether contents are left out: of another user, or a document that was read is not readable
    for its user any more."""
    inputs: dict[str, JsonValue] | None
    output: JsonValue
    nodes: list[WorkflowNodeRead]


@dataclass(frozen=True, slots=True)
class WorkflowSight:
    """The runs that a caller may see."""

    actor_id: uuid.UUID
    sees_all: bool
    """Those of others too, without contents: the caller is an administrator."""


class WorkflowTemplateRead(BaseModel):
    """A workflow that is shipped, to be made one's own."""

    template: str
    name: str
    description: str
    inputs: dict[str, WorkflowInput]
    source: str


class TriggerCreate(RequestBody):
    """A reason for which a workflow runs by itself, as its maker."""

    kind: Literal["document", "schedule"]
    events: list[Literal["created", "updated"]] = Field(
        default=["created", "updated"], min_length=1, max_length=2
    )
    collection_id: uuid.UUID | None = Field(
        default=None, description="Documents of this collection only; none: of all."
    )
    cron: Annotated[StorableText, Field(max_length=100)] | None = Field(
        default=None, description="Minute, hour, day, month, weekday."
    )
    timezone: Annotated[StorableText, Field(max_length=60)] | None = None
    every: DurationText | None = Field(default=None, description="Like `6h`; a minute at least.")
    at: AwareDatetime | None = Field(default=None, description="One time, with its zone.")
    inputs: dict[str, StorableJson] = Field(default_factory=dict[str, JsonValue], max_length=50)

    @model_validator(mode="after")
    def _is_one(self) -> "TriggerCreate":
        times = [each for each in (self.cron, self.every, self.at) if each is not None]
        if self.kind == "schedule" and len(times) != 1:
            raise ValueError("a schedule takes one of `cron`, `every` and `at`")
        if self.kind == "schedule" and self.collection_id is not None:
            raise ValueError("`collection_id` is for triggers of the kind `document`")
        if self.kind == "document" and (times or self.timezone):
            raise ValueError("`cron`, `timezone`, `every` and `at` are for the kind `schedule`")
        return self


class TriggerUpdate(RequestBody):
    """Whether a trigger starts runs."""

    is_enabled: bool


class TriggerRead(BaseModel):
    """A trigger as the API shows it."""

    id: uuid.UUID
    workflow_id: uuid.UUID
    kind: str
    events: list[str]
    collection_id: uuid.UUID | None
    cron: str | None
    timezone: str | None
    every: str | None
    next_at: datetime | None
    inputs: dict[str, JsonValue]
    is_enabled: bool
    user_id: uuid.UUID | None
    """The user whose rights its runs have."""
    last_run_id: uuid.UUID | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DueTrigger:
    """A run that a trigger is due to."""

    trigger_id: uuid.UUID
    kind: str
    """`schedule`, `created` or `updated`."""
    event_id: uuid.UUID | None = None
    document_id: uuid.UUID | None = None
