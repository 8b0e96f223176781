"""Reading a workflow and finding everything that would keep it from running."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from citewell.engine.workflows.problems import WorkflowProblem, WorkflowSpecError
from citewell.engine.workflows.spec import (
    MAX_NESTED,
    RESERVED,
    ApprovalNode,
    ConditionNode,
    MapNode,
    NestedTask,
    Outcome,
    SearchTask,
    WaitNode,
    WorkflowNode,
    WorkflowSpec,
    edge_of,
    tasks_of,
)
from citewell.engine.workflows.templates import Reference, references
from citewell.engine.workflows.text import WorkflowText, read_source


@dataclass(frozen=True, slots=True)
class ReadWorkflow:
    """A workflow that can be run, with the text it was read from."""

    spec: WorkflowSpec
    source: WorkflowText


def read_workflow(text: str) -> ReadWorkflow:
    """The workflow of a YAML or JSON text.

    Raises:
        WorkflowSpecError: It cannot be run; all faults are told.
    """
    source = read_source(text)
    try:
        spec = WorkflowSpec.model_validate(source.value)
    except ValidationError as error:
        raise WorkflowSpecError(
            [source.problem(each["loc"], _told(each["type"], each["msg"], each.get("ctx", {})))
             for each in error.errors(include_url=False)]
        ) from None  # fmt: skip
    problems = [*_of_graph(spec, source)]
    # References are looked at in a sound graph only: whether a node is before another is its order.
    if not problems:
        problems = [*_of_nodes(spec, source), *_of_references(spec, source)]
    if problems:
        raise WorkflowSpecError(problems)
    return ReadWorkflow(spec, source)


def _told(kind: str, message: str, context: Mapping[str, object]) -> str:
    if kind == "union_tag_invalid":
        return f"unknown kind `{context.get('tag')}`; the kinds are {context.get('expected_tags')}"
    if kind == "union_tag_not_found":
        return "`kind` is missing; say what the node does"
    if kind == "extra_forbidden":
        return "unknown field; remove it or correct its name"
    if kind == "missing":
        return "a field that is needed is missing here: see the place named"
    return message[:1].lower() + message[1:].removeprefix("Value error, ")


def _of_graph(spec: WorkflowSpec, source: WorkflowText) -> Iterator[WorkflowProblem]:
    seen: dict[str, int] = {}
    for n, node in enumerate(spec.nodes):
        if node.id in RESERVED:
            yield source.problem(("nodes", n, "id"), f"`{node.id}` is reserved; choose another id")
        if node.id in seen:
            yield source.problem(
                ("nodes", n, "id"), f"a node `{node.id}` exists already; choose another id"
            )
        seen.setdefault(node.id, n)
    is_sound = True
    for n, node in enumerate(spec.nodes):
        for k, edge in enumerate(node.after):
            other, outcome = edge_of(edge)
            path = ("nodes", n, "after", k)
            if other not in seen:
                is_sound = False
                yield source.problem(path, f"there is no node `{other}` to come after")
            elif outcome is not None and not _decides(spec.nodes[seen[other]]):
                yield source.problem(
                    path, f"`{other}` decides nothing, so it has no `.{outcome}`; write `{other}`"
                )
    if is_sound:
        yield from _of_order(spec, source, seen)


def _decides(node: WorkflowNode) -> bool:
    return isinstance(node, ConditionNode | ApprovalNode)


def _of_order(
    spec: WorkflowSpec, source: WorkflowText, places: Mapping[str, int]
) -> Iterator[WorkflowProblem]:
    order = in_order(spec)
    left = [node for node in spec.nodes if node.id not in order]
    if left:
        n = places[left[0].id]
        names = ", ".join(f"`{node.id}`" for node in left[:10])
        yield source.problem(
            ("nodes", n, "after"),
            f"{names} wait for each other in a circle, or for nodes that do; remove an edge",
        )
        return
    needs: dict[str, dict[str, Outcome]] = {}
    for node_id in order:
        node = spec.nodes[places[node_id]]
        needed = _needed(node, needs, spec.nodes, places)
        # Told once: what comes after it needs nothing of its own to be unreachable.
        needs[node_id] = needed or {}
        if needed is None:
            yield source.problem(
                ("nodes", places[node_id], "after"),
                f"`{node_id}` can never be reached: no run takes the edges it comes after; "
                "`join: any` takes either of them",
            )


def _needed(
    node: WorkflowNode,
    needs: Mapping[str, dict[str, Outcome]],
    nodes: list[WorkflowNode],
    places: Mapping[str, int],
) -> dict[str, Outcome] | None:
    """Outcomes that must have come for a node to run; None: no run has them all."""
    found: list[dict[str, Outcome]] = []
    for edge in node.after:
        other, outcome = edge_of(edge)
        if outcome is None and isinstance(nodes[places[other]], ApprovalNode):
            outcome = "yes"
        found.append({**needs[other], other: outcome} if outcome else needs[other])
    if node.join == "any":
        rest = found[1:]
        return (
            {k: v for k, v in found[0].items() if all(each.get(k) == v for each in rest)}
            if found
            else {}
        )
    merged: dict[str, Outcome] = {}
    for each in found:
        for decided, outcome in each.items():
            if merged.setdefault(decided, outcome) != outcome:
                return None
    return merged


def in_order(spec: WorkflowSpec) -> dict[str, frozenset[str]]:
    """Nodes in an order in which they can run, each with all that come before it.

    Nodes of a circle, and those behind one, are left out.
    """
    before = {node.id: {edge_of(edge)[0] for edge in node.after} for node in spec.nodes}
    done: dict[str, frozenset[str]] = {}
    while True:
        ready = [each for each, needed in before.items() if each not in done and needed <= {*done}]
        if not ready:
            return done
        for each in ready:
            done[each] = frozenset(before[each]).union(*(done[one] for one in before[each]))


def _of_nodes(spec: WorkflowSpec, source: WorkflowText) -> Iterator[WorkflowProblem]:
    for n, node in enumerate(spec.nodes):
        path = ("nodes", n)
        if isinstance(node, WaitNode) and (node.duration is None) == (node.until is None):
            yield source.problem(path, "a wait takes either `for` or `until`")
        if isinstance(node, MapNode) and isinstance(node.over, str) and not references(node.over):
            yield source.problem((*path, "over"), "`over` takes a list, or a reference to one")
        for task in tasks_of(node):
            if isinstance(task, SearchTask) and (task.query is None) == (
                task.changed_within is None
            ):
                yield source.problem(path, "a search takes either `query` or `changed_within`")


def _of_references(spec: WorkflowSpec, source: WorkflowText) -> Iterator[WorkflowProblem]:
    before = in_order(spec)
    value = source.value
    assert isinstance(value, dict)
    nodes = value["nodes"]
    assert isinstance(nodes, list)
    for n, node in enumerate(spec.nodes):
        for path, reference in _referring(nodes[n], ("nodes", n)):
            is_step = isinstance(node, MapNode) and path[2] == "step"
            message = _misses(spec, reference, before[node.id], is_step=is_step)
            if message is not None:
                yield source.problem(path, message)
    for path, reference in _referring(value.get("output"), ("output",)):
        message = _misses(spec, reference, frozenset(before), is_step=False)
        if message is not None:
            yield source.problem(path, message)


def _referring(
    value: JsonValue, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Reference]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _referring(each, (*path, key))
    elif isinstance(value, list):
        for k, each in enumerate(value):
            yield from _referring(each, (*path, k))
    else:
        for reference in references(value):
            yield path, reference


def _misses(
    spec: WorkflowSpec, reference: Reference, before: frozenset[str], *, is_step: bool
) -> str | None:
    """Why a reference has nothing to refer to; None if it has."""
    first, *rest = reference
    shown = ".".join(reference)
    if first == "inputs":
        if rest and rest[0] in spec.inputs:
            return None
        known = ", ".join(spec.inputs) or "none"
        return f"`{shown}` is no input; declare it under `inputs` (declared: {known})"
    if first in ("item", "index"):
        return None if is_step else f"`{shown}` is known in the `step` of a `map` only"
    if first not in {node.id for node in spec.nodes}:
        return f"there is no node `{first}` that `{shown}` could refer to"
    if first not in before:
        return f"`{first}` does not come before this node; add it to `after`"
    if not rest or rest[0] not in ("output", "outcome"):
        return f"`{shown}` must go on with `.output` or `.outcome`"
    return None


def nesting_problems(
    slug: str, workflow: ReadWorkflow, known: Mapping[str, WorkflowSpec]
) -> list[WorkflowProblem]:
    """Faults of the workflows within a workflow: missing, within themselves, nested too deeply.

    Args:
        slug: Its own name.
        workflow: The workflow.
        known: The workflows that there are, by their names.
    """
    problems: list[WorkflowProblem] = []
    for n, node in enumerate(workflow.spec.nodes):
        for task in tasks_of(node):
            if isinstance(task, NestedTask):
                message = _nested(task.workflow, (slug,), known)
                if message is not None:
                    problems.append(workflow.source.problem(("nodes", n), message))
    return problems


def _nested(
    slug: str, above: tuple[str, ...], known: Mapping[str, WorkflowSpec]
) -> str | None:  # fmt: skip
    if slug in above:
        return f"`{slug}` would run itself: {' > '.join((*above, slug))}"
    if slug not in known:
        return f"there is no workflow `{slug}`; make it first"
    if len(above) >= MAX_NESTED:
        return f"workflows are nested more than {MAX_NESTED} deep: {' > '.join((*above, slug))}"
    for node in known[slug].nodes:
        for task in tasks_of(node):
            if isinstance(task, NestedTask):
                message = _nested(task.workflow, (*above, slug), known)
                if message is not None:
                    return message
    return None
