"""Two organisations with rows in every table, each row marked so that it is known anywhere.

`canary` is in every text of an organisation, `hidden` also in what only its directors and those
granted may see.
"""

import asyncio
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text, update

from citewell.access.policy import Role
from citewell.core.context import NOWHERE, OPERATOR, Caller, Context, unit_of_work
from citewell.core.passwords import hash_password
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.sessions import service as sessions
from citewell.features.sessions.tokens import read_access_token, sign_access_token
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.models.documents import Collection
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.records import AuditEvent, UsageRecord
from citewell.models.tenancy import ApiKey, Group, GroupMember, User, UserStatus
from tests.conftest import LiveServer
from tests.waiting import PATIENCE

PASSAGE = "The ballast protocol of the observatory is renewed every seventh winter."
QUESTION = "When is the ballast protocol of the observatory renewed?"

PASSWORD = "seven lanterns over a quiet harbour"

PEOPLE = {
    "director": (Role.DIRECTOR, True),
    "manager": (Role.MANAGER, False),
    "employee": (Role.EMPLOYEE, False),
    "guest": (Role.GUEST, False),
    "deactivated": (Role.DIRECTOR, True),
    "member": (Role.EMPLOYEE, False),
    "leaving": (Role.EMPLOYEE, False),
}
"""Users of each organisation: role, and whether they administer it."""

OUTSIDE = ("employee", "guest")
"""Those from whom things are hidden in their own organisation."""


@dataclass
class Organisation:
    """A tenant, what it has, and who may act in it."""

    id: uuid.UUID
    canary: str
    hidden: str
    ids: dict[str, str] = field(default_factory=dict)
    """Of one object of each kind, hidden from guests and employees."""
    readable: dict[str, dict[str, str]] = field(default_factory=dict)
    """By person: objects they may read and must not change."""
    tokens: dict[str, str] = field(default_factory=dict)
    """What to send as bearer: by person, and of the organisation's software."""
    words: dict[str, str] = field(default_factory=dict)
    """Words that stand only in what is hidden."""
    secrets: list[str] = field(default_factory=list)
    """What not even the organisation's own people may ever see: hashes."""

    @property
    def marks(self) -> tuple[str, ...]:
        """What nobody outside may ever see."""
        return (self.canary, *self.hidden_marks)

    @property
    def hidden_marks(self) -> tuple[str, ...]:
        """What their own guests and employees may not see."""
        return (self.hidden, *self.secrets)


async def found_organisation(platform: Platform) -> Organisation:
    """A new tenant with people, groups, keys, grants and records, yet without documents."""
    canary, hidden = secrets.token_hex(16), secrets.token_hex(16)
    slug = f"t-{canary}"
    made = await identity.create_tenant(platform, slug, f"Works {canary}")
    org = Organisation(await identity.find_tenant(platform, slug), canary, hidden)
    org.tokens["service"] = made.secret
    org.ids["tenant"] = str(org.id)
    word = f"morwenna{secrets.token_hex(4)}"
    org.words |= {"title": word, "email": f"{word}@example.org"}
    caller = Caller(org.id, OPERATOR)
    password_hash = await hash_password(PASSWORD)
    org.secrets.append(password_hash)
    async with unit_of_work(platform, caller) as ctx:
        people = await _add_people(ctx, org, password_hash)
        await _add_collections(ctx, org)
        await _add_keys(ctx, org)
        await _add_records(ctx, org)
    async with unit_of_work(platform, caller) as ctx:
        for name, user in people.items():
            await _sign_in(ctx, org, name, user)
    await sessions.end_by_refresh_token(
        platform, org.tokens.pop("spent"), NOWHERE, everywhere=False
    )
    return org


async def _add_people(ctx: Context, org: Organisation, password_hash: str) -> dict[str, User]:
    people: dict[str, User] = {}
    for name, (role, is_admin) in PEOPLE.items():
        user = User(
            tenant_id=org.id, id=uuid7(), email=_address(org, name), name=_name(org, name),
            role=int(role), is_admin=is_admin, status="active", password_hash=password_hash,
        )  # fmt: skip
        ctx.session.add(user)
        people[name] = user
        org.ids[f"user:{name}"] = str(user.id)
    org.ids["user"] = org.ids["user:member"]
    invited = User(
        tenant_id=org.id, id=uuid7(), email=_address(org, "invited"), name=org.hidden,
        status="invited", invitation_expires_at=utc_now() + timedelta(days=1),
    )  # fmt: skip
    ctx.session.add(invited)
    org.ids["user:invited"] = str(invited.id)
    group = Group(
        tenant_id=org.id, id=uuid7(), name=f"Circle {org.canary} {org.hidden}",
        description=f"About {org.canary} {org.hidden}",
    )  # fmt: skip
    ctx.session.add(group)
    await ctx.session.flush()
    for name in ("member", "manager"):
        ctx.session.add(
            GroupMember(
                tenant_id=org.id, group_id=group.id, user_id=uuid.UUID(org.ids[f"user:{name}"])
            )
        )
    org.ids["group"] = str(group.id)
    return people


LANE_SECONDS = 12 * 3_600
"""Life of an access token here: on a busy machine the lane outlives the product's 15 minutes."""


async def _sign_in(ctx: Context, org: Organisation, name: str, user: User) -> None:
    """A session for each; some of them end again."""
    user = await ctx.session.merge(user)
    tokens = await sessions.begin(ctx, user)
    key = ctx.platform.token_key
    claims = read_access_token(key, tokens.access_token)
    org.tokens[name] = sign_access_token(key, claims, LANE_SECONDS)
    if name == "deactivated":
        user.status = UserStatus.DEACTIVATED
        org.tokens["refresh token"] = tokens.refresh_token
    if name == "leaving":
        other = await sessions.begin(ctx, user)
        org.tokens["signed out"], org.tokens["spent"] = other.access_token, other.refresh_token


def _name(org: Organisation, name: str) -> str:
    return f"{name} {org.canary}" if name in OUTSIDE else f"{name} {org.canary} {org.hidden}"


def _address(org: Organisation, name: str) -> str:
    """Marked like everything else, but for one that others can ask for without sending a mark."""
    if name == "member":
        return org.words["email"]
    return f"{name}@{org.canary}.example.org"


async def _add_collections(ctx: Context, org: Organisation) -> None:
    """One that is denied to those who may not know of it, one for all."""
    for kind, mark in (("hidden", f"{org.canary} {org.hidden}"), ("open", org.canary)):
        collection = Collection(
            tenant_id=org.id, id=uuid7(), name=f"{kind} {mark}", description=f"of {mark}",
            chunk_strategy="structure", chunk_size=200, chunk_overlap=0,
        )  # fmt: skip
        ctx.session.add(collection)
        await ctx.session.flush()
        org.ids[f"collection:{kind}"] = str(collection.id)
    org.ids["collection"] = org.ids["collection:hidden"]
    for name in OUTSIDE:
        grant = CollectionGrant(
            tenant_id=org.id, id=uuid7(), collection_id=uuid.UUID(org.ids["collection:hidden"]),
            user_id=uuid.UUID(org.ids[f"user:{name}"]), effect="deny",
        )  # fmt: skip
        ctx.session.add(grant)
    shared = CollectionGrant(
        tenant_id=org.id, id=uuid7(), collection_id=uuid.UUID(org.ids["collection:hidden"]),
        group_id=uuid.UUID(org.ids["group"]), effect="read",
    )  # fmt: skip
    ctx.session.add(shared)
    org.ids["collection_grant"] = str(shared.id)


async def _add_keys(ctx: Context, org: Organisation) -> None:
    past = utc_now() - timedelta(minutes=1)
    for name in PEOPLE:
        values: dict[str, object] = {"user_id": uuid.UUID(org.ids[f"user:{name}"])}
        org.tokens[f"key of {name}"] = await _key(ctx, org, name, values)
    org.tokens["revoked key"] = await _key(ctx, org, "revoked", {"revoked_at": past})
    org.tokens["expired key"] = await _key(ctx, org, "expired", {"expires_at": past})
    org.tokens["reading key"] = await _key(ctx, org, "reading", {"scopes": ["read"]})


async def _key(ctx: Context, org: Organisation, name: str, values: dict[str, Any]) -> str:
    made = await identity.create_api_key(ctx, _name(org, name))
    await ctx.session.execute(update(ApiKey).where(ApiKey.id == made.id).values(values))
    org.ids["api_key" if name == "member" else f"api_key:{name}"] = str(made.id)
    return made.secret


async def _add_records(ctx: Context, org: Organisation) -> None:
    event = AuditEvent(
        tenant_id=org.id, id=uuid7(), actor_kind="user",
        actor_id=uuid.UUID(org.ids["user:director"]), action="matrix.prepared",
        object_kind="group", object_id=uuid.UUID(org.ids["group"]), address="192.0.2.7",
        request_id=org.canary, details={org.canary: org.hidden},
    )  # fmt: skip
    ctx.session.add(event)
    org.ids["audit_event"] = str(event.id)
    ctx.session.add(
        UsageRecord(
            tenant_id=org.id, metric=f"matrix-{org.canary}", period="all",
            actor_id=uuid.UUID(org.ids["user:director"]), amount=1,
        )
    )  # fmt: skip
    await ctx.session.flush()


async def fill_library(server: LiveServer, org: Organisation) -> None:
    """A hidden, an internal and a public document, ready to be found, and a deleted one."""
    async with server.client(org.tokens["service"]) as client:
        word = org.words["title"]
        hidden = await _add(
            client, org, f"Hidden {word}", f"{org.canary} {org.hidden}",
            collection_id=org.ids["collection:hidden"], access_level="restricted",
        )  # fmt: skip
        org.ids["document"] = hidden["id"]
        org.ids["query"] = await _ask(client, org)
        await _evaluate(client, org)
        # Readable by all employees while it was there; from then on it is hidden from them too.
        trashed = await _add(
            client, org, "Deleted", f"{org.canary} {org.hidden}",
            collection_id=org.ids["collection:open"], access_level="internal",
        )  # fmt: skip
        org.ids["document:trashed"] = trashed["id"]
        deleted = await client.delete(f"/api/v1/documents/{trashed['id']}")
        assert deleted.status_code == 204, deleted.text
        for level, person in (("internal", "employee"), ("public", "guest")):
            shown = await _add(
                client, org, f"Shown {level}", org.canary,
                collection_id=org.ids["collection:open"], access_level=level,
            )  # fmt: skip
            org.ids[f"document:{level}"] = org.ids["document:open"] = shown["id"]
            async with server.client(org.tokens[person]) as own:
                asked = await own.post("/api/v1/query", json={"query": QUESTION})
            org.readable[person] = {
                "query": asked.json()["query_id"],
                "document": shown["id"], "collection": org.ids["collection:open"],
            }  # fmt: skip
    async with unit_of_work(server.platform, Caller(org.id, OPERATOR)) as ctx:
        rule = DocumentGrant(
            tenant_id=org.id, id=uuid7(), document_id=uuid.UUID(org.ids["document"]),
            group_id=uuid.UUID(org.ids["group"]), effect="read",
        )  # fmt: skip
        ctx.session.add(rule)
        org.ids["document_grant"] = str(rule.id)
        job = text("SELECT id FROM job WHERE document_id = :id")
        org.ids["job"] = str(await ctx.session.scalar(job, {"id": uuid.UUID(hidden["id"])}))
        for known in org.readable.values():
            found = await ctx.session.scalar(job, {"id": uuid.UUID(known["document"])})
            known["job"] = str(found)


async def _evaluate(client: httpx.AsyncClient, org: Organisation) -> None:
    """Two sets of questions, one with a case and a finished run."""
    base, mark = "/api/v1/evaluations", f"{org.canary} {org.hidden}"
    for kind in ("dataset:open", "dataset"):
        made = await client.post(f"{base}/datasets", json={"name": f"{kind} {mark}"})
        assert made.status_code == 201, made.text
        org.ids[kind] = made.json()["id"]
    case = {
        "question": f"{QUESTION} {mark}", "gold": [mark], "reference": mark,
        "document_ids": [org.ids["document"]],
    }  # fmt: skip
    path = f"{base}/datasets/{org.ids['dataset']}/cases"
    org.ids["case"] = (await client.post(path, json=case)).json()["id"]
    making = {"document_ids": [org.ids["document"]], "limit": 1}
    path = f"{base}/datasets/{org.ids['dataset']}/generations"
    org.ids["generation"] = (await client.post(path, json=making)).json()["id"]
    begun = await client.post(f"{base}/runs", json={"dataset_id": org.ids["dataset"]})
    org.ids["run"] = begun.json()["id"]
    deadline = time.monotonic() + PATIENCE
    while not (await client.get(f"{base}/runs/{org.ids['run']}")).json()["finished_at"]:
        assert time.monotonic() < deadline, "the run does not end"
        await asyncio.sleep(0.05)


async def _ask(client: httpx.AsyncClient, org: Organisation) -> str:
    """A question that names what is hidden, with the answer made of it; returns its id."""
    query = f"{QUESTION} It is called {org.canary} {org.hidden}."
    reply = await client.post("/api/v1/query", json={"query": query})
    assert reply.status_code == 200, reply.text
    return reply.json()["query_id"]


async def _add(
    client: httpx.AsyncClient, org: Organisation, title: str, mark: str, **more: str
) -> dict[str, Any]:
    body = {
        "title": f"{title} {mark}",
        "content": f"# {title} {mark}\n\n{PASSAGE} It is called {mark}.",
        "metadata": {f"key {mark}": f"value {mark}", "shelf": mark, f"only{mark[-8:]}": 1},
        **more,
    }
    reply = await client.post("/api/v1/documents", json=body)
    assert reply.status_code == 202, reply.text
    path = f"/api/v1/documents/{reply.json()['documents'][0]['id']}"
    deadline = time.monotonic() + PATIENCE
    while True:
        found = (await client.get(path)).json()
        if found["status"] not in ("queued", "processing"):
            assert found["status"] == "ready", found
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
