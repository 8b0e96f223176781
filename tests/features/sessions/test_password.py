"""Changing the password, over HTTP."""

from collections.abc import Callable

import httpx
import pytest

from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, bearer, sign_in
from tests.waiting import until_forgotten

Refused = Callable[[httpx.Response, int, str], None]
CHANGE = f"{AUTH}/password"
NEW = "trombone gravel seven lamp"


class TestChange:
    async def test_this_session_goes_on_and_all_others_end(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        mine, other = await sign_in(anonymous, person), await sign_in(anonymous, person)
        body = {"old_password": PASSWORD, "new_password": NEW}
        reply = await anonymous.post(CHANGE, json=body, headers=bearer(mine))
        assert reply.status_code == 200
        assert reply.json()["refresh_token"] is None
        await until_forgotten()
        assert (await anonymous.get(ME, headers=bearer(reply.json()))).status_code == 200
        for ended in (mine, other):
            refused(await anonymous.get(ME, headers=bearer(ended)), 401, "unauthorized")
        renewals = [
            await anonymous.post(f"{AUTH}/refresh", json={"refresh_token": one["refresh_token"]})
            for one in (mine, other)
        ]
        assert [renewal.status_code for renewal in renewals] == [200, 401]
        login = {"email": person.email, "password": PASSWORD}
        refused(await anonymous.post(f"{AUTH}/login", json=login), 401, "invalid_credentials")
        login["password"] = NEW
        assert (await anonymous.post(f"{AUTH}/login", json=login)).status_code == 200

    async def test_without_the_old_one_nothing_changes(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        tokens = await sign_in(anonymous, person)
        for old in ("", "wrong", PASSWORD.upper()):
            body = {"old_password": old, "new_password": NEW}
            reply = await anonymous.post(CHANGE, json=body, headers=bearer(tokens))
            refused(reply, 401, "invalid_credentials")
        for new in ("short", "password12345678", f"{person.email}"):
            body = {"old_password": PASSWORD, "new_password": new}
            reply = await anonymous.post(CHANGE, json=body, headers=bearer(tokens))
            refused(reply, 422, "weak_password")
        await sign_in(anonymous, person)

    async def test_guessing_the_old_one_waits(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        tokens = await sign_in(anonymous, people.new())
        statuses: list[int] = []
        for number in range(12):
            body = {"old_password": f"wrong {number}", "new_password": NEW}
            reply = await anonymous.post(CHANGE, json=body, headers=bearer(tokens))
            statuses.append(reply.status_code)
        assert statuses == [401] * 10 + [429] * 2

    async def test_keys_cannot(self, client: httpx.AsyncClient, refused: Refused) -> None:
        body = {"old_password": PASSWORD, "new_password": NEW}
        refused(await client.post(CHANGE, json=body), 403, "session_needed")

    @pytest.mark.parametrize(
        "more", [{"user_id": "x"}, {"email": "a@b.de"}, {"password_hash": "x"}, {"role": "guest"}]
    )
    async def test_other_fields_are_refused(
        self, more: dict[str, str], client: httpx.AsyncClient, refused: Refused
    ) -> None:
        body = {"old_password": PASSWORD, "new_password": NEW, **more}
        refused(await client.post(CHANGE, json=body), 422, "validation_error")
