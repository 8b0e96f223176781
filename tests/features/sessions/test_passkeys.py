"""Passkeys: made, listed, signed in with and removed, with an authenticator in software."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from citewell.core.context import Caller, Context
from citewell.features.sessions import own_factor, service
from citewell.features.sessions.errors import SignInAgainError
from citewell.features.users import service as users
from citewell.kit.ids import uuid7
from citewell.models.tenancy import Tenant, User, UserStatus
from tests.conftest import LiveServer
from tests.features.sessions.authenticator import PRESENT, Authenticator
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, bearer, sign_in
from tests.features.sessions.test_second_factor import enrolled, present

Refused = Callable[[httpx.Response, int, str], None]
KEYS = f"{AUTH}/passkeys"


def new_authenticator(client: httpx.AsyncClient) -> Authenticator:
    return Authenticator(str(client.base_url).rstrip("/"))


async def begun(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    reply = await client.post(f"{KEYS}/options", json={"password": PASSWORD}, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def register(
    client: httpx.AsyncClient, headers: dict[str, str], authenticator: Authenticator, **more: str
) -> httpx.Response:
    offer = await begun(client, headers)
    body = {"ceremony": offer["ceremony"], "credential": authenticator.make(offer["options"])}
    return await client.post(KEYS, json={**body, **more}, headers=headers)


async def enter(client: httpx.AsyncClient, authenticator: Authenticator) -> httpx.Response:
    asked = (await client.post(f"{KEYS}/begin")).json()
    credential = authenticator.sign(asked["options"])
    body = {"ceremony": asked["ceremony"], "credential": credential}
    return await client.post(f"{KEYS}/sign-in", json=body)


class TestPasskeys:
    async def test_a_key_is_made_signs_in_without_a_password_and_is_removed(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        headers = bearer(await sign_in(anonymous, person))
        authenticator = new_authenticator(anonymous)
        made = await register(anonymous, headers, authenticator, name="My phone")
        assert made.status_code == 201, made.text
        # Its reply names neither user nor tenant to whoever finds the device.
        assert person.email.encode() not in authenticator.handle
        # It stands for two factors, and so lets in those who need a second one.

        async def require(ctx: Context) -> None:
            (await ctx.session.get_one(Tenant, person.tenant_id)).second_factor_for = ["employee"]

        people.within(person.tenant_id, require)
        entered = await enter(anonymous, authenticator)
        assert entered.status_code == 200, entered.text
        inside = bearer(entered.json())
        me = (await anonymous.get(ME, headers=inside)).json()
        assert (me["user"]["email"], me["signed_in_by"]) == (person.email, "passkey")
        renewed = await anonymous.post(
            f"{AUTH}/refresh", json={"refresh_token": entered.json()["refresh_token"]}
        )
        assert renewed.status_code == 200
        shown = (await anonymous.get(KEYS, headers=inside)).json()["data"]
        assert [each["name"] for each in shown] == ["My phone"]
        assert shown[0]["last_used_at"] is not None
        again = await begun(anonymous, inside)
        assert len(again["options"]["excludeCredentials"]) == 1
        path = f"{KEYS}/{made.json()['id']}"
        stranger = bearer(await sign_in(anonymous, people.new()))
        refused(await anonymous.delete(path, headers=stranger), 404, "passkey_not_found")
        assert (await anonymous.delete(path, headers=inside)).status_code == 204
        refused(await enter(anonymous, authenticator), 403, "passkey_invalid")

    async def test_what_is_not_for_this_site_and_ceremony_is_refused(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        headers = bearer(await sign_in(anonymous, people.new()))
        origin = str(anonymous.base_url).rstrip("/")
        for bad in (
            Authenticator("https://phishing.example.org"),
            Authenticator(origin, site="phishing.example.org"),
            Authenticator(origin, flags=PRESENT),  # nobody unlocked it
        ):
            refused(await register(anonymous, headers, bad), 403, "passkey_invalid")
        good = new_authenticator(anonymous)
        assert (await register(anonymous, headers, good)).status_code == 201
        # The same key once more, and what is no key at all.
        refused(await register(anonymous, headers, good), 403, "passkey_invalid")
        offer = await begun(anonymous, headers)
        body = {"ceremony": offer["ceremony"], "credential": {"id": "x"}}
        refused(await anonymous.post(KEYS, json=body, headers=headers), 403, "passkey_invalid")
        # A ceremony holds once.
        refused(await anonymous.post(KEYS, json=body, headers=headers), 403, "sign_in_expired")
        fakes = [
            replace(good, origin="https://phishing.example.org"),
            replace(good, site="phishing.example.org"),
            replace(good, flags=PRESENT),
            replace(good, key=Authenticator(origin).key),
            replace(good, id=b"another" * 4),
            replace(good, handle=b"\0" * 32),
            replace(good, handle=b""),
        ]
        for fake in fakes:
            refused(await enter(anonymous, fake), 403, "passkey_invalid")
        assert (await enter(anonymous, good)).status_code == 200
        # A copy of the key that has not counted along.
        refused(await enter(anonymous, replace(good, count=0)), 403, "passkey_invalid")

    async def test_a_signature_holds_once_and_for_its_own_ceremony(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        headers = bearer(await sign_in(anonymous, people.new()))
        key = new_authenticator(anonymous)
        assert (await register(anonymous, headers, key)).status_code == 201
        first, second = [(await anonymous.post(f"{KEYS}/begin")).json() for _ in range(2)]
        signed = key.sign(first["options"])
        swapped = {"ceremony": second["ceremony"], "credential": signed}
        refused(await anonymous.post(f"{KEYS}/sign-in", json=swapped), 403, "passkey_invalid")
        body = {"ceremony": first["ceremony"], "credential": signed}
        assert (await anonymous.post(f"{KEYS}/sign-in", json=body)).status_code == 200
        refused(await anonymous.post(f"{KEYS}/sign-in", json=body), 403, "sign_in_expired")

    async def test_making_one_takes_the_password_and_a_session(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        headers = bearer(await sign_in(anonymous, person))
        for wrong in ("", "x"):
            tried = await anonymous.post(
                f"{KEYS}/options", json={"password": wrong}, headers=headers
            )
            refused(tried, 401, "invalid_credentials")
        offer = await begun(anonymous, headers)
        other = bearer(await sign_in(anonymous, people.new((person.tenant_id, person.slug))))
        key = new_authenticator(anonymous)
        body = {"ceremony": offer["ceremony"], "credential": key.make(offer["options"])}
        refused(await anonymous.post(KEYS, json=body, headers=other), 403, "sign_in_expired")

    async def test_making_one_takes_the_second_factor_as_well(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        secret, recovery, headers = await enrolled(anonymous, person)

        async def options(**proofs: object) -> httpx.Response:
            return await anonymous.post(f"{KEYS}/options", json=proofs, headers=headers)

        refused(await options(password=PASSWORD), 403, "code_needed")
        refused(await options(password=PASSWORD, code="000000"), 403, "second_factor_invalid")
        refused(await options(password="x", code=present(secret)), 401, "invalid_credentials")
        assert (await options(password=PASSWORD, code=recovery[0])).status_code == 200
        refused(await options(password=PASSWORD, code=recovery[0]), 403, "second_factor_invalid")
        assert (await options(password=PASSWORD, code=present(secret))).status_code == 200

    async def test_without_a_password_it_takes_a_fresh_sign_in(
        self, people: People, live_server: LiveServer
    ) -> None:
        person = people.new(password_hash=None)

        async def read(ctx: Context) -> User:
            return (await ctx.session.scalars(select(User).where(User.id == person.id))).one()

        user = people.within(person.tenant_id, read)

        def proved(session: uuid.UUID) -> None:
            caller = Caller(person.tenant_id, service.actor_of(user, session))
            people.run(own_factor.proved(live_server.platform, caller, "", None))

        proved(uuid7())
        minute = 60_000 << 80
        proved(uuid.UUID(int=uuid7().int - (own_factor.FRESH_MINUTES - 1) * minute))
        with pytest.raises(SignInAgainError):
            proved(uuid.UUID(int=uuid7().int - (own_factor.FRESH_MINUTES + 1) * minute))

    async def test_a_reset_password_leaves_none_and_none_that_is_being_made(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        headers = bearer(await sign_in(anonymous, person))
        key = new_authenticator(anonymous)
        assert (await register(anonymous, headers, key)).status_code == 201
        begun_before = await begun(anonymous, headers)

        async def offered(ctx: Context) -> str:
            return (await users.offer_reset(ctx, person.id)).token

        token = people.within(person.tenant_id, offered)
        body = {"email": person.email, "token": token, "new_password": "another-violet-desk-plum"}
        done = await anonymous.post(f"{AUTH}/reset", json={**body, "tenant": person.slug})
        assert done.status_code == 200, done.text
        refused(await enter(anonymous, key), 403, "passkey_invalid")
        other = new_authenticator(anonymous)
        late = {
            "ceremony": begun_before["ceremony"],
            "credential": other.make(begun_before["options"]),
        }
        inside = bearer(done.json())
        refused(await anonymous.post(KEYS, json=late, headers=inside), 403, "sign_in_expired")

    @pytest.mark.parametrize("status", [UserStatus.DEACTIVATED, UserStatus.INVITED])
    async def test_it_is_of_no_use_to_those_who_are_out(
        self, status: UserStatus, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        headers = bearer(await sign_in(anonymous, person))
        key = new_authenticator(anonymous)
        assert (await register(anonymous, headers, key)).status_code == 201
        people.change(person, status=status)
        refused(await enter(anonymous, key), 403, "passkey_invalid")

    async def test_an_administrator_removes_them_for_somebody_who_lost_the_device(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        admin = people.new(is_admin=True)
        person = people.new((admin.tenant_id, admin.slug))
        headers = bearer(await sign_in(anonymous, person))
        key = new_authenticator(anonymous)
        assert (await register(anonymous, headers, key)).status_code == 201
        office = bearer(await sign_in(anonymous, admin))
        path = f"/api/v1/users/{person.id}/second-factor"
        assert (await anonymous.delete(path, headers=office)).status_code == 200
        refused(await anonymous.delete(path, headers=office), 409, "second_factor_missing")
        refused(await enter(anonymous, key), 403, "passkey_invalid")
