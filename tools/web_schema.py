"""Writes web/openapi.json: what the web application uses of the API's description.

python tools/web_schema.py          # write it anew
python tools/web_schema.py --check  # only tell whether it is what the application says (exit code 1 if not)

Only the paths that the sources of web/ name are kept, so that other routes change nothing here.
"""  # noqa: E501 - a command line

import json
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "web" / "openapi.json"
SOURCES = ROOT / "web" / "src"
NAMED = re.compile(r'"(/api/v1/[^"]*)"')
STREAMED = "/api/v1/query"
"""Has the shape of the stream's last event, which the description of a stream does not."""
REFERENCE = "#/components/schemas/"


def described() -> str:
    """The part of the description that the sources use, as the file has it.

    Raises:
        KeyError: They name a path that the application does not have.
    """
    whole = _whole()
    paths = {path: whole["paths"][path] for path in sorted(_named())}
    for operations in paths.values():
        for operation in operations.values():
            # Refusals are the same everywhere, and read by one function.
            replies = operation["responses"].items()
            operation["responses"] = {code: reply for code, reply in replies if code[0] == "2"}
            operation.pop("security", None)
    kept: dict[str, Any] = {}
    waiting = _references(paths)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = whole["components"]["schemas"][name]
            waiting |= _references(kept[name])
    part = {
        "openapi": whole["openapi"],
        "info": {"version": "1"},
        "paths": paths,
        "components": {"schemas": {name: kept[name] for name in sorted(kept)}},
    }
    return json.dumps(_without_prose(part), ensure_ascii=False, indent=1) + "\n"


def _whole() -> dict[str, Any]:
    app = create_app(Settings(_env_file=None, home=Path("unused")), nullcontext)  # type: ignore[arg-type]
    return app.openapi()


def _without_prose(node: Any) -> Any:
    """The same without prose and examples, which may change at any time and are no types."""
    if isinstance(node, list):
        return [_without_prose(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_prose(each)
        for key, each in node.items()
        # A field of that name is described by an object.
        if key not in ("title", "description", "summary") or not isinstance(each, str)
        if key != "examples" or not isinstance(each, list)
    }


def _named() -> set[str]:
    sources = [path for path in SOURCES.rglob("*.ts*") if path.name != "schema.d.ts"]
    named = {path for source in sources for path in NAMED.findall(source.read_text("utf-8"))}
    return named | {STREAMED}


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {name for each in node.values() for name in _references(each)}
        target = node.get("$ref")
        return found | ({target.removeprefix(REFERENCE)} if isinstance(target, str) else set())
    if isinstance(node, list):
        return {name for each in node for name in _references(each)}
    return set()


def main() -> int:
    """Write or check the file."""
    text = described()
    if "--check" in sys.argv:
        is_right = SCHEMA.exists() and SCHEMA.read_text("utf-8") == text
        if not is_right:
            print("web/openapi.json is stale: run `make web-schema`.")
        return 0 if is_right else 1
    SCHEMA.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
