"""What holds for every route there is, read from the application itself."""

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.policies import declared
from citewell.features.http import Admission
from tests.conftest import Library

Refused = Callable[[httpx.Response, int, str], None]

EVALUATIONS = "/api/v1/evaluations"

SINGLE = {"/api/v1/auth/me", "/api/v1/usage", "/api/v1/audit/export", "/api/v1/events"}
"""Objects without an id of their own, files and streams."""
_APP = create_app(
    Settings(_env_file=None, home=Path("unused")),
    lambda: nullcontext(),  # type: ignore[arg-type, return-value]
)
_SCHEMA = _APP.openapi()
PUBLIC = {
    path
    for path, _, policy in declared(_APP.routes)
    if policy is not None and policy.admission is not Admission.CREDENTIAL
    and path.startswith("/api/v1/")
}  # fmt: skip
HEALTH = {path for path in PUBLIC if "/health/" in path}
OPERATIONS = [
    (method.upper(), path)
    for path, methods in _SCHEMA["paths"].items()
    for method in methods
    if path.startswith("/api/v1/")
]
PRIVATE = [operation for operation in OPERATIONS if operation[1] not in PUBLIC]
OPERATORS = {("POST", "/api/v1/tenants"), ("DELETE", "/api/v1/tenants/{tenant_id}")}
"""Refused to the keys of tenants before anything of the request is looked at."""
WITH_ID = [operation for operation in PRIVATE if "{" in operation[1] and operation not in OPERATORS]
WITH_JSON = [
    (method, path)
    for method, path in PRIVATE
    if (method, path) not in OPERATORS
    and "application/json"
    in _SCHEMA["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
]


ID_NAMES = (
    "document_id",
    "collection_id",
    "grant_id",
    "user_id",
    "group_id",
    "key_id",
    "tenant_id",
    "job_id",
    "query_id",
    "dataset_id",
    "case_id",
    "generation_id",
    "run_id",
    "other_id",
)
NUMBERS = {"number": "1", "other": "2"}
"""Of versions."""


def filled(path: str, ids: dict[str, str]) -> str:
    """The path with an id for each parameter; an unknown parameter is a KeyError."""
    return path.format_map(ids)


def random_ids() -> dict[str, str]:
    return {**{name: str(uuid.uuid4()) for name in ID_NAMES}, **NUMBERS}


def body_of(method: str, path: str) -> dict[str, object] | None:
    """A body that is in order, for routes that take one."""
    if (method, path) not in WITH_JSON:
        return None
    if path.endswith("/grants"):
        return {"user_id": str(uuid.uuid4()), "effect": "read"}
    if path.endswith("/export"):
        return {"passphrase": "nine kites above the old mill"}
    if path.endswith("/rollback"):
        return {"version": 1}
    if (method, path) == ("PUT", "/api/v1/documents/{document_id}"):
        return {"content": "Something else."}
    if (method, path) == ("POST", f"{EVALUATIONS}/datasets/{{dataset_id}}/cases"):
        return {"question": "When is the fire drill?", "abstain": True}
    return {}


def file_of(method: str, path: str) -> dict[str, tuple[str, bytes]] | None:
    """A file, for the route with an id that takes one."""
    takes_file = (method, path) == ("PUT", "/api/v1/documents/{document_id}/file")
    return {"file": ("other.txt", b"Something else.")} if takes_file else None


async def people_of(client: httpx.AsyncClient) -> dict[str, str]:
    """Ids of a user, a group, the tenant and a key of a tenant."""
    user = await client.post("/api/v1/users", json={"email": f"{uuid.uuid4().hex}@example.org"})
    group = await client.post("/api/v1/groups", json={"name": uuid.uuid4().hex})
    tenants = (await client.get("/api/v1/tenants")).json()["data"]
    keys = (await client.get("/api/v1/auth/api-keys")).json()["data"]
    return {
        "user_id": user.json()["id"],
        "group_id": group.json()["id"],
        "tenant_id": tenants[0]["id"],
        "key_id": keys[0]["id"],
    }


async def asked_of(client: httpx.AsyncClient, document_id: str) -> dict[str, str]:
    """Ids of a stored answer, a dataset with a case, and two runs of it."""
    answer = await client.post("/api/v1/query", json={"query": "When is the fire drill?"})
    data = {"name": uuid.uuid4().hex}
    dataset = (await client.post(f"{EVALUATIONS}/datasets", json=data)).json()["id"]
    data = {"question": "When is the fire drill?", "gold": ["Monday"]}
    case = await client.post(f"{EVALUATIONS}/datasets/{dataset}/cases", json=data)
    path = f"{EVALUATIONS}/datasets/{dataset}/generations"
    generation = await client.post(path, json={"document_ids": [document_id]})
    runs = [
        await client.post(f"{EVALUATIONS}/runs", json={"dataset_id": dataset}) for _ in range(2)
    ]
    return {
        "query_id": answer.json()["query_id"],
        "dataset_id": dataset,
        "case_id": case.json()["id"],
        "generation_id": generation.json()["id"],
        "run_id": runs[0].json()["id"],
        "other_id": runs[1].json()["id"],
    }


class TestSurface:
    def test_the_sweeps_see_the_routes(self) -> None:
        assert len(PRIVATE) >= 12
        assert len(WITH_JSON) >= 5
        assert {path for _, path in OPERATIONS} >= PUBLIC

    def test_everything_is_below_the_version_or_is_documentation(self) -> None:
        assert all(path.startswith("/api/v1/") for path in _SCHEMA["paths"])

    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    def test_the_description_tells_of_key_and_problems(self, method: str, path: str) -> None:
        described = _SCHEMA["paths"][path][method.lower()]
        assert described["summary"]
        assert described["description"]
        if path in PUBLIC:
            assert "security" not in described
        else:
            assert described["security"] == [{"API key": []}]
        if path in HEALTH:
            return
        for status in ("401", "4XX", "503"):
            assert described["responses"][status]["content"].keys() == {"application/problem+json"}
        assert "422" not in described["responses"]

    @pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs", "/api/redoc"])
    async def test_documentation_needs_no_key(
        self, path: str, anonymous: httpx.AsyncClient
    ) -> None:
        reply = await anonymous.get(path)
        assert reply.status_code == 200
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "DENY"


class TestAnonymous:
    @pytest.mark.parametrize(("method", "path"), PRIVATE)
    async def test_without_a_key_is_401(
        self, method: str, path: str, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await anonymous.request(method, filled(path, random_ids()))
        refused(reply, 401, "unauthorized")
        assert reply.headers["www-authenticate"] == "Bearer"
        assert reply.headers["cache-control"] == "private, no-store"

    @pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/", "/api/v1/health/other"])
    async def test_unknown_routes_tell_nothing(
        self, path: str, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await anonymous.get(path), 401, "unauthorized")


class TestOtherTenant:
    async def test_ids_of_others_look_like_ids_of_nobody(
        self, library: Library, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        await library.upload(("drill.txt", b"The fire drill is on the last Monday."))
        [document] = await library.upload(("drill.txt", b"The fire drill is on the first Monday."))
        [job, *_] = (await client.get("/api/v1/jobs")).json()["data"]
        await Library(stranger).add("Their own", "Nothing of this may be shown instead.")
        ids = {
            "document_id": document["id"],
            "collection_id": document["collection_id"],
            "grant_id": str(uuid.uuid4()),
            "job_id": job["id"],
            **NUMBERS,
            **await people_of(client),
            **await asked_of(client, document["id"]),
        }
        for method, path in WITH_ID:
            nobody = random_ids()
            theirs, missing = [
                await stranger.request(
                    method, filled(path, used), json=body_of(method, path),
                    files=file_of(method, path),
                )
                for used in (ids, nobody)
            ]  # fmt: skip
            assert theirs.status_code == missing.status_code == 404, (method, path)
            for reply, used in ((theirs, ids), (missing, nobody)):
                assert reply.headers["content-type"] == "application/problem+json"
                text = reply.json()["detail"]
                for value in sorted(used.values(), key=len, reverse=True)[: len(ID_NAMES)]:
                    text = text.replace(value, "ID")
                reply.extensions["told"] = {**reply.json(), "detail": text, "request_id": ""}
            assert theirs.extensions["told"] == missing.extensions["told"], (method, path)
        for method, path in WITH_ID:
            if method == "GET":
                assert (await client.get(filled(path, ids))).status_code == 200, path


class TestWrites:
    @pytest.mark.parametrize(("method", "path"), WITH_JSON)
    async def test_unknown_fields_are_refused(
        self, method: str, path: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.request(
            method, filled(path, random_ids()), json={"surprise": 1}
        )
        refused(reply, 422, "validation_error")
        assert "surprise: Extra inputs are not permitted" in reply.json()["detail"]

    @pytest.mark.parametrize(("method", "path"), WITH_JSON)
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"{", id="cut"),
            pytest.param(b"[]", id="list"),
            pytest.param(b"null", id="null"),
            pytest.param(b"\xff\xfe{}", id="no-utf-8"),
            pytest.param(b"[" * 100_000, id="deep-list"),
            pytest.param(b'{"a":' * 50_000, id="deep-object"),
            pytest.param(b'{"query":' + b"9" * 5_000 + b"}", id="huge-number"),
            pytest.param(b'{"\\ud800":1}', id="surrogate-key"),
        ],
    )
    async def test_bodies_that_are_no_object_are_4xx(
        self, method: str, path: str, body: bytes, shared_client: httpx.AsyncClient
    ) -> None:
        reply = await shared_client.request(
            method,
            filled(path, random_ids()),
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert reply.status_code in (400, 422), reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["code"] in ("bad_request", "validation_error")
        assert len(reply.json()["detail"]) < 1000

    @pytest.mark.parametrize(("method", "path"), WITH_JSON)
    async def test_other_content_types_are_refused(
        self, method: str, path: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.request(
            method,
            filled(path, random_ids()),
            content="query=what",
            headers={"Content-Type": "text/plain"},
        )
        refused(reply, 422, "validation_error")


class TestPathsAndMethods:
    @pytest.mark.parametrize(("method", "path"), WITH_ID)
    @pytest.mark.parametrize(
        "wrong", ["1", "not-a-uuid", "%00", "..%2F..%2Fetc", "a" * 300, "%F0%9F%98%80", "%ED%A0%80"]
    )
    async def test_malformed_ids_are_4xx(
        self, method: str, path: str, wrong: str, shared_client: httpx.AsyncClient
    ) -> None:
        ids = dict.fromkeys(random_ids(), wrong)
        body = body_of(method, path)
        reply = await shared_client.request(method, filled(path, ids), json=body)
        assert reply.status_code in (404, 422), reply.text
        assert reply.json()["code"] in ("validation_error", "not_found")

    async def test_unknown_route_is_404(
        self, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await shared_client.get("/api/v1/nothing"), 404, "not_found")

    @pytest.mark.parametrize("path", sorted({path for _, path in PRIVATE}))
    async def test_unknown_method_is_405_and_names_the_known(
        self, path: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.request("TRACE", filled(path, random_ids()))
        refused(reply, 405, "method_not_allowed")
        assert reply.headers["allow"]

    @pytest.mark.parametrize("path", sorted({path for method, path in PRIVATE if method == "GET"}))
    async def test_lists_have_pages(self, path: str, shared_client: httpx.AsyncClient) -> None:
        if "{" in path or path in SINGLE:
            return
        whole = (await shared_client.get(path)).json()
        assert whole.keys() == {"data", "pagination"}
        assert whole["pagination"].keys() == {"page", "limit", "total", "total_pages"}
        for query in ("page=0", "limit=0", "limit=101", "page=x", "page=-1", "page=1e3",
                      "page=99999999999999999999", "limit=1&limit=999"):  # fmt: skip
            reply = await shared_client.get(f"{path}?{query}")
            assert reply.status_code == 422, query
            assert reply.json()["code"] == "validation_error"


class TestEveryReply:
    async def test_each_has_an_id_of_its_own(self, shared_client: httpx.AsyncClient) -> None:
        replies = [await shared_client.get("/api/v1/collections") for _ in range(3)]
        replies.append(await shared_client.get("/api/v1/health/live"))
        replies.append(await shared_client.get("/api/docs"))
        ids = {uuid.UUID(reply.headers["x-request-id"]) for reply in replies}
        assert len(ids) == len(replies)

    async def test_a_callers_own_request_id_is_not_echoed(
        self, shared_client: httpx.AsyncClient
    ) -> None:
        sent = {"X-Request-ID": "<script>"}
        reply = await shared_client.get("/api/v1/collections", headers=sent)
        assert reply.headers["x-request-id"] != "<script>"

    async def test_what_is_private_is_never_kept_by_caches(
        self, shared_client: httpx.AsyncClient
    ) -> None:
        for path in ("/api/v1/collections", "/api/v1/documents", "/api/v1/nothing"):
            reply = await shared_client.get(path)
            assert reply.headers["cache-control"] == "private, no-store"
