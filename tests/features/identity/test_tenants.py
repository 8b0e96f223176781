"""Tenants over HTTP: their own administrators, and the operator over all."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from citewell.access.policy import Role, Scope
from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.features.identity import service as identity
from tests.conftest import LiveServer
from tests.office import Office
from tests.waiting import until_forgotten

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/tenants"


@pytest.fixture
async def operator(live_server: LiveServer, stack: AsyncExitStack) -> httpx.AsyncClient:
    """A client with an operator's key."""

    async def key() -> str:
        platform = live_server.platform
        await identity.ensure_default_tenant(platform)
        tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
        async with unit_of_work(platform, Caller(tenant_id, OPERATOR)) as ctx:
            return (await identity.create_api_key(ctx, "operator", scopes=Scope)).secret

    making = asyncio.run_coroutine_threadsafe(key(), live_server.loop)
    return await stack.enter_async_context(live_server.client(await asyncio.wrap_future(making)))


class TestOwn:
    async def test_everybody_sees_theirs_and_no_other(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        person = await office.person(Role.GUEST)
        for client in (person.client, office.service):
            listed = (await client.get(URL)).json()
            assert [item["id"] for item in listed["data"]] == [str(office.tenant_id)]
            assert listed["pagination"]["total"] == 1
            assert (await client.get(URL, params={"page": 2})).json()["data"] == []
            shown = await client.get(f"{URL}/{office.tenant_id}")
            assert shown.json() == listed["data"][0]
            for other in (other_office.tenant_id, uuid.uuid4()):
                refused(await client.get(f"{URL}/{other}"), 404, "tenant_not_found")

    async def test_administrators_change_name_and_registration(self, office: Office) -> None:
        admin = await office.person(Role.GUEST, is_admin=True)
        change = {"name": " Acme ", "has_open_registration": True}
        reply = await admin.client.patch(f"{URL}/{office.tenant_id}", json=change)
        assert reply.status_code == 200
        assert (reply.json()["name"], reply.json()["has_open_registration"]) == ("Acme", True)
        event = (await office.trail(office.tenant_id))[-1]
        assert event.action == "tenant.updated"
        assert event.details == {
            "fields": ["has_open_registration", "name"], "has_open_registration": True,
        }  # fmt: skip

    @pytest.mark.parametrize(
        "change",
        [{"plan": "business"}, {"limits": {}}, {"region": "eu"}, {"status": "suspended"},
         {"name": "x", "plan": "free"}],
    )  # fmt: skip
    async def test_what_they_pay_for_is_the_operators(
        self, change: dict[str, object], office: Office, refused: Refused
    ) -> None:
        refused(
            await office.service.patch(f"{URL}/{office.tenant_id}", json=change), 403, "forbidden"
        )
        shown = (await office.service.get(f"{URL}/{office.tenant_id}")).json()
        assert (shown["name"], shown["plan"], shown["status"]) == ("Test", "unlimited", "active")

    async def test_others_than_administrators_change_nothing(
        self, office: Office, refused: Refused
    ) -> None:
        person = await office.person(Role.DIRECTOR)
        url = f"{URL}/{office.tenant_id}"
        refused(await person.client.patch(url, json={"name": "x"}), 403, "forbidden")

    async def test_the_tenant_of_others_is_404(
        self, office: Office, other_office: Office, refused: Refused
    ) -> None:
        url = f"{URL}/{other_office.tenant_id}"
        for change in ({"name": "x"}, {"plan": "free"}):
            refused(await office.service.patch(url, json=change), 404, "tenant_not_found")

    async def test_nobody_makes_or_removes_one(self, office: Office, refused: Refused) -> None:
        refused(await office.service.post(URL, json={"slug": "a", "name": "A"}), 403, "forbidden")
        refused(await office.service.delete(f"{URL}/{office.tenant_id}"), 403, "forbidden")

    @pytest.mark.parametrize(
        "change",
        [{"slug": "x"}, {"id": str(uuid.uuid4())}, {"session_version": 1}, {"name": ""},
         {"status": "gone"}, {"limits": {"users": -1}}, {"limits": {"users": "many"}}],
    )  # fmt: skip
    async def test_bad_fields_are_422(
        self, change: dict[str, object], office: Office, refused: Refused
    ) -> None:
        url = f"{URL}/{office.tenant_id}"
        refused(await office.service.patch(url, json=change), 422, "validation_error")


class TestOperator:
    async def test_makes_lists_and_removes(
        self, operator: httpx.AsyncClient, live_server: LiveServer, refused: Refused
    ) -> None:
        slug = f"t-{uuid.uuid4().hex}"
        body = {
            "slug": slug,
            "name": "Acme",
            "plan": "free",
            "limits": {"users": 2, "agents": None},
        }
        reply = await operator.post(URL, json=body)
        assert reply.status_code == 201, reply.text
        tenant = reply.json()
        assert tenant["limits"] == {"users": 2, "agents": None}
        refused(await operator.post(URL, json=body), 409, "tenant_exists")
        async with live_server.client(tenant["key"]) as client:
            assert [item["slug"] for item in (await client.get(URL)).json()["data"]] == [slug]
            first = (await operator.get(URL, params={"limit": 1})).json()
            total = first["pagination"]["total"]
            assert total >= 2
            last = (await operator.get(URL, params={"limit": 1, "page": total})).json()
            assert last["data"][0]["slug"] == slug
            assert (await operator.delete(f"{URL}/{tenant['id']}")).status_code == 204
            refused(await operator.get(f"{URL}/{tenant['id']}"), 404, "tenant_not_found")
            await until_forgotten()
            assert (await client.get(URL)).status_code == 401

    async def test_suspends_and_takes_back(
        self, operator: httpx.AsyncClient, office: Office
    ) -> None:
        url, email = f"{URL}/{office.tenant_id}", f"s-{uuid.uuid4().hex}@example.org"
        invitation = await office.service.post("/api/v1/users", json={"email": email})
        anonymous = await office.client(None)
        body = {
            "email": email, "invitation": invitation.json()["invitation"], "tenant": office.slug,
            "password": "seven otters rowing uphill",
        }  # fmt: skip
        tokens = (await anonymous.post("/api/v1/auth/register", json=body)).json()
        session = await office.client(tokens["access_token"])
        assert (await session.get(URL)).status_code == 200
        suspended = await operator.patch(url, json={"status": "suspended"})
        assert suspended.json()["status"] == "suspended"
        await until_forgotten()
        assert (await office.service.get(URL)).status_code == 401
        assert (await session.get(URL)).status_code == 401
        await operator.patch(url, json={"status": "active"})
        assert (await office.service.get(URL)).status_code == 200
        assert (await session.get(URL)).status_code == 401
        refresh = {"refresh_token": tokens["refresh_token"]}
        assert (await anonymous.post("/api/v1/auth/refresh", json=refresh)).status_code == 401

    async def test_changes_plan_limits_and_region(
        self, operator: httpx.AsyncClient, office: Office, refused: Refused
    ) -> None:
        url = f"{URL}/{office.tenant_id}"
        change = {"plan": "team", "limits": {"documents": 7}, "region": "eu-1"}
        shown = (await operator.patch(url, json=change)).json()
        assert {name: shown[name] for name in change} == change
        assert (await operator.patch(url, json={"region": None})).json()["region"] is None
        for bad in ({"plan": "gold"}, {"limits": {"cars": 1}}):
            refused(await operator.patch(url, json=bad), 422, "unknown_plan")
        event = (await office.trail(office.tenant_id))[-2]
        assert event.details["plan"] == "team"

    async def test_a_limit_of_users_holds_and_is_given_back(
        self, operator: httpx.AsyncClient, office: Office, refused: Refused
    ) -> None:
        url = f"{URL}/{office.tenant_id}"
        await operator.patch(url, json={"limits": {"users": 1}})

        async def invite() -> httpx.Response:
            email = f"u-{uuid.uuid4().hex}@example.org"
            return await office.service.post("/api/v1/users", json={"email": email})

        first = await invite()
        refused(await invite(), 403, "quota_reached")
        person = f"/api/v1/users/{first.json()['id']}"
        await office.service.patch(person, json={"status": "deactivated"})
        second = await invite()
        assert second.status_code == 201
        refused(await office.service.post(f"{person}/invitation"), 403, "quota_reached")
        assert (await office.service.delete(person)).status_code == 204
        refused(await invite(), 403, "quota_reached")
        await office.service.delete(f"/api/v1/users/{second.json()['id']}")
        assert (await invite()).status_code == 201

    async def test_the_first_tenant_stays(
        self, operator: httpx.AsyncClient, live_server: LiveServer, refused: Refused
    ) -> None:
        finding = identity.find_tenant(live_server.platform, identity.DEFAULT_TENANT)
        waiting = asyncio.run_coroutine_threadsafe(finding, live_server.loop)
        url = f"{URL}/{await asyncio.wrap_future(waiting)}"
        refused(await operator.delete(url), 409, "default_tenant")
        refused(await operator.patch(url, json={"status": "suspended"}), 409, "default_tenant")

    @pytest.mark.parametrize(
        "body",
        [
            {"slug": "UPPER", "name": "x"}, {"slug": "", "name": "x"}, {"slug": "-a", "name": "x"},
            {"slug": "a b", "name": "x"}, {"slug": "a" * 64, "name": "x"}, {"slug": "ok-1"},
            {"slug": "ok-2", "name": "x", "id": str(uuid.uuid4())},
            {"slug": "ok-3", "name": "x", "status": "suspended"},
        ],
    )  # fmt: skip
    async def test_bad_fields_are_422(
        self, body: object, operator: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await operator.post(URL, json=body), 422, "validation_error")


class TestAnonymous:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", URL), ("POST", URL), ("GET", f"{URL}/{uuid.UUID(int=1)}"),
         ("PATCH", f"{URL}/{uuid.UUID(int=1)}"), ("DELETE", f"{URL}/{uuid.UUID(int=1)}")],
    )  # fmt: skip
    async def test_is_401(
        self, method: str, path: str, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        refused(await anonymous.request(method, path), 401, "unauthorized")
