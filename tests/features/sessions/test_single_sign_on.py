"""Single sign-on with providers on loopback: accounts, groups and roles, and what is refused."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError
from sqlalchemy import select

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.core.identity_providers import IdentityProvider
from citewell.core.settings import SettingsError, load_settings
from citewell.features.sessions import providers
from citewell.features.sessions.providers import KnownProviders
from citewell.kit.ids import uuid7
from citewell.models.factors import ProviderAccount
from citewell.models.tenancy import Group, GroupMember, Tenant, User, UserStatus
from tests.conftest import LiveServer
from tests.features.sessions.conftest import AUTH, ME, People, bearer, sign_in
from tests.features.sessions.oidc import CLIENT_ID, Forger, forger, real_provider, set_user

Refused = Callable[[httpx.Response, int, str], None]

# Of the provider, which uses what its own library has deprecated, and would fail.
pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    with real_provider() as address:
        yield address


@pytest.fixture
def forged() -> Iterator[Forger]:
    with forger() as made:
        yield made


@pytest.fixture
async def browser(live_server: LiveServer) -> AsyncIterator[httpx.AsyncClient]:
    async with live_server.client() as opened:
        yield opened


@pytest.fixture
def tenant(people: People) -> tuple[uuid.UUID, str]:
    return people.new_tenant()


def offer(server: LiveServer, issuer: str, slug: str, **more: Any) -> str:
    """Name a provider in the settings of the server; returns its name."""
    name = f"p{uuid.uuid4().hex[:12]}"
    settings = {"issuer": issuer, "client_id": CLIENT_ID, "client_secret": "s3cret", "tenant": slug}
    settings |= {"domains": ["example.org"]} | more
    server.platform.settings.oidc_providers[name] = IdentityProvider.model_validate(settings)
    # Another test's provider may have had the same port.
    server.platform.state_of(KnownProviders).by_issuer.pop(issuer, None)
    return name


async def start(browser: httpx.AsyncClient, name: str) -> tuple[str, dict[str, str]]:
    """Where the browser is sent, and with which parameters."""
    reply = await browser.get(f"{AUTH}/oidc/{name}/start")
    assert reply.status_code == 302, reply.text
    address = reply.headers["location"]
    return address, {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


async def through(browser: httpx.AsyncClient, name: str, subject: str) -> httpx.Response:
    """The reply to a browser that comes back after somebody has signed in at the real provider."""
    address, _ = await start(browser, name)
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        signed_in = await elsewhere.post(address, data={"sub": subject})
    assert signed_in.status_code == 302, signed_in.text
    return await browser.get(signed_in.headers["location"])


async def me_of(browser: httpx.AsyncClient, reply: httpx.Response) -> dict[str, Any]:
    """The account that a browser is in after it came back."""
    assert (reply.status_code, reply.headers["location"]) == (303, "/"), reply.headers
    origin = str(browser.base_url).rstrip("/")
    tokens = await browser.post(f"{AUTH}/refresh", headers={"Origin": origin})
    assert tokens.status_code == 200, tokens.text
    return (await browser.get(ME, headers=bearer(tokens.json()))).json()


def assert_refused(reply: httpx.Response, code: str, words: str = "") -> None:
    assert reply.status_code == 303
    told = parse_qs(reply.headers["location"].removeprefix("/#"))
    assert told["refused"] == [code]
    assert words in told["detail"][0]
    assert "citewell_refresh" not in reply.headers.get("set-cookie", "")


class TestRealProvider:
    async def test_somebody_unknown_gets_an_account_and_comes_back_to_it(
        self, live_server: LiveServer, people: People, real: str, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, real, tenant[1], label="Works")
        subject, email = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.org"
        set_user(real, subject, email=email, email_verified=True, name="Bé Lan")
        ways = (await browser.get(f"{AUTH}/ways-in")).json()
        assert {"name": name, "label": "Works"} in ways["providers"]
        me = await me_of(browser, await through(browser, name, subject))
        user = me["user"]
        assert (user["email"], user["name"], user["role"]) == (email, "Bé Lan", "employee")
        assert not user["is_admin"]
        assert me["signed_in_by"] == f"oidc:{name}"
        assert me["tenant"]["slug"] == tenant[1]
        # The address has changed at the provider; the account is the same.
        set_user(real, subject, email="other@example.org", email_verified=False)
        again = await me_of(browser, await through(browser, name, subject))
        assert again["user"]["id"] == user["id"]

        async def rows(ctx: Context) -> tuple[str | None, str]:
            stored = (await ctx.session.scalars(select(User).where(User.email == email))).one()
            account = (await ctx.session.scalars(select(ProviderAccount))).one()
            assert account.user_id == stored.id
            return stored.password_hash, account.subject

        assert people.within(tenant[0], rows) == (None, subject)

    async def test_groups_and_roles_follow_the_provider_and_nobody_becomes_administrator(
        self, live_server: LiveServer, people: People, real: str, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        maps: dict[str, Any] = {
            "roles": {"staff": "employee", "heads": "manager"},
            "groups": {"hr": "People", "fin": "Finance", "x": "Not there"},
            "default_role": "guest",
        }
        name = offer(live_server, real, tenant[1], **maps)

        async def add_groups(ctx: Context) -> None:
            for each in ("People", "Finance", "Own"):
                ctx.session.add(Group(tenant_id=tenant[0], id=uuid7(), name=each))

        people.within(tenant[0], add_groups)
        subject, email = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.org"

        async def come_with(*groups: str) -> tuple[str, bool, set[str]]:
            claims = {"email": email, "email_verified": True, "groups": list(groups)}
            set_user(real, subject, **claims)
            me = await me_of(browser, await through(browser, name, subject))

            async def named(ctx: Context) -> set[str]:
                joined = select(Group.name).join(GroupMember, GroupMember.group_id == Group.id)
                wanted = joined.where(GroupMember.user_id == uuid.UUID(me["user"]["id"]))
                return set(await ctx.session.scalars(wanted))

            return me["user"]["role"], me["user"]["is_admin"], people.within(tenant[0], named)

        everything = ("staff", "heads", "hr", "x", "admins", "Own")
        assert await come_with(*everything) == ("manager", False, {"People"})
        assert await come_with("staff", "fin") == ("employee", False, {"Finance"})
        assert await come_with() == ("guest", False, set())

    async def test_administrators_are_made_only_where_the_operator_says_so(
        self, live_server: LiveServer, people: People, real: str, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, real, tenant[1], admins=["wheel"], default_role="manager")
        subject = uuid.uuid4().hex
        claims = {"email": f"{uuid.uuid4().hex}@example.org", "email_verified": True}
        set_user(real, subject, **claims, groups=["wheel"])
        first = await me_of(browser, await through(browser, name, subject))
        assert first["user"]["is_admin"]
        # The last administrator stays one, whatever the provider says.
        set_user(real, subject, **claims, groups=[])
        assert (await me_of(browser, await through(browser, name, subject)))["user"]["is_admin"]
        people.new(tenant, is_admin=True)
        after = await me_of(browser, await through(browser, name, subject))
        assert not after["user"]["is_admin"]

    async def test_known_and_invited_people_keep_their_account_and_others_are_refused(
        self, live_server: LiveServer, people: People, real: str, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, real, tenant[1], creates_users=False)
        known = people.new(tenant, role=Role.DIRECTOR)
        invited = people.new(tenant, status=UserStatus.INVITED, password_hash=None)
        gone = people.new(tenant, status=UserStatus.DEACTIVATED)
        for person in (known, invited):
            subject = uuid.uuid4().hex
            set_user(real, subject, email=person.email.upper(), email_verified=True)
            me = await me_of(browser, await through(browser, name, subject))
            assert me["user"]["id"] == str(person.id)
        unknown = {"email": f"{uuid.uuid4().hex}@example.org", "email_verified": True}
        for claims, words in (
            (unknown, "no account"),
            ({"email": known.email, "email_verified": False}, "not verified"),
            ({"email": known.email}, "not verified"),
            ({"email": known.email, "email_verified": "true"}, "not verified"),
            ({"email_verified": True}, "no e-mail address"),
            ({"email": gone.email, "email_verified": True}, "deactivated"),
        ):
            subject = uuid.uuid4().hex
            set_user(real, subject, **claims)
            assert_refused(await through(browser, name, subject), "provider_refused", words)
        closed = offer(live_server, real, tenant[1], domains=["example.com"])
        set_user(real, subject, **unknown)
        refused = await through(browser, closed, subject)
        assert_refused(refused, "provider_refused", "domain")

    async def test_it_stands_for_a_second_factor_and_ends_at_the_provider_too(
        self, live_server: LiveServer, people: People, real: str, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, real, tenant[1])

        async def require(ctx: Context) -> None:
            (await ctx.session.get_one(Tenant, tenant[0])).second_factor_for = ["employee"]

        people.within(tenant[0], require)
        subject = uuid.uuid4().hex
        set_user(real, subject, email=f"{uuid.uuid4().hex}@example.org", email_verified=True)
        # `me_of` renews the session, which takes more than a password here.
        await me_of(browser, await through(browser, name, subject))
        left = await browser.get(f"{AUTH}/oidc/{name}/sign-out")
        assert left.status_code == 302
        place = urlsplit(left.headers["location"])
        assert left.headers["location"].startswith(real)
        query = parse_qs(place.query)
        assert query["post_logout_redirect_uri"] == [f"{live_server.address.rstrip('/')}/"]

    async def test_what_is_cancelled_there_signs_nobody_in(
        self, live_server: LiveServer, real: str, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, real, tenant[1])
        _, sent = await start(browser, name)
        back = {"error": "access_denied", "state": sent["state"]}
        reply = await browser.get(f"{AUTH}/oidc/{name}/callback", params=back)
        assert_refused(reply, "provider_refused", "cancelled")


class TestForged:
    async def come_back(
        self, browser: httpx.AsyncClient, name: str, forged: Forger, **more: str
    ) -> httpx.Response:
        _, sent = await start(browser, name)
        forged.nonce = sent["nonce"]
        reply = {"code": "c", "state": sent["state"], **more}
        return await browser.get(f"{AUTH}/oidc/{name}/callback", params=reply)

    async def test_tokens_that_are_not_for_this_sign_in_are_refused(
        self, live_server: LiveServer, forged: Forger, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        secret = "s3cret-of-32-characters!!"
        name = offer(live_server, forged.address, tenant[1], client_secret=secret)
        other = RSAKey.generate_key(2048, {"kid": "one"})
        now = int(time.time())

        def unsigned(claims: dict[str, Any]) -> str:
            parts = ({"alg": "none", "typ": "JWT"}, claims)
            encoded = (base64.urlsafe_b64encode(json.dumps(each).encode()) for each in parts)
            return ".".join(each.decode().rstrip("=") for each in encoded) + "."

        def by_secret(claims: dict[str, Any]) -> str:
            key = OctKey.import_key(secret)
            return jwt.encode({"alg": "HS256"}, claims, key)

        forgeries: list[Callable[[dict[str, Any]], str]] = [
            lambda claims: forged.signed({**claims, "aud": "another"}),
            lambda claims: forged.signed({**claims, "aud": [CLIENT_ID, "another"]}),
            lambda claims: forged.signed({**claims, "azp": "another"}),
            lambda claims: forged.signed({**claims, "iss": "https://login.example.org"}),
            lambda claims: forged.signed({**claims, "exp": now - 120}),
            lambda claims: forged.signed({**claims, "iat": now + 3600}),
            lambda claims: forged.signed({**claims, "nonce": "another"}),
            lambda claims: forged.signed({**claims, "nonce": None}),
            lambda claims: forged.signed({**claims, "sub": ""}),
            lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, other),
            unsigned,
            by_secret,
            lambda _: "no token",
        ]
        for forgery in forgeries:
            forged.token = forgery
            assert_refused(await self.come_back(browser, name, forged), "provider_refused")
        forged.token = None
        await me_of(browser, await self.come_back(browser, name, forged))

    async def test_the_code_is_exchanged_with_its_verifier(
        self, live_server: LiveServer, forged: Forger, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, forged.address, tenant[1])
        _, sent = await start(browser, name)
        assert sent["code_challenge_method"] == "S256"
        assert sent["redirect_uri"].endswith(f"/api/v1/auth/oidc/{name}/callback")
        forged.nonce = sent["nonce"]
        back = {"code": "c", "state": sent["state"]}
        await browser.get(f"{AUTH}/oidc/{name}/callback", params=back)
        digest = hashlib.sha256(forged.forms[-1]["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == sent["code_challenge"]

    async def test_a_state_holds_once_in_its_browser_at_its_provider(
        self, live_server: LiveServer, forged: Forger, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        name = offer(live_server, forged.address, tenant[1])
        twin = offer(live_server, forged.address, tenant[1])

        async def sent_back(
            to: str, state: str, carrier: httpx.AsyncClient = browser, **more: str
        ) -> httpx.Response:
            reply = {"code": "c", "state": state, **more}
            return await carrier.get(f"{AUTH}/oidc/{to}/callback", params=reply)

        # Another browser: somebody was made to open the attacker's link.
        async with live_server.client() as other:
            _, sent = await start(browser, name)
            assert_refused(await sent_back(name, sent["state"], other), "sign_in_expired")
            _, sent = await start(browser, name)
            await start(other, name)
            assert_refused(await sent_back(name, sent["state"], other), "sign_in_expired")
        # Replayed, with the browser's cookie put back.
        _, sent = await start(browser, name)
        forged.nonce = sent["nonce"]
        cookies = dict(browser.cookies)
        await me_of(browser, await sent_back(name, sent["state"]))
        browser.cookies.update(cookies)
        assert_refused(await sent_back(name, sent["state"]), "sign_in_expired")
        browser.cookies.clear()
        # Mixed up: begun at one provider, and sent back to the address of another.
        _, sent = await start(browser, name)
        assert_refused(await sent_back(twin, sent["state"]), "sign_in_expired")
        _, sent = await start(browser, name)
        mixed = await sent_back(name, sent["state"], iss="https://login.example.org")
        assert_refused(mixed, "provider_refused", "another provider")
        forged.metadata = {"authorization_response_iss_parameter_supported": True}
        live_server.platform.state_of(KnownProviders).by_issuer.clear()
        _, sent = await start(browser, name)
        untold = await sent_back(name, sent["state"])
        assert_refused(untold, "provider_refused", "another provider")
        assert_refused(await sent_back(name, "never begun"), "sign_in_expired")

    async def test_a_description_that_is_not_its_own_is_not_believed(
        self, live_server: LiveServer, forged: Forger, tenant: tuple[uuid.UUID, str],
        browser: httpx.AsyncClient, refused: Refused,
    ) -> None:  # fmt: skip
        name = offer(live_server, forged.address, tenant[1])
        for wrong in ({"issuer": "https://login.example.org"}, {"jwks_uri": "file:///etc/passwd"}):
            forged.metadata = wrong
            refused(await browser.get(f"{AUTH}/oidc/{name}/start"), 503, "provider_unavailable")
        # Longer than what is read of a reply: it is not waited for and not held in memory.
        forged.metadata = {"more": "x" * providers.MAX_BYTES}
        refused(await browser.get(f"{AUTH}/oidc/{name}/start"), 503, "provider_unavailable")
        forged.metadata = {}
        _, sent = await start(browser, name)
        forged.nonce, forged.token = sent["nonce"], lambda _: "x" * providers.MAX_BYTES
        back = {"code": "c", "state": sent["state"]}
        long = await browser.get(f"{AUTH}/oidc/{name}/callback", params=back)
        assert_refused(long, "provider_unavailable")
        missing = await browser.get(f"{AUTH}/oidc/nobody/start")
        refused(missing, 404, "provider_not_found")


class TestSetting:
    def test_bad_providers_stop_the_start_and_show_no_secret(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good = {"issuer": "https://login.example.org", "client_id": "c", "domains": ["x.org"]}
        for bad in (
            "{",
            '{"Acme": {"issuer": "https://x", "client_id": "c"}}',
            json.dumps({"acme": {**good, "issuer": "http://login.example.org"}}),
            json.dumps({"acme": {**good, "scopes": ["email"]}}),
            json.dumps({"acme": {**good, "domains": []}}),
            json.dumps({"acme": {**good, "roles": {"g": "admin"}}}),
            json.dumps({"acme": {**good, "client_secret": "hush", "unknown": 1}}),
        ):
            monkeypatch.setenv("CITEWELL_OIDC_PROVIDERS", bad)
            with pytest.raises(SettingsError) as caught:
                load_settings()
            assert "CITEWELL_OIDC_PROVIDERS" in str(caught.value)
            assert "hush" not in str(caught.value)
        with pytest.raises(ValidationError):
            IdentityProvider.model_validate({**good, "issuer": "https://user@login.example.org"})

    def test_accounts_are_made_of_named_domains_only(self) -> None:
        base = {"issuer": "https://login.example.org", "client_id": "c"}

        def let_in(email: str, **more: Any) -> bool:
            return IdentityProvider.model_validate({**base, **more}).lets_in(email)

        assert let_in("a@example.org", domains=["Example.org"])
        for other in ("a@example.com", "a@sub.example.org", "a@example.org.evil.example", "a"):
            assert not let_in(other, domains=["example.org"])
        assert let_in("a@anywhere.example", domains=["*"])
        assert let_in("a@anywhere.example", creates_users=False)
        with pytest.raises(ValidationError, match="creates_users"):
            IdentityProvider.model_validate(base)


async def test_people_with_passwords_are_told_how_they_signed_in(
    people: People, anonymous: httpx.AsyncClient
) -> None:
    tokens = await sign_in(anonymous, people.new())
    shown = await anonymous.get(ME, headers=bearer(tokens))
    assert shown.json()["signed_in_by"] == "password"
