"""The API as a collection for Postman and the programs that read its format (v2.1.0)."""

import json
from typing import Any, cast

from citewell.entrypoints.http.description import REFERENCE
from citewell.entrypoints.http.examples import Examples

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

_BEARER = [{"key": "token", "value": "{{api_key}}", "type": "string"}]


def collection_of(document: dict[str, Any], base_url: str) -> dict[str, Any]:
    """A folder for each tag and a request for each operation, with the examples as bodies.

    Args:
        document: The API's description.
        base_url: Address of the server; the collection's variable `base_url`.
    """
    requests = _Requests(document)
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            request = requests.of(path, method, operation)
            folders[operation["tags"][0]].append(
                {"name": operation["operationId"], "request": request}
            )
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"].strip(),
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": _BEARER},
        "variable": [
            {"key": "base_url", "value": base_url.rstrip("/")},
            {"key": "api_key", "value": ""},
        ],
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }


class _Requests:
    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._examples = Examples(self._schemas, self._schemas)

    def of(self, path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
        """The request of an operation; what may be left out of it is there, switched off."""
        parameters = operation.get("parameters", [])
        request: dict[str, Any] = {
            "method": method.upper(),
            "description": operation.get("description", operation["summary"]),
            "url": {
                "raw": "{{base_url}}" + path,
                "host": ["{{base_url}}"],
                "path": [
                    ":" + part[1:-1] if part.startswith("{") else part
                    for part in path.strip("/").split("/")
                ],
                "query": [
                    {**self._pair(each), "disabled": not each["required"]}
                    for each in parameters
                    if each["in"] == "query"
                ],
                "variable": [self._pair(each) for each in parameters if each["in"] == "path"],
            },
        }
        if not operation.get("security"):
            request["auth"] = {"type": "noauth"}
        if (body := self._body(operation)) is not None:
            request["body"] = body
        return request

    def _pair(self, parameter: dict[str, Any]) -> dict[str, Any]:
        example = self._examples.for_schema(parameter["schema"], parameter["name"])
        description = parameter.get("description", "")
        return {"key": parameter["name"], "value": _text(example), "description": description}

    def _body(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            example = self._examples.for_schema(content["application/json"]["schema"], "")
            raw = json.dumps(example, ensure_ascii=False, indent=2)
            return {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
        if "multipart/form-data" in content:
            name = content["multipart/form-data"]["schema"]["$ref"].removeprefix(REFERENCE)
            schema = self._schemas[name]
            required = schema.get("required", ())
            fields = [
                {**self._field(field, part), "disabled": field not in required}
                for field, part in schema["properties"].items()
            ]
            return {"mode": "formdata", "formdata": fields}
        return None

    def _field(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        if _is_file(schema):
            return {"key": name, "type": "file", "src": []}
        value = _text(self._examples.for_schema(schema, name))
        return {"key": name, "type": "text", "value": value}


def _is_file(schema: dict[str, Any]) -> bool:
    if schema.get("contentMediaType") == "application/octet-stream":
        return True
    items = cast(dict[str, Any], schema.get("items", {}))
    return bool(items) and _is_file(items)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
