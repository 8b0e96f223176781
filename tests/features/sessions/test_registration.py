"""Accounts that people make themselves, over HTTP."""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select, text

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.features.sessions.signing_in import SILENT_SECONDS
from citewell.features.users import service as users
from citewell.features.users.schemas import UserCreate
from citewell.kit.clock import utc_now
from citewell.models.tenancy import Tenant, User
from tests.features.sessions.conftest import AUTH, ME, PASSWORD, People, bearer

Refused = Callable[[httpx.Response, int, str], None]
REGISTER = f"{AUTH}/register"


def new_email() -> str:
    return f"n-{uuid.uuid4().hex}@example.org"


def count_of(people: People, tenant_id: uuid.UUID, email: str) -> int:
    async def counted(ctx: Context) -> int:
        return await ctx.session.scalar(select(func.count()).where(User.email == email)) or 0

    return people.within(tenant_id, counted)


class TestClosedRegistration:
    async def test_nobody_comes_in_without_invitation(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        _, slug = people.new_tenant()
        for tenant in (slug, "no-such-tenant"):
            body = {"email": new_email(), "password": PASSWORD, "tenant": tenant}
            refused(await anonymous.post(REGISTER, json=body), 403, "registration_closed")


class TestOpenRegistration:
    async def test_nobody_learns_whether_the_address_was_known(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        tenant_id, slug = people.new_tenant(is_open=True)
        known = people.new((tenant_id, slug), role=Role.MANAGER)
        for email in (known.email.upper(), new_email()):
            body = {"email": email, "password": "trombone gravel seven lamp", "tenant": slug}
            started = time.perf_counter()
            reply = await anonymous.post(REGISTER, json=body)
            assert (reply.status_code, reply.text) == (202, '{"status":"accepted"}')
            assert time.perf_counter() - started >= SILENT_SECONDS
        # The known one is as before.
        login = {"email": known.email, "password": PASSWORD}
        tokens = (await anonymous.post(f"{AUTH}/login", json=login)).json()
        me = (await anonymous.get(ME, headers=bearer(tokens))).json()
        assert me["user"]["role"] == "manager"
        assert count_of(people, tenant_id, known.email) == 1

    async def test_the_new_one_signs_in_as_guest(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        _, slug = people.new_tenant(is_open=True)
        email = new_email()
        body = {"email": f" {email.upper()} ", "password": PASSWORD, "tenant": slug, "name": " Bo "}
        assert (await anonymous.post(REGISTER, json=body)).status_code == 202
        login = {"email": email, "password": PASSWORD}
        tokens = (await anonymous.post(f"{AUTH}/login", json=login)).json()
        me = (await anonymous.get(ME, headers=bearer(tokens))).json()["user"]
        assert (me["role"], me["is_admin"], me["name"], me["email"]) == (
            "guest", False, "Bo", email,
        )  # fmt: skip

    async def test_one_address_at_once_makes_one_account(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        tenant_id, slug = people.new_tenant(is_open=True)
        email = new_email()
        spellings = [email, email.upper(), f" {email}", email.title()]
        replies = await asyncio.gather(
            *(
                anonymous.post(REGISTER, json={"email": one, "password": PASSWORD, "tenant": slug})
                for one in spellings
            )
        )
        assert {reply.status_code for reply in replies} == {202}
        assert count_of(people, tenant_id, email) == 1

    async def test_a_full_plan_takes_nobody_and_does_not_tell_who_is_there(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        tenant_id, slug = people.new_tenant(is_open=True)

        async def limited(ctx: Context) -> None:
            (await ctx.session.get_one(Tenant, tenant_id)).limits = {"users": 2}

        people.within(tenant_id, limited)
        emails = [new_email() for _ in range(3)]
        bodies = [{"email": one, "password": PASSWORD, "tenant": slug} for one in emails]
        for body in (bodies[0], bodies[0], bodies[1]):
            assert (await anonymous.post(REGISTER, json=body)).status_code == 202
        told = [(await anonymous.post(REGISTER, json=body)) for body in bodies]
        for reply in told:
            refused(reply, 403, "quota_reached")
        assert len({reply.json()["detail"] for reply in told}) == 1
        assert count_of(people, tenant_id, emails[2]) == 0


class TestInvitation:
    def invited(self, people: People, email: str) -> tuple[uuid.UUID, str, str]:
        """Id and slug of a new tenant, and an invitation."""
        tenant_id, slug = people.new_tenant()
        data = UserCreate.model_validate({"email": email, "role": "manager"})
        made = people.within(tenant_id, lambda ctx: users.invite(ctx, data))
        return tenant_id, slug, made.token

    async def test_it_makes_the_invited_user_once(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        email = new_email()
        tenant_id, _, token = self.invited(people, email)
        body = {"email": email.upper(), "password": PASSWORD, "invitation": token, "name": "Bo"}
        reply = await anonymous.post(REGISTER, json=body)
        assert reply.status_code == 201, reply.text
        me = (await anonymous.get(ME, headers=bearer(reply.json()))).json()
        assert me["tenant"]["id"] == str(tenant_id)
        assert (me["user"]["role"], me["user"]["name"]) == ("manager", "Bo")
        again = body | {"password": "trombone gravel seven lamp"}
        refused(await anonymous.post(REGISTER, json=again), 403, "invalid_invitation")

    @pytest.mark.parametrize("token", ["", " ", "null", "0", "cwi_", "cwi_" + "A" * 43])
    async def test_other_tokens_match_nobody(
        self, token: str, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        email = new_email()
        _, slug, _ = self.invited(people, email)
        person = people.new()
        for address, tenant in ((email, slug), (email, None), (person.email, person.slug)):
            body = {"email": address, "password": PASSWORD, "invitation": token, "tenant": tenant}
            refused(await anonymous.post(REGISTER, json=body), 403, "invalid_invitation")

    async def test_it_holds_for_its_address_and_tenant_and_time(
        self, people: People, anonymous: httpx.AsyncClient, refused: Refused
    ) -> None:
        email = new_email()
        tenant_id, slug, token = self.invited(people, email)
        _, other = people.new_tenant()
        body = {"email": email, "password": PASSWORD, "invitation": token}
        stranger = people.new((tenant_id, slug))
        for wrong in (
            {"email": new_email(), "tenant": slug},
            {"email": stranger.email},
            {"tenant": other},
            {"tenant": "no-such-tenant"},
        ):
            refused(await anonymous.post(REGISTER, json=body | wrong), 403, "invalid_invitation")

        async def expired(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.email == email))).one()
            user.invitation_expires_at = utc_now() - timedelta(seconds=1)

        people.within(tenant_id, expired)
        refused(await anonymous.post(REGISTER, json=body), 403, "invalid_invitation")


class TestInput:
    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"email": "nobody"}, "invalid_email"),
            ({"email": "a@b.de, c@d.de"}, "invalid_email"),
            ({"password": "short"}, "weak_password"),
            ({"password": "password12345678"}, "weak_password"),
            ({"password": "a" * 5000}, "validation_error"),
            ({"email": None}, "validation_error"),
            ({"name": "a" * 201}, "validation_error"),
            ({"name": "\0"}, "validation_error"),
            *(
                ({name: value}, "validation_error")
                for name, value in {
                    "role": "director", "tenant_id": str(uuid.uuid4()), "is_admin": True,
                    "password_hash": "x", "status": "active", "id": str(uuid.uuid4()),
                    "session_version": 1, "scopes": ["operator"], "invitation_hash": "x",
                    "user_id": "x", "is_superuser": True, "created_at": "2020-01-01T00:00:00Z",
                }.items()
            ),
        ],
    )  # fmt: skip
    async def test_what_cannot_be_used_is_refused_and_not_repeated(
        self, changed: dict[str, object], code: str, people: People,
        anonymous: httpx.AsyncClient, refused: Refused,
    ) -> None:  # fmt: skip
        tenant_id, slug = people.new_tenant(is_open=True)
        email = new_email()
        body: dict[str, object] = {"email": email, "password": PASSWORD, "tenant": slug}
        reply = await anonymous.post(REGISTER, json=body | changed)
        refused(reply, 422, code)
        assert PASSWORD not in reply.text
        assert email not in reply.text
        assert count_of(people, tenant_id, email) == 0

    async def test_the_password_of_the_database_is_a_hash(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        tenant_id, slug = people.new_tenant(is_open=True)
        body = {"email": new_email(), "password": PASSWORD, "tenant": slug}
        await anonymous.post(REGISTER, json=body)

        async def dumped(ctx: Context) -> str:
            rows = await ctx.session.scalars(text("SELECT to_jsonb(u)::text FROM user_account u"))
            return "".join(rows)

        kept = people.within(tenant_id, dumped)
        assert "$argon2id$" in kept
        assert PASSWORD not in kept
