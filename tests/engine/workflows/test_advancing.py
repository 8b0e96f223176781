"""Every order in which nodes end leads a run to the same end; values and conditions."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewell.engine.workflows.advancing import NodeState, NodeStatus, advance, goes_on_after_no
from citewell.engine.workflows.checking import in_order
from citewell.engine.workflows.conditions import WorkflowTest, holds
from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.spec import Outcome, WorkflowSpec
from citewell.engine.workflows.templates import fill, fill_text
from tests.examples import examples


@st.composite
def graphs(draw: st.DrawFn) -> WorkflowSpec:
    """A graph without circles, of pauses and decisions."""
    nodes: list[dict[str, Any]] = []
    for n in range(draw(st.integers(1, 9))):
        edges: list[str] = []
        for before in draw(st.sets(st.integers(0, max(0, n - 1)), max_size=3)) if n else []:
            is_decision = nodes[before]["kind"] != "wait"
            edges.append(
                f"n{before}{draw(st.sampled_from(['', '.yes', '.no'])) if is_decision else ''}"
            )
        node: dict[str, Any] = {
            "id": f"n{n}", "after": sorted(edges), "join": draw(st.sampled_from(["all", "any"]))
        }  # fmt: skip
        kind = draw(st.sampled_from(["wait", "condition", "approval"]))
        more: dict[str, Any] = {
            "wait": {"for": "1s"}, "condition": {"if": {"is_empty": ""}},
            "approval": {"message": "?"},
        }[kind]  # fmt: skip
        nodes.append({**node, "kind": kind, **more})
    return WorkflowSpec.model_validate({"name": "W", "nodes": nodes})


class TestAdvance:
    @settings(max_examples=examples(150), deadline=None)
    @given(graphs(), st.data())
    def test_every_order_of_ends_reaches_the_same_end(
        self, spec: WorkflowSpec, data: st.DataObject
    ) -> None:
        outcomes: dict[str, Outcome] = {
            node.id: data.draw(st.sampled_from(["yes", "no"])) for node in spec.nodes
        }

        def ended(order: list[float]) -> dict[str, NodeState]:
            """The states once all is done; of the nodes at work, `order` says which ends next."""
            states: dict[str, NodeState] = {}
            begun: list[str] = []
            for turn in range(10_000):
                step = advance(spec, states)
                assert not set(step.ready) & set(states)
                states |= dict.fromkeys(step.skipped, NodeState(NodeStatus.SKIPPED))
                states |= dict.fromkeys(step.ready, NodeState(NodeStatus.RUNNING))
                for each in step.ready:
                    # It begins once all before it have ended, never sooner.
                    assert all(
                        states[one].status in (NodeStatus.SUCCEEDED, NodeStatus.SKIPPED)
                        for one in in_order(spec)[each]
                    )
                begun += step.ready
                if step.end is not None:
                    assert begun == []
                    return states
                assert begun, "it stands still"
                done = begun.pop(int(order[turn % len(order)] * len(begun)))
                states[done] = NodeState(NodeStatus.SUCCEEDED, outcomes[done])
            raise AssertionError("it does not end")

        fractions = st.lists(st.floats(0, 0.999), min_size=1, max_size=9)
        first, second = ended(data.draw(fractions)), ended(data.draw(fractions))
        assert first == second
        assert set(first) == {node.id for node in spec.nodes}

    def test_failed_node_ends_the_run(self) -> None:
        spec = WorkflowSpec.model_validate(
            {"name": "W", "nodes": [{"id": f"n{n}", "kind": "wait", "for": "1s"} for n in (0, 1)]}
        )
        step = advance(spec, {"n0": NodeState(NodeStatus.FAILED)})
        assert (step.ready, step.end) == ((), NodeStatus.FAILED)

    def test_refusal_goes_on_where_an_edge_leads_on(self) -> None:
        nodes = [
            {"id": "ask", "kind": "approval", "message": "?"},
            {"id": "yes", "kind": "wait", "for": "1s", "after": ["ask"]},
            {"id": "no", "kind": "wait", "for": "1s", "after": ["ask.no"]},
        ]
        spec = WorkflowSpec.model_validate({"name": "W", "nodes": nodes})
        assert goes_on_after_no(spec, "ask")
        step = advance(spec, {"ask": NodeState(NodeStatus.SUCCEEDED, "no")})
        assert (step.ready, step.skipped) == (("no",), ("yes",))


class TestValues:
    values = {  # noqa: RUF012
        "inputs": {"a": "x {{ inputs.b }}", "n": 3, "none": None},
        "f": {"output": {"items": [{"t": "T"}, 2], "empty": []}},
    }

    def test_references_become_what_they_name(self) -> None:
        assert fill("{{ f.output.items }}", self.values) == [{"t": "T"}, 2]
        assert fill({"k": [" {{inputs.n}} ", 5]}, self.values) == {"k": [3, 5]}
        assert fill_text("{{ f.output.items.0.t }}-{{ inputs.n }}", self.values) == "T-3"
        assert fill_text("<{{ f.output.items.9 }}{{ inputs.none }}>", self.values) == "<>"
        # Text from outside is not looked at again.
        assert fill_text("{{ inputs.a }}!", self.values) == "x {{ inputs.b }}!"
        with pytest.raises(WorkflowStepError, match="longer than"):
            fill_text("{{ inputs.a }}" * 30_000, self.values)

    def test_conditions(self) -> None:
        cases: list[tuple[dict[str, Any], bool]] = [
            ({"equals": ["{{ inputs.n }}", "3"]}, True),
            ({"equals": ["{{ inputs.n }}", 4]}, False),
            ({"equals": [True, 1]}, False),
            ({"contains": ["{{ inputs.a }}", "X"]}, True),
            ({"contains": ["{{ f.output.items }}", 2]}, True),
            ({"contains": [{"k": 1}, "k"]}, True),
            ({"is_empty": "{{ f.output.empty }}"}, True),
            ({"is_empty": "{{ f.output.nothing }}"}, True),
            ({"is_empty": 0}, False),
            ({"greater_than": ["{{ inputs.n }}", "2.5"]}, True),
            ({"all": [{"is_empty": ""}, {"not": {"is_empty": ""}}]}, False),
            ({"any": [{"is_empty": "x"}, {"is_empty": None}]}, True),
        ]
        for form, expected in cases:
            assert holds(WorkflowTest.model_validate(form), self.values) is expected, form
        bad = WorkflowTest.model_validate({"greater_than": ["{{ inputs.a }}", 1]})
        with pytest.raises(WorkflowStepError, match="compares numbers"):
            holds(bad, self.values)
