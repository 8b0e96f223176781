"""Requests of the access matrix: made from the table, sent, compared, searched for leaks."""

import asyncio
import copy
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from citewell.kit.ids import uuid7
from tests.isolation.actors import Actor
from tests.isolation.rows import NOT_YET, Route
from tests.isolation.surface import Operation

CONCURRENCY = 12
PRIVATE = "private, no-store"
NEVER_EQUAL = ("request_id", "query_id", "timings_ms", "timestamp", "cached")
"""Fields that differ from reply to reply and tell nothing of the object that is asked for; `cached`
tells that somebody of the same reach asked the very same before, as probes do of each other."""

MADE = re.compile(r'"(?:chatcmpl-|resp_|msg_)[0-9a-f]{32}"|"created(?:_at)?":\s*\d+')
"""Ids and times that replies of OpenAI's API bear."""

UNTOLD_HEADERS = {"date", "x-request-id", "content-length", "server", "connection", "keep-alive"}

Values = dict[str, Any]
"""Values put into places: one text, or a list of them for `[]`."""


@dataclass(frozen=True)
class Probe:
    """One request of one actor."""

    actor: Actor
    operation: Operation
    route: Route
    values: Values
    body: dict[str, Any] | None = None
    """Instead of that of the route."""

    def __str__(self) -> str:
        return f"{self.actor.name}: {self.operation[0]} {self.operation[1]} {self.values}"


@dataclass(frozen=True)
class Told:
    """All that a reply tells its reader, without what was sent."""

    status: int
    said: str
    headers: frozenset[str]


@dataclass(frozen=True)
class Twins:
    """Two requests that must look the same: for an object of others, and for one of nobody."""

    theirs: Probe
    missing: Probe


@dataclass
class Tally:
    """Counts the probes that were sent and keeps the faults of their replies."""

    probes: int = 0
    leaks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def spelled(value: str) -> list[str]:
    """Ways to write one id that a server may understand."""
    return [value, value.upper(), value.replace("-", ""), f"urn:uuid:{value}", f"{{{value}}}"]


def plain(value: str) -> str:
    """An id as replies write it; other texts as they are."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return value


def fillings(place: str, wanted: str, own: str | None) -> list[Any]:
    """Values for a place to ask for `wanted`; lists hold it alone and beside an own one."""
    if not place.endswith("[]"):
        return list(spelled(wanted))
    mixed = [[own, wanted], [wanted, own]] if own else []
    return [[wanted], [wanted.upper()], [wanted, wanted], *mixed]


def base_values(route: Route, ids: dict[str, str]) -> Values:
    """The places of a request, each with an id of the sender's own."""
    return {
        place: [ids[kind]] if place.endswith("[]") else ids[kind]
        for place, kind in route.carriers.items()
        if kind != NOT_YET and place not in route.instead
    }


def missing_id() -> str:
    """An id of nothing."""
    return str(uuid7())


def request_of(probe: Probe) -> dict[str, Any]:
    """The arguments of `httpx.AsyncClient.request`."""
    route, (method, path) = probe.route, probe.operation
    fresh = uuid.uuid4().hex
    chosen = probe.body if probe.body is not None else route.body
    body = json.loads(json.dumps(chosen).replace("{fresh}", fresh)) if chosen is not None else None
    query, form, named = dict(route.query), copy.copy(route.form), dict(route.path)
    for place, value in probe.values.items():
        root, _, rest = place.partition(".")
        name = rest.removesuffix("[]")
        if root == "path":
            named[name] = value
        elif root == "query":
            query[name] = _written(route, place, value)
        elif root == "form":
            form = {**(form or {}), name: value}
        else:
            body = {} if body is None else body
            _put(body, name.split("."), value)
    request: dict[str, Any] = {
        "method": method, "url": path.format_map(named), "headers": probe.actor.headers,
    }  # fmt: skip
    if query:
        request["params"] = query
    if form is not None:
        request["data"] = form
        request["files"] = [
            (route.file_field, (f"{fresh}.txt", b"A page of its own.", "text/plain"))
        ]
    elif body is not None:
        request["json"] = body
    return request


def _written(route: Route, place: str, value: Any) -> Any:
    return route.written[place].format(value) if place in route.written else value


def _put(body: dict[str, Any], path: list[str], value: object) -> None:
    for key in path[:-1]:
        name, is_list = key.removesuffix("[]"), key.endswith("[]")
        inner = body.setdefault(name, [{}] if is_list else {})
        body = inner[0] if is_list else inner
    body[path[-1]] = value


def told_by(reply: httpx.Response, sent: Iterable[str]) -> Told:
    """The reply's content, with the ids that were sent blotted out."""
    said = reply.text
    forms = {form for one in sent for form in (one, *spelled(plain(one)))}
    for value in sorted(forms, key=len, reverse=True):
        said = re.sub(re.escape(value), "ID", said, flags=re.IGNORECASE)
    said = MADE.sub("MADE", said)
    for key in NEVER_EQUAL:
        said = re.sub(rf'"{key}":\s*("[^"]*"|\{{[^}}]*\}}|true|false)', f'"{key}":0', said)
    return Told(reply.status_code, said, frozenset(reply.headers) - UNTOLD_HEADERS)


def sent_ids(values: Values) -> set[str]:
    """The texts in the places of a request."""
    found: set[str] = set()
    for value in values.values():
        found.update(value if isinstance(value, list | dict) else [value])
    return found


class Prober:
    """Sends probes side by side and keeps the tally."""

    def __init__(self, client: httpx.AsyncClient, tally: Tally) -> None:
        self._client = client
        self.tally = tally
        self._room = asyncio.Semaphore(CONCURRENCY)

    def fault(self, probe: Probe, what: str) -> None:
        """Note that a reply was not as it must be."""
        self.tally.faults.append(f"{probe}: {what}")

    async def send(self, probe: Probe, marks: Iterable[str]) -> httpx.Response:
        """The reply, searched for what its reader must never see."""
        async with self._room:
            reply = await self._client.request(**request_of(probe))
        self.tally.probes += 1
        shown = (reply.text + " ".join(f"{k}: {v}" for k, v in reply.headers.items())).lower()
        for mark in marks:
            if mark.lower() in shown:
                self.tally.leaks.append(f"{probe}: {reply.status_code} {shown[:500]}")
        if reply.status_code >= 500:
            self.fault(probe, f"{reply.status_code} {reply.text[:300]}")
        if reply.headers.get("cache-control") != PRIVATE:
            self.fault(probe, f"Cache-Control is {reply.headers.get('cache-control')!r}")
        if reply.content and reply.headers.get("content-type") == "application/json":
            self._check_total(probe, reply.json())
        return reply

    def _check_total(self, probe: Probe, shown: dict[str, Any]) -> None:
        """A list that fits on its page counts nothing it does not show.

        It may show what was added since it was counted: others work at the same time.
        """
        pages = shown.get("pagination")
        if pages and pages["total_pages"] <= 1 and pages["total"] > len(shown["data"]):
            self.fault(probe, f"{pages['total']} are counted, {len(shown['data'])} shown")

    async def compare(
        self, twins: Twins, marks: Iterable[str], statuses: Iterable[int] | None
    ) -> None:
        """Send both and note any difference; `statuses`: those that are right."""
        marks = tuple(marks)
        replies = [await self.send(probe, marks) for probe in (twins.theirs, twins.missing)]
        sent = sent_ids(twins.theirs.values) | sent_ids(twins.missing.values)
        told = [told_by(reply, sent) for reply in replies]
        if told[0] != told[1]:
            self.fault(twins.theirs, f"theirs is {told[0]}\n  but nobody's is {told[1]}")
        if statuses is not None and told[0].status not in statuses:
            self.fault(twins.theirs, f"{told[0].status} {told[0].said[:300]}")


async def all_at_once(work: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Do everything; the prober bounds how much of it at a time."""
    async with asyncio.TaskGroup() as group:
        for item in work:
            group.create_task(_await(item))


async def _await(item: Callable[[], Awaitable[object]]) -> None:
    await item()
