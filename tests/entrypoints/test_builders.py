"""Agents and workflows at the command line: kept from files, run, looked at, decided on."""

from dataclasses import replace
from pathlib import Path

import pytest

from citewell.features.agents.schemas import AgentDefinition
from tests.entrypoints.conftest import Installation
from tests.features.agents.conftest import MODEL, Scripted, calling, saying, vendor
from tests.ports import free_port

__all__ = ["vendor"]

AGENT = """
name: Clerk
instructions: Work as told.
tools: [calculate, send_http]
limits: {{steps: {steps}}}
"""

WORKFLOW = """
name: Errand
inputs: {topic: {}}
nodes:
  - {id: news, kind: search, changed_within: 7d}
  - {id: ask, kind: approval, after: [news], message: "Tell of {{ inputs.topic }}?"}
  - {id: told, kind: agent, agent: clerk, after: [ask], input: "Tell of {{ inputs.topic }}."}
output: "{{ told.output.answer }}"
"""

pytestmark = pytest.mark.usefixtures("database_runs")


@pytest.fixture
def builder(installation: Installation, vendor: Scripted, tmp_path: Path) -> Installation:
    """The installation with a model, and an agent and a workflow that were kept from files."""
    variables = {
        "CITEWELL_LLM": MODEL, "CITEWELL_LLM_BASE_URL": f"{vendor.server.url}/v1",
        "CITEWELL_AGENT_HOSTS": f"127.0.0.1:{free_port()}",
        "CITEWELL_PRIVATE_HOSTS": "127.0.0.0/8",
    }  # fmt: skip
    own = replace(installation, variables={**installation.variables, **variables})
    for name, text in (("clerk", AGENT.format(steps=5)), ("errand", WORKFLOW)):
        (tmp_path / f"{name}.yaml").write_text(text)
    own.json("agent", "save", str(tmp_path / "clerk.yaml"))
    own.json("workflow", "save", str(tmp_path / "errand.yaml"))
    return own


EVERYTHING = """
slug: everything
name: Everything
description: All that a file may say.
instructions: Work as told.
model: "{model}"
temperature: 0.5
collection_ids: null
tools: [calculate]
limits: {{steps: 5, tokens: 9000, money: 0.5, seconds: 60}}
answer_schema: {{type: object, properties: {{told: {{type: string}}}}, required: [told]}}
"""


class TestSaving:
    def test_file_may_say_everything_that_an_agent_has(
        self, builder: Installation, tmp_path: Path
    ) -> None:
        file = tmp_path / "all.yaml"
        file.write_text(EVERYTHING.format(model=MODEL))
        saved = builder.json("agent", "save", str(file))
        assert saved["definition"]["model"] == MODEL
        assert saved["definition"].keys() == AgentDefinition.model_fields.keys()

    def test_changed_file_is_the_next_version(self, builder: Installation, tmp_path: Path) -> None:
        file = tmp_path / "clerk.yaml"
        before = builder.json("agent", "save", str(file))["version"]
        file.write_text(AGENT.format(steps=7))
        saved = builder.json("agent", "save", str(file))
        assert saved["version"] == before + 1
        assert saved["definition"]["limits"]["steps"] == 7
        assert builder.json("agent", "save", str(file))["version"] == before + 1
        flow = tmp_path / "errand.yaml"
        kept = builder.json("workflow", "save", str(flow))["version"]
        flow.write_text(WORKFLOW.replace("7d", "8d"))
        assert builder.json("workflow", "save", str(flow))["version"] == kept + 1
        named = builder.json("workflow", "save", str(flow), "--slug", "other")
        assert (named["slug"], named["version"]) == ("other", 1)
        listed = builder.json("workflow", "list")["workflows"]
        assert {each["slug"] for each in listed} >= {"errand", "other"}

    def test_faults_are_told_and_nothing_is_kept(
        self, builder: Installation, tmp_path: Path
    ) -> None:
        file = tmp_path / "bad.yaml"
        told = {
            AGENT.format(steps=900): "The limits.steps cannot be used",
            "name: [": "bad.yaml:1:",
            "- a": "holds no agent",
            "name: B\ninstructions: x\ntools: [fly]": "There is no tool `fly`",
        }
        for text, expected in told.items():
            file.write_text(text)
            refused = builder.call("agent", "save", str(file))
            assert refused.exit_code == 2, refused.stdout
            assert expected in refused.stderr.replace("\n", " ")
        file.write_text(WORKFLOW.replace("[news]", "[new]"))
        refused = builder.call("workflow", "save", str(file))
        assert "there is no node `new`" in refused.stderr
        checked = builder.call("workflow", "validate", str(file))
        assert checked.exit_code == 1
        assert f"{file}:6: there is no node `new`" in checked.stdout.replace("\n", "")
        gone = builder.call("agent", "save", str(tmp_path / "gone.yaml"))
        assert gone.exit_code == 2
        assert "cannot be read" in gone.stderr
        listed = [each["slug"] for each in builder.json("agent", "list")["agents"]]
        assert "bad" not in listed


class TestRunning:
    def test_agent_shows_the_action_that_it_waits_for(
        self, builder: Installation, vendor: Scripted
    ) -> None:
        host = builder.variables["CITEWELL_AGENT_HOSTS"]
        sending = {"method": "POST", "url": f"http://{host}/notes", "body": "Hello."}
        vendor.play(calling(("send_http", sending)), saying("It was not sent."))
        run = builder.json("agent", "run", "clerk", "Send it.")
        assert run["status"] == "waiting"
        shown = builder.call("agent", "show", run["id"]).stdout
        assert f"POST http://{host}/notes" in shown
        refused = builder.call("agent", "approve", run["id"], "--deny", "--yes")
        assert refused.exit_code == 0, refused.stderr
        assert f"POST http://{host}/notes\n\nHello." in refused.stderr

    def test_workflow_waits_for_a_decision_and_goes_on(
        self, builder: Installation, vendor: Scripted
    ) -> None:
        vendor.answer(lambda _: saying("It is told."))
        planned = builder.call("workflow", "run", "errand", "--input", "topic=six", "--dry-run")
        assert "told (agent) after ask" in planned.stdout
        begun = builder.json("workflow", "run", "errand", "--input", "topic=six")
        assert begun["status"] == "waiting"
        shown = builder.call("workflow", "show", begun["id"]).stdout
        assert "Waits for a decision:\nTell of six?" in shown
        assert not any("Tell of" in str(each.body) for each in vendor.server.received)
        decided = builder.json("workflow", "approve", begun["id"], "--yes")
        assert decided["status"] in ("queued", "running")
        again = builder.call("workflow", "approve", begun["id"], "--yes")
        assert again.exit_code == 2
