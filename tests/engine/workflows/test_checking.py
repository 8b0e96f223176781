"""Texts of workflows: what is read, and what is told of those that cannot run."""

import json

import pytest

from citewell.engine.workflows.checking import nesting_problems, read_workflow
from citewell.engine.workflows.problems import WorkflowSpecError
from citewell.engine.workflows.spec import WorkflowSpec
from citewell.engine.workflows.text import MAX_CHARS, read_source

EVERY_KIND = """
name: Every kind
inputs:
  topic: {description: The topic}
  parts: {required: false, default: [a, b]}
nodes:
  - {id: found, kind: search, query: "{{ inputs.topic }}", top_k: 3}
  - id: check
    kind: condition
    after: [found]
    if:
      all:
        - not: {is_empty: "{{ found.output.passages }}"}
        - greater_than: ["{{ found.output.count }}", 0]
  - {id: ask, kind: approval, after: [check.yes], message: "Go on with {{ inputs.topic }}?"}
  - {id: pause, kind: wait, after: [ask], for: 1s}
  - id: sides
    kind: parallel
    after: [pause]
    branches:
      one: {kind: agent, agent: researcher, input: "{{ inputs.topic }}"}
      two: {kind: search, query: "{{ found.output.passages.0.title }}"}
  - id: each
    kind: map
    after: [pause]
    over: "{{ inputs.parts }}"
    step: {kind: workflow, workflow: other, inputs: {it: "{{ item }}", n: "{{ index }}"}}
  - id: all
    kind: aggregate
    join: any
    after: [sides, each, check.no]
    how: text
    value: ["{{ sides.output.one.answer }}", "{{ each.output }}"]
output: {text: "{{ all.output }}"}
"""

HEAD = "name: W\ninputs: {a: {}}\nnodes:\n"


def told(text: str) -> list[tuple[int, str]]:
    with pytest.raises(WorkflowSpecError) as caught:
        read_workflow(text)
    return [(each.line, each.message) for each in caught.value.problems]


class TestRead:
    def test_every_kind_is_read_alike_from_yaml_and_json(self) -> None:
        read = read_workflow(EVERY_KIND)
        assert [node.kind for node in read.spec.nodes] == [
            "search", "condition", "approval", "wait", "parallel", "map", "aggregate",
        ]  # fmt: skip
        again = read_workflow(json.dumps(read.source.value, indent=1))
        assert again.spec == read.spec
        assert again.source.lines[("nodes", 1, "id")] > read.source.lines[("name",)]

    def test_scalars_are_what_they_look_like(self) -> None:
        text = '[yes, 09:30, 2026-01-01, 0x10, "1", 7, -1.5, true, ~, 1e400, 1_000]'
        assert read_source(text).value == [
            "yes", "09:30", "2026-01-01", "0x10", "1", 7, -1.5, True, None, "1e400", "1_000",
        ]  # fmt: skip

    def test_faults_name_the_line_and_the_way_out(self) -> None:
        cases = [
            ("", 1, "empty"),
            ("name: [", 1, "no YAML"),
            ("a: 1\n---\nb: 2", 1, "one document"),
            ("name: &x a\nother: *x", 1, "anchors"),
            ("name: !!python/object:os.system a", 1, "tags"),
            ("name: a\nname: b", 2, "`name` stands here twice"),
            ("? [a]\n: b", 1, "a key must be text"),
            ("x" * (MAX_CHARS + 1), 1, "longer than"),
            ("[" * 50, 1, "nested more than"),
            ("name: \x07", 1, "no YAML"),
            ('name: a\n"\\0": b', 2, "NUL"),
            (HEAD + "  - {id: one, kind: shell}", 4, "unknown kind `shell`"),
            (HEAD + "  - {id: one}", 4, "`kind` is missing"),
            (HEAD + "  - {id: one, kind: search, query: a, sql: b}", 4, "unknown field"),
            (HEAD + "  - id: one\n    kind: search\n    query: a\n    top_k: 500", 7, "less than"),
            (HEAD + "  - {id: inputs, kind: wait, for: 1s}", 4, "reserved"),
            (HEAD + "  - {id: one, kind: search}", 4, "either `query`"),
            (HEAD + "  - {id: one, kind: wait}", 4, "either `for`"),
            (HEAD + "  - {id: one, kind: wait, for: 1 week}", 4, "pattern"),
            (HEAD + "  - {id: one, kind: aggregate, value: '{{ 1 + 1 }}'}", 4, "takes a path"),
            (HEAD + "  - {id: one, kind: condition, if: {}}", 4, "exactly one"),
            (HEAD + "  - {id: one, kind: condition, if: {equals: [1]}}", 4, "at least 2"),
            (
                HEAD + "  - {id: one, kind: wait, for: 1s}\n  - {id: one, kind: wait, for: 1s}",
                5, "exists already",
            ),
            (HEAD + "  - {id: one, kind: wait, for: 1s, after: [two]}", 4, "no node `two`"),
            (
                HEAD + "  - {id: a, kind: wait, for: 1s}\n"
                "  - {id: b, kind: wait, for: 1s, after: [a.yes]}",
                5, "decides nothing",
            ),
            (
                HEAD + "  - {id: a, kind: wait, for: 1s, after: [b]}\n"
                "  - {id: b, kind: wait, for: 1s, after: [a]}\n"
                "  - {id: c, kind: wait, for: 1s, after: [b]}",
                4, "`a`, `b`, `c` wait for each other in a circle",
            ),
            (
                HEAD + "  - {id: a, kind: condition, if: {is_empty: ''}}\n"
                "  - {id: b, kind: wait, for: 1s, after: [a.yes]}\n"
                "  - {id: c, kind: wait, for: 1s, after: [b, a.no]}",
                6, "can never be reached",
            ),
            (HEAD + "  - {id: a, kind: aggregate, value: '{{ inputs.b }}'}", 4, "is no input"),
            (HEAD + "  - {id: a, kind: aggregate, value: '{{ item }}'}", 4, "of a `map` only"),
            (HEAD + "  - {id: a, kind: aggregate, value: '{{ z.output }}'}", 4, "no node `z`"),
            (
                HEAD + "  - {id: a, kind: wait, for: 1s}\n"
                "  - {id: b, kind: aggregate, value: '{{ a.output }}'}",
                5, "does not come before",
            ),
            (
                HEAD + "  - {id: a, kind: wait, for: 1s}\n"
                "  - {id: b, kind: aggregate, after: [a], value: '{{ a.secret }}'}",
                5, "must go on with",
            ),
            (
                HEAD + "".join(f"  - {{id: n{n}, kind: wait, for: 1s}}\n" for n in range(101)),
                3, "at most 100",
            ),
        ]  # fmt: skip
        for text, line, message in cases:
            found = told(text)
            assert any(at == line and message in said for at, said in found), (text[:90], found)

    def test_all_faults_are_told_at_once(self) -> None:
        nodes = "".join(f"  - {{id: n{n}, kind: nope}}\n" for n in range(30))
        with pytest.raises(WorkflowSpecError, match="and 10 more") as caught:
            read_workflow(HEAD + nodes)
        assert [each.line for each in caught.value.problems] == list(range(4, 24))


class TestNesting:
    def test_missing_recursive_and_deep_ones_are_told(self) -> None:
        end = {"id": "end", "kind": "wait", "for": "1s"}

        def running(*slugs: str) -> str:
            nodes = [
                {"id": f"n{n}", "kind": "workflow", "workflow": slug}
                for n, slug in enumerate(slugs)
            ]
            return json.dumps({"name": "W", "nodes": nodes or [end]})

        def specs(**texts: str) -> dict[str, WorkflowSpec]:
            return {slug: read_workflow(text).spec for slug, text in texts.items()}

        own = read_workflow(running("b"))
        assert nesting_problems("a", own, specs(b=running("c"), c=running())) == []
        cases = [
            ({}, "no workflow `b`"),
            ({"b": running("a")}, "`a` would run itself: a > b > a"),
            ({"b": running("c"), "c": running("b")}, "`b` would run itself: a > b > c > b"),
            (
                {"b": running("c"), "c": running("d"), "d": running("e"), "e": running("f"),
                 "f": running()},
                "more than 5 deep",
            ),
        ]  # fmt: skip
        for others, message in cases:
            [problem] = nesting_problems("a", own, specs(**others))
            assert message in problem.message
