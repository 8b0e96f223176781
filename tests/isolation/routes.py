"""The table of routes: for each how its owner makes a valid request, and where it takes ids.

A new route needs a row here: its method and path, its `carriers` (place -> kind of object, kinds
are those of `world.Organisation.ids`), and what else a valid request has. Rows stand in the order
the owner can do them one after another on the same objects: reading, changing, removing.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.isolation.surface import Operation
from tests.isolation.world import PASSWORD, QUESTION

NOT_YET = "nothing"
"""Kind of objects that no feature makes yet: an id of it is left out of valid requests."""

EVERYBODY = frozenset({"employee", "guest"})


@dataclass(frozen=True)
class Route:
    """How to use one route."""

    carriers: dict[str, str] = field(default_factory=dict)
    """Place (`path.x`, `query.x`, `body.x[]`, `form.x`) -> kind of the object it names."""
    body: dict[str, Any] | None = None
    path: dict[str, str] = field(default_factory=dict)
    """Parts of the path that name no object by themselves."""
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None
    """Fields beside a file."""
    file_field: str = "files"
    is_write: bool = False
    allowed: frozenset[str] = frozenset()
    """Insiders to whom this write is open as well."""
    knows: frozenset[str] = frozenset()
    """Insiders who may see the objects that this route names: nothing is hidden from them."""
    fields: frozenset[str] = frozenset()
    """Fields of the body that look hostile and are its own."""
    by: str = "service"
    """Whose request is valid."""
    status: int = 200
    ends_credential: bool = False
    """Whether a valid request signs the sender out or changes how they sign in."""
    written: dict[str, str] = field(default_factory=dict)
    """Place in the query -> how an id is written there."""
    words: dict[str, str] = field(default_factory=dict)
    """Place of a text filter -> name of a word that only hidden objects have."""
    instead: dict[str, str] = field(default_factory=dict)
    """Place -> the place it stands in for: a request has one of the two."""
    forgets: frozenset[str] = frozenset()
    """Places that look like ids and are none."""


DOCUMENT = {"path.document_id": "document"}
COLLECTION = {"path.collection_id": "collection"}
SCOPE = {
    "body.collection_ids[]": "collection", "body.filters.document_id": "document",
    "body.as_user_id": "user",
}  # fmt: skip
ASKED = {**SCOPE, "body.conversation_id": "conversation", "body.parent_id": "message"}
CONVERSED = {"body.conversation_id": "body.as_user_id", "body.parent_id": "body.as_user_id"}
"""Left out of other requests: the conversation is one person's, who would be told of it alone."""
TEXT = {"title": "A new page", "content": "Something that was not there.", "metadata": {"a": "b"}}

API = "/api/v1"

SEARCH: dict[Operation, Route] = {
    ("POST", f"{API}/search"): Route(SCOPE, {"query": QUESTION, "explain": True}),
    ("POST", f"{API}/query"): Route(ASKED, {"query": QUESTION}, instead=CONVERSED),
    ("POST", f"{API}/query/stream"): Route(ASKED, {"query": QUESTION}, instead=CONVERSED),
    ("GET", f"{API}/query/suggestions"): Route(),
    ("GET", f"{API}/caches"): Route(status=403),  # the operator's
}

LIBRARY = {
    "body.citewell.collection_ids[]": "collection",
    "body.citewell.filters.document_id": "document",
}
MESSAGES = [{"role": "user", "content": QUESTION}]
OF_CLIENTS = frozenset({
    "body.messages[].tool_call_id", "body.messages[].tool_calls[].id", "body.input[].call_id",
    "body.previous_response_id",
})  # fmt: skip
"""Ids that a client makes for itself."""

OPENAI: dict[Operation, Route] = {
    ("GET", "/v1/models"): Route(),
    ("GET", "/v1/models/{model}"): Route(path={"model": "citewell"}),
    ("POST", "/v1/chat/completions"): Route(
        LIBRARY, {"model": "citewell", "messages": MESSAGES}, forgets=OF_CLIENTS
    ),
    ("POST", "/v1/responses"): Route(
        LIBRARY, {"model": "citewell", "input": QUESTION}, forgets=OF_CLIENTS
    ),
    ("POST", "/v1/embeddings"): Route(body={"model": "citewell-embedding", "input": QUESTION}),
}

MCP: dict[Operation, Route] = {
    ("POST", "/mcp"): Route(
        body={
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "ask", "arguments": {"query": QUESTION}},
        }
    ),
}  # fmt: skip
"""With one of its tools; all of them are probed in test_mcp.py."""

CONNECTION = {"path.connection_id": "connection"}
CONNECTIONS = f"{API}/connections"

CONNECTING: dict[Operation, Route] = {
    ("GET", CONNECTIONS): Route(),
    ("GET", f"{CONNECTIONS}/{{connection_id}}"): Route(CONNECTION),
    ("POST", CONNECTIONS): Route(
        body={
            "name": "Model {fresh}", "provider": "openai-compatible", "model": "m",
            "base_url": "http://1.1.1.1/v1", "is_active": False,
        },
        fields=frozenset({"api_key"}), is_write=True, status=201,
    ),
    ("PATCH", f"{CONNECTIONS}/{{connection_id}}"): Route(
        CONNECTION, {"priority": 3}, fields=frozenset({"api_key"}), is_write=True
    ),
    ("POST", f"{CONNECTIONS}/{{connection_id}}/test"): Route(
        CONNECTION, is_write=True, status=422  # what is sealed there is no key
    ),
    ("DELETE", f"{CONNECTIONS}/{{connection_id}}"): Route(CONNECTION, is_write=True, status=204),
}  # fmt: skip

CONVERSATION = {"path.conversation_id": "conversation"}
CONVERSATIONS = f"{API}/conversations"
TALKED = f"{CONVERSATIONS}/{{conversation_id}}/messages"
MESSAGE = {**CONVERSATION, "path.message_id": "message"}
ATTACHED = f"{CONVERSATIONS}/{{conversation_id}}/files"
FILE = {**CONVERSATION, "path.file_id": "file"}

CONVERSING: dict[Operation, Route] = {
    ("GET", CONVERSATIONS): Route(words={"query.search": "title"}),
    ("GET", f"{CONVERSATIONS}/{{conversation_id}}"): Route(CONVERSATION),
    ("GET", TALKED): Route(CONVERSATION),
    ("GET", f"{CONVERSATIONS}/{{conversation_id}}/export"): Route(
        {**CONVERSATION, "query.message_id": "message"}
    ),
    ("GET", f"{TALKED}/{{message_id}}/stream"): Route(
        MESSAGE, forgets=frozenset({"query.last_event_id"})
    ),
    ("POST", f"{TALKED}/{{message_id}}/stop"): Route(
        MESSAGE, is_write=True, allowed=EVERYBODY, status=204
    ),
    ("POST", CONVERSATIONS): Route(
        body={"title": "Talk {fresh}"}, is_write=True, allowed=EVERYBODY, status=201
    ),
    ("PATCH", f"{CONVERSATIONS}/{{conversation_id}}"): Route(
        CONVERSATION, {"is_pinned": True}, is_write=True, allowed=EVERYBODY
    ),
    ("GET", ATTACHED): Route(CONVERSATION),
    ("POST", ATTACHED): Route(CONVERSATION, form={}, is_write=True, allowed=EVERYBODY, status=202),
    ("GET", f"{ATTACHED}/{{file_id}}/content"): Route(FILE),
    ("DELETE", f"{ATTACHED}/{{file_id}}"): Route(
        FILE, is_write=True, allowed=EVERYBODY, status=204
    ),
    ("DELETE", f"{CONVERSATIONS}/{{conversation_id}}"): Route(
        CONVERSATION, is_write=True, allowed=EVERYBODY, status=204
    ),
}

QUESTION_ASKED = {"path.query_id": "query"}

QUERIES: dict[Operation, Route] = {
    ("GET", f"{API}/queries"): Route({"query.user_id": "user"}),
    ("GET", f"{API}/queries/export"): Route({"query.user_id": "user"}),
    ("GET", f"{API}/queries/{{query_id}}"): Route(QUESTION_ASKED),
    ("POST", f"{API}/queries/{{query_id}}/replay"): Route(QUESTION_ASKED),
    ("POST", f"{API}/feedback"): Route(
        {"body.query_id": "query"}, {"rating": 2, "comment": "Too short."},
        is_write=True, allowed=EVERYBODY,
    ),
}  # fmt: skip

DATASET, RUN = {"path.dataset_id": "dataset"}, {"path.run_id": "run"}
CASE = {**DATASET, "path.case_id": "case"}
GENERATION = {**DATASET, "path.generation_id": "generation"}
EVALUATIONS = f"{API}/evaluations"
CASES = f"{EVALUATIONS}/datasets/{{dataset_id}}/cases"

EVALUATING: dict[Operation, Route] = {
    ("GET", f"{EVALUATIONS}/datasets"): Route(),
    ("GET", f"{EVALUATIONS}/datasets/{{dataset_id}}"): Route(DATASET),
    ("GET", CASES): Route(DATASET),
    ("GET", f"{EVALUATIONS}/datasets/{{dataset_id}}/generations/{{generation_id}}"): Route(
        GENERATION
    ),
    ("GET", f"{EVALUATIONS}/runs"): Route({"query.dataset_id": "dataset"}),
    ("GET", f"{EVALUATIONS}/runs/{{run_id}}"): Route(RUN),
    ("GET", f"{EVALUATIONS}/runs/{{run_id}}/results"): Route(RUN),
    ("GET", f"{EVALUATIONS}/runs/{{run_id}}/compare/{{other_id}}"): Route(
        {**RUN, "path.other_id": "run"}
    ),
    ("POST", f"{EVALUATIONS}/datasets"): Route(
        body={"name": "Set {fresh}"}, is_write=True, status=201
    ),
    ("PATCH", f"{EVALUATIONS}/datasets/{{dataset_id}}"): Route(
        DATASET, {"description": "Changed"}, is_write=True
    ),
    ("POST", CASES): Route(
        {**DATASET, "body.document_ids[]": "document", "body.query_id": "query"},
        {"question": QUESTION, "gold": ["seventh"]}, is_write=True, status=201,
    ),
    ("PATCH", f"{CASES}/{{case_id}}"): Route(
        {**CASE, "body.document_ids[]": "document"}, {"kind": "date"}, is_write=True
    ),
    ("POST", f"{EVALUATIONS}/datasets/{{dataset_id}}/generations"): Route(
        {**DATASET, "body.document_ids[]": "document"}, {"limit": 1}, is_write=True, status=202,
    ),
    ("POST", f"{EVALUATIONS}/runs"): Route(
        {"body.dataset_id": "dataset"}, {}, is_write=True, status=202
    ),
    ("DELETE", f"{CASES}/{{case_id}}"): Route(CASE, is_write=True, status=204),
    ("DELETE", f"{EVALUATIONS}/runs/{{run_id}}"): Route(RUN, is_write=True, status=204),
    ("DELETE", f"{EVALUATIONS}/datasets/{{dataset_id}}"): Route(
        DATASET, is_write=True, status=204
    ),
}  # fmt: skip

AGENT, AGENT_RUN = {"path.agent_id": "agent"}, {"path.run_id": "agent_run"}
AGENTS, AGENT_RUNS = f"{API}/agents", f"{API}/agent-runs"
NEW_AGENT = {"slug": "a-{fresh}", "name": "New", "instructions": "Help.", "tools": ["calculate"]}
OF_AGENT = frozenset({"limits"})

AGENTS_AT_WORK: dict[Operation, Route] = {
    ("GET", AGENTS): Route(),
    ("GET", f"{AGENTS}/{{agent_id}}"): Route(AGENT, knows=EVERYBODY),
    ("GET", f"{AGENTS}/{{agent_id}}/versions"): Route(AGENT, knows=EVERYBODY),
    ("GET", AGENT_RUNS): Route({"query.agent_id": "agent"}),
    ("GET", f"{AGENT_RUNS}/{{run_id}}"): Route(AGENT_RUN),
    ("GET", f"{AGENT_RUNS}/{{run_id}}/stream"): Route(AGENT_RUN),
    ("POST", AGENTS): Route(
        {"body.collection_ids[]": "collection"}, NEW_AGENT, fields=OF_AGENT,
        is_write=True, status=201,
    ),
    ("PATCH", f"{AGENTS}/{{agent_id}}"): Route(
        {**AGENT, "body.collection_ids[]": "collection"}, {"description": "Changed"},
        fields=OF_AGENT, knows=EVERYBODY, is_write=True,
    ),
    ("POST", f"{AGENTS}/{{agent_id}}/restore"): Route(
        AGENT, {"version": 1}, knows=EVERYBODY, is_write=True
    ),
    ("POST", f"{AGENTS}/{{agent_id}}/execute"): Route(
        AGENT, {"input": QUESTION}, knows=EVERYBODY, is_write=True, allowed=EVERYBODY,
        status=409,  # the server of the matrix has no model
    ),
    ("POST", f"{AGENTS}/{{agent_id}}/execute/stream"): Route(
        AGENT, {"input": QUESTION}, knows=EVERYBODY, is_write=True, allowed=EVERYBODY, status=409
    ),
    ("POST", f"{AGENT_RUNS}/{{run_id}}/approve"): Route(
        {**AGENT_RUN, "body.call_id": "tool_call"}, {"arguments_hash": "0" * 64, "approve": False},
        is_write=True,
    ),
    ("POST", f"{AGENT_RUNS}/{{run_id}}/cancel"): Route(AGENT_RUN, is_write=True),
    ("DELETE", f"{AGENTS}/{{agent_id}}"): Route(
        AGENT, knows=EVERYBODY, is_write=True, status=204
    ),
}  # fmt: skip

WORKFLOW, FLOW_RUN = {"path.workflow_id": "workflow"}, {"path.run_id": "workflow_run"}
WORKFLOWS, FLOW_RUNS = f"{API}/workflows", f"{API}/workflow-runs"
TRIGGER = f"{WORKFLOWS}/{{workflow_id}}/triggers/{{trigger_id}}"
OF_TRIGGER = {**WORKFLOW, "path.trigger_id": "trigger"}
PAUSE = {"name": "Pause", "nodes": [{"id": "pause", "kind": "wait", "for": "1s"}]}

FLOWS: dict[Operation, Route] = {
    ("GET", WORKFLOWS): Route(),
    ("GET", f"{WORKFLOWS}/{{workflow_id}}"): Route(WORKFLOW, knows=EVERYBODY),
    ("GET", f"{WORKFLOWS}/{{workflow_id}}/versions"): Route(WORKFLOW, knows=EVERYBODY),
    ("POST", f"{WORKFLOWS}/validate"): Route(body={"source": PAUSE}),
    ("POST", WORKFLOWS): Route(
        body={"slug": "w-{fresh}", "source": PAUSE}, is_write=True, status=201
    ),
    ("PATCH", f"{WORKFLOWS}/{{workflow_id}}"): Route(
        WORKFLOW, {"source": PAUSE}, knows=EVERYBODY, is_write=True
    ),
    ("POST", f"{WORKFLOWS}/{{workflow_id}}/restore"): Route(
        WORKFLOW, {"version": 1}, knows=EVERYBODY, is_write=True
    ),
    ("POST", f"{WORKFLOWS}/{{workflow_id}}/plan"): Route(WORKFLOW, {}, knows=EVERYBODY),
    ("POST", f"{WORKFLOWS}/{{workflow_id}}/run"): Route(
        WORKFLOW, {}, knows=EVERYBODY, is_write=True, allowed=EVERYBODY, status=202
    ),
    ("GET", FLOW_RUNS): Route({"query.workflow_id": "workflow"}),
    ("GET", f"{FLOW_RUNS}/{{run_id}}"): Route(FLOW_RUN),
    ("POST", f"{FLOW_RUNS}/{{run_id}}/approve"): Route(
        {"path.run_id": "workflow_run to decide"},
        {"node": "ask", "action_hash": "0" * 64, "approve": True}, is_write=True,
    ),
    ("POST", f"{FLOW_RUNS}/{{run_id}}/cancel"): Route(FLOW_RUN, is_write=True),
    ("POST", f"{FLOW_RUNS}/{{run_id}}/retry"): Route(
        FLOW_RUN, {"node": "ask"}, is_write=True, status=202
    ),
    ("GET", f"{WORKFLOWS}/templates"): Route(),
    ("GET", f"{WORKFLOWS}/{{workflow_id}}/triggers"): Route(WORKFLOW, knows=EVERYBODY),
    ("POST", f"{WORKFLOWS}/{{workflow_id}}/triggers"): Route(
        {**WORKFLOW, "body.collection_id": "collection"}, {"kind": "document"},
        knows=EVERYBODY, is_write=True, status=201,
    ),
    ("PATCH", TRIGGER): Route(OF_TRIGGER, {"is_enabled": False}, is_write=True),
    ("DELETE", TRIGGER): Route(OF_TRIGGER, is_write=True, status=204),
    ("DELETE", f"{WORKFLOWS}/{{workflow_id}}"): Route(
        WORKFLOW, knows=EVERYBODY, is_write=True, status=204
    ),
}  # fmt: skip

WEBHOOK, WEBHOOKS = {"path.webhook_id": "webhook"}, f"{API}/webhooks"

TELLING: dict[Operation, Route] = {
    ("GET", WEBHOOKS): Route(),
    ("GET", f"{WEBHOOKS}/{{webhook_id}}"): Route(WEBHOOK),
    ("GET", f"{WEBHOOKS}/{{webhook_id}}/deliveries"): Route(WEBHOOK),
    ("POST", WEBHOOKS): Route(
        body={"name": "Hook {fresh}", "url": "http://1.1.1.1/x", "events": ["answer.rated"],
              "is_active": False},
        is_write=True, status=201,
    ),
    ("PATCH", f"{WEBHOOKS}/{{webhook_id}}"): Route(WEBHOOK, {"name": "Changed"}, is_write=True),
    ("POST", f"{WEBHOOKS}/{{webhook_id}}/deliveries/{{delivery_id}}/replay"): Route(
        {**WEBHOOK, "path.delivery_id": "webhook_delivery"}, is_write=True,
        status=422,  # it is turned off
    ),
    ("DELETE", f"{WEBHOOKS}/{{webhook_id}}"): Route(WEBHOOK, is_write=True, status=204),
}  # fmt: skip

READING: dict[Operation, Route] = {
    ("GET", f"{API}/collections"): Route(),
    ("GET", f"{API}/collections/{{collection_id}}"): Route(COLLECTION),
    ("GET", f"{API}/documents"): Route(
        {"query.collection_id": "collection", "query.attached_to": "document"},
        words={"query.search": "title"},
    ),
    ("GET", f"{API}/documents/folders"): Route({"query.collection_id": "collection"}),
    ("GET", f"{API}/documents/trash"): Route(),
    ("GET", f"{API}/documents/{{document_id}}"): Route(DOCUMENT),
    ("GET", f"{API}/documents/{{document_id}}/content"): Route(DOCUMENT, query={"version": "1"}),
    ("GET", f"{API}/documents/{{document_id}}/file"): Route(DOCUMENT, query={"version": "1"}),
    ("GET", f"{API}/documents/{{document_id}}/versions"): Route(DOCUMENT),
    ("GET", f"{API}/documents/{{document_id}}/versions/{{number}}"): Route(
        DOCUMENT, path={"number": "1"}
    ),
    ("GET", f"{API}/documents/{{document_id}}/versions/{{number}}/diff/{{other}}"): Route(
        DOCUMENT,
        path={"number": "1", "other": "1"},
        status=422,  # it has this version only
    ),
}

JOB = {"path.job_id": "job"}

WORK: dict[Operation, Route] = {
    ("GET", f"{API}/events"): Route(
        {"query.topics": "document"},
        query={"wait": "0"},
        written={"query.topics": "document:{}"},
        forgets=frozenset({"query.last_event_id"}),
    ),
    ("GET", f"{API}/jobs"): Route({"query.document_id": "document"}),
    ("GET", f"{API}/jobs/{{job_id}}"): Route(JOB),
    ("POST", f"{API}/jobs/{{job_id}}/cancel"): Route(JOB, is_write=True, status=409),
    ("POST", f"{API}/jobs/{{job_id}}/retry"): Route(JOB, is_write=True, status=409),
}
"""The jobs have succeeded: neither can be done with them any more."""

RULE = {"body.group_id": "group", "body.user_id": "user"}
ONE_OF = {"body.user_id": "body.group_id"}

SHARING: dict[Operation, Route] = {
    ("GET", f"{API}/documents/{{document_id}}/access"): Route(
        {**DOCUMENT, "query.user": "user"}, words={"query.user": "email"}
    ),
    ("GET", f"{API}/collections/{{collection_id}}/grants"): Route(COLLECTION),
    ("GET", f"{API}/documents/{{document_id}}/grants"): Route(DOCUMENT),
    ("PUT", f"{API}/collections/{{collection_id}}/grants"): Route(
        {**COLLECTION, **RULE}, {"effect": "read"},
        instead=ONE_OF, fields=frozenset({"user_id"}), is_write=True,
    ),
    ("PUT", f"{API}/documents/{{document_id}}/grants"): Route(
        {**DOCUMENT, **RULE}, {"effect": "read"},
        instead=ONE_OF, fields=frozenset({"user_id"}), is_write=True,
    ),
    ("DELETE", f"{API}/collections/{{collection_id}}/grants/{{grant_id}}"): Route(
        {**COLLECTION, "path.grant_id": "collection_grant"}, is_write=True, status=204
    ),
    ("DELETE", f"{API}/documents/{{document_id}}/grants/{{grant_id}}"): Route(
        {**DOCUMENT, "path.grant_id": "document_grant"}, is_write=True, status=204
    ),
}  # fmt: skip

CHANGING: dict[Operation, Route] = {
    ("POST", f"{API}/collections/{{collection_id}}/export"): Route(
        COLLECTION, {"passphrase": "nine kites above the old mill"}
    ),
    ("POST", f"{API}/collections/import"): Route(
        form={"passphrase": "nine kites above the old mill"}, file_field="file",
        is_write=True, status=422,  # the file of the probes is no export
    ),
    ("POST", f"{API}/collections"): Route(
        body={"name": "New shelf {fresh}"}, is_write=True, status=201
    ),
    ("PATCH", f"{API}/collections/{{collection_id}}"): Route(
        COLLECTION, {"description": "Changed"}, is_write=True
    ),
    ("POST", f"{API}/documents"): Route(
        {"body.collection_id": "collection"}, TEXT,
        is_write=True, allowed=frozenset({"employee"}), status=202,
    ),
    ("POST", f"{API}/documents/upload"): Route(
        {"form.collection_id": "collection"}, form={"metadata": '{"a": "b"}'},
        is_write=True, allowed=frozenset({"employee"}), status=202,
    ),
    ("PUT", f"{API}/documents/{{document_id}}"): Route(
        DOCUMENT, {"content": "What is said from now on.", "metadata": {"a": 2}},
        is_write=True, status=202,
    ),
    ("PUT", f"{API}/documents/{{document_id}}/file"): Route(
        DOCUMENT, form={"metadata": '{"a": "b"}'}, file_field="file", is_write=True, status=202,
    ),
    ("PATCH", f"{API}/documents/{{document_id}}"): Route(
        DOCUMENT, {"title": "Changed", "metadata": {"a": 1}, "access_level": "public"},
        is_write=True,
    ),
    ("POST", f"{API}/documents/{{document_id}}/rollback"): Route(
        DOCUMENT, {"version": 1}, is_write=True
    ),
    ("DELETE", f"{API}/documents/{{document_id}}"): Route(DOCUMENT, is_write=True, status=204),
    ("POST", f"{API}/documents/{{document_id}}/restore"): Route(DOCUMENT, is_write=True),
    ("DELETE", f"{API}/documents/trash/{{document_id}}"): Route(
        {"path.document_id": "document:trashed"}, is_write=True, status=204
    ),
    ("DELETE", f"{API}/collections/{{collection_id}}"): Route(
        COLLECTION, is_write=True, status=409  # what others put in is still there
    ),
}  # fmt: skip

USER, GROUP = {"path.user_id": "user"}, {"path.group_id": "group"}

PEOPLE: dict[Operation, Route] = {
    ("GET", f"{API}/users"): Route(words={"query.search": "email"}),
    ("GET", f"{API}/users/{{user_id}}"): Route(USER),
    ("GET", f"{API}/groups"): Route(),
    ("GET", f"{API}/groups/{{group_id}}"): Route(GROUP),
    ("GET", f"{API}/groups/{{group_id}}/members"): Route(GROUP),
    ("POST", f"{API}/users"): Route(
        body={"email": "new-{fresh}@example.org", "name": "Somebody new"},
        fields=frozenset({"role", "is_admin"}), is_write=True, status=201,
    ),
    ("POST", f"{API}/users/import"): Route(
        body={"people": [{"email": "p-{fresh}@example.org"}]}, is_write=True,
    ),
    ("GET", f"{API}/access/report"): Route(),
    ("POST", f"{API}/users/{{user_id}}/invitation"): Route(
        {"path.user_id": "user:invited"}, is_write=True, status=201
    ),
    ("POST", f"{API}/users/{{user_id}}/password-reset"): Route(USER, is_write=True, status=201),
    ("DELETE", f"{API}/users/{{user_id}}/second-factor"): Route(
        USER, is_write=True  # of the member, who has a passkey
    ),
    ("POST", f"{API}/groups"): Route(body={"name": "Circle {fresh}"}, is_write=True, status=201),
    ("PATCH", f"{API}/users/{{user_id}}"): Route(
        USER, {"name": "Changed"},
        fields=frozenset({"role", "is_admin", "status"}), is_write=True,
    ),
    ("PATCH", f"{API}/groups/{{group_id}}"): Route(GROUP, {"description": "x"}, is_write=True),
    ("PUT", f"{API}/groups/{{group_id}}/members/{{user_id}}"): Route(
        {**GROUP, **USER}, is_write=True, status=204
    ),
    ("DELETE", f"{API}/groups/{{group_id}}/members/{{user_id}}"): Route(
        {**GROUP, **USER}, is_write=True, status=204
    ),
    ("DELETE", f"{API}/groups/{{group_id}}"): Route(GROUP, is_write=True, status=204),
    ("DELETE", f"{API}/users/{{user_id}}"): Route(USER, is_write=True, status=204),
}  # fmt: skip

KEY, TENANT = {"path.key_id": "api_key"}, {"path.tenant_id": "tenant"}
OF_TENANT = frozenset({
    "plan", "limits", "region", "status", "has_open_registration", "second_factor_for",
})  # fmt: skip

KEYS: dict[Operation, Route] = {
    ("GET", f"{API}/auth/api-keys"): Route(),
    ("GET", f"{API}/tenants"): Route(),
    ("GET", f"{API}/tenants/{{tenant_id}}"): Route(TENANT, knows=EVERYBODY),
    ("POST", f"{API}/auth/api-keys"): Route(
        body={"name": "Key {fresh}"}, fields=frozenset({"scopes", "expires_at"}),
        is_write=True, allowed=EVERYBODY, by="director", status=201,
    ),
    ("POST", f"{API}/tenants"): Route(
        body={"slug": "t-{fresh}", "name": "Another"}, fields=OF_TENANT,
        is_write=True, status=403,  # for the operator, who has no key of a tenant
    ),
    ("PATCH", f"{API}/tenants/{{tenant_id}}"): Route(
        TENANT, {"name": "Changed"}, fields=OF_TENANT, is_write=True
    ),
    ("DELETE", f"{API}/auth/api-keys/{{key_id}}"): Route(KEY, is_write=True, status=204),
    ("DELETE", f"{API}/tenants/{{tenant_id}}"): Route(TENANT, is_write=True, status=403),
}  # fmt: skip

SOMEBODY = {
    "email": "nobody@example.org",
    "password": "not the password of anybody",
    "tenant": "of-nobody",  # the default one may be fresh, and take its first user
}

PASSKEYS = f"{API}/auth/passkeys"
FACTOR = f"{API}/auth/second-factor"
PROOFS = {"password": PASSWORD, "code": "none"}
NEW_EMAIL = {"email": "new-{fresh}@example.org"}
OWN: dict[str, Any] = {"is_write": True, "allowed": EVERYBODY, "by": "director"}
"""Of routes by which users change how they themselves sign in."""

SIGNING_IN: dict[Operation, Route] = {
    ("GET", f"{API}/auth/me"): Route(),
    ("GET", f"{API}/auth/me/data"): Route(by="director"),
    ("POST", f"{API}/auth/register"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=403
    ),
    ("POST", f"{API}/auth/reset"): Route(
        body={"email": "nobody@example.org", "token": "cwr_x", "new_password": PASSWORD},
        fields=frozenset({"tenant", "token"}), is_write=True, status=403, ends_credential=True,
    ),
    ("POST", f"{API}/auth/forgot"): Route(  # 409: the server of the matrix sends no mail
        body=NEW_EMAIL, fields=frozenset({"tenant"}), is_write=True, status=409
    ),
    ("POST", f"{API}/auth/email/confirm"): Route(
        body={"token": "cwe_x"}, fields=frozenset({"token"}), is_write=True, status=403
    ),
    ("POST", f"{API}/auth/email"): Route(
        body={**NEW_EMAIL, "password": PASSWORD}, status=409, **OWN  # as above
    ),
    ("POST", f"{API}/auth/setup"): Route(
        body={"token": "none", "email": "nobody@example.org", "password": SOMEBODY["password"]},
        is_write=True, status=403,
    ),
    ("POST", f"{API}/auth/login"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=401,
        forgets=frozenset({"form.client_id"}),  # of OAuth 2; it is taken and not looked at
    ),
    ("POST", f"{API}/auth/refresh"): Route(
        body={"refresh_token": "none"}, is_write=True, status=401
    ),
    ("POST", f"{FACTOR}/begin"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=401
    ),
    ("GET", FACTOR): Route(by="director"),
    ("POST", FACTOR): Route(body={"password": PASSWORD}, **OWN),
    ("POST", f"{FACTOR}/confirm"): Route(body={"code": "none"}, status=403, **OWN),
    ("POST", f"{FACTOR}/recovery-codes"): Route(body=PROOFS, status=409, **OWN),
    ("POST", f"{FACTOR}/remove"): Route(body=PROOFS, status=409, **OWN),
    ("GET", f"{API}/auth/ways-in"): Route(),
    ("GET", f"{API}/auth/oidc/{{name}}/start"): Route(path={"name": "nobody"}, status=404),
    ("GET", f"{API}/auth/oidc/{{name}}/callback"): Route(path={"name": "nobody"}, status=303),
    ("GET", f"{API}/auth/oidc/{{name}}/sign-out"): Route(path={"name": "nobody"}, status=404),
    ("POST", f"{PASSKEYS}/begin"): Route(is_write=True),
    ("POST", f"{PASSKEYS}/sign-in"): Route(
        body={"ceremony": "none", "credential": {}}, is_write=True, status=403
    ),
    ("GET", PASSKEYS): Route(by="director"),
    ("POST", f"{PASSKEYS}/options"): Route(body={"password": PASSWORD}, **OWN),
    ("POST", PASSKEYS): Route(body={"ceremony": "none", "credential": {}}, status=403, **OWN),
    ("DELETE", f"{PASSKEYS}/{{passkey_id}}"): Route(
        {"path.passkey_id": "passkey"}, is_write=True, by="director", status=404
    ),
    ("POST", f"{API}/auth/password"): Route(
        body={"old_password": PASSWORD, "new_password": "nine kites above the old mill"},
        is_write=True, allowed=EVERYBODY, ends_credential=True, by="director",
    ),
    ("POST", f"{API}/auth/logout"): Route(
        body={}, is_write=True, allowed=EVERYBODY, ends_credential=True, by="leaving", status=204
    ),
}  # fmt: skip

FIGURES = ("usage", "queries", "documents", "spending", "system")

RECORDS: dict[Operation, Route] = {
    **{("GET", f"{API}/analytics/{each}"): Route() for each in FIGURES},
    ("GET", f"{API}/usage"): Route(),
    ("GET", f"{API}/errors"): Route(),
    ("GET", f"{API}/usage/export"): Route(),
    ("GET", f"{API}/analytics/users/{{user_id}}"): Route(USER),
    ("GET", f"{API}/analytics/export"): Route(query={"table": "documents"}),
    ("GET", f"{API}/audit"): Route({"query.actor_id": "user", "query.object_id": "document"}),
    ("GET", f"{API}/audit/export"): Route(
        {"query.actor_id": "user", "query.object_id": "document"}
    ),
}

TABLE: dict[Operation, Route] = {
    **SEARCH, **OPENAI, **MCP, **CONVERSING, **QUERIES, **EVALUATING, **AGENTS_AT_WORK, **FLOWS,
    **TELLING, **READING, **WORK, **SHARING, **CHANGING, **CONNECTING, **RECORDS, **KEYS, **PEOPLE,
    **SIGNING_IN,
}  # fmt: skip
