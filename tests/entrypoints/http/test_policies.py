"""The policies of routes: every route has one, and a request gets that of its route."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.policies import Policies, declared
from citewell.features.http import (
    LIBRARY,
    PAGE,
    PRIVATE,
    PROBE,
    QUERY,
    SIGN_IN,
    SIGN_OUT,
    TAKES_EXPORTS,
    TAKES_FILES,
    TAKES_TEXT,
    Admission,
    RoutePolicy,
)

OPEN = {
    "/api/v1/boxes/{token}", "/api/v1/boxes/{token}/ask", "/embed/{token}",
    "/", "/ws", "/api/openapi.json", "/api/docs", "/api/docs/oauth2-redirect", "/api/redoc",
    "/api/static/{path:path}", "/api/v1/health", "/api/v1/health/live",
    "/api/v1/health/ready", "/api/v1/auth/register", "/api/v1/auth/reset", "/api/v1/auth/setup",
    "/api/v1/auth/forgot", "/api/v1/auth/email/confirm",
    "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/ways-in",
    "/api/v1/auth/second-factor/begin", "/api/v1/auth/passkeys/begin",
    "/api/v1/auth/passkeys/sign-in", "/api/v1/auth/oidc/{name}/start",
    "/api/v1/auth/oidc/{name}/callback", "/api/v1/auth/oidc/{name}/sign-out",
    "/api/v1/auth/oauth/register", "/api/v1/auth/oauth/token",
    "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
}  # fmt: skip
"""All there is without a credential; a socket signs in by its first message."""


@pytest.fixture(scope="module")
def app() -> FastAPI:
    settings = Settings(_env_file=None, home=Path("unused"))
    return create_app(settings, lambda: nullcontext())  # type: ignore[arg-type, return-value]


class TestEveryRoute:
    def test_has_a_policy(self, app: FastAPI) -> None:
        found = list(declared(app.routes))
        assert len(found) > 70
        assert [path for path, _, policy in found if policy is None] == []

    def test_without_a_policy_is_seen(self) -> None:
        bare = FastAPI()
        bare.add_api_route("/bare", lambda: None)
        assert ("/bare", "GET", None) in list(declared(bare.routes))

    def test_only_these_are_open(self, app: FastAPI) -> None:
        open_to_all = {
            path
            for path, _, policy in declared(app.routes)
            if policy is not None and policy.admission is Admission.PUBLIC
        }
        assert open_to_all == OPEN


class TestLookup:
    @pytest.mark.parametrize(
        ("method", "path", "policy"),
        [
            ("POST", "/api/v1/search", QUERY),
            ("POST", "/api/v1/query/stream", QUERY),
            ("POST", "/api/v1/auth/login", SIGN_IN),
            ("POST", "/api/v1/auth/logout", SIGN_OUT),
            ("GET", "/api/v1/health/ready", PROBE),
            ("POST", "/api/v1/documents", TAKES_TEXT),
            ("PUT", "/api/v1/documents/0", TAKES_TEXT),
            ("PUT", "/api/v1/documents/0/file", TAKES_FILES),
            ("GET", "/api/v1/documents/0/file", LIBRARY),
            ("POST", "/api/v1/documents/upload", TAKES_FILES),
            ("GET", "/api/v1/documents/upload", LIBRARY),
            ("POST", "/api/v1/collections/import", TAKES_EXPORTS),
            ("GET", "/api/docs", PAGE),
            ("GET", "/api/static/swagger-ui.css", PAGE),
            ("GET", "/nothing", PROBE),
            ("GET", "/api/v1/nothing", PRIVATE),
            ("GET", "/api/v1/health/live/", PRIVATE),
            ("TRACE", "/api/v1/documents/0", PRIVATE),
        ],
    )
    def test_a_request_gets_that_of_its_route(
        self, app: FastAPI, method: str, path: str, policy: RoutePolicy
    ) -> None:
        found = Policies(lambda: app.routes).of({"type": "http", "method": method, "path": path})
        assert replace(found, events=()) == policy
