"""A run as it stands: its nodes begun, ended and joined, without a look at anything outside."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from citewell.engine.workflows.advancing import (
    OPEN_NODE_STATUSES,
    NodeState,
    NodeStatus,
    advance,
    goes_on_after_no,
)
from citewell.engine.workflows.conditions import holds
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.spec import (
    MAX_ITEMS,
    AgentTask,
    AggregateNode,
    ApprovalNode,
    ConditionNode,
    MapNode,
    NestedTask,
    ParallelNode,
    SearchTask,
    WaitNode,
    WorkflowNode,
    WorkflowSpec,
    duration,
)
from citewell.engine.workflows.templates import fill, fill_text, written
from citewell.models.workflows import WHOLE_NODE, WorkflowNodeRun, WorkflowRun

MAX_OUTPUT_CHARS = 2_000_000
"""Of one node as JSON: a run's nodes are read at each step."""

NOBODY_DECIDED = "Nobody decided in time."
REFUSED = "It was refused."

Task = AgentTask | SearchTask | NestedTask


@dataclass(frozen=True, slots=True)
class NodeTask:
    """Work outside of the run, with all references filled in."""

    node: str
    item: int
    task: Task
    values: dict[str, JsonValue]
    """Filled-in fields of the task."""


class RunState:
    """The state of one run, changed in memory; its caller keeps the rows.

    Args:
        run: The run, locked.
        rows: Its nodes.
        now: The time.
    """

    def __init__(self, run: WorkflowRun, rows: Sequence[WorkflowNodeRun], now: datetime) -> None:
        self.spec = WorkflowSpec.model_validate(run.spec)
        self.run = run
        self.now = now
        self.added: list[WorkflowNodeRun] = []
        self._nodes = {node.id: node for node in self.spec.nodes}
        self._rows = {(row.node, row.item): row for row in rows}

    @property
    def rows(self) -> list[WorkflowNodeRun]:
        """All rows."""
        return list(self._rows.values())

    @property
    def document_ids(self) -> list[uuid.UUID]:
        """Documents whose text the run has so far."""
        ids = set(self.run.given_document_ids)
        return sorted(ids.union(*(row.document_ids for row in self._rows.values())))

    def values(self) -> dict[str, JsonValue]:
        """Everything that references can refer to."""
        found: dict[str, JsonValue] = {"inputs": self.run.inputs}
        for (node, item), row in self._rows.items():
            if item == WHOLE_NODE and row.status == NodeStatus.SUCCEEDED:
                found[node] = {"output": row.output, "outcome": row.outcome}
        return found

    def row(self, node: str, item: int = WHOLE_NODE) -> WorkflowNodeRun:
        """The row of a node that has begun, or of one item of it."""
        return self._rows[node, item]

    def go_on(self) -> NodeStatus | None:
        """Begin and end all that needs nothing from outside; the run's end, if this is it."""
        for row in self.rows:
            if row.status == NodeStatus.WAITING and row.wakes_at and row.wakes_at <= self.now:
                self._wake(row)
        while True:
            self._join_items()
            step = advance(self.spec, self._states())
            for node_id in step.skipped:
                self._add(node_id, NodeStatus.SKIPPED)
            for node_id in step.ready:
                self._begin(self._nodes[node_id])
            if step.end is not None or not (step.ready or step.skipped):
                return step.end

    def tasks(self) -> list[NodeTask]:
        """Work that can begin; a node whose references cannot be filled in has failed instead."""
        found: list[NodeTask] = []
        for node in self.spec.nodes:
            ready = [row for row in self._of(node.id) if row.status == NodeStatus.READY]
            if isinstance(node, MapNode):
                at_work = sum(row.status == NodeStatus.RUNNING for row in self._items(node.id))
                ready = ready[: max(0, node.concurrency - at_work)]
            for row in ready:
                try:
                    found.append(self._task(node, row))
                except WorkflowStepError as error:
                    self.fail(row, str(error))
        return found

    def failure(self) -> str:
        """Why the run failed."""
        failed = [row for row in self.rows if row.status == NodeStatus.FAILED]
        failed.sort(key=lambda row: (row.item != WHOLE_NODE, row.finished_at or self.now))
        return f"`{failed[0].node}`: {failed[0].reason}"

    def output(self) -> JsonValue:
        """The output of a run that has ended well.

        Raises:
            WorkflowStepError: It cannot be filled in.
        """
        if self.spec.output is not None:
            return fill(self.spec.output, self.values())
        ended = [each for each in self.spec.nodes if self._is(each.id, NodeStatus.SUCCEEDED)]
        return self._rows[ended[-1].id, WHOLE_NODE].output if ended else None

    def succeed(self, row: WorkflowNodeRun, output: JsonValue, outcome: str | None = None) -> None:
        """End a node, or an item, with its output."""
        if len(json.dumps(output, ensure_ascii=False)) > MAX_OUTPUT_CHARS:
            self.fail(row, f"Its output is longer than {MAX_OUTPUT_CHARS:,} characters.")
            return
        row.status, row.finished_at = NodeStatus.SUCCEEDED, self.now
        row.output, row.outcome = output, outcome

    def fail(self, row: WorkflowNodeRun, reason: str) -> None:
        """End a node, or an item, without one."""
        row.status, row.finished_at, row.reason = NodeStatus.FAILED, self.now, reason

    def decide(self, row: WorkflowNodeRun, *, approved: bool, comment: str) -> None:
        """End an approval."""
        if not approved and not goes_on_after_no(self.spec, row.node):
            self.fail(row, REFUSED)
            return
        output: JsonValue = {"approved": approved, "comment": comment}
        self.succeed(row, output, "yes" if approved else "no")

    def close(self) -> None:
        """End all that is open: the run has ended."""
        for row in self.rows:
            if row.status in OPEN_NODE_STATUSES:
                row.status, row.finished_at = NodeStatus.CANCELLED, self.now

    def _is(self, node_id: str, status: NodeStatus) -> bool:
        row = self._rows.get((node_id, WHOLE_NODE))
        return row is not None and row.status == status

    def _of(self, node_id: str) -> list[WorkflowNodeRun]:
        return [row for (node, _), row in sorted(self._rows.items()) if node == node_id]

    def _items(self, node_id: str) -> list[WorkflowNodeRun]:
        return [row for row in self._of(node_id) if row.item != WHOLE_NODE]

    def _states(self) -> dict[str, NodeState]:
        return {
            node: NodeState(
                NodeStatus(row.status),
                "yes" if row.outcome == "yes" else "no" if row.outcome else None,
            )
            for (node, item), row in self._rows.items()
            if item == WHOLE_NODE
        }

    def _add(self, node_id: str, status: NodeStatus, item: int = WHOLE_NODE) -> WorkflowNodeRun:
        is_final = status not in OPEN_NODE_STATUSES
        row = WorkflowNodeRun(
            tenant_id=self.run.tenant_id,
            run_id=self.run.id,
            node=node_id,
            item=item,
            status=status,
            job_id=self.run.job_id,
            document_ids=[],
            started_at=self.now,
            finished_at=self.now if is_final else None,
        )
        self._rows[node_id, item] = row
        self.added.append(row)
        return row

    def _wake(self, row: WorkflowNodeRun) -> None:
        if isinstance(self._nodes[row.node], ApprovalNode):
            self.fail(row, NOBODY_DECIDED)
        else:
            self.succeed(row, self.now.isoformat())

    def _begin(self, node: WorkflowNode) -> None:
        is_task = isinstance(node, AgentTask | SearchTask | NestedTask)
        row = self._add(node.id, NodeStatus.READY if is_task else NodeStatus.RUNNING)
        try:
            self._begin_within(node, row)
        except WorkflowStepError as error:
            self.fail(row, str(error))

    def _begin_within(self, node: WorkflowNode, row: WorkflowNodeRun) -> None:
        values = self.values()
        if isinstance(node, ConditionNode):
            is_met = holds(node.test, values)
            self.succeed(row, is_met, "yes" if is_met else "no")
        elif isinstance(node, AggregateNode):
            self.succeed(row, _aggregate(node, fill(node.value, values)))
        elif isinstance(node, ApprovalNode):
            row.message = fill_text(node.message, values)
            row.action_hash = action_hash(row)
            row.status, row.wakes_at = NodeStatus.WAITING, self.now + duration(node.expires)
        elif isinstance(node, WaitNode):
            until = self._end_of(node)
            row.status, row.wakes_at = NodeStatus.WAITING, until
            if until <= self.now:
                self._wake(row)
        elif isinstance(node, ParallelNode):
            for item in range(len(node.branches)):
                self._add(node.id, NodeStatus.READY, item)
        elif isinstance(node, MapNode):
            for item in range(len(self._list(node))):
                self._add(node.id, NodeStatus.READY, item)

    def _end_of(self, node: WaitNode) -> datetime:
        if node.duration is not None:
            return self.now + duration(node.duration)
        text = fill_text(node.until or "", self.values())
        try:
            until = datetime.fromisoformat(text)
        except ValueError:
            until = None
        if until is None or until.tzinfo is None:
            raise WorkflowStepError(
                "`until` takes a time with its zone, like 2026-03-01T09:00:00+01:00, "
                f"not {text!r:.60}"
            )
        return until

    def _list(self, node: MapNode) -> list[JsonValue]:
        found = fill(node.over, self.values())
        if found is None:
            return []
        if not isinstance(found, list):
            raise WorkflowStepError(f"`over` is no list: {written(found):.100}")
        if len(found) > MAX_ITEMS:
            raise WorkflowStepError(f"`over` has {len(found):,} items; {MAX_ITEMS:,} at most")
        return found

    def _join_items(self) -> None:
        """End the nodes all of whose items have ended."""
        for node in self.spec.nodes:
            row = self._rows.get((node.id, WHOLE_NODE))
            is_group = isinstance(node, ParallelNode | MapNode)
            if row is None or row.status != NodeStatus.RUNNING or not is_group:
                continue
            items = self._items(node.id)
            failed = [each for each in items if each.status == NodeStatus.FAILED]
            if failed:
                first = failed[0]
                name = str(first.item)
                if isinstance(node, ParallelNode):
                    name = list(node.branches)[first.item]
                self.fail(row, f"{name}: {first.reason}")
            elif all(each.status == NodeStatus.SUCCEEDED for each in items):
                outputs = [each.output for each in items]
                is_map = isinstance(node, MapNode)
                self.succeed(
                    row, outputs if is_map else dict(zip(node.branches, outputs, strict=True))
                )

    def _task(self, node: WorkflowNode, row: WorkflowNodeRun) -> NodeTask:
        values = self.values()
        if isinstance(node, MapNode):
            task: Task = node.step
            values |= {"item": self._list(node)[row.item], "index": row.item}
        elif isinstance(node, ParallelNode):
            task = list(node.branches.values())[row.item]
        else:
            assert isinstance(node, AgentTask | SearchTask | NestedTask)
            task = node
        return NodeTask(row.node, row.item, task, filled(task, values))


def filled(task: Task, values: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The fields of a task with their references filled in."""
    if isinstance(task, AgentTask):
        return {"input": fill_text(task.input, values)}
    if isinstance(task, NestedTask):
        return {name: fill(each, values) for name, each in task.inputs.items()}
    query = None if task.query is None else fill_text(task.query, values)
    places: list[JsonValue] | None = None
    if task.collection_ids is not None:
        places = [fill_text(each, values) for each in task.collection_ids]
    filters: JsonValue = {name: fill(each, values) for name, each in task.filters.items()}
    return {"query": query, "collection_ids": places, "filters": filters}


def action_hash(row: WorkflowNodeRun) -> str:
    """SHA-256 of what a person decides on, hexadecimal: a decision holds for nothing else."""
    form = json.dumps([str(row.run_id), row.node, row.message], ensure_ascii=True)
    return hashlib.sha256(form.encode()).hexdigest()


def _aggregate(node: AggregateNode, value: JsonValue) -> JsonValue:
    if node.how == "value":
        return value
    flat: list[JsonValue] = []
    for each in value if isinstance(value, list) else [value]:
        flat += each if isinstance(each, list) else [each]
    present: list[JsonValue] = [each for each in flat if each is not None and each != ""]
    if node.how == "list":
        return present
    if node.how == "count":
        return len(present)
    if node.how == "first":
        return present[0] if present else None
    return "\n\n".join(map(written, present))
