"""Writes deploy/kubernetes from the chart: plain manifests for those who have no Helm.

Needs helm-python-sdk and PyYAML (`make manifests` installs both in an environment of their own).
"""

import hashlib
import sys
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
CHART = DEPLOY / "helm" / "citewell"
FOLDER = DEPLOY / "kubernetes"

HEAD = "# Written by `make manifests` from deploy/helm/citewell. Chart: sha256 {digest}\n"


def chart_digest() -> str:
    """Hash of all files of the chart, by which a test sees that the manifests are those of it."""
    found = hashlib.sha256()
    for file in sorted(path for path in CHART.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(CHART).as_posix()}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def manifests() -> dict[str, str]:
    """Files of deploy/kubernetes by name, in the order in which they are applied."""
    import helm_python  # noqa: PLC0415 - not in the environment in which tests read the hash
    import yaml  # noqa: PLC0415 - as above

    rendered = helm_python.Chart.load(str(CHART)).render({}, name="citewell")
    parts: dict[str, list[str]] = {"settings": [], "migration": [], "citewell": []}
    for _, text in sorted(rendered.items()):
        for node in yaml.safe_load_all(text):
            if node:
                parts[_file_of(node)].append(yaml.safe_dump(_plain(node), sort_keys=False))
    head = HEAD.format(digest=chart_digest())
    return {f"{name}.yaml": head + "---\n".join(texts) for name, texts in parts.items()}


def _file_of(node: dict[str, Any]) -> str:
    return {"ConfigMap": "settings", "Job": "migration"}.get(node["kind"], "citewell")


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    """A resource without what only Helm reads."""
    meta = node["metadata"]
    notes = {
        name: value
        for name, value in meta.pop("annotations", {}).items()
        if not name.startswith("helm.sh/")
    }
    if notes:
        meta["annotations"] = notes
    template = node["spec"].get("template", {}) if "spec" in node else {}
    for each in (meta, template.get("metadata", {})):
        each.get("labels", {}).pop("app.kubernetes.io/managed-by", None)
    return node


def main() -> int:
    """Write the files, or with `--check` say which are not as the chart has them."""
    stale: list[str] = []
    for name, text in manifests().items():
        file = FOLDER / name
        if "--check" not in sys.argv[1:]:
            file.write_text(text, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"deploy/kubernetes/{name} is not what the chart gives: run `make manifests`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
