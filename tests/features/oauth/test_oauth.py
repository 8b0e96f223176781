"""Clients that people admit in the browser: with the SDK's own client, and with forged requests."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from citewell.core.context import Context
from citewell.features.sessions import service as sessions
from citewell.models.tenancy import User
from tests.conftest import WITHOUT_TLS, LiveServer, assert_problem
from tests.office import Office, Person, open_office
from tests.waiting import PATIENCE

API = "/api/v1"
OAUTH = f"{API}/auth/oauth"
BACK = "http://127.0.0.1:43117/callback"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@pytest.fixture
async def office(live_server: LiveServer) -> AsyncIterator[Office]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield await open_office(live_server, stack)


async def signed_in(office: Office) -> Person:
    """A person with a session instead of a key."""
    person = await office.person()

    async def begin(ctx: Context) -> str:
        user = await ctx.session.get_one(
            User, {"tenant_id": ctx.tenant_id, "id": person.id}, with_for_update=True
        )
        return (await sessions.begin(ctx, user)).access_token

    return replace(person, client=await office.client(await office.within(begin)))


@dataclass
class Memory:
    """The storage of the SDK's client."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Browser:
    """A signed-in person at the page that a client sends them to."""

    person: Person
    seen: dict[str, Any] = field(default_factory=dict[str, Any])
    came_back: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    async def open(self, address: str) -> None:
        """Look at the request and agree."""
        assert urlsplit(address).path == "/authorize"
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        looked = {name: query[name] for name in ("client_id", "redirect_uri", "scope", "resource")}
        shown = await self.person.client.get(f"{OAUTH}/request", params=looked)
        self.seen = shown.json()
        body = {**query, "approve": True, "scope": "read"}  # less than was asked for
        sent = await self.person.client.post(f"{OAUTH}/grants", json=body)
        assert sent.status_code == 200, sent.text
        target = sent.json()["redirect_to"]
        assert target.startswith(BACK)
        self.came_back = parse_qs(urlsplit(target).query)

    async def back(self) -> AuthorizationCodeResult:
        """The parameters that the client reads from the address it is called at."""
        found = self.came_back
        return AuthorizationCodeResult(
            code=found["code"][0], state=found["state"][0], iss=found["iss"][0]
        )


async def registered(client: httpx.AsyncClient, *uris: str, **more: object) -> httpx.Response:
    return await client.post(
        f"{OAUTH}/register", json={"redirect_uris": uris or [BACK], "client_name": "Pad", **more}
    )


def grant(client_id: str, **more: object) -> dict[str, object]:
    return {
        "client_id": client_id, "redirect_uri": BACK, "code_challenge": CHALLENGE,
        "scope": "read", "approve": True, **more,
    }  # fmt: skip


async def code_for(person: Person, client_id: str, **more: object) -> str:
    sent = await person.client.post(f"{OAUTH}/grants", json=grant(client_id, **more))
    assert sent.status_code == 200, sent.text
    return parse_qs(urlsplit(sent.json()["redirect_to"]).query)["code"][0]


async def exchanged(client: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
        "code_verifier": VERIFIER, **more,
    }  # fmt: skip
    return await client.post(f"{OAUTH}/token", data=form)


async def until_refused(server: LiveServer, token: str) -> None:
    """Wait until a token opens nothing: a check holds for half a second."""
    async with asyncio.timeout(PATIENCE), server.client(token) as own:
        while (await own.get(f"{API}/auth/me")).status_code != 401:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)


def refused_as(reply: httpx.Response, error: str) -> None:
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"] == error
    assert reply.json()["error_description"]


class TestSdk:
    async def test_client_of_the_sdk_gets_in_with_the_consent_of_a_person(
        self, live_server: LiveServer, office: Office
    ) -> None:
        person = await signed_in(office)
        memory, browser = Memory(), Browser(person)
        provider = OAuthClientProvider(
            f"{live_server.address}/mcp",
            OAuthClientMetadata.model_validate(
                {"client_name": "Pad", "redirect_uris": [BACK], "scope": "read"}
            ),
            memory,
            redirect_handler=browser.open,
            callback_handler=browser.back,
        )
        async with httpx2.AsyncClient(auth=provider, verify=WITHOUT_TLS, timeout=PATIENCE) as http:
            transport = streamable_http_client(f"{live_server.address}/mcp", http_client=http)
            async with Client(transport) as client:
                tools = {tool.name for tool in (await client.list_tools()).tools}
        assert "ask" in tools
        assert browser.seen["client_name"] == "Pad"
        assert browser.seen["redirect_host"] == "127.0.0.1"
        assert browser.seen["scopes"] == ["read", "write"], "the SDK asks for all there is"
        assert memory.tokens is not None
        async with live_server.client(memory.tokens.access_token) as own:
            me = (await own.get(f"{API}/auth/me")).json()
            assert (me["user"]["id"], me["scopes"]) == (str(person.id), ["read"])
            assert (await own.post(f"{API}/documents", json={})).status_code == 403
        keys = (await person.client.get(f"{API}/auth/api-keys")).json()["data"]
        [key] = [each for each in keys if each["name"] == "Pad"]
        await person.client.delete(f"{API}/auth/api-keys/{key['id']}")
        await until_refused(live_server, memory.tokens.access_token)

    async def test_who_has_no_access_is_told_where_to_get_it(
        self, live_server: LiveServer, anonymous: httpx.AsyncClient
    ) -> None:
        reply = await anonymous.post("/mcp", json={})
        place = f"{live_server.address}/.well-known/oauth-protected-resource/mcp"
        assert reply.headers["www-authenticate"] == f'Bearer resource_metadata="{place}"'
        resource = (await anonymous.get("/.well-known/oauth-protected-resource/mcp")).json()
        assert resource["resource"] == f"{live_server.address}/mcp"
        assert resource["authorization_servers"] == [live_server.address]
        server = (await anonymous.get("/.well-known/oauth-authorization-server")).json()
        assert server["issuer"] == live_server.address
        assert server["code_challenge_methods_supported"] == ["S256"]


class TestRegistering:
    async def test_addresses_that_others_could_read_are_refused(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        for uri in (
            "http://evil.example/x", "javascript:alert(1)", "https://a.example/#x", "ftp://a/b",
            "https://u:p@a.example/", "http://127.0.0.1.evil.example/", "https://a.example\r\n/x",
            "https://evil.example\\a.example/x", "https://a.example/x#", "https://a.example/ x",
            "https://a_b.example/", "https://[::1]a.example/", "https://[:::]/", "https:a.example",
            "https:///x", "cursor://a%2fb/x", "cursor://u@a/x", "cu://a/x", "data:text/html,x",
            "vbscript:x", "intent://a/x", "mailto:a@b.example", "my-app:",
        ):  # fmt: skip
            refused_as(await registered(anonymous, uri), "invalid_redirect_uri")
        many = [f"https://a.example/{number}" for number in range(6)]
        assert (await registered(anonymous, *many)).status_code == 400
        shown = await registered(anonymous, client_name="P\u202ead\x1b[31m", logo_uri="http://x")
        assert shown.status_code == 201
        assert shown.json()["client_name"] == "Pad[31m"
        assert "client_secret" not in shown.json()

    async def test_schemes_of_programs_are_named_with_their_host_and_fit_to_the_letter(
        self, office: Office, anonymous: httpx.AsyncClient
    ) -> None:
        person = await signed_in(office)
        own = "cursor://anysphere.cursor-mcp/oauth/callback"
        uris = {own: "cursor://anysphere.cursor-mcp", "com.example.app:/cb": "com.example.app:"}
        uris |= {"https://[2001:db8::1]:8/x": "2001:db8::1", "https://A.example/x": "a.example"}
        client_id = (await registered(anonymous, *uris)).json()["client_id"]
        asked = f"{OAUTH}/request"
        for uri, host in uris.items():
            query = {"client_id": client_id, "redirect_uri": uri}
            shown = await person.client.get(asked, params=query)
            assert shown.json()["redirect_host"] == host, shown.text
        other = {"client_id": client_id, "redirect_uri": f"{own}/"}
        assert_problem(await person.client.get(asked, params=other), 400, "invalid_redirect_uri")
        sent = await person.client.post(
            f"{OAUTH}/grants", json=grant(client_id, redirect_uri=own, approve=False)
        )
        assert sent.json()["redirect_to"].startswith(f"{own}?")


class TestAsking:
    async def test_empty_parameters_are_422(self, office: Office) -> None:
        person = await signed_in(office)
        query = {"client_id": "", "redirect_uri": ""}
        reply = await person.client.get(f"{OAUTH}/request", params=query)
        assert_problem(reply, 422, "validation_error")


class TestGranting:
    async def test_nothing_is_granted_but_what_was_registered_and_to_people_alone(
        self, office: Office, anonymous: httpx.AsyncClient
    ) -> None:
        person = await signed_in(office)
        client_id = (await registered(anonymous)).json()["client_id"]
        post = person.client.post
        for change, code in (
            ({"client_id": client_id[:-4] + "AAAA"}, "invalid_client"),
            ({"redirect_uri": "https://evil.example/x"}, "invalid_redirect_uri"),
            ({"redirect_uri": "http://127.0.0.1:43117/other"}, "invalid_redirect_uri"),
            ({"scope": "admin"}, "invalid_scope"),
            ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ):
            reply = await post(f"{OAUTH}/grants", json={**grant(client_id), **change})
            assert_problem(reply, 400, code)
        plain = await post(f"{OAUTH}/grants", json=grant(client_id, code_challenge_method="plain"))
        assert_problem(plain, 422, "validation_error")
        by_key = await office.service.post(f"{OAUTH}/grants", json=grant(client_id))
        assert_problem(by_key, 403, "session_needed")
        denied = await post(f"{OAUTH}/grants", json=grant(client_id, approve=False, state="s"))
        query = parse_qs(urlsplit(denied.json()["redirect_to"]).query)
        assert (query["error"], query["state"]) == (["access_denied"], ["s"])
        moved = grant(client_id, redirect_uri="http://127.0.0.1:9/callback")
        assert (await post(f"{OAUTH}/grants", json=moved)).status_code == 200

    async def test_code_works_once_and_for_its_client_and_verifier_alone(
        self, live_server: LiveServer, office: Office, anonymous: httpx.AsyncClient
    ) -> None:
        person = await signed_in(office)
        client_id = (await registered(anonymous)).json()["client_id"]
        other = (await registered(anonymous)).json()["client_id"]
        code = await code_for(person, client_id, scope="read write offline_access")
        for change in (
            {"client_id": other}, {"client_id": client_id, "code_verifier": "x" * 43},
            {"client_id": client_id, "redirect_uri": "http://127.0.0.1:9/callback"},
            {"client_id": client_id, "code": code[:-4] + "AAAA"},
        ):  # fmt: skip
            form = {"code": code, **change}
            refused_as(await exchanged(anonymous, **form), "invalid_grant")
        wrong = await exchanged(anonymous, code, client_id=client_id, grant_type="password")
        refused_as(wrong, "unsupported_grant_type")
        refused_as(await anonymous.post(f"{OAUTH}/token", data={}), "invalid_request")
        given = await exchanged(anonymous, code, client_id=client_id)
        assert given.status_code == 200, given.text
        assert given.headers["cache-control"].endswith("no-store")
        assert given.json()["scope"] == "read write"
        token = given.json()["access_token"]
        async with live_server.client(token) as own:
            assert (await own.get(f"{API}/auth/me")).status_code == 200
        refused_as(await exchanged(anonymous, code, client_id=client_id), "invalid_grant")
        await until_refused(live_server, token)  # a stolen code ends what it gave
