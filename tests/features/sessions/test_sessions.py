"""Refreshing and ending sessions, over HTTP."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import func, select, update

from citewell.core.context import Context
from citewell.core.settings import Settings
from citewell.kit.clock import utc_now
from citewell.models.records import AuditEvent
from citewell.models.tenancy import RefreshToken, Tenant, UserStatus
from tests.conftest import LiveServer, serving
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, Person, bearer, sign_in
from tests.waiting import PATIENCE, until_forgotten

Refused = Callable[[httpx.Response, int, str], None]
REFRESH, LOGOUT = f"{AUTH}/refresh", f"{AUTH}/logout"


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


def live_tokens(people: People, person: Person) -> int:
    async def counted(ctx: Context) -> int:
        statement = select(func.count()).where(
            RefreshToken.user_id == person.id,
            RefreshToken.used_at.is_(None),
            RefreshToken.revoked_at.is_(None),
        )
        return await ctx.session.scalar(statement) or 0

    return people.within(person.tenant_id, counted)


def audited(people: People, person: Person) -> list[str]:
    async def listed(ctx: Context) -> list[str]:
        wanted = select(AuditEvent.action).where(AuditEvent.actor_id == person.id)
        return list(await ctx.session.scalars(wanted.order_by(AuditEvent.id)))

    return people.within(person.tenant_id, listed)


class TestRefresh:
    async def test_each_token_renews_the_session_once(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        first = await sign_in(anonymous, person)
        second = (await refresh(anonymous, first["refresh_token"])).json()
        assert second.keys() == first.keys()
        assert second["refresh_token"] != first["refresh_token"]
        for tokens in (first, second):
            assert (await anonymous.get(ME, headers=bearer(tokens))).status_code == 200
        third = await refresh(anonymous, second["refresh_token"])
        assert third.status_code == 200
        assert live_tokens(people, person) == 1

    async def test_a_spent_token_ends_the_session_and_no_other(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        first, other = await sign_in(anonymous, person), await sign_in(anonymous, person)
        second = (await refresh(anonymous, first["refresh_token"])).json()
        refused(await refresh(anonymous, first["refresh_token"]), 401, "unauthorized")
        refused(await refresh(anonymous, second["refresh_token"]), 401, "unauthorized")
        await until_forgotten()
        refused(await anonymous.get(ME, headers=bearer(second)), 401, "unauthorized")
        assert (await anonymous.get(ME, headers=bearer(other))).status_code == 200
        assert (await refresh(anonymous, other["refresh_token"])).status_code == 200
        assert audited(people, person).count("session.reuse_detected") == 1

    @pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
    async def test_racing_refreshes_leave_one_live_token_or_none(
        self, count: int, people: People, live_server: LiveServer
    ) -> None:
        person = people.new()
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(
            base_url=live_server.address, limits=limits, timeout=PATIENCE
        ) as client:
            token = (await sign_in(client, person))["refresh_token"]
            replies = await asyncio.gather(*(refresh(client, token) for _ in range(count)))
        won = [reply for reply in replies if reply.status_code == 200]
        assert len(won) == 1
        # In a crowd some may be told to come again: all wait for the same row.
        assert {reply.status_code for reply in replies} <= {200, 401, 503}
        assert live_tokens(people, person) == 0

    async def test_a_stolen_chain_that_races_its_owner_ends(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        for _ in range(10):
            person = people.new()
            first = (await sign_in(anonymous, person))["refresh_token"]
            second = (await refresh(anonymous, first)).json()["refresh_token"]
            await asyncio.gather(refresh(anonymous, first), refresh(anonymous, second))
            assert live_tokens(people, person) == 0

    async def test_a_renewed_session_ends_when_it_would_have(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        token = (await sign_in(anonymous, person))["refresh_token"]
        token = (await refresh(anonymous, token)).json()["refresh_token"]

        async def ends(ctx: Context) -> set[object]:
            return set(await ctx.session.scalars(select(RefreshToken.expires_at)))

        assert len(people.within(person.tenant_id, ends)) == 1

        async def over(ctx: Context) -> None:
            await ctx.session.execute(update(RefreshToken).values(expires_at=utc_now()))

        people.within(person.tenant_id, over)
        refused(await refresh(anonymous, token), 401, "unauthorized")
        await sign_in(anonymous, person)

        async def left(ctx: Context) -> int:
            return await ctx.session.scalar(select(func.count(RefreshToken.id))) or 0

        assert people.within(person.tenant_id, left) == 1

    async def test_deactivated_users_and_suspended_tenants_cannot_refresh(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        gone, locked = people.new(), people.new()
        tokens = [(await sign_in(anonymous, one))["refresh_token"] for one in (gone, locked)]
        people.change(gone, status=UserStatus.DEACTIVATED)

        async def suspended(ctx: Context) -> None:
            (await ctx.session.get_one(Tenant, locked.tenant_id)).status = "suspended"

        people.within(locked.tenant_id, suspended)
        for token in tokens:
            refused(await refresh(anonymous, token), 401, "unauthorized")

    @pytest.mark.parametrize("token", ["", " ", "null", "None", "cwr_", "%", "0"])
    async def test_empty_and_other_tokens_match_nothing(
        self, token: str, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        await sign_in(anonymous, person)
        refused(await refresh(anonymous, token), 401, "unauthorized")
        refused(
            await anonymous.post(LOGOUT, json={"refresh_token": token, "everywhere": True}),
            401, "unauthorized",
        )  # fmt: skip
        header = {"Authorization": f"Bearer {token}".strip()}
        refused(await anonymous.get(ME, headers=header), 401, "unauthorized")
        assert live_tokens(people, person) == 1

    async def test_nothing_and_null_match_nothing(
        self, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        for url in (REFRESH, LOGOUT):
            for body in (None, {}, {"refresh_token": None}):
                refused(await anonymous.post(url, json=body), 401, "unauthorized")

    async def test_a_token_belongs_to_its_tenant(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        first, second = people.new(), people.new()
        mine = (await sign_in(anonymous, first))["refresh_token"]
        theirs = (await sign_in(anonymous, second))["refresh_token"]
        mixed = f"{theirs[:31]}{mine[31:]}"
        refused(await refresh(anonymous, mixed), 401, "unauthorized")
        refused(
            await refresh(anonymous, (await sign_in(anonymous, first))["access_token"]),
            401, "unauthorized",
        )  # fmt: skip
        assert live_tokens(people, first) == 2

    @pytest.mark.parametrize(
        "body", [{"refresh_token": 1}, {"refresh_token": ["a"]}, {"user_id": "x"}, [], "text"]
    )
    async def test_other_shapes_are_refused(
        self, body: object, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await anonymous.post(REFRESH, json=body), 422, "validation_error")


class TestLogout:
    async def test_the_session_ends_and_others_go_on(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        first, second, third = [await sign_in(anonymous, person) for _ in range(3)]
        assert (await anonymous.post(LOGOUT, headers=bearer(first))).status_code == 204
        by_token = {"refresh_token": second["refresh_token"]}
        assert (await anonymous.post(LOGOUT, json=by_token)).status_code == 204
        refused(await anonymous.post(LOGOUT, json=by_token), 401, "unauthorized")
        await until_forgotten()
        for ended in (first, second):
            refused(await anonymous.get(ME, headers=bearer(ended)), 401, "unauthorized")
            refused(await refresh(anonymous, ended["refresh_token"]), 401, "unauthorized")
        assert (await anonymous.get(ME, headers=bearer(third))).status_code == 200
        assert audited(people, person) == ["session.started"] * 3 + ["session.ended"] * 2

    @pytest.mark.parametrize("way", ["access", "refresh"])
    async def test_everywhere_ends_all(
        self, way: str, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person, colleague = people.new(), people.new()
        first, second = await sign_in(anonymous, person), await sign_in(anonymous, person)
        other = await sign_in(anonymous, colleague)
        body: dict[str, object] = {"everywhere": True}
        if way == "refresh":
            body["refresh_token"] = first["refresh_token"]
        headers = bearer(first) if way == "access" else {}
        assert (await anonymous.post(LOGOUT, json=body, headers=headers)).status_code == 204
        await until_forgotten()
        for ended in (first, second):
            refused(await anonymous.get(ME, headers=bearer(ended)), 401, "unauthorized")
            refused(await refresh(anonymous, ended["refresh_token"]), 401, "unauthorized")
        assert (await anonymous.get(ME, headers=bearer(other))).status_code == 200

    async def test_a_spent_token_ends_its_session_only(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        first, other = await sign_in(anonymous, person), await sign_in(anonymous, person)
        await refresh(anonymous, first["refresh_token"])
        body = {"refresh_token": first["refresh_token"], "everywhere": True}
        assert (await anonymous.post(LOGOUT, json=body)).status_code == 204
        assert live_tokens(people, person) == 1
        assert (await refresh(anonymous, other["refresh_token"])).status_code == 200

    async def test_api_keys_have_no_session(
        self, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        for body in (None, {"everywhere": True}):
            refused(await client.post(LOGOUT, json=body), 403, "session_needed")
        assert (await client.get(ME)).json()["user"] is None


class TestCookie:
    async def test_browsers_keep_the_token_out_of_reach(
        self, people: People, live_server: LiveServer, refused: Refused
    ) -> None:
        person = people.new()
        async with live_server.client() as browser:
            login = await browser.post(
                f"{AUTH}/login", json={"email": person.email, "password": PASSWORD, "cookie": True}
            )
            assert login.json().keys() >= {"access_token"}
            assert login.json()["refresh_token"] is None
            told = login.headers["set-cookie"]
            assert told.startswith("citewell_refresh=cwr_")
            kept = told.partition(";")[2].lower()
            for attribute in ("httponly", "samesite=strict", "path=/api/v1/auth", "max-age=259"):
                assert attribute in kept
            assert "secure" not in kept
            ours = {"Origin": live_server.address}
            first = browser.cookies["citewell_refresh"]
            renewed = await browser.post(REFRESH, headers=ours)
            assert renewed.status_code == 200
            assert renewed.json()["refresh_token"] is None
            assert browser.cookies["citewell_refresh"] != first
            ended = await browser.post(LOGOUT, headers=ours)
            assert ended.status_code == 204
            assert ended.headers["set-cookie"].partition(";")[2].lower().replace(
                "max-age=0", ""
            ) == kept.replace(kept[kept.index("max-age") : kept.index(";", kept.index("max-age"))],
                              "")  # fmt: skip
            assert "citewell_refresh" not in browser.cookies
            refused(await browser.post(REFRESH, headers=ours), 401, "unauthorized")
        assert live_tokens(people, person) == 0

    @pytest.mark.parametrize(
        "origin",
        [None, "", "null", "http://evil.example", "https://evil.example", "http://127.0.0.1",
         "http://127.0.0.1:1", "HOST", "//HOST", "ftp://HOST", "http://HOST.evil.example",
         "http://HOST@evil.example", "http://evil.example/HOST", "file://HOST"],
    )  # fmt: skip
    async def test_other_sites_cannot_use_it(
        self, origin: str | None, people: People, live_server: LiveServer, refused: Refused
    ) -> None:
        person = people.new()
        host = live_server.address.removeprefix("http://")
        headers = {} if origin is None else {"Origin": origin.replace("HOST", host)}
        async with live_server.client() as browser:
            await sign_in(browser, person, cookie=True)
            for url in (REFRESH, LOGOUT):
                refused(await browser.post(url, headers=headers), 403, "foreign_origin")
        assert live_tokens(people, person) == 1

    async def test_a_token_in_the_body_needs_no_origin(
        self, people: People, live_server: LiveServer
    ) -> None:
        async with live_server.client() as browser:
            tokens = await sign_in(browser, people.new())
            renewed = await refresh(browser, tokens["refresh_token"])
            assert renewed.json()["refresh_token"].startswith("cwr_")
            assert "set-cookie" not in renewed.headers

    async def test_named_origins_may_use_it_and_https_makes_it_secure(
        self, people: People, settings: Settings, database_url: str, refused: Refused
    ) -> None:
        person = people.new()
        public, other = "https://citewell.example.org", "https://app.example.org"
        changed = settings.model_copy(update={"public_url": public, "cors_origins": (other,)})
        with serving(changed, database_url, has_worker=False) as server:
            async with server.client() as browser:
                body = {"email": person.email, "password": PASSWORD, "cookie": True}
                login = await browser.post(f"{AUTH}/login", json=body, headers={"Origin": other})
                assert "; Secure" in login.headers["set-cookie"]
                assert login.headers["access-control-allow-credentials"] == "true"
                cookie = login.headers["set-cookie"].partition(";")[0]
                for origin in (public, other):
                    # Given by hand: over plain HTTP a browser would not send it.
                    headers = {"Origin": origin, "Cookie": cookie}
                    renewed = await browser.post(REFRESH, headers=headers)
                    assert renewed.status_code == 200, renewed.text
                    cookie = renewed.headers["set-cookie"].partition(";")[0]
                headers = {"Origin": "https://evil.example.org", "Cookie": cookie}
                reply = await browser.post(REFRESH, headers=headers)
                refused(reply, 403, "foreign_origin")
                assert "access-control-allow-origin" not in reply.headers
