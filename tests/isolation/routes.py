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
ASKED = {**SCOPE, "body.conversation_id": NOT_YET}
TEXT = {"title": "A new page", "content": "Something that was not there.", "metadata": {"a": "b"}}

API = "/api/v1"

SEARCH: dict[Operation, Route] = {
    ("POST", f"{API}/search"): Route(SCOPE, {"query": QUESTION, "explain": True}),
    ("POST", f"{API}/query"): Route(ASKED, {"query": QUESTION}),
    ("POST", f"{API}/query/stream"): Route(ASKED, {"query": QUESTION}),
    ("GET", f"{API}/caches"): Route(status=403),  # the operator's
}

QUESTION_ASKED = {"path.query_id": "query"}

QUERIES: dict[Operation, Route] = {
    ("GET", f"{API}/queries"): Route(),
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

READING: dict[Operation, Route] = {
    ("GET", f"{API}/collections"): Route(),
    ("GET", f"{API}/collections/{{collection_id}}"): Route(COLLECTION),
    ("GET", f"{API}/documents"): Route(
        {"query.collection_id": "collection"}, words={"query.search": "title"}
    ),
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
    ("POST", f"{API}/users/{{user_id}}/invitation"): Route(
        {"path.user_id": "user:invited"}, is_write=True, status=201
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
OF_TENANT = frozenset({"plan", "limits", "region", "status", "has_open_registration"})

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

SIGNING_IN: dict[Operation, Route] = {
    ("GET", f"{API}/auth/me"): Route(),
    ("POST", f"{API}/auth/register"): Route(
        body=SOMEBODY, fields=frozenset({"tenant"}), is_write=True, status=403
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
    ("POST", f"{API}/auth/password"): Route(
        body={"old_password": PASSWORD, "new_password": "nine kites above the old mill"},
        is_write=True, allowed=EVERYBODY, ends_credential=True, by="director",
    ),
    ("POST", f"{API}/auth/logout"): Route(
        body={}, is_write=True, allowed=EVERYBODY, ends_credential=True, by="leaving", status=204
    ),
}  # fmt: skip

RECORDS: dict[Operation, Route] = {
    ("GET", f"{API}/usage"): Route(),
    ("GET", f"{API}/audit"): Route({"query.actor_id": "user", "query.object_id": "document"}),
    ("GET", f"{API}/audit/export"): Route(
        {"query.actor_id": "user", "query.object_id": "document"}
    ),
}

TABLE: dict[Operation, Route] = {
    **SEARCH, **QUERIES, **EVALUATING, **READING, **WORK, **SHARING, **CHANGING, **RECORDS,
    **KEYS, **PEOPLE,
    **SIGNING_IN,
}  # fmt: skip
