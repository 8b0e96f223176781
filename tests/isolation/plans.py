"""Which probes the matrix holds: every route for every actor, with every place substituted."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.isolation.actors import (
    Actor,
    Standing,
    bearer,
    foreigners,
    insiders,
    nobodies,
    reading_key,
)
from tests.isolation.probes import Probe, Twins, Values, base_values, fillings, missing_id
from tests.isolation.routes import CHANGING, READING, SEARCH, SHARING, TABLE, WORK
from tests.isolation.rows import API, NOT_YET, Route
from tests.isolation.surface import Operation, open_operations
from tests.isolation.world import QUESTION, Organisation

REFUSED = (403, 404, 422)

EVERY_SPELLING = ("foreign service", "foreign director", "employee", "guest")
"""Actors who write each id in all ways; the others write it plainly."""

HOSTILE_FIELDS = (
    "role", "roles", "is_admin", "admin", "is_superuser", "superuser", "is_staff", "is_owner",
    "tenant_id", "tenant", "tenantId", "organisation_id", "org_id", "account_id", "workspace_id",
    "owner", "owner_id", "user_id", "created_by", "updated_by", "author_id", "actor_id",
    "password_hash", "passwordHash", "hash", "secret", "token", "api_key", "session_version", "sv",
    "scope", "scopes", "permissions", "grants", "groups", "group_ids", "access", "visibility",
    "status", "state", "is_active", "active", "active_version_id", "version_id", "blob_id",
    "source", "filename", "path", "created_at", "updated_at", "deleted_at", "expires_at",
    "revoked_at", "last_used_at", "plan", "limits", "region", "has_open_registration", "id",
    "_id", "__proto__", "constructor", "__class__", "metadata_", "invitation_hash",
)  # fmt: skip
"""Fields of writes that other products accepted and should not have."""


ODD_PATHS = (
    "/api/v1//documents", "//api/v1/documents", "/api/v1/./documents", "/API/V1/documents",
    "/api/v1/health/../documents", "/api/v1/health/live/../../documents", "/%61pi/v1/documents",
    "/api/v1/documents/", "/api/v1/documents;x=/api/v1/health/live", "/api/v1/documents%2f",
    "/api/v1/documents%00", "/api/v1/documents?path=/api/v1/health/live",
    "/api%2fv1%2fdocuments", "/api/v1/health/live%2f..%2f..%2fdocuments",
    "/api/static/../v1/documents", "/api/static/%2e%2e/v1/documents", "/api/v1%2e/documents",
    "/api/v1/auth/login/../../documents", "/api/v1/documents#/api/v1/health/live",
)  # fmt: skip
"""Spellings that have led around the guard of other products."""


@dataclass(frozen=True)
class Breadth:
    """How much of the matrix is sent: every route and every place that takes an id in any case."""

    actors: frozenset[str] | None
    """Names of those who send; None: all."""
    spellings: int | None
    """In how many ways `EVERY_SPELLING` write an id; None: in all."""
    fields: tuple[str, ...]

    def of(self, actors: list[Actor]) -> list[Actor]:
        """Those who send."""
        return [one for one in actors if self.actors is None or one.name in self.actors]


WHOLE = Breadth(None, None, HOSTILE_FIELDS)

SHORT = Breadth(
    frozenset({
        "anonymous", "revoked key", "foreign key with our tenant", "unsigned token",
        "foreign service", "employee", "reading key",
    }),
    1,
    ("role", "is_admin", "tenant_id", "owner_id", "id"),
)  # fmt: skip
"""A few who have no credential and one of each other standing, for the suite of each change."""


@dataclass(frozen=True)
class Pair:
    """Two requests that must look the same, and the statuses that are right (None: any)."""

    twins: Twins
    statuses: tuple[int, ...] | None


def plan_nobody(ours: Organisation, theirs: Organisation, breadth: Breadth) -> list[Probe]:
    """Every route without a valid credential, for what is there and for what is not."""
    return [
        Probe(actor, operation, route, values)
        for operation, route in TABLE.items()
        if operation not in open_operations()
        for actor in breadth.of(nobodies(ours, theirs))
        for values in (base_values(route, ours.ids), *_also_missing(route, actor))
    ]


def plan_foreign(ours: Organisation, theirs: Organisation, breadth: Breadth) -> list[Pair]:
    """Every place with an id of ours, sent by those of another organisation."""
    return [
        pair
        for actor in breadth.of(foreigners(theirs))
        for operation, route in TABLE.items()
        for pair in _substituted(
            actor, operation, route, ours.ids, theirs.ids, ours.words, breadth.spellings
        )
    ]


def plan_insiders(ours: Organisation, breadth: Breadth) -> list[Pair]:
    """Every place with an id that is hidden from the sender."""
    return [
        pair
        for actor in breadth.of(insiders(ours))
        for operation, route in TABLE.items()
        if actor.person not in route.knows
        for pair in _substituted(
            actor,
            operation,
            route,
            ours.ids,
            ours.ids | _readable(ours, actor),
            ours.words,
            breadth.spellings,
        )
    ]


def plan_visits(actors: list[Actor], org: Organisation) -> list[Probe]:
    """Every route that reads, with what the sender may name: the reply is searched for leaks."""
    return [
        Probe(actor, operation, route, values)
        for actor in actors
        for operation, route in TABLE.items()
        if not (
            route.ends_credential
            or operation in open_operations()
            or (route.is_write and route.carriers)
        )
        for values in _visits(route, org.ids | _readable(org, actor))
    ]


def plan_readers(ours: Organisation, breadth: Breadth) -> list[Probe]:
    """Every write by those who may read the object and no more."""
    return [
        Probe(actor, operation, route, base_values(route, ours.ids | _readable(ours, actor)))
        for actor in breadth.of([*insiders(ours), reading_key(ours)])
        for operation, route in TABLE.items()
        if route.is_write
        and operation not in open_operations()
        and actor.person not in route.allowed
    ]


def plan_fields(ours: Organisation, breadth: Breadth) -> list[tuple[str, Probe]]:
    """Every write of an owner with one field too many."""
    return [
        (name, Probe(owner(ours, route), operation, route, values, body))
        for operation, route in TABLE.items()
        if route.is_write and (route.body is not None or route.form or _has_body_place(route))
        for name in breadth.fields
        if name not in route.fields and name not in (route.body or {})
        for values, body in (_one_more(route, base_values(route, ours.ids), name),)
    ]


def _one_more(route: Route, values: Values, name: str) -> tuple[Values, dict[str, object] | None]:
    """The values and the body of a request with another field."""
    value = HOSTILE_VALUES.get(name, "director")
    if route.form is not None:
        return {**values, f"form.{name}": str(value)}, None
    return values, {**(route.body or {}), name: value}


def plan_filters(ours: Organisation, theirs: Organisation) -> list[Pair]:
    """Filters on metadata that only hidden documents have: like ones that no document has."""
    pairs: list[Pair] = []
    for actor in (*foreigners(theirs), *insiders(ours)):
        for path in ("search", "query", "query/stream"):
            operation = ("POST", f"{API}/{path}")
            key, nothing = f"only{ours.hidden[-8:]}", f"only{ours.hidden[-8:][::-1]}"
            probes = [
                Probe(actor, operation, Route(), {"body.filters": {name: 1}}, {"query": QUESTION})
                for name in (key, nothing)
            ]
            pairs.append(Pair(Twins(*probes), (422,)))
    return pairs


def plan_trashed(ours: Organisation) -> list[Pair]:
    """A deleted document asked for by its owner, on every route: like one that is not there."""
    return [
        Pair(Twins(*(Probe(owner(ours, route), operation, route, v) for v in values)), None)
        for operation, route in (SEARCH | READING | WORK | SHARING | CHANGING).items()
        for place, kind in route.carriers.items()
        if kind == "document" and not operation[1].endswith("/restore")
        for values in (
            [
                {**base_values(route, ours.ids), place: id_}
                for id_ in (ours.ids["document:trashed"], missing_id())
            ],
        )
    ]


def plan_siblings(ours: Organisation) -> list[Pair]:
    """An owner's child asked for below another of their own parents: like one that is not there."""
    pairs: list[Pair] = []
    for operation, route in TABLE.items():
        places = [place for place in route.carriers if place.startswith("path.")]
        other = f"{route.carriers[places[0]]}:open" if len(places) == 2 else ""
        if other in ours.ids:
            values = {**base_values(route, ours.ids), places[0]: ours.ids[other]}
            sender = owner(ours, route)
            theirs = Probe(sender, operation, route, values)
            missing = Probe(sender, operation, route, {**values, places[1]: missing_id()})
            pairs.append(Pair(Twins(theirs, missing), (404,)))
    return pairs


HOSTILE_VALUES: dict[str, object] = {"is_admin": True, "is_superuser": True, "role": 3}


def plan_owner(ours: Organisation) -> list[Probe]:
    """Every route as it is meant to be used, in the order of the table."""
    return [
        Probe(owner(ours, route), operation, route, base_values(route, ours.ids))
        for operation, route in TABLE.items()
    ]


def owner(org: Organisation, route: Route) -> Actor:
    """Whose request is valid."""
    return Actor(f"owner ({route.by})", Standing.INSIDER, bearer(org.tokens[route.by]))


def _has_body_place(route: Route) -> bool:
    return any(place.startswith("body.") for place in route.carriers)


def _readable(org: Organisation, actor: Actor) -> dict[str, str]:
    return org.readable.get(actor.person or "", {})


def _also_missing(route: Route, actor: Actor) -> list[Values]:
    """Values for absent objects, for the callers with whom it could make a difference."""
    return [_missing(route)] if actor.name in ("anonymous", "revoked key", "other secret") else []


def _missing(route: Route) -> Values:
    return {
        place: [missing_id()] if place.endswith("[]") else missing_id()
        for place in route.carriers
        if place not in route.instead
    }


def _visits(route: Route, ids: dict[str, str]) -> Iterator[Values]:
    values = base_values(route, ids)
    yield values
    needed = {place: value for place, value in values.items() if place.startswith("path.")}
    if needed != values:
        yield needed


def _substituted(
    actor: Actor,
    operation: Operation,
    route: Route,
    wanted: dict[str, str],
    own: dict[str, str],
    words: dict[str, str],
    spellings: int | None,
) -> Iterator[Pair]:
    """Each place in turn, then all at once; the other places hold what is the sender's own."""
    base = base_values(route, own)

    def pair(theirs: Values, missing: Values, statuses: tuple[int, ...] | None) -> Pair:
        without = {route.instead.get(place) for place in theirs}
        kept = {place: value for place, value in base.items() if place not in without}
        return Pair(
            Twins(
                Probe(actor, operation, route, {**kept, **theirs}),
                Probe(actor, operation, route, {**kept, **missing}),
            ),
            statuses,
        )

    for place, kind in route.carriers.items():
        target = missing_id() if kind == NOT_YET else wanted[kind]
        is_named = place.startswith("path.") or route.is_write
        beside = None if kind == NOT_YET else own[kind]
        ways = spellings if actor.name in EVERY_SPELLING else 1
        for one, other in zip(
            fillings(place, target, beside)[:ways],
            fillings(place, missing_id(), beside)[:ways],
            strict=True,
        ):
            yield pair({place: one}, {place: other}, REFUSED if is_named else None)
    if len(route.carriers) > 1:
        every = {
            place: [wanted[kind]] if place.endswith("[]") else wanted[kind]
            for place, kind in route.carriers.items()
            if kind != NOT_YET and place not in route.instead
        }
        yield pair(every, {place: _missing(route)[place] for place in every}, None)
    for place, name in route.words.items():
        word = words[name]
        yield pair({place: word}, {place: word[::-1]}, None)
