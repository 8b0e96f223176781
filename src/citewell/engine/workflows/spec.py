"""The shape of a workflow: inputs, nodes of nine kinds, and the edges between them."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from citewell.engine.workflows.conditions import WorkflowTest
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.templates import Template, TemplateJson

MAX_NODES = 100
MAX_ITEMS = 1_000
"""Items of one `map`."""
MAX_BRANCHES = 20
MAX_NESTED = 5
"""Workflows within each other, the outermost included."""
MAX_DAYS = 365
MAX_INPUT_CHARS = 200_000

RESERVED = frozenset({"inputs", "item", "index"})
DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

NodeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
SlugText = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
EdgeText = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}(\.(yes|no))?$")]
DurationText = Annotated[
    str, Field(pattern=rf"^{DURATION.pattern}$", description="Like `30m`, `12h` or `7d`.")
]
Outcome = Literal["yes", "no"]


def duration(text: str) -> timedelta:
    """The time that a duration like `30m` or `7d` stands for, a year at most."""
    found = DURATION.fullmatch(text)
    assert found is not None
    seconds = int(found[1]) * _UNITS[found[2]]
    return min(timedelta(seconds=seconds), timedelta(days=MAX_DAYS))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WorkflowInput(_Part):
    """A value that a run is started with."""

    description: str = Field(default="", max_length=2_000)
    required: bool = True
    default: JsonValue = None


class AgentTask(_Part):
    """A task for an agent; its output is the report, with `answer` and `citations`."""

    kind: Literal["agent"]
    agent: SlugText
    input: Template = Field(min_length=1, max_length=20_000)


class SearchTask(_Part):
    """A search; its output has `passages` and `count`.

    With `changed_within` and no query it lists documents, as `documents`.
    """

    kind: Literal["search"]
    query: Template | None = Field(default=None, min_length=1, max_length=4_000)
    changed_within: DurationText | None = None
    top_k: int = Field(default=6, ge=1, le=50)
    collection_ids: list[Template] | None = Field(default=None, min_length=1, max_length=20)
    filters: dict[str, TemplateJson] = Field(default_factory=dict[str, JsonValue], max_length=20)


class NestedTask(_Part):
    """A run of another workflow; its output is that one's."""

    kind: Literal["workflow"]
    workflow: SlugText
    inputs: dict[str, TemplateJson] = Field(default_factory=dict[str, JsonValue], max_length=50)


WorkflowTask = Annotated[AgentTask | SearchTask | NestedTask, Field(discriminator="kind")]


class _Placed(_Part):
    id: NodeId
    after: list[EdgeText] = Field(default_factory=list[str], max_length=100)
    join: Literal["all", "any"] = Field(
        default="all",
        description="Whether it takes all nodes of `after`, or any of those that were not skipped.",
    )


class AgentNode(_Placed, AgentTask):
    """A node that an agent works on."""


class SearchNode(_Placed, SearchTask):
    """A node that searches."""


class NestedNode(_Placed, NestedTask):
    """A node that runs another workflow."""


class ConditionNode(_Placed):
    """A decision by values: edges `ID.yes` and `ID.no` lead on from it."""

    kind: Literal["condition"]
    test: WorkflowTest = Field(alias="if")


class ApprovalNode(_Placed):
    """A decision by the run's user: `ID.yes` (or `ID`) and `ID.no` lead on from it.

    A refusal ends the run unless an edge `ID.no` leads on.
    """

    kind: Literal["approval"]
    message: Template = Field(min_length=1, max_length=20_000)
    expires: DurationText = "7d"


class WaitNode(_Placed):
    """A pause, or a wait until a time."""

    kind: Literal["wait"]
    duration: DurationText | None = Field(default=None, alias="for")
    until: Template | None = Field(default=None, max_length=200)


class AggregateNode(_Placed):
    """A value made of others."""

    kind: Literal["aggregate"]
    value: TemplateJson
    how: Literal["value", "list", "text", "count", "first"] = "value"


class ParallelNode(_Placed):
    """Tasks side by side; its output has those of its branches by name."""

    kind: Literal["parallel"]
    branches: dict[NodeId, WorkflowTask] = Field(min_length=2, max_length=MAX_BRANCHES)


class MapNode(_Placed):
    """One task for each item of a list; its output is the list of theirs."""

    kind: Literal["map"]
    over: TemplateJson
    step: WorkflowTask
    concurrency: int = Field(default=4, ge=1, le=MAX_BRANCHES)


WorkflowNode = Annotated[
    AgentNode
    | SearchNode
    | NestedNode
    | ConditionNode
    | ApprovalNode
    | WaitNode
    | AggregateNode
    | ParallelNode
    | MapNode,
    Field(discriminator="kind"),
]


class WorkflowSpec(_Part):
    """A workflow."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2_000)
    inputs: dict[NodeId, WorkflowInput] = Field(
        default_factory=dict[str, WorkflowInput], max_length=50
    )
    nodes: list[WorkflowNode] = Field(min_length=1, max_length=MAX_NODES)
    output: TemplateJson = Field(
        default=None, description="Output of the run; none: that of the last node."
    )

    def node(self, node_id: str) -> WorkflowNode:
        """The node of this id."""
        return next(each for each in self.nodes if each.id == node_id)


def tasks_of(node: WorkflowNode) -> list[AgentTask | SearchTask | NestedTask]:
    """The tasks of a node: its own, or those within it."""
    if isinstance(node, AgentTask | SearchTask | NestedTask):
        return [node]
    if isinstance(node, MapNode):
        return [node.step]
    return list(node.branches.values()) if isinstance(node, ParallelNode) else []


def edge_of(text: str) -> tuple[str, Outcome | None]:
    """Node and outcome of an edge."""
    node_id, _, outcome = text.partition(".")
    return node_id, ("yes" if outcome == "yes" else "no" if outcome else None)


def inputs_of(spec: WorkflowSpec, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The inputs of a run: those that were given, and defaults.

    Raises:
        WorkflowStepError: One is missing, or is none of the workflow's.
    """
    known = ", ".join(spec.inputs) or "none"
    for name in given:
        if name not in spec.inputs:
            raise WorkflowStepError(f"There is no input `{name}`; the inputs are: {known}.")
    found: dict[str, JsonValue] = {}
    for name, declared in spec.inputs.items():
        found[name] = given.get(name, declared.default)
        if declared.required and found[name] is None:
            raise WorkflowStepError(
                f"The input `{name}` is missing. {declared.description}".strip()
            )
    if len(json.dumps(found, ensure_ascii=False)) > MAX_INPUT_CHARS:
        raise WorkflowStepError(f"The inputs are longer than {MAX_INPUT_CHARS:,} characters.")
    return found
