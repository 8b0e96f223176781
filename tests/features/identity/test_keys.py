"""API keys over HTTP: what they may do, and who makes, sees and revokes them."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from citewell.access.policy import Role, Scope
from citewell.core.context import Context
from citewell.features.identity import service as identity
from citewell.kit.clock import utc_now
from citewell.models.tenancy import ApiKey, UserStatus
from tests.office import Office
from tests.waiting import until_forgotten

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/auth/api-keys"
COLLECTIONS = "/api/v1/collections"
ALL = ["read", "write", "admin"]


async def made(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    reply = await client.post(URL, json={"name": "robot", **fields})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def what_works(client: httpx.AsyncClient) -> tuple[bool, bool, bool]:
    """Whether reading, writing and administering do."""
    read = await client.get(COLLECTIONS)
    write = await client.post(COLLECTIONS, json={"name": uuid.uuid4().hex})
    admin = await client.get("/api/v1/users")
    assert {read.status_code, write.status_code, admin.status_code} <= {200, 201, 403}
    return read.is_success, write.is_success, admin.is_success


async def signed_in(office: Office, role: Role, *, is_admin: bool = False) -> httpx.AsyncClient:
    """A client with a session, not a key."""
    inviting = {"email": f"s-{uuid.uuid4().hex}@example.org", "role": role.name.lower()}
    reply = await office.service.post("/api/v1/users", json={**inviting, "is_admin": is_admin})
    body = {
        "email": inviting["email"], "invitation": reply.json()["invitation"],
        "password": "seven otters rowing uphill", "tenant": office.slug,
    }  # fmt: skip
    tokens = await (await office.client(None)).post("/api/v1/auth/register", json=body)
    return await office.client(tokens.json()["access_token"])


class TestScopes:
    @pytest.mark.parametrize(
        ("scopes", "works"),
        [
            (["read"], (True, False, False)),
            (["write"], (False, True, False)),
            (["admin"], (False, False, False)),  # its replies show what there is
            (["read", "admin"], (True, False, True)),
            (ALL, (True, True, True)),
            (["read", "admin", "admin"], (True, False, True)),
        ],
    )
    @pytest.mark.parametrize("service", [True, False])
    async def test_a_key_does_what_they_say(
        self, scopes: list[str], works: tuple[bool, ...], service: bool, office: Office
    ) -> None:
        maker = await signed_in(office, Role.DIRECTOR, is_admin=True)
        key = await made(maker, scopes=scopes, service=service)
        assert await what_works(await office.client(key["key"])) == works

    async def test_admin_alone_is_not_enough_for_who_is_none(self, office: Office) -> None:
        person = await office.person(Role.MANAGER)
        assert await what_works(person.client) == (True, True, False)

    async def test_rights_are_those_of_now(self, office: Office) -> None:
        admin = await office.person(Role.MANAGER, is_admin=True)
        await office.person(is_admin=True)
        assert await what_works(admin.client) == (True, True, True)
        url = f"/api/v1/users/{admin.id}"
        await office.service.patch(url, json={"is_admin": False, "role": "guest"})
        await until_forgotten()
        assert await what_works(admin.client) == (True, False, False)

    async def test_no_scope_does_nothing(self, office: Office) -> None:
        person = await office.person(Role.DIRECTOR, is_admin=True, scopes=frozenset())
        assert await what_works(person.client) == (False, False, False)

    async def test_an_operator_scope_of_a_users_key_is_void(
        self, office: Office, other_office: Office
    ) -> None:
        person = await office.person(Role.DIRECTOR, is_admin=True, scopes=frozenset(Scope))
        reply = await person.client.get(f"/api/v1/tenants/{other_office.tenant_id}")
        assert reply.status_code == 404


class TestCreate:
    async def test_the_secret_is_shown_once(self, office: Office) -> None:
        person = await signed_in(office, Role.EMPLOYEE)
        me = (await person.get("/api/v1/auth/me")).json()["user"]["id"]
        key = await made(person, expires_in_days=2)
        secret = key["key"].split("_", 2)[2]  # it may hold the mark that stands before it
        assert (key["name"], key["scopes"], key["user_id"]) == ("robot", ["read"], me)
        assert key["last_used_at"] is None
        listed = await person.get(URL)
        [shown] = listed.json()["data"]
        assert shown == {name: value for name, value in key.items() if name != "key"}
        assert secret not in listed.text

        async def stored(ctx: Context) -> str:
            row = await ctx.session.execute(text("SELECT api_key::text FROM api_key"))
            return " ".join(str(line) for line in row.scalars())

        assert secret not in await office.within(stored)
        [event] = await office.trail(key["id"])
        assert event.action == "api_key.created"
        assert event.details["scopes"] == ["read"]

    @pytest.mark.parametrize(
        ("role", "is_admin", "fields"),
        [
            (Role.DIRECTOR, False, {"scopes": ["admin"]}),
            (Role.DIRECTOR, False, {"service": True}),
            (Role.MANAGER, True, {"service": True}),
        ],
    )
    async def test_nobody_gives_what_they_do_not_have(
        self,
        role: Role,
        is_admin: bool,
        fields: dict[str, object],
        office: Office,
        refused: Refused,
    ) -> None:
        person = await signed_in(office, role, is_admin=is_admin)
        refused(await person.post(URL, json={"name": "x", **fields}), 403, "forbidden")

    async def test_a_key_makes_no_more_than_it_is(self, office: Office, refused: Refused) -> None:
        some = frozenset({Scope.WRITE, Scope.ADMIN})
        person = await office.person(Role.DIRECTOR, is_admin=True, scopes=some)
        refused(
            await person.client.post(URL, json={"name": "x", "scopes": ["read"]}), 403, "forbidden"
        )
        assert (await made(person.client, scopes=["write"]))["user_id"] == str(person.id)

    async def test_a_key_without_admin_makes_none(self, office: Office, refused: Refused) -> None:
        for is_admin in (True, False):
            scopes = frozenset({Scope.READ, Scope.WRITE})
            person = await office.person(Role.DIRECTOR, is_admin=is_admin, scopes=scopes)
            refused(await person.client.post(URL, json={"name": "x"}), 403, "forbidden")

    async def test_software_of_its_own_asks_for_its_like(
        self, office: Office, refused: Refused
    ) -> None:
        refused(await office.service.post(URL, json={"name": "x"}), 422, "service_key_needed")
        assert (await made(office.service, service=True))["user_id"] is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": ""}, {"name": "x" * 201}, {"name": "a\u0000"}, {"scopes": []},
            {"scopes": ["operator"]}, {"scopes": ["everything"]}, {"scopes": ["read"] * 4},
            {"scopes": None}, {"scopes": "read"}, {"user_id": str(uuid.uuid4())},
            {"tenant_id": str(uuid.uuid4())}, {"hash": "x"}, {"key": "cw_x"},
            {"expires_in_days": 0}, {"expires_in_days": 3651}, {"expires_in_days": -1},
            {"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "9999-01-01T00:00:00Z"},
            {"expires_at": "2027-01-01T00:00:00"}, {"expires_at": "soon"},
            {"expires_in_days": 1, "expires_at": "2027-01-01T00:00:00Z"},
        ],
    )  # fmt: skip
    async def test_bad_fields_are_422(
        self, fields: dict[str, object], shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        body = {"name": "x", "service": True, **fields}
        refused(await shared_client.post(URL, json=body), 422, "validation_error")


class TestValidity:
    async def test_an_end_that_has_come_is_401(self, office: Office, refused: Refused) -> None:
        person = await office.person()

        async def expire(ctx: Context) -> None:
            past = utc_now() - timedelta(seconds=1)
            chosen = update(ApiKey).where(ApiKey.id == person.key_id)
            await ctx.session.execute(chosen.values(expires_at=past))

        await office.within(expire)
        refused(await person.client.get(COLLECTIONS), 401, "unauthorized")

    @pytest.mark.parametrize("status", [UserStatus.INVITED, UserStatus.DEACTIVATED])
    async def test_a_user_who_is_not_active_is_401(
        self, status: UserStatus, office: Office, refused: Refused
    ) -> None:
        person = await office.person(Role.DIRECTOR, is_admin=True, status=status)
        refused(await person.client.get(COLLECTIONS), 401, "unauthorized")

    async def test_an_empty_hash_matches_nothing(self, office: Office, refused: Refused) -> None:
        person = await office.person()

        async def empty(ctx: Context) -> None:
            chosen = update(ApiKey).where(ApiKey.id == person.key_id)
            await ctx.session.execute(chosen.values(hash=b""))

        await office.within(empty)
        head = "_".join(person.key.split("_", 2)[:2])
        for key in (person.key, f"{head}_", head, "x"):
            client = await office.client(None)
            reply = await client.get(COLLECTIONS, headers={"Authorization": f"Bearer {key}"})
            refused(reply, 401, "unauthorized")

    async def test_use_is_noted_at_most_once_a_minute(self, office: Office) -> None:
        person = await office.person()

        async def used() -> Any:
            async def read(ctx: Context) -> Any:
                keys = await identity.list_api_keys(ctx)
                return next(key.last_used_at for key in keys if key.id == person.key_id)

            return await office.within(read)

        async def set_to(seconds: int) -> None:
            async def write(ctx: Context) -> None:
                at = utc_now() - timedelta(seconds=seconds)
                chosen = update(ApiKey).where(ApiKey.id == person.key_id)
                await ctx.session.execute(chosen.values(last_used_at=at))

            await office.within(write)

        for seconds, is_noted in ((50, False), (70, True)):
            await set_to(seconds)
            before = await used()
            await office.run(identity.authenticate(office.server.platform, person.key))
            assert (await used() > before) is is_noted


class TestListAndRevoke:
    async def test_one_sees_and_revokes_ones_own(self, office: Office, refused: Refused) -> None:
        person, colleague = await office.person(Role.DIRECTOR), await office.person()
        listed = (await person.client.get(URL)).json()
        assert [item["id"] for item in listed["data"]] == [str(person.key_id)]
        for key_id in (colleague.key_id, uuid.uuid4()):
            refused(await person.client.delete(f"{URL}/{key_id}"), 404, "api_key_not_found")
        assert (await person.client.delete(f"{URL}/{person.key_id}")).status_code == 204
        await until_forgotten()
        refused(await person.client.get(COLLECTIONS), 401, "unauthorized")
        assert (await colleague.client.get(COLLECTIONS)).status_code == 200

    async def test_administrators_see_and_revoke_all_of_their_tenant(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        admin, person = await office.person(Role.GUEST, is_admin=True), await office.person()
        stranger = await other_office.person()
        listed = (await admin.client.get(URL)).json()
        assert listed["pagination"]["total"] == 3
        url = f"{URL}/{person.key_id}"
        for _ in range(2):
            assert (await admin.client.delete(url)).status_code == 204
        refused(await admin.client.delete(f"{URL}/{stranger.key_id}"), 404, "api_key_not_found")
        told = [event.action for event in await office.trail(person.key_id)]
        assert told == ["api_key.created", "api_key.revoked"]

    async def test_a_reading_key_revokes_nothing(self, office: Office, refused: Refused) -> None:
        person = await office.person(scopes=frozenset({Scope.READ}))
        refused(await person.client.delete(f"{URL}/{person.key_id}"), 403, "forbidden")

    async def test_software_without_admin_sees_itself(self, office: Office) -> None:
        key = await made(office.service, service=True, scopes=["read", "write"])
        client = await office.client(key["key"])
        assert [item["id"] for item in (await client.get(URL)).json()["data"]] == [key["id"]]


class TestAnonymous:
    @pytest.mark.parametrize(
        ("method", "path"), [("GET", URL), ("POST", URL), ("DELETE", f"{URL}/{uuid.UUID(int=1)}")]
    )
    async def test_is_401(
        self, method: str, path: str, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await anonymous.request(method, path), 401, "unauthorized")
