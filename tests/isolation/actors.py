"""The callers of the matrix: each kind of outsider and insider with their credentials."""

import base64
import json
from dataclasses import dataclass, field
from enum import Enum

from tests.isolation.world import OUTSIDE, Organisation


class Standing(Enum):
    """A caller's standing in the organisation whose objects are asked for."""

    NOBODY = "has no valid credential: always 401"
    FOREIGN = "belongs to another organisation"
    INSIDER = "belongs to it, but the objects are hidden from them"


@dataclass(frozen=True)
class Actor:
    """Someone who sends requests."""

    name: str
    standing: Standing
    headers: dict[str, str] = field(default_factory=dict)
    person: str | None = None
    """Of `world.PEOPLE`, if it is one of them."""


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def _unsigned(claims: dict[str, object], **header: object) -> str:
    parts = ({"alg": "none", "typ": "JWT", **header}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in coded) + "."


def nobodies(ours: Organisation, theirs: Organisation) -> list[Actor]:
    """Everybody who must be told nothing but 401."""
    key, other = ours.tokens["service"], theirs.tokens["service"]
    head, secret = key[:29], key[30:]  # `cw_` and 26 letters, then what is random
    tokens = {
        "revoked key": ours.tokens["revoked key"],
        "expired key": ours.tokens["expired key"],
        "key of a deactivated user": ours.tokens["key of deactivated"],
        "token of a deactivated user": ours.tokens["deactivated"],
        "token of an ended session": ours.tokens["signed out"],
        "refresh token": ours.tokens["refresh token"],
        "foreign key with our tenant": f"{key[:29]}_{other[30:]}",
        "half a key": key[: len(key) // 2],
        "key without its secret": head,
        "other secret": f"{head}_{secret[::-1]}",
        "flipped letter": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "upper case": key.upper(),
        "trailing text": f"{key}x",
        "two keys": f"{key},{key}",
        "key by its id": ours.ids["api_key"],
        "tenant by its id": str(ours.id),
        "null": "null",
        "undefined": "undefined",
        "star": "*",
        "quote": "' OR '1'='1",
        "long": "cw_" + "a" * 7000,
        "unsigned token": _unsigned(
            {"sub": ours.ids["user:director"], "tid": str(ours.id), "typ": "access", "exp": 9e9}
        ),
    }
    found = [Actor(name, Standing.NOBODY, bearer(token)) for name, token in tokens.items()]
    headers = {
        "anonymous": {},
        "empty header": {"Authorization": ""},
        "empty bearer": {"Authorization": "Bearer"},
        "basic": {"Authorization": "Basic " + base64.b64encode(f":{key}".encode()).decode()},
        "key without scheme": {"Authorization": key},
        "other header": {"X-API-Key": key},
        "cookie": {"Cookie": f"token={key}; access_token={key}; Authorization={key}"},
        "claimed identity": {
            "X-Forwarded-User": "director", "X-Tenant-ID": str(ours.id),
            "X-User-ID": ours.ids["user:director"], "X-Original-URL": "/api/v1/health/live",
            "X-HTTP-Method-Override": "GET",
        },
    }  # fmt: skip
    found += [Actor(name, Standing.NOBODY, sent) for name, sent in headers.items()]
    return found


def foreigners(theirs: Organisation) -> list[Actor]:
    """People and software of another organisation, of every rank."""
    names = ("service", "director", "key of director", "manager", "employee", "guest")
    return [
        Actor(f"foreign {name}", Standing.FOREIGN, bearer(theirs.tokens[name]), name)
        for name in names
    ]


def insiders(ours: Organisation) -> list[Actor]:
    """People of the organisation who were granted nothing of what is hidden."""
    return [
        Actor(name, Standing.INSIDER, bearer(ours.tokens[name]), name.rpartition(" ")[2])
        for name in (*OUTSIDE, "key of guest")
    ]


def reading_key(ours: Organisation) -> Actor:
    """The organisation's own software, which may read everything and write nothing."""
    return Actor("reading key", Standing.INSIDER, bearer(ours.tokens["reading key"]))
