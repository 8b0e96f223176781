"""Signing in, over HTTP."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlencode

import httpx
import pytest

from citewell.access.policy import Role
from citewell.core.context import NOWHERE, Origin
from citewell.features.sessions import signing_in
from citewell.features.sessions.errors import TooManyAttemptsError
from citewell.features.sessions.signing_in import SILENT_SECONDS
from citewell.features.sessions.throttling import Attempts, SlowPace
from citewell.models.tenancy import UserStatus
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, bearer, sign_in

Refused = Callable[[httpx.Response, int, str], None]
LOGIN = f"{AUTH}/login"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class TestLogin:
    async def test_the_right_password_opens_the_api(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new(role=Role.MANAGER, is_admin=True)
        tokens = await sign_in(anonymous, person)
        assert tokens.pop("recovery_codes") is None  # of a first code only
        assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert tokens["token_type"] == "bearer"
        assert tokens["expires_in"] == 900
        me = await anonymous.get(ME, headers=bearer(tokens))
        assert me.json() == {
            "kind": "user",
            "signed_in_by": "password",
            "scopes": ["admin", "read", "write"],
            "tenant": {"id": str(person.tenant_id), "slug": person.slug, "name": "Test"},
            "user": {
                "id": str(person.id),
                "email": person.email,
                "name": "Ann Example",
                "role": "manager",
                "is_admin": True,
            },
        }

    async def test_forms_of_oauth_clients_are_understood(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        form = {
            "grant_type": "password", "username": person.email.upper(), "password": PASSWORD,
            "scope": "", "client_id": "x", "client_secret": "",
        }  # fmt: skip
        reply = await anonymous.post(LOGIN, data=form)
        assert reply.status_code == 200, reply.text
        assert (await anonymous.get(ME, headers=bearer(reply.json()))).status_code == 200

    @pytest.mark.parametrize("spelling", [str.upper, str.title, " {} ".format])
    async def test_the_address_fits_in_any_spelling(
        self, spelling: Callable[[str], str], people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        body = {"email": spelling(person.email), "password": PASSWORD}
        assert (await anonymous.post(LOGIN, json=body)).status_code == 200

    async def test_whatever_is_wrong_looks_the_same(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        gone = people.new(status=UserStatus.DEACTIVATED)
        invited = people.new(status=UserStatus.INVITED, password_hash=None)
        tries: list[dict[str, str]] = [
            {"email": person.email, "password": PASSWORD + "x"},
            {"email": person.email, "password": ""},
            {"email": person.email, "password": PASSWORD.upper()},
            {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD},
            {"email": "nobody", "password": PASSWORD},
            {"email": "", "password": ""},
            {"email": gone.email, "password": PASSWORD},
            {"email": invited.email, "password": ""},
            {"email": invited.email, "password": PASSWORD},
            {"email": person.email, "password": PASSWORD, "tenant": "no-such-tenant"},
            {"email": person.email, "password": PASSWORD, "tenant": gone.slug},
        ]
        replies = await asyncio.gather(*(anonymous.post(LOGIN, json=body) for body in tries))
        for reply in replies:
            refused(reply, 401, "invalid_credentials")
        assert len({reply.json()["detail"] for reply in replies}) == 1

    async def test_several_tenants_need_a_name_and_are_not_listed(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        first = people.new()
        second = people.new(email=first.email)
        reply = await anonymous.post(LOGIN, json={"email": first.email, "password": PASSWORD})
        refused(reply, 409, "tenant_needed")
        assert first.slug not in reply.text
        assert second.slug not in reply.text
        for person in (first, second):
            tokens = await sign_in(anonymous, person, tenant=person.slug)
            me = await anonymous.get(ME, headers=bearer(tokens))
            assert me.json()["user"]["id"] == str(person.id)

    @pytest.mark.parametrize(
        "more",
        [{"role": "director"}, {"tenant_id": str(uuid.uuid4())}, {"is_admin": True},
         {"password_hash": "x"}, {"scopes": ["operator"]}, {"user_id": "1"}, {"email": None},
         {"password": ["a"]}, {"tenant": ""}, {"tenant": "\0"}, {"cookie": "perhaps"},
         {"email": "a" * 5000}],
    )  # fmt: skip
    async def test_other_fields_and_shapes_are_refused_and_not_repeated(
        self, more: dict[str, object], people: People, anonymous: httpx.AsyncClient,
        refused: Refused,
    ) -> None:  # fmt: skip
        body = {"email": "a@example.org", "password": PASSWORD, **more}
        reply = await anonymous.post(LOGIN, json=body)
        refused(reply, 422, "validation_error")
        assert PASSWORD not in reply.text
        assert people.server.address

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"", "application/json"),
            (b"[]", "application/json"),
            (b"null", "application/json"),
            (b"{" * 1000, "application/json"),
            (b"\xff", "application/json"),
            (b"username=a", FORM["Content-Type"]),
            (b"username=a&password=b&password=c", FORM["Content-Type"]),
            (b"username=a&password=b&role=director", FORM["Content-Type"]),
            (b"username=a&password=b&grant_type=client_credentials", FORM["Content-Type"]),
            (b"username=%ff&password=b", FORM["Content-Type"]),
            (b"a=1&" * 100, FORM["Content-Type"]),
            (b'{"email":"a@b.de","password":"b"}', "text/plain"),
            (b'{"email":"a@b.de","password":"b"}', ""),
        ],
    )
    async def test_other_bodies_are_refused(
        self, content: bytes, kind: str, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await anonymous.post(LOGIN, content=content, headers={"Content-Type": kind})
        refused(reply, 422, "validation_error")


class TestTiming:
    async def test_no_failure_is_told_before_the_time_all_of_them_take(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        gone = people.new(status=UserStatus.DEACTIVATED)
        for email in (person.email, gone.email, "nobody@example.org", "nobody"):
            started = time.perf_counter()
            body = {"email": email, "password": "not-the-right-words"}
            assert (await anonymous.post(LOGIN, json=body)).status_code == 401
            assert time.perf_counter() - started >= SILENT_SECONDS


class TestThrottling:
    async def test_the_eleventh_failure_waits_and_others_do_not(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        person, other = people.new(), people.new()
        wrong = {"email": person.email, "password": "not-the-right-words"}
        replies = await asyncio.gather(*(anonymous.post(LOGIN, json=wrong) for _ in range(14)))
        assert {reply.status_code for reply in replies} <= {401, 429}
        assert sum(reply.status_code == 401 for reply in replies) <= 10
        right = {"email": person.email.upper(), "password": PASSWORD}
        reply = await anonymous.post(LOGIN, json=right)
        refused(reply, 429, "too_many_attempts")
        assert 0 < int(reply.headers["retry-after"]) <= 900
        assert person.email not in reply.text
        await sign_in(anonymous, other)

    async def test_right_guess_behind_failures_is_not_answered(self, people: People) -> None:
        person, platform = people.new(), people.server.platform
        attempts = Attempts(platform, person.email, NOWHERE.address)

        async def guess() -> None:
            # Its first step goes as far as the database, so it was admitted before any failed.
            right = asyncio.ensure_future(
                signing_in.sign_in(platform, person.email, PASSWORD, None, NOWHERE)
            )
            await asyncio.sleep(0)
            for _ in range(10):
                await attempts.note_failure()
            await right

        with pytest.raises(TooManyAttemptsError):
            people.run(guess())

    async def test_guesses_from_everywhere_do_not_lock_the_owner_out(self, people: People) -> None:
        person = people.new()
        platform = people.server.platform.holding(SlowPace(seconds=0.0))
        home = Origin("192.0.2.1")

        async def sign_in(origin: Origin) -> None:
            await signing_in.sign_in(platform, person.email, PASSWORD, None, origin)

        async def guess(number: int) -> None:
            attempts = Attempts(platform, person.email, f"198.51.{number}.7")
            with suppress(TooManyAttemptsError):
                for _ in range(10):
                    await attempts.note_failure()

        async def all_of_it() -> None:
            await sign_in(home)
            for number in range(6):
                await guess(number)
            await sign_in(home)
            await sign_in(Origin("192.0.2.2"))  # new, and only slowed down
            for number in range(6, 120):
                await guess(number)
            # Now it takes an address that has signed in before.
            await sign_in(home)
            with pytest.raises(TooManyAttemptsError):
                await sign_in(Origin("192.0.2.3"))

        people.run(all_of_it())

    async def test_only_new_addresses_wait_and_only_while_it_is_guessed_at(
        self, people: People
    ) -> None:
        person = people.new()
        platform = people.server.platform.holding(SlowPace(seconds=3_600))

        async def is_slow(address: str) -> bool:
            waiting = asyncio.ensure_future(Attempts(platform, person.email, address).slow_down())
            done, _ = await asyncio.wait([waiting], timeout=0.05)
            waiting.cancel()
            return not done

        async def all_of_it() -> None:
            assert not await is_slow("192.0.2.1")
            await Attempts(platform, person.email, "192.0.2.1").note_success()
            for number in range(6):
                attempts = Attempts(platform, person.email, f"198.51.{number}.7")
                with suppress(TooManyAttemptsError):
                    for _ in range(10):
                        await attempts.note_failure()
            assert not await is_slow("192.0.2.1")
            assert await is_slow("192.0.2.2")

        people.run(all_of_it())

    async def test_success_is_not_counted(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        person = people.new()
        await asyncio.gather(*(sign_in(anonymous, person) for _ in range(12)))
        form = urlencode({"username": person.email, "password": PASSWORD})
        assert (await anonymous.post(LOGIN, content=form, headers=FORM)).status_code == 200
