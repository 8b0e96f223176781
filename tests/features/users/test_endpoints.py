"""Users over HTTP: who may see, invite, change and remove whom."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from citewell.access.policy import Role, Scope
from citewell.core.context import Context
from citewell.features.users.service import INVITATION_DAYS
from citewell.kit.clock import utc_now
from citewell.models.tenancy import User, UserStatus
from tests.office import Office, Person
from tests.waiting import until_forgotten

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/users"
PASSWORD = "seven otters rowing uphill"


def address() -> str:
    return f"new-{uuid.uuid4().hex}@example.org"


async def invited(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    reply = await client.post(URL, json={"email": address(), **fields})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def register(office: Office, user: dict[str, Any], **more: object) -> httpx.Response:
    body = {
        "email": user["email"], "password": PASSWORD, "tenant": office.slug,
        "invitation": user["invitation"], **more,
    }  # fmt: skip
    return await (await office.client(None)).post("/api/v1/auth/register", json=body)


class TestInvite:
    async def test_the_token_makes_an_account_once(self, office: Office) -> None:
        email = address()
        body = {"email": f" {email.upper()} ", "name": "Bé", "role": "manager", "is_admin": True}
        reply = await office.service.post(URL, json=body)
        assert reply.status_code == 201
        user = reply.json()
        assert (user["email"], user["name"], user["role"]) == (email, "Bé", "manager")
        assert (user["is_admin"], user["status"]) == (True, "invited")
        stored = await office.user(uuid.UUID(user["id"]))
        assert stored is not None
        assert stored.invitation_hash is not None
        assert stored.password_hash is None
        assert stored.invitation_expires_at is not None
        left = stored.invitation_expires_at - utc_now()
        assert timedelta(0) <= timedelta(days=INVITATION_DAYS) - left < timedelta(minutes=1)
        shown = await office.service.get(f"{URL}/{user['id']}")
        assert user["invitation"] not in shown.text
        assert (await register(office, user)).status_code == 201
        assert (await office.service.get(f"{URL}/{user['id']}")).json()["status"] == "active"
        assert (await register(office, user)).status_code == 403

    async def test_defaults_are_the_least(self, office: Office) -> None:
        user = await invited(office.service)
        assert (user["role"], user["is_admin"], user["name"]) == ("employee", False, "")

    async def test_known_address_is_409_in_one_tenant_only(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        user = await invited(office.service)
        again = {"email": user["email"].upper()}
        refused(await office.service.post(URL, json=again), 409, "user_exists")
        assert (await other_office.service.post(URL, json=again)).status_code == 201

    @pytest.mark.parametrize("role", [Role.GUEST, Role.DIRECTOR])
    async def test_others_than_administrators_are_403(
        self, role: Role, office: Office, refused: Refused
    ) -> None:
        person = await office.person(role)
        refused(await person.client.post(URL, json={"email": address()}), 403, "forbidden")

    async def test_key_without_the_scope_is_403(self, office: Office, refused: Refused) -> None:
        scopes = frozenset({Scope.READ, Scope.WRITE})
        person = await office.person(Role.DIRECTOR, is_admin=True, scopes=scopes)
        refused(await person.client.post(URL, json={"email": address()}), 403, "forbidden")

    async def test_role_above_ones_own_is_403(self, office: Office, refused: Refused) -> None:
        person = await office.person(Role.EMPLOYEE, is_admin=True)
        body = {"email": address(), "role": "manager"}
        refused(await person.client.post(URL, json=body), 403, "forbidden")
        assert (await invited(person.client, role="employee", is_admin=True))["is_admin"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("tenant_id", str(uuid.UUID(int=1))),
            ("id", str(uuid.UUID(int=2))),
            ("status", "active"),
            ("password", PASSWORD),
            ("password_hash", "x"),
            ("session_version", 9),
            ("role", "owner"),
            ("role", 3),
            ("email", None),
            ("email", "x" * 2000),
            ("name", "x" * 201),
            ("name", "a\u0000"),
        ],
    )
    async def test_bad_fields_are_422(
        self, field: str, value: object, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.post(URL, json={"email": address(), field: value})
        refused(reply, 422, "validation_error")

    @pytest.mark.parametrize("email", ["", "nobody", "a@b@c.d", "a b@c.d"])
    async def test_bad_addresses_are_422_and_not_repeated(
        self, email: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.post(URL, json={"email": email})
        refused(reply, 422, "invalid_email")

    async def test_a_new_invitation_voids_the_one_before(
        self, office: Office, refused: Refused
    ) -> None:
        first = await invited(office.service)
        again = await office.service.post(f"{URL}/{first['id']}/invitation")
        assert again.status_code == 201
        assert (await register(office, first)).status_code == 403
        assert (await register(office, again.json())).status_code == 201
        refused(
            await office.service.post(f"{URL}/{first['id']}/invitation"), 409, "invitation_accepted"
        )

    async def test_expired_invitation_makes_nothing(self, office: Office) -> None:
        user = await invited(office.service)

        async def expire(ctx: Context) -> None:
            past = utc_now() - timedelta(seconds=1)
            await ctx.session.execute(update(User).values(invitation_expires_at=past))

        await office.within(expire)
        assert (await register(office, user)).status_code == 403

    async def test_the_invitation_of_someone_higher_is_not_handed_out(
        self, office: Office, refused: Refused
    ) -> None:
        user = await invited(office.service, role="director")
        person = await office.person(Role.MANAGER, is_admin=True)
        refused(await person.client.post(f"{URL}/{user['id']}/invitation"), 403, "forbidden")

    async def test_the_trail_tells_without_names(self, office: Office) -> None:
        user = await invited(office.service, name="Ann Example")
        [event] = await office.trail(user["id"])
        assert event.action == "user.created"
        assert event.details == {"status": "invited", "role": "employee", "is_admin": False}


class TestRead:
    async def test_administrators_see_all_of_their_tenant(
        self, office: Office, other_office: Office
    ) -> None:
        stranger = await other_office.person()
        people = [await office.person() for _ in range(3)]
        admin = await office.person(Role.GUEST, is_admin=True)
        listed = (await admin.client.get(URL)).json()
        assert [item["email"] for item in listed["data"]] == sorted(
            person.email for person in [*people, admin]
        )
        assert listed["pagination"]["total"] == 4
        assert (await admin.client.get(f"{URL}/{people[0].id}")).status_code == 200
        assert (await admin.client.get(f"{URL}/{stranger.id}")).status_code == 404

    async def test_nothing_secret_is_shown(self, office: Office) -> None:
        person = await office.person()
        reply = await office.service.get(f"{URL}/{person.id}")
        assert reply.json().keys() == {
            "id", "email", "name", "role", "is_admin", "status", "language",
            "invitation_expires_at", "second_factor_at", "last_login_at", "created_at",
            "updated_at",
        }  # fmt: skip

    async def test_others_see_themselves_only(self, office: Office, refused: Refused) -> None:
        person, colleague = await office.person(Role.DIRECTOR), await office.person()
        refused(await person.client.get(URL), 403, "forbidden")
        assert (await person.client.get(f"{URL}/{person.id}")).json()["email"] == person.email
        theirs = await person.client.get(f"{URL}/{colleague.id}")
        nobody = uuid.uuid4()
        missing = await person.client.get(f"{URL}/{nobody}")
        refused(theirs, 404, "user_not_found")
        refused(missing, 404, "user_not_found")
        assert theirs.json()["detail"].replace(str(colleague.id), "") == (
            missing.json()["detail"].replace(str(nobody), "")
        )

    async def test_filters_narrow_the_list(self, office: Office) -> None:
        guest = await office.person(Role.GUEST, name="Zoë 100%_x")
        await office.person(Role.MANAGER, status=UserStatus.DEACTIVATED)
        await office.person(Role.MANAGER)

        async def found(**query: str) -> list[str]:
            reply = await office.service.get(URL, params=query)
            assert reply.status_code == 200, reply.text
            return [item["email"] for item in reply.json()["data"]]

        assert await found(role="guest") == [guest.email]
        assert len(await found(status="deactivated")) == 1
        assert len(await found(role="manager")) == 2
        assert len(await found(role="manager", status="active")) == 1
        assert await found(search="zoë") == [guest.email]
        assert await found(search="%_") == [guest.email]
        assert await found(search=guest.email[:20].upper()) == [guest.email]
        assert await found(search="nobody at all") == []
        assert (await office.service.get(URL, params={"role": "owner"})).status_code == 422


class TestUpdate:
    async def test_one_changes_ones_own_name_and_nothing_else(
        self, office: Office, refused: Refused
    ) -> None:
        person, colleague = await office.person(), await office.person()
        reply = await person.client.patch(f"{URL}/{person.id}", json={"name": " Ann "})
        assert reply.json()["name"] == "Ann"
        for change in ({"role": "guest"}, {"is_admin": False}, {"status": "deactivated"},
                       {"name": "B", "role": "director"}):  # fmt: skip
            refused(await person.client.patch(f"{URL}/{person.id}", json=change), 403, "forbidden")
        refused(
            await person.client.patch(f"{URL}/{colleague.id}", json={"name": "B"}),
            404, "user_not_found",
        )  # fmt: skip
        stored = await office.user(person.id)
        assert stored is not None
        assert (stored.name, stored.session_version) == ("Ann", 1)

    @pytest.mark.parametrize(
        "change",
        [
            {"email": "x@example.org"}, {"password_hash": "x"}, {"tenant_id": str(uuid.uuid4())},
            {"id": str(uuid.uuid4())}, {"session_version": 0}, {"status": "invited"},
            {"role": "root"}, {"is_admin": "certainly"},
        ],
    )  # fmt: skip
    async def test_bad_fields_are_422(
        self, change: dict[str, object], office: Office, refused: Refused
    ) -> None:
        person = await office.person()
        refused(
            await office.service.patch(f"{URL}/{person.id}", json=change), 422, "validation_error"
        )

    async def test_users_of_other_tenants_are_404(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        person = await other_office.person()
        for reply in (
            await office.service.patch(f"{URL}/{person.id}", json={"role": "guest"}),
            await office.service.delete(f"{URL}/{person.id}"),
            await office.service.post(f"{URL}/{person.id}/invitation"),
        ):
            refused(reply, 404, "user_not_found")
        stored = await other_office.user(person.id)
        assert stored is not None
        assert stored.role == Role.EMPLOYEE

    @pytest.mark.parametrize(
        ("change", "action", "details"),
        [
            ({"role": "manager"}, "user.role_changed", {"before": "employee", "role": "manager"}),
            ({"is_admin": True}, "user.admin_changed", {"is_admin": True}),
            ({"status": "deactivated"}, "user.deactivated", {}),
        ],
    )
    async def test_what_changes_rights_ends_sessions(
        self, change: dict[str, object], action: str, details: dict[str, object], office: Office
    ) -> None:
        user = await invited(office.service)
        tokens = (await register(office, user)).json()
        client = await office.client(tokens["access_token"])
        assert (await client.get("/api/v1/auth/me")).status_code == 200
        changed = await office.service.patch(f"{URL}/{user['id']}", json=change)
        assert changed.status_code == 200
        body = {"refresh_token": tokens["refresh_token"]}
        refreshed = await (await office.client(None)).post("/api/v1/auth/refresh", json=body)
        assert refreshed.status_code == 401
        await until_forgotten()
        assert (await client.get("/api/v1/auth/me")).status_code == 401
        event = (await office.trail(user["id"]))[-1]
        assert (event.action, event.details) == (action, details)

    async def test_the_same_again_ends_nothing(self, office: Office) -> None:
        person = await office.person(Role.MANAGER)
        same = {"role": "manager", "is_admin": False, "status": "active", "name": "Ann Example"}
        assert (await office.service.patch(f"{URL}/{person.id}", json=same)).status_code == 200
        stored = await office.user(person.id)
        assert stored is not None
        assert stored.session_version == 1
        assert await office.trail(person.id) == []

    async def test_a_deactivated_user_is_out_and_back(self, office: Office) -> None:
        person = await office.person()
        assert (await person.client.get(f"{URL}/{person.id}")).status_code == 200
        await office.service.patch(f"{URL}/{person.id}", json={"status": "deactivated"})
        await until_forgotten()
        assert (await person.client.get(f"{URL}/{person.id}")).status_code == 401
        await office.service.patch(f"{URL}/{person.id}", json={"status": "active"})
        assert (await person.client.get(f"{URL}/{person.id}")).status_code == 200

    async def test_role_above_ones_own_is_403(self, office: Office, refused: Refused) -> None:
        admin = await office.person(Role.EMPLOYEE, is_admin=True)
        for target in (admin, await office.person()):
            refused(
                await admin.client.patch(f"{URL}/{target.id}", json={"role": "director"}),
                403, "forbidden",
            )  # fmt: skip

    async def test_an_invited_user_is_not_made_active(
        self, office: Office, refused: Refused
    ) -> None:
        user = await invited(office.service)
        url = f"{URL}/{user['id']}"
        refused(await office.service.patch(url, json={"status": "active"}), 409, "user_invited")
        assert (await office.service.patch(url, json={"status": "deactivated"})).status_code == 200
        assert (await register(office, user)).status_code == 403
        refused(await office.service.patch(url, json={"status": "active"}), 409, "user_invited")
        again = await office.service.post(f"{url}/invitation")
        assert again.json()["status"] == "invited"
        assert (await register(office, again.json())).status_code == 201


class TestLastAdministrator:
    async def ways_out(self, client: httpx.AsyncClient, person: Person) -> list[httpx.Response]:
        url = f"{URL}/{person.id}"
        return [
            await client.patch(url, json={"is_admin": False}),
            await client.patch(url, json={"status": "deactivated"}),
            await client.delete(url),
        ]

    async def test_stays_whoever_asks(self, office: Office, refused: Refused) -> None:
        person = await office.person(is_admin=True)
        await office.person(is_admin=True, status=UserStatus.DEACTIVATED)
        await invited(office.service, is_admin=True)
        for client in (person.client, office.service):
            for reply in await self.ways_out(client, person):
                refused(reply, 409, "last_administrator")
        stored = await office.user(person.id)
        assert stored is not None
        assert (stored.is_admin, stored.status, stored.session_version) == (True, "active", 1)
        role = await office.service.patch(f"{URL}/{person.id}", json={"role": "guest"})
        assert role.status_code == 200

    async def test_goes_when_there_is_another(self, office: Office) -> None:
        people = [await office.person(is_admin=True) for _ in range(4)]
        for person, way in zip(people, ("patch", "status", "delete"), strict=False):
            url = f"{URL}/{person.id}"
            if way == "delete":
                assert (await office.service.delete(url)).status_code == 204
            else:
                change = {"is_admin": False} if way == "patch" else {"status": "deactivated"}
                assert (await office.service.patch(url, json=change)).status_code == 200

    @pytest.mark.parametrize("kind", ["demote", "deactivate", "delete", "mixed"])
    async def test_of_all_at_once_one_is_left(self, kind: str, office: Office) -> None:
        people = [await office.person(is_admin=True) for _ in range(4)]

        def leave(number: int, person: Person) -> Any:
            url = f"{URL}/{person.id}"
            way = ("demote", "deactivate", "delete")[number % 3] if kind == "mixed" else kind
            if way == "delete":
                return office.service.delete(url)
            change = {"is_admin": False} if way == "demote" else {"status": "deactivated"}
            return office.service.patch(url, json=change)

        replies = await asyncio.gather(*(leave(n, person) for n, person in enumerate(people)))
        refused = [reply for reply in replies if reply.status_code == 409]
        assert len(refused) == 1, [reply.status_code for reply in replies]
        assert refused[0].json()["code"] == "last_administrator"


class TestDelete:
    async def test_keys_and_memberships_go_and_documents_stay(self, office: Office) -> None:
        person = await office.person()
        group = (await office.service.post("/api/v1/groups", json={"name": "All"})).json()
        await office.service.put(f"/api/v1/groups/{group['id']}/members/{person.id}")
        body = {"title": "Kept", "content": "What they wrote stays."}
        made = (await person.client.post("/api/v1/documents", json=body)).json()["documents"][0]
        assert (await office.service.delete(f"{URL}/{person.id}")).status_code == 204
        assert (await office.service.get(f"{URL}/{person.id}")).status_code == 404
        assert (await office.service.delete(f"{URL}/{person.id}")).status_code == 404
        await until_forgotten()
        assert (await person.client.get(f"{URL}/{person.id}")).status_code == 401
        assert (await office.service.get(f"/api/v1/documents/{made['id']}")).status_code == 200
        members = await office.service.get(f"/api/v1/groups/{group['id']}/members")
        assert members.json()["data"] == []
        assert [event.action for event in await office.trail(person.id)] == ["user.deleted"]

    async def test_others_than_administrators_are_403(
        self, office: Office, refused: Refused
    ) -> None:
        person = await office.person(Role.DIRECTOR)
        refused(await person.client.delete(f"{URL}/{person.id}"), 403, "forbidden")


class TestAnonymous:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", URL), ("POST", URL), ("GET", f"{URL}/{uuid.UUID(int=1)}"),
            ("PATCH", f"{URL}/{uuid.UUID(int=1)}"), ("DELETE", f"{URL}/{uuid.UUID(int=1)}"),
            ("POST", f"{URL}/{uuid.UUID(int=1)}/invitation"),
        ],
    )  # fmt: skip
    async def test_is_401(
        self, method: str, path: str, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await anonymous.request(method, path), 401, "unauthorized")
