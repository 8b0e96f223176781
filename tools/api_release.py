"""Compares the HTTP API with its last release, docs/api-v1.json.

python tools/api_release.py            # name what a client of the last release would trip over
python tools/api_release.py --release  # write the file anew: this is what is promised from now on

Version 1 may grow: routes, parameters that may be left out, fields of replies. It may not lose or
rename any of them, change their types, or ask for more than it did.
"""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app

ROOT = Path(__file__).resolve().parents[1]
RELEASED = ROOT / "docs" / "api-v1.json"
REFERENCE = "#/components/schemas/"

Release = dict[str, dict[str, dict[str, str]]]
"""By operation, `POST /api/v1/search`: the types of what is `sent` and `replied`, by field. What
must be sent has a `!` behind its type."""


def present() -> Release:
    """The API of this working copy."""
    app = create_app(Settings(_env_file=None, home=Path("unused")), nullcontext)  # type: ignore[arg-type]
    return outline(app.openapi())


def released() -> Release:
    """The API of the last release."""
    return json.loads(RELEASED.read_text("utf-8"))


def outline(document: dict[str, Any]) -> Release:
    """The operations of a description with the fields they take and give."""
    schemas = document["components"]["schemas"]
    found: Release = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            sent = {
                f"{each['in']}:{each['name']}": _type(each["schema"], schemas)
                + ("!" if each.get("required") else "")
                for each in operation.get("parameters", [])
            }
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _flatten(content["schema"], schemas, "", sent, ())
            replied: dict[str, str] = {}
            for status, reply in operation["responses"].items():
                if not status.startswith("2"):
                    continue
                for content in reply.get("content", {}).values():
                    _flatten(content.get("schema", {}), schemas, "", replied, ())
            found[f"{method.upper()} {path}"] = {"sent": sent, "replied": replied}
    return found


def broken(before: Release, now: Release) -> list[str]:
    """Promises that do not hold any more, a line each."""
    faults: list[str] = []
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            faults.append(f"{name} is gone")
            continue
        for side in ("sent", "replied"):
            for field, kind in old[side].items():
                other = new[side].get(field)
                if other is None:
                    faults.append(f"{name}: {field} is gone from what is {side}")
                elif not _allows(side, kind, other):
                    faults.append(f"{name}: {field} was {kind} in what is {side}, now {other}")
        faults += [
            f"{name}: {field} must be sent now"
            for field, kind in new["sent"].items()
            if field not in old["sent"] and kind.endswith("!") and _is_top(field, old["sent"])
        ]
    return faults


def _is_top(field: str, known: dict[str, str]) -> bool:
    """Whether the object a field is in was known; a new object may need what it likes."""
    around = field.rpartition(".")[0]
    return not around or around in known


def _allows(side: str, before: str, now: str) -> bool:
    """Whether a client made for the one type does with the other."""
    old, new = set(before.rstrip("!").split("|")), set(now.rstrip("!").split("|"))
    if side == "sent":
        return old <= new and (before.endswith("!") or not now.endswith("!"))
    # Words of a choice may come: a client skips those that it does not know.
    known = {kind for kind in new if not kind.startswith("'")}
    is_choice = any(kind.startswith("'") for kind in old)
    return (
        known <= old and (is_choice or new == known) and (now.endswith("!") >= before.endswith("!"))
    )


def _flatten(
    schema: dict[str, Any],
    schemas: dict[str, Any],
    prefix: str,
    found: dict[str, str],
    above: tuple[str, ...],
) -> None:
    """Add the fields of an object, and of those in it, with their types."""
    for part in [schema, *(each for key in ("anyOf", "oneOf") for each in schema.get(key, []))]:
        target = part.get("$ref")
        if target is not None:
            name = target.removeprefix(REFERENCE)
            if name not in above:
                _flatten(schemas[name], schemas, prefix, found, (*above, name))
            continue
        if part.get("type") == "array":
            _flatten(part.get("items", {}), schemas, prefix + "[]", found, above)
        for field, inner in part.get("properties", {}).items():
            path = f"{prefix}.{field}" if prefix else field
            mark = "!" if field in part.get("required", ()) else ""
            found[path] = _type(inner, schemas) + mark
            _flatten(inner, schemas, path, found, above)


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _type(schemas[schema["$ref"].removeprefix(REFERENCE)], schemas)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            kinds = {kind for each in schema[key] for kind in _type(each, schemas).split("|")}
            return "|".join(sorted(kinds))
    if "const" in schema:
        return f"'{schema['const']}'"
    if "enum" in schema:
        return "|".join(sorted(f"'{value}'" for value in schema["enum"]))
    if schema.get("type") == "array" and schema.get("items"):
        return f"array of {_type(schema['items'], schemas).replace('|', '/')}"
    return schema.get("type", "any")


def main() -> int:
    """Compare, or write the file."""
    if "--release" in sys.argv:
        lines = [f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in present().items()]
        RELEASED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
        return 0
    faults = broken(released(), present())
    print("\n".join(faults) or "Whatever worked with the last release works.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
