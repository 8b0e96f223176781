"""Passwords set anew with a token of an administrator."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import httpx

from citewell.features.users.service import RESET_HOURS
from citewell.kit.clock import utc_now
from tests.features.users.conftest import Office
from tests.features.users.test_endpoints import PASSWORD, URL, invited, register

Refused = Callable[[httpx.Response, int, str], None]

NEW = "eleven boats beside a green island"


async def reset(office: Office, user: dict[str, str], token: str, **more: str) -> httpx.Response:
    body = {
        "email": user["email"], "token": token, "new_password": NEW, "tenant": office.slug, **more,
    }  # fmt: skip
    return await (await office.client(None)).post("/api/v1/auth/reset", json=body)


async def login(office: Office, user: dict[str, str], password: str) -> int:
    body = {"email": user["email"], "password": password, "tenant": office.slug}
    return (await (await office.client(None)).post("/api/v1/auth/login", json=body)).status_code


class TestReset:
    async def test_the_token_sets_a_password_once_and_ends_all_sessions(
        self, office: Office, refused: Refused
    ) -> None:
        user = await invited(office.service)
        session = (await register(office, user)).json()
        path = f"{URL}/{user['id']}/password-reset"
        reply = await office.service.post(path)
        assert reply.status_code == 201, reply.text
        offered = reply.json()
        assert (offered["user_id"], offered["email"]) == (user["id"], user["email"])
        stored = await office.user(uuid.UUID(user["id"]))
        assert stored is not None
        assert stored.reset_expires_at is not None
        left = stored.reset_expires_at - utc_now()
        assert timedelta(0) <= timedelta(hours=RESET_HOURS) - left < timedelta(minutes=1)
        shown = await office.service.get(f"{URL}/{user['id']}")
        assert offered["token"] not in shown.text
        # Until it is used nothing has changed.
        assert await login(office, user, PASSWORD) == 200
        refused(await reset(office, user, "cwr_wrong"), 403, "reset_invalid")
        refused(await reset(office, user, offered["token"], new_password="x"), 422, "weak_password")
        other = await invited(office.service)
        refused(await reset(office, other, offered["token"]), 403, "reset_invalid")
        done = await reset(office, user, offered["token"])
        assert done.status_code == 200, done.text
        refused(await reset(office, user, offered["token"]), 403, "reset_invalid")
        assert await login(office, user, PASSWORD) == 401
        assert await login(office, user, NEW) == 200
        former = await office.client(session["access_token"])
        assert (await former.get("/api/v1/auth/me")).status_code == 401
        renewed = await (await office.client(None)).post(
            "/api/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}
        )
        assert renewed.status_code == 401
        present = await office.client(done.json()["access_token"])
        assert (await present.get("/api/v1/auth/me")).status_code == 200
        trail = (await office.service.get("/api/v1/audit?limit=100")).json()["data"]
        told = [event["action"] for event in trail if event["object_id"] == user["id"]]
        assert {"user.password_reset_offered", "user.password_reset"} <= set(told)

    async def test_a_newer_token_and_a_changed_password_void_it(
        self, office: Office, refused: Refused
    ) -> None:
        user = await invited(office.service)
        session = (await register(office, user)).json()
        path = f"{URL}/{user['id']}/password-reset"
        first = (await office.service.post(path)).json()["token"]
        second = (await office.service.post(path)).json()["token"]
        refused(await reset(office, user, first), 403, "reset_invalid")
        person = await office.client(session["access_token"])
        body = {"old_password": PASSWORD, "new_password": NEW}
        assert (await person.post("/api/v1/auth/password", json=body)).status_code == 200
        refused(await reset(office, user, second), 403, "reset_invalid")

    async def test_only_administrators_of_the_rank_give_it_and_only_to_the_active(
        self, office: Office, refused: Refused
    ) -> None:
        waiting = await invited(office.service)
        path = f"{URL}/{waiting['id']}/password-reset"
        refused(await office.service.post(path), 409, "user_invited")
        chief = await invited(office.service, role="director")
        assert (await register(office, chief)).status_code == 201
        clerk = await invited(office.service, role="manager", is_admin=True)
        token = (await register(office, clerk)).json()["access_token"]
        low = await office.client(token)
        refused(await low.post(f"{URL}/{chief['id']}/password-reset"), 403, "forbidden")
        plain = await invited(office.service)
        token = (await register(office, plain)).json()["access_token"]
        person = await office.client(token)
        refused(await person.post(f"{URL}/{plain['id']}/password-reset"), 403, "forbidden")
        gone = {"status": "deactivated"}
        assert (await office.service.patch(f"{URL}/{plain['id']}", json=gone)).status_code == 200
        refused(
            await office.service.post(f"{URL}/{plain['id']}/password-reset"), 409, "user_inactive"
        )
