import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from citewell.core.settings import Settings
from citewell.entrypoints.http.guards import host_name
from tests.conftest import LiveServer, serving
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]
LIVE = "/api/v1/health/live"


@pytest.fixture(scope="module")
def guarded(settings: Settings, database_url: str) -> Iterator[LiveServer]:
    """A server with a public address, in front of it a proxy, and limits one can reach."""
    changed = settings.model_copy(
        update={
            "public_url": "https://citewell.example.org",
            "allowed_hosts": ("docs.example.org", "*.inside.example"),
            "cors_origins": ("https://intranet.example.org",),
            "trusted_proxies": ("127.0.0.1",),
            "rate_limit_queries": 5,
            "rate_limit_requests": 30,
        }
    )
    with serving(changed, database_url, has_worker=False) as server:
        yield server


@pytest.fixture
async def user(guarded: LiveServer):
    async with guarded.client(guarded.new_key()) as client:
        yield client


@pytest.fixture
async def nobody(guarded: LiveServer):
    async with guarded.client() as client:
        yield client


class TestHost:
    @pytest.mark.parametrize(
        "host",
        [
            "localhost", "127.0.0.1:8000", "[::1]:80", "LOCALHOST:1", "citewell.example.org",
            "citewell.example.org:443", "docs.example.org", "a.inside.example", "localhost.",
        ],
    )  # fmt: skip
    async def test_own_names_are_answered_to(self, nobody: httpx.AsyncClient, host: str):
        assert (await nobody.get(LIVE, headers={"host": host}, timeout=PATIENCE)).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "",
            "inside.example", "evilinside.example", "localhost@evil.example", "localhost/evil",
            "localhost:x", "[::1", "citewell.example.org.evil.example", "localhost, evil.example",
        ],
    )  # fmt: skip
    async def test_other_names_are_421(
        self, nobody: httpx.AsyncClient, refused: Refused, host: str
    ):
        refused(await nobody.get(LIVE, headers={"host": host}, timeout=PATIENCE), 421, "bad_host")

    def test_two_hosts_are_refused(self, guarded: LiveServer):
        status = raw(guarded, b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n"
                              b"Host: evil.example\r\nConnection: close\r\n\r\n")  # fmt: skip
        assert status in (400, 421)

    async def test_forwarded_host_changes_nothing(self, nobody: httpx.AsyncClient):
        headers = {"host": "evil.example", "x-forwarded-host": "localhost"}
        assert (await nobody.get(LIVE, headers=headers)).status_code == 421

    def test_wildcard_address_answers_to_addresses_and_the_machine(
        self, settings: Settings, database_url: str
    ):
        open_to_all = settings.model_copy(update={"host": "0.0.0.0"})
        with serving(open_to_all, database_url, has_worker=False) as server:
            for host, status in (
                ("192.0.2.1:8000", 200), ("[2001:db8::1]", 200),
                (socket.gethostname(), 200), ("evil.example", 421),
            ):  # fmt: skip
                reply = httpx.get(server.address + LIVE, headers={"host": host}, timeout=PATIENCE)
                assert reply.status_code == status, host

    @pytest.mark.parametrize(
        ("given", "name"),
        [("a:1", "a"), ("A", "a"), ("[::1]:2", "::1"), ("a:99999", None), ("a b", None)],
    )
    def test_name_of_a_host_header(self, given: str, name: str | None):
        assert host_name(given) == name


class TestOrigin:
    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example", "null", "https://citewell.example.org.evil.example", "",
            "http://citewell.example.org", "https://intranet.example.org:8443", "file://",
            "chrome-extension://abc", "https://127.0.0.1",
        ],
    )  # fmt: skip
    async def test_changes_by_pages_of_others_are_403(
        self, user: httpx.AsyncClient, refused: Refused, origin: str
    ):
        for method, path in (("POST", "collections"), ("DELETE", "collections/x")):
            reply = await user.request(
                method, f"/api/v1/{path}", json={"name": "x"}, headers={"origin": origin}
            )
            refused(reply, 403, "foreign_origin")

    async def test_own_pages_and_allowed_ones_may(
        self, guarded: LiveServer, user: httpx.AsyncClient
    ):
        port = guarded.address.rpartition(":")[2]
        for number, origin in enumerate(
            ("https://citewell.example.org", "https://intranet.example.org",
             f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}")
        ):  # fmt: skip
            reply = await user.post(
                "/api/v1/collections", json={"name": f"c{number}"}, headers={"origin": origin}
            )
            assert reply.status_code == 201, origin

    async def test_reading_is_not_asked_for_its_origin(self, user: httpx.AsyncClient):
        headers = {"origin": "https://evil.example"}
        reply = await user.get("/api/v1/collections", headers=headers)
        assert reply.status_code == 200
        assert "access-control-allow-origin" not in reply.headers

    async def test_cross_site_request_without_origin_is_403(
        self, user: httpx.AsyncClient, refused: Refused
    ):
        headers = {"sec-fetch-site": "cross-site"}
        reply = await user.post("/api/v1/collections", json={"name": "y"}, headers=headers)
        refused(reply, 403, "foreign_origin")


class TestHeaders:
    @pytest.mark.parametrize(
        "path", [LIVE, "/api/v1/collections", "/api/v1/nothing", "/elsewhere", "/api/docs"]
    )
    async def test_every_reply_is_careful(self, nobody: httpx.AsyncClient, path: str):
        headers = (await nobody.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        assert ("cache-control" in headers) == (path != "/api/docs")

    async def test_errors_of_every_kind_are_not_kept(self, nobody: httpx.AsyncClient):
        for reply in (
            await nobody.get(LIVE, headers={"host": "evil.example"}),
            await nobody.get("/api/v1/collections"),
            await nobody.post(LIVE),
        ):
            assert reply.is_error
            assert reply.headers["cache-control"] == "private, no-store"

    async def test_plain_http_sends_no_hsts(self, anonymous: httpx.AsyncClient):
        assert "strict-transport-security" not in (await anonymous.get(LIVE)).headers

    async def test_documentation_pages_may_load_what_they_need(self, nobody: httpx.AsyncClient):
        reply = await nobody.get("/api/docs")
        policy = reply.headers["content-security-policy"]
        assert "script-src 'self' 'unsafe-inline'" in policy
        assert "http" not in policy.replace("https:", "http:")
        for address in ("http://", "https://"):
            assert f'src="{address}' not in reply.text


class TestRates:
    async def test_questions_beyond_the_limit_are_429_and_say_when(
        self, guarded: LiveServer, refused: Refused
    ):
        async with guarded.client(guarded.new_key()) as user:
            for left in (4, 3, 2, 1, 0):
                reply = await user.post("/api/v1/search", json={"query": "parking"})
                assert reply.status_code == 200
                assert reply.headers["ratelimit-limit"] == "5"
                assert reply.headers["ratelimit-remaining"] == str(left)
                assert 50 <= int(reply.headers["ratelimit-reset"]) <= 60
            for path in ("search", "query", "query/stream"):
                reply = await user.post(f"/api/v1/{path}", json={"query": "parking"})
                refused(reply, 429, "rate_limited")
                assert 1 <= int(reply.headers["retry-after"]) <= 60
                assert reply.headers["ratelimit-remaining"] == "0"
                assert reply.headers["cache-control"] == "private, no-store"
            assert (await user.get("/api/v1/collections")).status_code == 200

    async def test_every_other_route_is_limited_by_default(
        self, guarded: LiveServer, refused: Refused
    ):
        paths = ["collections", "documents", "usage", "audit", "auth/me", "nothing/of/that/name"]
        async with guarded.client(guarded.new_key()) as user:
            replies = [await user.get(f"/api/v1/{paths[n % len(paths)]}") for n in range(31)]
            assert all("ratelimit-limit" in reply.headers for reply in replies)
            assert replies[29].status_code != 429
            refused(replies[30], 429, "rate_limited")
        async with guarded.client(guarded.new_key()) as another:
            assert (await another.get("/api/v1/collections")).status_code == 200

    async def test_guessing_keys_is_slowed_down_by_address(
        self, guarded: LiveServer, user: httpx.AsyncClient, refused: Refused
    ):
        async with guarded.client("cw_wrong") as guesser:
            guesser.headers["x-forwarded-for"] = "192.0.2.66"
            statuses = [(await guesser.get("/api/v1/usage")).status_code for _ in range(301)]
            assert statuses[:300] == [401] * 300
            assert statuses[300] == 429
            reply = await guesser.post("/api/v1/auth/login", json={})
            refused(reply, 429, "rate_limited")
        # A valid key is not locked out by what others do from the same address.
        reply = await user.get("/api/v1/collections", headers={"x-forwarded-for": "192.0.2.66"})
        assert reply.status_code == 200

    async def test_health_is_never_limited(self, nobody: httpx.AsyncClient):
        for _ in range(310):
            reply = await nobody.get(LIVE, headers={"x-forwarded-for": "192.0.2.77"})
            assert reply.status_code == 200

    async def test_address_is_noted_as_a_trusted_proxy_says(self, user: httpx.AsyncClient):
        headers = {"x-forwarded-for": "203.0.113.9, 192.0.2.8"}
        await user.get("/api/v1/audit/export", headers=headers)
        events = (await user.get("/api/v1/audit")).json()["data"]
        assert events[0]["address"] == "192.0.2.8"


class TestUntrusted:
    async def test_forwarded_address_of_anybody_is_not_believed(self, client: httpx.AsyncClient):
        headers = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9"}
        await client.get("/api/v1/audit/export", headers=headers)
        events = (await client.get("/api/v1/audit")).json()["data"]
        assert events[0]["address"] == "127.0.0.1"


def raw(server: LiveServer, request: bytes) -> int:
    host, _, port = server.address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return int(connection.recv(4096).split()[1])
