"""Requests made from the API's description: right ones with parts that are wrong."""

import json
import random
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from citewell.entrypoints.http.examples import Examples

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, -0.0, 1e-320,
    "", " ", "0", "null", "a" * 5_000, "\x00", "\ud800", "\u202ex", "' OR 1=1 --", "%00", "{{7*7}}",
    "../../etc/passwd", "\ufdfa" * 400, "1e999", "NaN", "2026-02-30T25:61:61Z",
    "9999-12-31T23:59:59+99:99", "0001-01-01T00:00:00Z", str(uuid.UUID(int=0)),
    "00000000-0000-0000-0000-00000000000g", [], [None], [[]] * 50, {}, {"": ""}, {"$ne": 1},
    {"a": {"b": {"c": [1, {"d": None}]}}}, ["x"] * 500,
)  # fmt: skip
"""Values that have broken one program or another."""

LEFT_OUT = {"events_stream", "auth_logout", "users_delete", "auth_api_keys_revoke"}
"""A stream without an end, and what takes the caller's own rights away."""


@dataclass(frozen=True)
class Fuzzed:
    """A request, ready to be sent."""

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    content: bytes | None
    files: dict[str, Any] | None
    data: dict[str, bytes] | None


class Fuzzer:
    """Makes requests; the same seed makes the same ones."""

    def __init__(self, document: dict[str, Any], seed: int) -> None:
        self._random = random.Random(seed)
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._examples = Examples(self._schemas, self._schemas)
        self._operations = [
            (method, path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if operation["operationId"] not in LEFT_OUT
        ]
        self.known_ids = [str(uuid.UUID(int=7))]
        """Ids of objects that are there; some are put in the place of others."""

    def requests(self, count: int) -> Iterator[Fuzzed]:
        """So many requests, each operation in its turn."""
        for number in range(count):
            yield self._request(*self._operations[number % len(self._operations)])

    def _request(self, method: str, path: str, operation: dict[str, Any]) -> Fuzzed:
        query, headers = list[tuple[str, str]](), dict[str, str]()
        for each in operation.get("parameters", []):
            value = self._parameter(each)
            if each["in"] == "path":
                path = path.replace("{" + each["name"] + "}", _segment(value))
            elif each["in"] == "query" and (each["required"] or self._random.random() < 0.6):
                query.append((each["name"], value))
            elif each["in"] == "header" and self._random.random() < 0.3:
                # A client sends no others; the parser of the server refuses them before a route.
                printable = (letter for letter in value[:200] if " " <= letter <= "~")
                headers[each["name"]] = "".join(printable).strip()
        if self._random.random() < 0.05:
            query.append(("unknown", "1"))
        content, files, data = self._body(operation, headers)
        path = f"{path}?{urlencode(query, errors='surrogatepass')}" if query else path
        name = operation["operationId"]
        return Fuzzed(name, method.upper(), path, headers, content, files, data)

    def _parameter(self, parameter: dict[str, Any]) -> str:
        if self._random.random() < 0.4:
            return _text(self._random.choice(NASTY))
        if parameter["schema"].get("format") == "uuid" and self._random.random() < 0.7:
            return self._random.choice(self.known_ids)
        return _text(self._examples.for_schema(parameter["schema"], parameter["name"]))

    def _body(
        self, operation: dict[str, Any], headers: dict[str, str]
    ) -> tuple[bytes | None, dict[str, Any] | None, dict[str, bytes] | None]:
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            example = self._examples.for_schema(content["application/json"]["schema"], "")
            headers["Content-Type"] = "application/json"
            raw = json.dumps(self._damaged(example)).encode("utf-8", "surrogatepass")
            if self._random.random() < 0.05:
                raw = raw[: self._random.randrange(len(raw) + 1)] + b"\xff"
            return raw, None, None
        if "multipart/form-data" in content:
            files = {"files": ("a.txt", self._random.randbytes(200), "text/plain")}
            files["file"] = files["files"]
            nasty = _text(self._random.choice(NASTY)).encode("utf-8", "surrogatepass")
            return None, files, {"metadata": nasty}
        return None, None, None

    def _damaged(self, example: Any) -> Any:
        """The example with one to three parts exchanged, dropped or added; sometimes as it is."""
        damaged = deepcopy(example)
        for _ in range(self._random.choice((0, 1, 1, 2, 3))):
            if not isinstance(damaged, dict) or not damaged:
                return self._random.choice(NASTY)
            place = damaged
            while True:
                key = self._random.choice(list(place))
                if isinstance(place[key], dict) and place[key] and self._random.random() < 0.6:
                    place = place[key]
                    continue
                break
            match self._random.randrange(5):
                case 0:
                    del place[key]
                case 1:
                    place[key + "x"] = place[key]
                case 2 if isinstance(place[key], str) and "-" in place[key]:
                    place[key] = self._random.choice(self.known_ids)
                case _:
                    place[key] = self._random.choice(NASTY)
            if not damaged:
                return {}
        return damaged


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _segment(value: str) -> str:
    """A value as one part of a path."""
    return quote(value[:300].encode("utf-8", "surrogatepass"), safe="") or "-"
