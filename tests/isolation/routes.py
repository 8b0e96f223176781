"""The table of routes: for each how its owner makes a valid request, and where it takes ids.

A new route needs a row here: its method and path, its `carriers` (place -> kind of object, kinds
are those of `world.Organisation.ids`), and what else a valid request has. Rows stand in the order
the owner can do them one after another on the same objects: reading, changing, removing.
"""

from citewell.engine.agents.base import shown_hash
from tests.isolation.routes_of_people import KEYS, PEOPLE, SIGNING_IN, USER
from tests.isolation.rows import API, EVERYBODY, KNOWN_ACTION, Route
from tests.isolation.surface import Operation
from tests.isolation.world import QUESTION

DOCUMENT = {"path.document_id": "document"}
COLLECTION = {"path.collection_id": "collection"}
SCOPE = {
    "body.collection_ids[]": "collection", "body.filters.document_id": "document",
    "body.as_user_id": "user",
}  # fmt: skip
ASKED = {**SCOPE, "body.conversation_id": "conversation", "body.parent_id": "message"}
CONVERSED = {"body.conversation_id": "body.as_user_id", "body.parent_id": "body.as_user_id"}
"""Left out of other requests: the conversation is one person's, who would be told of it alone."""
AS_USER, ALONE = {"query.as_user_id": "user"}, {"query.as_user_id": ""}
"""Of what an administrator may look at as a user; left out of other requests."""
TEXT = {"title": "A new page", "content": "Something that was not there.", "metadata": {"a": "b"}}

SEARCH: dict[Operation, Route] = {
    ("POST", f"{API}/search"): Route(SCOPE, {"query": QUESTION, "explain": True}),
    ("POST", f"{API}/query"): Route(ASKED, {"query": QUESTION}, instead=CONVERSED),
    ("POST", f"{API}/query/stream"): Route(ASKED, {"query": QUESTION}, instead=CONVERSED),
    ("GET", f"{API}/query/suggestions"): Route(AS_USER, instead=ALONE),
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
        {**AGENT_RUN, "body.call_id": "tool_call"},
        {"arguments_hash": shown_hash("0" * 64, KNOWN_ACTION, None), "approve": False},
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

VERSIONS = f"{API}/documents/{{document_id}}/versions"

EMBED, EMBEDS = {"path.embed_id": "embed"}, f"{API}/embeds"
NO_BOX = {"token": "0" * 64}

EMBEDDING: dict[Operation, Route] = {
    ("GET", EMBEDS): Route(),
    ("GET", f"{EMBEDS}/{{embed_id}}"): Route(EMBED),
    ("POST", EMBEDS): Route(
        {"body.collection_ids[]": "collection:open"},
        {"name": "Box {fresh}", "origins": ["https://www.example.org"]},
        is_write=True, status=201,
    ),
    ("PATCH", f"{EMBEDS}/{{embed_id}}"): Route(
        {**EMBED, "body.collection_ids[]": "collection:open"}, {"name": "Changed"}, is_write=True
    ),
    # Those who know the name of a box are answered, whoever they are; here there is none.
    ("GET", f"{API}/boxes/{{token}}"): Route(path=NO_BOX, status=404),
    ("POST", f"{API}/boxes/{{token}}/ask"): Route(
        body={"query": QUESTION}, path=NO_BOX, status=404
    ),
    ("DELETE", f"{EMBEDS}/{{embed_id}}"): Route(EMBED, is_write=True, status=204),
}  # fmt: skip

READING: dict[Operation, Route] = {
    ("GET", f"{API}/collections"): Route(AS_USER, instead=ALONE),
    ("GET", f"{API}/collections/{{collection_id}}"): Route(COLLECTION | AS_USER, instead=ALONE),
    ("GET", f"{API}/documents"): Route(
        {"query.collection_id": "collection", "query.attached_to": "document", **AS_USER},
        words={"query.search": "title"}, instead=ALONE,
    ),
    ("GET", f"{API}/documents/folders"): Route(
        {"query.collection_id": "collection", **AS_USER}, instead=ALONE
    ),
    ("GET", f"{API}/documents/trash"): Route(),
    ("GET", f"{API}/collections/{{collection_id}}/retention"): Route(
        COLLECTION, query={"keep_days": "1"}
    ),
    ("GET", f"{API}/documents/{{document_id}}"): Route(DOCUMENT | AS_USER, instead=ALONE),
    **{
        ("GET", f"{API}/documents/{{document_id}}/{part}"): Route(
            DOCUMENT | AS_USER, query={"version": "1"}, instead=ALONE
        )
        for part in ("content", "file")
    },
    ("GET", VERSIONS): Route(DOCUMENT | AS_USER, instead=ALONE),
    ("GET", f"{VERSIONS}/{{number}}"): Route(
        DOCUMENT | AS_USER, path={"number": "1"}, instead=ALONE
    ),
    ("GET", f"{VERSIONS}/{{number}}/diff/{{other}}"): Route(
        DOCUMENT | AS_USER, path={"number": "1", "other": "1"}, instead=ALONE,
        status=422,  # it has this version only
    ),
}  # fmt: skip

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
    ("GET", f"{API}/documents/{{document_id}}/similar"): Route(DOCUMENT),
    ("GET", f"{API}/documents/{{document_id}}/access"): Route(
        {**DOCUMENT, "query.user": "user"}, words={"query.user": "email"}
    ),
    ("GET", f"{API}/documents/{{document_id}}/access/users"): Route(
        DOCUMENT, words={"query.search": "email"}
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
        is_write=True, allowed=frozenset({"employee"}), status=202, fields=frozenset({"source"}),
    ),
    ("POST", f"{API}/documents/upload"): Route(
        {"form.collection_id": "collection"}, form={"metadata": '{"a": "b"}'},
        is_write=True, allowed=frozenset({"employee"}), status=202, fields=frozenset({"source"}),
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
    **SIGNING_IN, **EMBEDDING,
}  # fmt: skip
