"""Two organisations with rows in every table, each row marked so that it is known anywhere.

`canary` is in every text of an organisation, `hidden` also in what only its directors and those
granted may see.
"""

import asyncio
import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text, update

from citewell.access.policy import Role
from citewell.core.blobs.encryption import Purpose
from citewell.core.context import NOWHERE, OPERATOR, Caller, Context, unit_of_work
from citewell.core.passwords import hash_password
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.sessions import service as sessions
from citewell.features.sessions.tokens import read_access_token, sign_access_token
from citewell.kit.clock import utc_now
from citewell.kit.ids import uuid7
from citewell.models.agents import AgentRun, AgentStep, ToolExecution
from citewell.models.connections import ModelConnection
from citewell.models.documents import Collection
from citewell.models.embeds import Embed
from citewell.models.errors import ErrorEvent
from citewell.models.factors import Passkey, ProviderAccount, SecondFactor, SignInCeremony
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.records import AuditEvent, UsageRecord
from citewell.models.tenancy import ApiKey, Group, GroupMember, User, UserStatus
from citewell.models.webhooks import Webhook, WebhookDelivery
from citewell.models.workflows import WorkflowNodeRun, WorkflowRun
from tests.conftest import LiveServer
from tests.isolation.rows import KNOWN_ACTION
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
    private: str = field(default_factory=lambda: secrets.token_hex(16))
    """In what no role reads."""
    ids: dict[str, str] = field(default_factory=dict)
    """Of one object of each kind, hidden from guests and employees."""
    readable: dict[str, dict[str, str]] = field(default_factory=dict)
    """By person: objects they may read and must not change."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Bearer credentials by person, and of the organisation's software."""
    words: dict[str, str] = field(default_factory=dict)
    """Words that stand only in what is hidden."""
    secrets: list[str] = field(default_factory=list)
    """Secrets that not even the organisation's own people may ever see: hashes."""

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that nobody outside may ever see."""
        return (self.canary, *self.hidden_marks)

    @property
    def hidden_marks(self) -> tuple[str, ...]:
        """Texts that their own guests and employees may not see."""
        return (self.hidden, *self.secrets)


async def found_organisation(platform: Platform) -> Organisation:
    """A new tenant with people, groups, keys, grants and records, yet without documents."""
    canary, hidden = secrets.token_hex(16), secrets.token_hex(16)
    slug = f"t-{canary}"
    made = await identity.create_tenant(platform, slug, f"Works {canary}")
    org = Organisation(await identity.find_tenant(platform, slug), canary, hidden)
    org.tokens["service"] = made.secret
    org.ids["api_key:service"] = str(made.id)
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
        await _add_connection(ctx, org)
        await _add_factors(ctx, org)
        await _add_webhook(ctx, org)
        await _add_embed(ctx, org)
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
    org.tokens["writing key"] = await _key(ctx, org, "writing", {"scopes": ["write"]})


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
        ErrorEvent(
            tenant_id=org.id, fingerprint=org.canary[:16], source="http", kind="KeyError",
            place=f"{org.canary} {org.hidden}", example=org.hidden, frames=[org.canary],
            request_id=org.canary, release="0",
        )
    )  # fmt: skip
    ctx.session.add(
        UsageRecord(
            tenant_id=org.id, metric=f"matrix-{org.canary}", period="all",
            actor_id=uuid.UUID(org.ids["user:director"]), amount=1,
        )
    )  # fmt: skip
    await ctx.session.flush()


async def _add_connection(ctx: Context, org: Organisation) -> None:
    """A provider that is never asked, with a key."""
    key = await ctx.platform.keys.active(org.id, Purpose.SECRETS)
    connection = ModelConnection(
        tenant_id=org.id, id=uuid7(), name=f"Model {org.canary} {org.hidden}",
        provider="openai-compatible", base_url="http://1.1.1.1/v1", model=f"m-{org.hidden}",
        sealed_key=b"sealed" * 8, key_id=key.id, key_hint=org.hidden[:4], uses=["answer"],
        is_active=False,
    )  # fmt: skip
    ctx.session.add(connection)
    await ctx.session.flush()
    org.ids["connection"] = str(connection.id)


async def _add_factors(ctx: Context, org: Organisation) -> None:
    """Adds credentials besides passwords, and sign-ins that are under way."""
    member = uuid.UUID(org.ids["user:member"])
    key = await ctx.platform.keys.active(org.id, Purpose.SECRETS)
    ctx.session.add(
        SecondFactor(tenant_id=org.id, user_id=member, sealed_secret=b"sealed", key_id=key.id)
    )
    passkey = Passkey(
        tenant_id=org.id, id=uuid7(), user_id=member, credential_id=org.hidden.encode(),
        public_key=b"key", sign_count=0, name=f"Phone {org.canary} {org.hidden}",
    )  # fmt: skip
    ctx.session.add(passkey)
    ctx.session.add(
        ProviderAccount(
            tenant_id=org.id, issuer="https://login.example.org", subject=org.hidden,
            user_id=member,
        )
    )  # fmt: skip
    ctx.session.add(
        SignInCeremony(
            tenant_id=org.id, hash=org.hidden.encode(), kind="oidc", data={org.canary: org.hidden},
            expires_at=utc_now() + timedelta(days=1),
        )
    )  # fmt: skip
    await ctx.session.flush()
    org.ids["passkey"] = str(passkey.id)


async def _add_webhook(ctx: Context, org: Organisation) -> None:
    """One that is never told, with an event in its log."""
    key = await ctx.platform.keys.active(org.id, Purpose.SECRETS)
    hook = Webhook(
        tenant_id=org.id, id=uuid7(), name=f"Hook {org.canary} {org.hidden}",
        url=f"http://1.1.1.1/{org.hidden}", events=["answer.rated"], sealed_secret=b"sealed" * 8,
        key_id=key.id, is_active=False, actor_kind="operator",
    )  # fmt: skip
    ctx.session.add(hook)
    await ctx.session.flush()
    told = WebhookDelivery(
        tenant_id=org.id, id=uuid7(), webhook_id=hook.id, event="answer.rated", object_id=uuid7(),
        status="failed", error=f"{org.canary} {org.hidden}",
    )  # fmt: skip
    ctx.session.add(told)
    await ctx.session.flush()
    org.ids |= {"webhook": str(hook.id), "webhook_delivery": str(told.id)}


async def _add_embed(ctx: Context, org: Organisation) -> None:
    """A box on another site, which only administrators see."""
    embed = Embed(
        tenant_id=org.id, id=uuid7(), name=f"Box {org.canary} {org.hidden}",
        origins=["https://www.example.org"],
    )  # fmt: skip
    ctx.session.add(embed)
    await ctx.session.flush()
    org.ids["embed"] = str(embed.id)


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
        await _converse(client, org, f"Talk of {word} {org.canary} {org.hidden}", org.ids)
        await _evaluate(client, org)
        await _add_agent(server, client, org)
        await _add_workflow(server, client, org)
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
            async with server.client(org.tokens[person]) as own:
                await _converse(own, org, f"Talk of {person} {org.canary}", org.readable[person])
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


async def close_shelf(server: LiveServer, org: Organisation) -> dict[str, str]:
    """A private collection with a document that only the member may read; ids of what is in it.

    Made by an administrator, who manages it and may not read it.
    """
    mark = f"{org.canary} {org.private}"
    async with server.client(org.tokens["director"]) as client:
        made = await client.post(
            "/api/v1/collections", json={"name": f"Shelf {org.canary}", "visibility": "private"}
        )
        assert made.status_code == 201, made.text
        ids = {"collection": made.json()["id"]}
        rule = {"user_id": org.ids["user:member"], "effect": "write"}
        path = f"/api/v1/collections/{ids['collection']}/grants"
        granted = await client.put(path, json=rule)
        assert granted.status_code == 200, granted.text
        ids["collection_grant"] = granted.json()["id"]
    async with server.client(org.tokens["member"]) as client:
        shown = await _add(
            client, org, f"Shelved {org.words['title']}", mark, collection_id=ids["collection"],
            access_level="public",
        )  # fmt: skip
        ids["document"] = shown["id"]
        # To herself, so that there is a rule of the document.
        path = f"/api/v1/documents/{shown['id']}/grants"
        granted = await client.put(path, json={**rule, "effect": "read"})
        assert granted.status_code == 200, granted.text
        ids["document_grant"] = granted.json()["id"]
        listed = (await client.get("/api/v1/jobs")).json()["data"]
        [ids["job"]] = [each["id"] for each in listed if each["document_id"] == shown["id"]]
        asked = await client.post("/api/v1/search", json={"query": QUESTION, "top_k": 50})
        assert org.private in asked.text
    return ids


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


async def _add_agent(server: LiveServer, client: httpx.AsyncClient, org: Organisation) -> None:
    """An agent, and a run of the organisation's key with two calls that wait for a decision."""
    mark = f"{org.canary} {org.hidden}"
    body = {
        "slug": f"agent-{org.canary}", "name": f"Agent {org.canary}", "instructions": mark,
        "tools": ["calculate"], "collection_ids": [org.ids["collection"]],
    }  # fmt: skip
    made = await client.post("/api/v1/agents", json=body)
    assert made.status_code == 201, made.text
    org.ids["agent"], run_id = made.json()["id"], uuid7()
    org.ids["agent_run"] = str(run_id)
    run = AgentRun(
        tenant_id=org.id, id=run_id, agent_id=uuid.UUID(org.ids["agent"]), agent_slug="clerk",
        agent_version=1, definition=made.json()["definition"], question=mark, root_id=run_id,
        status="waiting", reason=org.canary, entries=1, actor_kind="api_key",
        scopes=["read", "write"],
        actor_id=uuid.UUID(org.ids["api_key:service"]), report=None,
    )  # fmt: skip
    async with unit_of_work(server.platform, Caller(org.id, OPERATOR)) as ctx:
        ctx.session.add(run)
        await ctx.session.flush()
        for place, action in enumerate((mark, KNOWN_ACTION)):
            call = ToolExecution(
                tenant_id=org.id, id=uuid7(), run_id=run_id, step=0, place=place, call_id="c",
                tool="calculate", arguments={"expression": mark}, arguments_hash="0" * 64,
                status="waiting", action=action, output=mark,
            )  # fmt: skip
            ctx.session.add(call)
            org.ids["tool_call"] = str(call.id)
        entry = {"text": mark, "usage": [1, 1], "is_truncated": False, "output": None}
        ctx.session.add(
            AgentStep(tenant_id=org.id, run_id=run_id, n=1, kind="reply", payload=entry)
        )


async def _add_workflow(server: LiveServer, client: httpx.AsyncClient, org: Organisation) -> None:
    """A workflow whose text names what is hidden, and two runs that wait for a decision on it."""
    search = {
        "id": "look", "kind": "search", "query": f"{org.canary} {org.hidden}",
        "collection_ids": [org.ids["collection"]],
    }  # fmt: skip
    body = {"slug": f"w-{org.canary}", "source": {"name": "Look", "nodes": [search]}}
    made = await client.post("/api/v1/workflows", json=body)
    assert made.status_code == 201, made.text
    org.ids["workflow"] = made.json()["id"]
    mark = f"{org.canary} {org.hidden}"
    told = {"kind": "document", "collection_id": org.ids["collection"], "inputs": {"mark": mark}}
    path = f"/api/v1/workflows/{org.ids['workflow']}/triggers"
    trigger = await client.post(path, json=told)
    assert trigger.status_code == 201, trigger.text
    org.ids["trigger"] = trigger.json()["id"]
    # One to be cancelled and one to be decided on: a run that was decided on ends by itself.
    for kind in ("workflow_run", "workflow_run to decide"):
        await _add_workflow_run(server, org, kind, mark)


async def _add_workflow_run(server: LiveServer, org: Organisation, kind: str, mark: str) -> None:
    run_id, ask = uuid7(), {"id": "ask", "kind": "approval", "message": mark}
    org.ids[kind] = str(run_id)
    run = WorkflowRun(
        tenant_id=org.id, id=run_id, workflow_id=uuid.UUID(org.ids["workflow"]),
        workflow_slug="look", workflow_version=1, spec={"name": "Ask", "nodes": [ask]},
        inputs={"topic": mark}, root_id=run_id, status="waiting", reason=mark, output=mark,
        actor_kind="api_key", actor_id=uuid.UUID(org.ids["api_key:service"]),
        scopes=["read", "write"],
    )  # fmt: skip
    node = WorkflowNodeRun(
        tenant_id=org.id, run_id=run_id, node="ask", item=-1, status="waiting", message=mark,
        output=mark, action_hash="0" * 64,
    )  # fmt: skip
    async with unit_of_work(server.platform, Caller(org.id, OPERATOR)) as ctx:
        ctx.session.add(run)
        await ctx.session.flush()
        ctx.session.add(node)


async def _ask(client: httpx.AsyncClient, org: Organisation) -> str:
    """A question that names what is hidden, with the answer made of it; returns its id."""
    query = f"{QUESTION} It is called {org.canary} {org.hidden}."
    reply = await client.post("/api/v1/query", json={"query": query})
    assert reply.status_code == 200, reply.text
    return reply.json()["query_id"]


async def _converse(
    client: httpx.AsyncClient, org: Organisation, title: str, ids: dict[str, str]
) -> None:
    """A conversation of the client's with a question that goes on from another."""
    for kind in ("conversation:open", "conversation"):
        made = await client.post("/api/v1/conversations", json={"title": title})
        assert made.status_code == 201, made.text
        ids[kind] = made.json()["id"]
    path = f"/api/v1/conversations/{ids['conversation']}/files"
    text = f"# {title}\n\n{PASSAGE} It is called {title}.".encode()
    kept = await client.post(path, files=[("files", (f"{title[:100]}.md", text))])
    assert kept.status_code == 202, kept.text
    ids["file"] = kept.json()["documents"][0]["id"]
    deadline = time.monotonic() + PATIENCE
    while (await client.get(path)).json()["data"][0]["status"] != "ready":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    sent = {"query": f"{QUESTION} {org.canary}", "conversation_id": ids["conversation"]}
    asked = await client.post("/api/v1/query", json=sent)
    assert asked.status_code == 200, asked.text
    sent["query"] = "And in winter?"
    asked = await client.post("/api/v1/query/stream", json=sent)
    assert asked.status_code == 200, asked.text
    last = json.loads(asked.text.strip().rpartition("data: ")[2])
    ids["message"] = last["message_id"]


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
