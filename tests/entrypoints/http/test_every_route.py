"""Rules that hold for every route there is, read from the application itself.

Who gets which replies is the matter of tests/isolation: its matrix asks every route without a
credential, with others' ids, and as an owner.
"""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.policies import declared
from citewell.features.http import Admission
from tests.conftest import assert_problem

Refused = Callable[[httpx.Response, int, str], None]

EVALUATIONS = "/api/v1/evaluations"

SINGLE = {
    "/api/v1/auth/me",
    "/api/v1/auth/me/data",
    "/api/v1/auth/oauth/request",
    "/api/v1/auth/passkeys",
    "/api/v1/auth/second-factor",
    "/api/v1/query/suggestions",
    "/api/v1/usage",
    "/api/v1/audit/export",
    "/api/v1/events",
    "/api/v1/caches",
    "/api/v1/conversations/{conversation_id}/export",
    "/api/v1/conversations/{conversation_id}/messages/{message_id}/stream",
}
"""Objects without an id of their own, files and streams."""

FIGURES = "/api/v1/analytics/"
"""Paths of figures of a range of days, which have no pages."""
OPERATORS = {("POST", "/api/v1/tenants"), ("DELETE", "/api/v1/tenants/{tenant_id}")}
"""Refused to the keys of tenants before anything of the request is looked at."""

OF_OAUTH = {"/api/v1/auth/oauth/register", "/api/v1/auth/oauth/token"}
"""Their errors are those of its RFCs."""

FOREIGN_ADDRESSES = {
    f"/api/v1/auth/oidc/{{name}}/{page}": status
    for page, status in (("callback", 303), ("start", 404), ("sign-out", 404))
}
"""Made by providers of sign-on and portals, who may add what they like; with the status without a
provider."""

TAKES_ANY = ("/v1/", "/mcp", "/api/v1/health", "/api/v1/auth/oidc/", "/api/v1/auth/ways-in")
"""Beginnings of the paths that pass over query parameters they do not know."""

Operation = tuple[str, str]


@dataclass(frozen=True)
class Routes:
    """The application's routes, as its OpenAPI document has them."""

    schema: dict[str, Any]
    public: set[str]
    """Paths of those that need no credential."""

    def described(self, operation: Operation) -> dict[str, Any]:
        """The OpenAPI entry of one operation."""
        return self.schema["paths"][operation[1]][operation[0].lower()]

    def operations(self) -> list[Operation]:
        """All."""
        return [
            (method.upper(), path)
            for path, methods in self.schema["paths"].items()
            for method in methods
            if path.startswith("/api/v1/")
        ]

    def private(self) -> list[Operation]:
        """Those that need a credential."""
        return [operation for operation in self.operations() if operation[1] not in self.public]

    def with_id(self) -> list[Operation]:
        """Those of a tenant that name an object in their path."""
        return [one for one in self.private() if "{" in one[1] and one not in OPERATORS]

    def takes_json(self, operation: Operation) -> bool:
        """Whether it has a body of JSON."""
        content = self.described(operation).get("requestBody", {}).get("content", {})
        return operation not in OPERATORS and "application/json" in content

    def with_json(self) -> list[Operation]:
        """Those of a tenant that take JSON."""
        return [operation for operation in self.private() if self.takes_json(operation)]


@pytest.fixture(scope="module")
def routes() -> Routes:
    """Read from an application that is never started."""
    settings = Settings(_env_file=None, home=Path("unused"))
    app = create_app(settings, lambda: nullcontext())  # type: ignore[arg-type, return-value]
    public = {
        path
        for path, _, policy in declared(app.routes)
        if policy is not None and policy.admission is not Admission.CREDENTIAL
        and path.startswith("/api/v1/")
    }  # fmt: skip
    return Routes(app.openapi(), public)


class Ids(dict[str, str]):
    """Values of a path's parameters: numbers of versions, and ids of nothing."""

    def __missing__(self, name: str) -> str:
        return {"number": "1", "other": "2"}.get(name) or str(uuid.uuid4())


def body_of(method: str, path: str) -> dict[str, object]:
    """A body that is in order."""
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


def request_to(method: str, path: str, **more: object) -> dict[str, Any]:
    """The arguments of `httpx.AsyncClient.request`, with ids of nothing."""
    return {"method": method, "url": path.format_map(Ids()), **more}


class Sweep:
    """Sends a request to each of many routes, some side by side, and collects what was wrong."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._room = asyncio.Semaphore(8)

    async def all_pass(
        self, requests: Iterable[dict[str, Any]], check: Callable[[httpx.Response], None]
    ) -> None:
        """Fail with every request whose reply `check` does not accept."""

        async def wrong_with(request: dict[str, Any]) -> str | None:
            async with self._room:
                reply = await self._client.request(**request)
            try:
                check(reply)
            except (AssertionError, KeyError) as error:
                return f"{request!r:.300}: {reply.status_code} {reply.text[:300]}: {error}"
            return None

        asked = [wrong_with(request) for request in requests]
        assert asked, "no route is seen"
        found = [wrong for wrong in await asyncio.gather(*asked) if wrong is not None]
        assert found == [], f"{len(found)} of {len(asked)}: " + "\n".join(found[:10])


@pytest.fixture
def sweep(shared_client: httpx.AsyncClient) -> Sweep:
    """Asks as a tenant's own software."""
    return Sweep(shared_client)


class TestSurface:
    def test_the_sweeps_see_the_routes(self, routes: Routes) -> None:
        assert len(routes.private()) >= 12
        assert len(routes.with_json()) >= 5
        assert {path for _, path in routes.operations()} >= routes.public

    def test_everything_is_below_the_version_or_is_documentation(self, routes: Routes) -> None:
        assert all(path.startswith(("/api/v1/", "/v1/", "/mcp")) for path in routes.schema["paths"])

    def test_the_description_tells_of_key_and_problems(self, routes: Routes) -> None:
        problem = {"application/problem+json"}
        for told in routes.operations():
            path, described = told[1], routes.described(told)
            assert described["summary"], told
            assert described["description"], told
            if path in routes.public:
                assert "security" not in described, told
            else:
                assert described["security"] == [{"API key": []}], told
            if path in OF_OAUTH or (path in routes.public and "/health" in path):
                continue
            for status in ("401", "4XX", "503"):
                assert described["responses"][status]["content"].keys() == problem, told
            assert "422" not in described["responses"], told

    def test_the_description_of_openai_routes_has_their_errors(self, routes: Routes) -> None:
        paths = {path: told for path, told in routes.schema["paths"].items() if path[:4] == "/v1/"}
        assert len(paths) >= 5
        for described in (told for methods in paths.values() for told in methods.values()):
            assert described["security"] == [{"API key": []}]
            assert described["description"]
            for status in ("401", "4XX", "503"):
                content = described["responses"][status]["content"]
                (schema,) = (kind["schema"] for kind in content.values())
                assert schema["required"] == ["error"]

    @pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs", "/api/redoc"])
    async def test_documentation_needs_no_key(
        self, path: str, anonymous: httpx.AsyncClient
    ) -> None:
        reply = await anonymous.get(path)
        assert reply.status_code == 200
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "DENY"


class TestAnonymous:
    async def test_refusal_names_the_scheme(
        self, anonymous: httpx.AsyncClient, routes: Routes
    ) -> None:
        def check(reply: httpx.Response) -> None:
            assert_problem(reply, 401, "unauthorized")
            assert reply.headers["www-authenticate"] == "Bearer"
            assert reply.headers["cache-control"] == "private, no-store"

        await Sweep(anonymous).all_pass((request_to(*each) for each in routes.private()), check)

    async def test_unknown_routes_tell_nothing(
        self, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        for path in ("/api/v1/nothing", "/api/v1/", "/api/v1/health/other"):
            refused(await anonymous.get(path), 401, "unauthorized")


JSON = {"Content-Type": "application/json"}

NO_OBJECTS = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"query":' + b"9" * 5_000 + b"}",
    b'{"\\ud800":1}',
)


class TestWrites:
    async def test_unknown_fields_are_refused(self, sweep: Sweep, routes: Routes) -> None:
        def check(reply: httpx.Response) -> None:
            assert_problem(reply, 422, "validation_error")
            assert re.search(r"surprise: unknown field; known: \w", reply.json()["detail"])

        await sweep.all_pass(
            (request_to(*each, json={"surprise": 1}) for each in routes.with_json()), check
        )

    async def test_bodies_that_are_no_object_are_4xx(self, sweep: Sweep, routes: Routes) -> None:
        def check(reply: httpx.Response) -> None:
            assert reply.status_code in (400, 422)
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json()["code"] in ("bad_request", "validation_error")
            assert len(reply.json()["detail"]) < 1000

        requests = [
            request_to(*each, content=body, headers=JSON)
            for each in routes.with_json()
            for body in NO_OBJECTS
        ]
        await sweep.all_pass(requests, check)

    async def test_other_content_types_are_refused(self, sweep: Sweep, routes: Routes) -> None:
        sent = {"content": "query=what", "headers": {"Content-Type": "text/plain"}}
        await sweep.all_pass(
            (request_to(*each, **sent) for each in routes.with_json()),
            lambda reply: assert_problem(reply, 422, "validation_error"),
        )


class TestQueryParameters:
    async def test_unknown_ones_are_refused_by_name(self, sweep: Sweep, routes: Routes) -> None:
        def check(reply: httpx.Response) -> None:
            assert reply.status_code in (422, 403), "an operator's route refuses first"
            if reply.status_code == 422:
                assert_problem(reply, 422, "validation_error")
                assert reply.json()["detail"] == "surprise: There is no such query parameter"

        asked = [
            one
            for one in routes.operations()
            if one[1] not in OF_OAUTH and not one[1].startswith(TAKES_ANY)
        ]
        sent = [
            request_to(method, f"{path}?surprise=1", json=body_of(method, path))
            for method, path in asked
            if (method, path) not in OPERATORS
        ]
        await sweep.all_pass(sent, check)

    async def test_other_formats_of_errors_name_them_too(
        self, shared_client: httpx.AsyncClient
    ) -> None:
        refused = await shared_client.get(f"/v1/models?as_user_id={uuid.uuid4()}")
        assert refused.status_code == 400  # as OpenAI has it
        assert refused.json()["error"]["param"] == "as_user_id"
        for path in OF_OAUTH:
            reply = await shared_client.post(f"{path}?surprise=1")
            assert reply.status_code == 400
            assert "surprise" in reply.json()["error_description"]

    async def test_addresses_that_providers_make_may_hold_more(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        for path, status in FOREIGN_ADDRESSES.items():
            reply = await anonymous.get(f"{path.format(name='nobody')}?state=x&session_state=1")
            assert reply.status_code == status

    async def test_clients_and_probes_of_others_may_add_some(
        self, shared_client: httpx.AsyncClient
    ) -> None:
        for path in (
            "/v1/models", "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready",
            "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp",
        ):  # fmt: skip
            reply = await shared_client.get(f"{path}?api-version=2027-01-01")
            assert reply.status_code == 200, path
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accepted = {"Accept": "application/json, text/event-stream"}
        reply = await shared_client.post("/mcp?key=1", json=ping, headers=accepted)
        assert reply.status_code != 422, reply.text

    async def test_looking_as_a_user_works_or_is_refused_by_name(
        self, sweep: Sweep, routes: Routes
    ) -> None:
        def check(reply: httpx.Response) -> None:
            assert_problem(reply, 422, "validation_error")
            detail = reply.json()["detail"]
            assert detail == "as_user_id: This route is answered for its caller alone"

        def takes(one: Operation) -> bool:
            named = [each["name"] for each in routes.described(one).get("parameters", ())]
            return "as_user_id" in named

        reads = [one for one in routes.private() if one[0] == "GET"]
        shown = [one for one in reads if takes(one)]
        assert len(shown) >= 11
        others = [
            request_to(m, f"{p}?as_user_id={uuid.uuid4()}") for m, p in reads if (m, p) not in shown
        ]
        await sweep.all_pass(others, check)
        nobody = [request_to(m, f"{p}?as_user_id={uuid.uuid4()}") for m, p in shown]
        await sweep.all_pass(nobody, lambda reply: assert_problem(reply, 404, "user_not_found"))


MALFORMED = (
    "1", "not-a-uuid", "%00", "..%2F..%2Fetc", "a" * 300, "%F0%9F%98%80", "%ED%A0%80",
)  # fmt: skip
NO_PAGES = (
    "page=0", "limit=0", "limit=101", "page=x", "page=-1", "page=1e3",
    "page=99999999999999999999", "limit=1&limit=999",
)  # fmt: skip


class TestPathsAndMethods:
    async def test_malformed_ids_are_4xx(self, sweep: Sweep, routes: Routes) -> None:
        def check(reply: httpx.Response) -> None:
            assert reply.status_code in (404, 422)
            assert reply.json()["code"] in ("validation_error", "not_found")

        requests = [
            {
                "method": method,
                "url": re.sub(r"\{\w+\}", wrong, path),
                "json": body_of(method, path) if routes.takes_json((method, path)) else None,
            }
            for method, path in routes.with_id()
            for wrong in MALFORMED
        ]
        await sweep.all_pass(requests, check)

    async def test_unknown_route_is_404(
        self, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await shared_client.get("/api/v1/nothing"), 404, "not_found")

    async def test_unknown_method_is_405_and_names_the_known(
        self, sweep: Sweep, routes: Routes
    ) -> None:
        def check(reply: httpx.Response) -> None:
            assert_problem(reply, 405, "method_not_allowed")
            assert reply.headers["allow"]

        paths = sorted({path for _, path in routes.private()})
        await sweep.all_pass((request_to("TRACE", path) for path in paths), check)

    async def test_lists_have_pages(
        self, sweep: Sweep, routes: Routes, shared_client: httpx.AsyncClient
    ) -> None:
        lists = sorted(
            path
            for method, path in routes.private()
            if method == "GET" and "{" not in path and path not in SINGLE
            and not path.startswith(FIGURES) and not path.endswith("/export")
        )  # fmt: skip
        for path in lists:
            whole = (await shared_client.get(path)).json()
            assert whole.keys() == {"data", "pagination"}, path
            assert whole["pagination"].keys() == {"page", "limit", "total", "total_pages"}, path
        requests = [request_to("GET", f"{path}?{query}") for path in lists for query in NO_PAGES]
        await sweep.all_pass(requests, lambda reply: assert_problem(reply, 422, "validation_error"))


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
