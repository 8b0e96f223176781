"""How a run goes on: which nodes can begin, which are left out, and when it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from citewell.engine.workflows.spec import (
    ApprovalNode,
    ConditionNode,
    Outcome,
    WorkflowNode,
    WorkflowSpec,
    edge_of,
)


class NodeStatus(StrEnum):
    """Status of a node in a run, or of one item of it; the last four are final."""

    READY = "ready"
    """Its work has not begun."""
    RUNNING = "running"
    WAITING = "waiting"
    """For a time or a person; it holds no place and no memory."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """No run of the nodes before it leads to it."""
    CANCELLED = "cancelled"


OPEN_NODE_STATUSES = (NodeStatus.READY, NodeStatus.RUNNING, NodeStatus.WAITING)


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node that has begun, or ended."""

    status: NodeStatus
    outcome: Outcome | None = None
    """Of a condition or an approval."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The next things to happen in a run."""

    ready: tuple[str, ...] = ()
    """Nodes that begin now."""
    skipped: tuple[str, ...] = ()
    end: NodeStatus | None = None
    """The run's end, once nothing is left to do."""


def advance(spec: WorkflowSpec, states: Mapping[str, NodeState]) -> Advance:
    """The next things to happen, given the nodes that have begun or ended.

    The order in which nodes end makes no difference: a node is decided once all nodes before it
    are, and by their ends alone. One failed node ends the run.
    """
    if any(each.status is NodeStatus.FAILED for each in states.values()):
        return Advance(end=NodeStatus.FAILED)
    nodes = {node.id: node for node in spec.nodes}
    known, skipped = dict(states), list[str]()
    while True:
        found = [
            node.id
            for node in spec.nodes
            if node.id not in known and _is_taken(node, nodes, known) is False
        ]
        if not found:
            break
        # A node that is left out can have others left out too.
        skipped += found
        known.update(dict.fromkeys(found, NodeState(NodeStatus.SKIPPED)))
    ready = [
        node.id for node in spec.nodes if node.id not in known and _is_taken(node, nodes, known)
    ]
    is_over = len(known) == len(nodes) and not any(
        each.status in OPEN_NODE_STATUSES for each in known.values()
    )
    return Advance(tuple(ready), tuple(skipped), NodeStatus.SUCCEEDED if is_over else None)


def _is_taken(
    node: WorkflowNode, nodes: Mapping[str, WorkflowNode], known: Mapping[str, NodeState]
) -> bool | None:
    """Whether a node runs; None while it is not decided."""
    edges = [_edge_taken(edge, nodes, known) for edge in node.after]
    if None in edges:
        return None
    if not edges:
        return True
    return all(edges) if node.join == "all" else any(edges)


def _edge_taken(
    edge: str, nodes: Mapping[str, WorkflowNode], known: Mapping[str, NodeState]
) -> bool | None:
    other, outcome = edge_of(edge)
    state = known.get(other)
    if state is None or state.status in OPEN_NODE_STATUSES:
        return None
    if state.status is not NodeStatus.SUCCEEDED:
        return False
    if outcome is None and isinstance(nodes[other], ApprovalNode):
        outcome = "yes"
    return outcome is None or state.outcome == outcome


def goes_on_after_no(spec: WorkflowSpec, node_id: str) -> bool:
    """Whether an edge leads on from a refused approval."""
    return any(edge_of(edge) == (node_id, "no") for node in spec.nodes for edge in node.after)


def decides(node: WorkflowNode) -> bool:
    """Whether a node has an outcome."""
    return isinstance(node, ConditionNode | ApprovalNode)
