"""Files of deploy/ name only metrics, settings, commands and sections that there are."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from citewell.core.metrics import PREFIX, SPECS, MetricKind
from citewell.core.settings import Settings
from citewell.entrypoints.cli import COMMANDS
from tools.manifests import chart_digest

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
        assert len({board["uid"] for board in dashboards()}) == len(dashboards()) == 5
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
        beanstalk = (DEPLOY / "elasticbeanstalk" / "docker-compose.yml").read_text("utf-8")
        services = yaml.safe_load(beanstalk)["services"]
        own += [services["server"], services["worker"]]
        for service in own:
            assert service["command"][0] in COMMANDS
            assert service["read_only"] is True
        for line in (DEPLOY / "Procfile").read_text("utf-8").splitlines():
            name, _, command = line.partition(": ")
            assert name in ("release", "web", "worker")
            assert shlex.split(command)[:1] == ["citewell"]
            assert shlex.split(command)[1] in COMMANDS
        for file in (DEPLOY / "cloudrun").glob("*.yaml"):
            args = re.findall(r"args: \[(\w+)", file.read_text("utf-8"))
            assert set(args) <= set(COMMANDS)
            assert args

    def test_nginx_keeps_connections_longer_than_the_balancer_before_it(self) -> None:
        beanstalk = DEPLOY / "elasticbeanstalk"
        options = (beanstalk / ".ebextensions" / "citewell.config").read_text("utf-8")
        server = (beanstalk / "nginx.conf").read_text("utf-8").partition("\nserver {")[2]
        [idle] = re.findall(r'IdleTimeout: "(\d+)"', options)
        [kept] = re.findall(r"keepalive_timeout (\d+)s;", server)
        assert int(kept) > int(idle)

    def test_balancer_of_cloud_run_is_trusted_by_its_own_address_too(self) -> None:
        text = (DEPLOY / "cloudrun" / "service.yaml").read_text("utf-8")
        [trusted] = re.findall(r'CITEWELL_TRUSTED_PROXIES, value: "(.*)"', text)
        assert "ADDRESS" in trusted.split(",")

    def test_rollback_waits_for_no_run_and_images_are_named_in_lower_case(self) -> None:
        text = (DEPLOY / "pipelines" / "github.yml").read_text("utf-8")
        pipeline = yaml.safe_load(text)
        assert "inputs.rollback" in pipeline["concurrency"]["group"]
        assert "IMAGE" not in pipeline["env"]
        for job in pipeline["jobs"].values():
            steps = [step.get("run", "") for step in job["steps"]]
            [*made] = [n for n, step in enumerate(steps) if "IMAGE=" in step]
            used = [n for n, step in enumerate(steps) if "$IMAGE" in step]
            assert bool(made) == bool(used)
            assert not used or ("${GITHUB_REPOSITORY,,}" in steps[made[0]] and made[0] < used[0])

    def test_targets_of_pipelines_and_files_of_images_are_there(self) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
        for name, word in (("github", "target"), ("gitlab", "TARGET")):
            text = (DEPLOY / "pipelines" / f"{name}.yml").read_text("utf-8")
            listed = re.search(rf"{word}: \[(.*)\]", text)
            assert listed is not None
            called = {*listed[1].split(", "), *re.findall(r"make ([a-z-]+)", text)}
            assert {"lint", "types", "test", "web"} <= called <= targets
            for file in re.findall(r"(?:-f |sh | )(deploy/[\w/.-]+)", text):
                assert (ROOT / file).is_file(), file
        docker = (DEPLOY / "Dockerfile").read_text("utf-8")
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", docker, re.M):
            for file in line.split():
                assert (ROOT / file).exists(), file


class TestManifests:
    def test_they_are_of_the_chart_as_it_is(self) -> None:
        files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        assert [file.stem for file in files] == ["citewell", "migration", "settings"]
        for file in files:
            head = file.read_text("utf-8").splitlines()[0]
            assert head.endswith(f"sha256 {chart_digest()}"), "run `make manifests`"

    def test_they_hold_nothing_of_helm(self) -> None:
        kinds: set[str] = set()
        for file in (DEPLOY / "kubernetes").glob("*.yaml"):
            text = file.read_text("utf-8")
            assert "helm.sh" not in text
            kinds |= {node["kind"] for node in yaml.safe_load_all(text)}
        assert kinds >= {"Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
        assert kinds >= {"Service", "NetworkPolicy", "Job", "ConfigMap"}


class TestParts:
    def test_list_names_packages_of_this_environment_and_of_the_web(self) -> None:
        said = subprocess.run(
            [sys.executable, ROOT / "tools" / "sbom.py", "--of", "1.2.3", "--dpkg", "/none",
             "--npm", ROOT / "web" / "package-lock.json"],
            capture_output=True, check=True,
        )  # fmt: skip
        bill = json.loads(said.stdout)
        assert bill["metadata"]["component"]["version"] == "1.2.3"
        found = {each["purl"].partition("@")[0]: each for each in bill["components"]}
        assert found["pkg:pypi/fastapi"]["licenses"] == [{"license": {"name": "MIT"}}]
        assert "pkg:npm/react" in found
        assert "pkg:npm/vitest" not in found, "only tests need it"
        assert "pkg:pypi/citewell" not in found


@pytest.fixture
def answering() -> Iterator[tuple[str, list[int], list[str]]]:
    """A server: its address, the statuses it will answer with, the keys that came."""
    statuses, keys = [200], list[str]()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(statuses[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass  # to stderr otherwise

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", statuses, keys
        server.shutdown()


class TestRollout:
    def run(self, folder: Path, address: str, digest: str) -> tuple[int, list[str]]:
        """The status of the script and the calls of Helm, which is one that only notes them."""
        log, helm = folder / "helm.log", folder / "helm"
        log.touch()
        helm.write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(log))}\n', encoding="utf-8")
        helm.chmod(0o700)
        path = f"{folder}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", DEPLOY / "pipelines" / "rollout.sh", "registry.example/citewell", digest],
            env={"PATH": path, "SMOKE_URL": address, "SMOKE_KEY": "cw_key"},
            cwd=ROOT, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode, log.read_text("utf-8").splitlines()

    def test_release_that_answers_stays(
        self, tmp_path: Path, answering: tuple[str, list[int], list[str]]
    ) -> None:
        address, _, keys = answering
        code, calls = self.run(tmp_path, address, "sha256:abc")
        assert code == 0
        assert len(calls) == 1
        assert calls[0].startswith("upgrade citewell deploy/helm/citewell --install --atomic")
        assert "--set image.tag=sha256:abc" in calls[0]
        assert keys == ["Bearer cw_key"]

    def test_release_that_does_not_is_taken_back(
        self, tmp_path: Path, answering: tuple[str, list[int], list[str]]
    ) -> None:
        address, statuses, _ = answering
        statuses[0] = 404  # not one that curl tries again
        code, calls = self.run(tmp_path, address, "sha256:abc")
        assert code == 1
        assert [call.split()[0] for call in calls] == ["upgrade", "rollback"]

    def test_image_without_a_digest_is_not_rolled_out(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "http://127.0.0.1:1", "") == (2, [])


UPGRADED = "Upgrade complete"
HISTORIES: list[tuple[list[tuple[str, str]], str | None]] = [
    ([("superseded", "Install complete"), ("deployed", UPGRADED)], "1"),
    # The second was taken back after it was ready, then somebody asks for a rollback again.
    (
        [("superseded", "Install complete"), ("superseded", UPGRADED), ("superseded", UPGRADED),
         ("deployed", "Rollback to 2")],
        "1",
    ),
    ([("superseded", "Install complete"), ("superseded", UPGRADED), ("deployed", "Rollback to 1")],
     None),
    # Helm itself took the second back, then came a bad third.
    (
        [("superseded", "Install complete"), ("failed", "Upgrade failed: 'x: \"y\"'"),
         ("superseded", "Rollback to 1"), ("deployed", UPGRADED)],
        "3",
    ),
    # One that was taken back is not what another is taken back to.
    (
        [("superseded", "Install complete"), ("superseded", UPGRADED),
         ("superseded", "Rollback to 1"), ("superseded", UPGRADED), ("deployed", "Rollback to 3")],
        None,
    ),
    ([("deployed", "Install complete")], None),
]  # fmt: skip
"""Status and description of revisions, as `helm history` tells them, and the one to go back to."""


class TestRollback:
    def run(self, folder: Path, history: list[dict[str, Any]], *named: str) -> tuple[int, str]:
        """The status of the script and the last call of Helm, which only tells a history."""
        (folder / "history.yaml").write_text(yaml.safe_dump(history), encoding="utf-8")
        (folder / "helm.log").touch()
        helm = folder / "helm"
        helm.write_text(
            f"#!/bin/sh\ncd {shlex.quote(str(folder))}\n"
            'if [ "$1" = history ]; then cat history.yaml; else echo "$@" > helm.log; fi\n',
            encoding="utf-8",
        )
        helm.chmod(0o700)
        done = subprocess.run(
            [DEPLOY / "pipelines" / "rollback.sh", *named],
            env={"PATH": f"{folder}:{os.environ['PATH']}"}, capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode, (folder / "helm.log").read_text("utf-8").strip()

    def test_newest_release_that_was_not_taken_back_is_chosen(self, tmp_path: Path) -> None:
        for number, (told, wanted) in enumerate(HISTORIES):
            history = [
                {
                    "app_version": "1.0", "chart": "citewell-0.1.0", "description": description,
                    "revision": at, "status": status, "updated": "2026-01-01T00:00:00Z",
                }
                for at, (status, description) in enumerate(told, 1)
            ]  # fmt: skip
            folder = tmp_path / str(number)
            folder.mkdir()
            code, call = self.run(folder, history)
            if wanted is None:
                assert (code, call) == (1, ""), told
            else:
                asked = f"rollback citewell {wanted} --wait --timeout 15m"
                assert (code, call) == (0, asked), told

    def test_revision_that_is_named_is_taken(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, [], "7") == (0, "rollback citewell 7 --wait --timeout 15m")
