"""Second factors: codes of an app beside the password, recovery codes, and who needs them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import select

from citewell.access.policy import Role
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.settings import Settings
from citewell.features.sessions import repository, second_factor, totp
from citewell.features.users import service as users
from citewell.models.factors import SecondFactor
from citewell.models.records import AuditEvent
from citewell.models.tenancy import Tenant
from tests.conftest import open_patient
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, Person, bearer, sign_in
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]
FACTOR = f"{AUTH}/second-factor"


async def enrolled(
    client: httpx.AsyncClient, person: Person
) -> tuple[str, list[str], dict[str, str]]:
    """Secret, recovery codes and headers of a person who has set up an app."""
    headers = bearer(await sign_in(client, person))
    offer = await client.post(FACTOR, json={"password": PASSWORD}, headers=headers)
    assert offer.status_code == 200, offer.text
    secret = offer.json()["secret"]
    # Once more if the time step has ended on the way, which makes the code one too old.
    for _ in range(2):
        confirmed = await client.post(
            f"{FACTOR}/confirm", json={"code": earlier(secret)}, headers=headers
        )
        if confirmed.status_code == 200:
            break
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recovery_codes"], headers


def earlier(secret: str) -> str:
    """The code before the present one, which leaves the present one to be used."""
    return pyotp.TOTP(secret).at(int(time.time()) - totp.STEP_SECONDS)


def present(secret: str) -> str:
    return pyotp.TOTP(secret).now()


async def login(client: httpx.AsyncClient, person: Person, **more: object) -> httpx.Response:
    body = {"email": person.email, "password": PASSWORD, "tenant": person.slug, **more}
    return await client.post(f"{AUTH}/login", json=body)


def require(people: People, person: Person, *names: str) -> None:
    """Have the person's tenant ask for a second factor."""

    async def changed(ctx: Context) -> None:
        (await ctx.session.get_one(Tenant, person.tenant_id)).second_factor_for = list(names)

    people.within(person.tenant_id, changed)


def trail(people: People, person: Person) -> list[str]:
    async def read(ctx: Context) -> list[str]:
        return list(
            await ctx.session.scalars(
                select(AuditEvent.action).where(AuditEvent.object_id == person.id)
            )
        )

    return people.within(person.tenant_id, read)


class TestCode:
    def test_codes_are_those_of_the_standard_and_are_taken_once(self) -> None:
        # RFC 6238, appendix B: SHA-1, the last six of eight digits.
        secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        for now, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
            step = now // 30
            assert totp.step_of(secret, code, now, 0) == step
            assert totp.step_of(secret, code, now + 30, 0) == step
            assert totp.step_of(secret, code, now + 90, 0) is None
            assert totp.step_of(secret, code, now, step) is None
            assert totp.step_of(secret, code, now, step - 1) == step
        assert totp.step_of(secret, "28708", 59, 0) is None
        assert totp.step_of(secret, "\uff12\uff18\uff17\uff10\uff18\uff12", 59, 0) is None

    def test_recovery_codes_are_many_and_read_as_typed(self) -> None:
        codes = totp.new_recovery_codes()
        assert len(set(codes)) == totp.RECOVERY_CODES
        digest = totp.recovery_hash(codes[0])
        assert totp.recovery_hash(codes[0].upper().replace("-", " ")) == digest
        assert totp.recovery_hash(codes[1]) != digest


class TestSigningIn:
    async def test_the_password_needs_a_code_which_holds_once(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        secret, _, headers = await enrolled(anonymous, person)
        # The session in which it was set up goes on.
        state = (await anonymous.get(FACTOR, headers=headers)).json()
        assert state["since"] is not None
        assert (state["is_required"], state["recovery_codes_left"]) == (False, 10)
        refused(await login(anonymous, person), 401, "second_factor_needed")
        refused(await login(anonymous, person, code="000000"), 403, "second_factor_invalid")
        refused(
            await login(anonymous, person, password="x", code=present(secret)),
            401,
            "invalid_credentials",
        )
        code = present(secret)
        replies = await asyncio.gather(*(login(anonymous, person, code=code) for _ in range(4)))
        assert sorted(reply.status_code for reply in replies) == [200, 403, 403, 403]
        # A code of before the last one is not taken either.
        refused(await login(anonymous, person, code=earlier(secret)), 403, "second_factor_invalid")
        form = {"username": person.email, "password": PASSWORD, "tenant": person.slug}
        refused(await anonymous.post(f"{AUTH}/login", data=form), 401, "second_factor_needed")

    async def test_a_recovery_code_stands_for_one_once(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        secret, codes, headers = await enrolled(anonymous, person)
        assert (await login(anonymous, person, code=codes[0].upper())).status_code == 200
        refused(await login(anonymous, person, code=codes[0]), 403, "second_factor_invalid")
        assert (await anonymous.get(FACTOR, headers=headers)).json()["recovery_codes_left"] == 9
        proofs = {"password": PASSWORD, "code": present(secret)}
        renewed = await anonymous.post(f"{FACTOR}/recovery-codes", json=proofs, headers=headers)
        assert renewed.status_code == 200, renewed.text
        refused(await login(anonymous, person, code=codes[1]), 403, "second_factor_invalid")
        fresh = renewed.json()["recovery_codes"][0]
        assert (await login(anonymous, person, code=fresh)).status_code == 200
        told = trail(people, person)
        assert told.count("user.recovery_code_used") == 2
        assert "user.recovery_codes_made" in told

    async def test_guesses_are_bounded_by_account_whatever_the_address(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        secret, _, _ = await enrolled(anonymous, person)
        statuses = [
            (await login(anonymous, person, code=f"{number:06}")).status_code
            for number in range(11)
        ]
        assert statuses[0] == 403
        assert statuses[-1] == 429
        assert (await login(anonymous, person, code=present(secret))).status_code == 429

    async def test_nothing_readable_is_stored(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        secret, codes, _ = await enrolled(anonymous, person)

        async def read(ctx: Context) -> SecondFactor:
            found = select(SecondFactor).where(SecondFactor.user_id == person.id)
            return (await ctx.session.scalars(found)).one()

        stored = people.within(person.tenant_id, read)
        kept = stored.sealed_secret + b"".join(stored.recovery_hashes)
        assert secret.encode() not in kept
        assert codes[0].replace("-", "").encode() not in kept

    async def test_a_reset_password_does_not_get_around_it(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        await enrolled(anonymous, person)

        async def offered(ctx: Context) -> str:
            return (await users.offer_reset(ctx, person.id)).token

        token = people.within(person.tenant_id, offered)
        new = "eleven boats beside a green island"
        body = {"email": person.email, "token": token, "new_password": new, "tenant": person.slug}
        reply = await anonymous.post(f"{AUTH}/reset", json=body)
        assert (reply.status_code, reply.json()) == (202, {"status": "accepted"})
        refused(await login(anonymous, person, password=new), 401, "second_factor_needed")


class TestParallel:
    async def test_codes_in_a_fresh_process_wait_for_no_second_connection(
        self, people: People, anonymous: httpx.AsyncClient, settings: Settings, database_url: str
    ) -> None:
        first = people.new()
        second = people.new((first.tenant_id, first.slug))
        secrets = {each.id: (await enrolled(anonymous, each))[0] for each in (first, second)}
        bare = people.new_tenant()
        newcomers = people.new(bare), people.new(bare)
        size = {"database_pool_size": 2}
        together = asyncio.Barrier(2)

        async def act(person: Person, *, offers: bool) -> None:
            async with unit_of_work(platform, Caller(person.tenant_id, SYSTEM)) as ctx:
                user = await repository.lock_user(ctx.session, person.id)
                assert user is not None
                await together.wait()  # each holds one of the two connections
                if offers:
                    await second_factor.offer(ctx, user)
                else:
                    await second_factor.passed(ctx, user, present(secrets[user.id]))

        async with open_patient(settings.model_copy(update=size), database_url) as platform:
            await asyncio.gather(act(first, offers=False), act(second, offers=False))
            # Their tenant has no key yet, and both make it.
            await asyncio.gather(*(act(each, offers=True) for each in newcomers))


class TestRequired:
    async def test_those_named_set_it_up_before_they_get_in(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new(role=Role.MANAGER)
        before = await sign_in(anonymous, person)
        require(people, person, "manager")
        refused(await login(anonymous, person), 403, "second_factor_setup_needed")
        refused(await login(anonymous, person, code="000000"), 409, "second_factor_missing")
        # A session of before ends when it is renewed.
        renewed = await anonymous.post(
            f"{AUTH}/refresh", json={"refresh_token": before["refresh_token"]}
        )
        assert renewed.status_code == 401
        credentials = {"email": person.email, "password": PASSWORD, "tenant": person.slug}
        wrong = await anonymous.post(f"{FACTOR}/begin", json={**credentials, "password": "x"})
        refused(wrong, 401, "invalid_credentials")
        offer = (await anonymous.post(f"{FACTOR}/begin", json=credentials)).json()
        assert offer["address"].startswith("otpauth://totp/")
        assert offer["picture"].startswith("<svg")
        assert "http" not in offer["picture"].replace("http://www.w3.org/2000/svg", "")
        refused(await login(anonymous, person, code="000000"), 403, "second_factor_invalid")
        # Once more if the time step has ended on the way.
        for _ in range(2):
            done = await login(anonymous, person, code=earlier(offer["secret"]))
            if done.status_code == 200:
                break
        assert done.status_code == 200, done.text
        assert len(done.json()["recovery_codes"]) == 10
        headers = bearer(done.json())
        proofs = {"password": PASSWORD, "code": present(offer["secret"])}
        kept = await anonymous.post(f"{FACTOR}/remove", json=proofs, headers=headers)
        refused(kept, 409, "second_factor_required")
        again = await anonymous.post(f"{FACTOR}/begin", json=credentials)
        refused(again, 409, "second_factor_present")
        renewed = await anonymous.post(
            f"{AUTH}/refresh", json={"refresh_token": done.json()["refresh_token"]}
        )
        assert renewed.status_code == 200

    @pytest.mark.parametrize(
        ("names", "expected"), [(["admin"], 403), (["director"], 200), (["employee"], 403)]
    )
    async def test_names_are_roles_and_the_right_of_administration(
        self, names: list[str], expected: int, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new(is_admin=True)
        require(people, person, *names)
        assert (await login(anonymous, person)).status_code == expected


class TestRemoving:
    async def test_a_user_removes_their_own_with_password_and_code(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        secret, _, headers = await enrolled(anonymous, person)

        async def remove(**proofs: Any) -> httpx.Response:
            return await anonymous.post(f"{FACTOR}/remove", json=proofs, headers=headers)

        refused(await remove(password="x", code=present(secret)), 401, "invalid_credentials")
        refused(await remove(password=PASSWORD, code="000000"), 403, "second_factor_invalid")
        assert (await remove(password=PASSWORD, code=present(secret))).status_code == 204
        assert (await login(anonymous, person)).status_code == 200
        assert "user.second_factor_removed" in trail(people, person)

    async def test_an_administrator_removes_it_for_others_which_the_trail_shows(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        admin = people.new(role=Role.MANAGER, is_admin=True)
        tenant = (admin.tenant_id, admin.slug)
        person, boss = people.new(tenant), people.new(tenant, role=Role.DIRECTOR)
        _, _, headers = await enrolled(anonymous, person)
        await enrolled(anonymous, boss)
        office = bearer(await sign_in(anonymous, admin))
        path = f"/api/v1/users/{person.id}/second-factor"
        shown = await anonymous.get(f"/api/v1/users/{person.id}", headers=office)
        assert shown.json()["second_factor_at"] is not None
        assert (await anonymous.delete(path, headers=headers)).status_code == 403
        above = await anonymous.delete(f"/api/v1/users/{boss.id}/second-factor", headers=office)
        refused(above, 403, "forbidden")
        gone = await anonymous.delete(path, headers=office)
        assert (gone.status_code, gone.json()["second_factor_at"]) == (200, None)
        refused(await anonymous.delete(path, headers=office), 409, "second_factor_missing")
        # The caller is cached for a moment.
        async with asyncio.timeout(PATIENCE):
            while (await anonymous.get(ME, headers=headers)).status_code != 401:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.05)
        assert (await login(anonymous, person)).status_code == 200

        async def read(ctx: Context) -> AuditEvent:
            wanted = select(AuditEvent).where(AuditEvent.action == "user.second_factor_removed")
            return (await ctx.session.scalars(wanted)).one()

        event = people.within(person.tenant_id, read)
        assert (event.actor_id, event.object_id) == (admin.id, person.id)

    async def test_an_api_key_has_no_second_factor(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        headers = bearer(await sign_in(anonymous, person))
        made = await anonymous.post(
            f"{AUTH}/api-keys", json={"name": "k", "scopes": ["read", "write"]}, headers=headers
        )
        key = bearer(made.json()["key"])
        refused(await anonymous.get(FACTOR, headers=key), 403, "session_needed")
        tried = await anonymous.post(FACTOR, json={"password": PASSWORD}, headers=key)
        refused(tried, 403, "session_needed")
