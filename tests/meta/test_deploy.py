"""Files of deploy/ name only metrics, settings, commands and sections that there are."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from citewell.core.metrics import PREFIX, SPECS, MetricKind
from citewell.core.settings import Settings
from citewell.entrypoints.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def rules() -> list[dict[str, Any]]:
    text = (DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def dashboards() -> list[dict[str, Any]]:
    files = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def expressions() -> list[str]:
    shown = [
        target["expr"]
        for board in dashboards()
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    return [*(rule["expr"] for rule in rules()), *shown]


class TestWatching:
    def test_rules_and_dashboards_ask_for_metrics_and_labels_that_there_are(self) -> None:
        known: dict[str, set[str]] = {}
        for spec in SPECS:
            ends = ("_bucket", "_sum", "_count") if spec.kind is MetricKind.HISTOGRAM else ("",)
            known |= {f"{PREFIX}{spec.name}{end}": {*spec.labels, "le"} for end in ends}
        recorded = {rule["record"] for rule in rules() if "record" in rule}
        for expression in expressions():
            for name, labels in re.findall(r"\b(citewell[_:][\w:]+)(?:\{([^}]*)\})?", expression):
                assert name in known or name in recorded, expression
                used = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", labels))
                assert used <= known.get(name, set()), expression

    def test_each_alert_has_a_section_of_the_runbook_and_each_section_an_alert(self) -> None:
        alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
        text = (ROOT / "docs" / "guide" / "runbook.md").read_text(encoding="utf-8")
        assert set(re.findall(r"^## (\w+)$", text, re.M)) == set(alerts)
        for name, rule in alerts.items():
            assert rule["annotations"]["runbook"] == f"docs/guide/runbook.md#{name.lower()}"
            assert rule["labels"]["severity"] in ("page", "ticket")

    def test_dashboards_have_ids_of_their_own_and_the_provisioned_source(self) -> None:
        assert len({board["uid"] for board in dashboards()}) == len(dashboards()) == 4
        for board in dashboards():
            assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
            assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"prometheus"}


class TestConfiguration:
    def test_only_settings_that_there_are_are_named(self) -> None:
        known = {f"CITEWELL_{name.upper()}" for name in Settings.model_fields}
        known |= {"CITEWELL_IMAGE"}  # of the compose file itself
        files = [path for path in DEPLOY.rglob("*") if path.is_file()]
        assert len(files) > 15
        for path in files:
            named = set(re.findall(r"\bCITEWELL_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
            assert named <= known, path

    def test_only_commands_that_there_are_are_run(self) -> None:
        text = (DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8")
        services = yaml.safe_load(text)["services"]
        own = [each for each in services.values() if "citewell" in each["image"].lower()]
        assert len(own) == 5
        for service in own:
            assert service["command"][0] in COMMANDS
            assert service["read_only"] is True
