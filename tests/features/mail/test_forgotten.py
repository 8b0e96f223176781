"""Forgotten passwords: a link to those who have one, and the same reply to everybody."""

import time
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select, text

from citewell.core.context import Context
from citewell.features.notices import service as telling
from citewell.features.sessions.signing_in import SILENT_SECONDS
from citewell.features.sessions.tokens import digest_of, new_reset_token
from citewell.features.users import service as users
from citewell.features.users.schemas import UserUpdate
from citewell.kit.clock import utc_now
from citewell.models.factors import ProviderAccount
from citewell.models.notices import Notice, NoticeKind
from citewell.models.tenancy import Tenant, User, UserStatus
from tests.features.mail.conftest import SITE, nudge, until
from tests.features.sessions.conftest import AUTH, PASSWORD, People, Person, bearer, sign_in
from tests.mailbox import Letter, Mailbox
from tests.waiting import until_forgotten

NEW = "eleven boats beside a green island"
FORGOT = f"{AUTH}/forgot"


async def forgot(client: httpx.AsyncClient, email: str, **more: str) -> httpx.Response:
    return await client.post(FORGOT, json={"email": email, **more})


def parts_of(letter: Letter, page: str) -> dict[str, str]:
    """Reads the values in the fragment of the link to a page."""
    address = urlsplit(letter.link)
    assert f"{address.scheme}://{address.netloc}" == SITE
    assert (address.path, address.query) == (f"/{page}", "")
    return {name: values[0] for name, values in parse_qs(address.fragment).items()}


async def reset(client: httpx.AsyncClient, letter: Letter, **more: str) -> httpx.Response:
    given = parts_of(letter, "reset")
    body = {"email": given["email"], "token": given["reset"], "new_password": NEW, **more}
    return await client.post(f"{AUTH}/reset", json=body)


def notices(people: People, person: Person) -> list[Notice]:
    async def read(ctx: Context) -> list[Notice]:
        found = select(Notice).where(Notice.user_id == person.id).order_by(Notice.created_at)
        return list(await ctx.session.scalars(found))

    return people.within(person.tenant_id, read)


def settled(people: People, person: Person) -> list[Notice]:
    """The messages to a person; none while one has not left."""
    nudge(people.server)
    found = notices(people, person)
    return [] if any(each.status == "pending" for each in found) else found


async def hurry(ctx: Context) -> None:
    """Have what was put off tried at once."""
    later = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"
    await ctx.session.execute(text(later))


class TestLink:
    @pytest.mark.promise
    async def test_it_sets_a_password_once_and_ends_all_sessions(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        before = await sign_in(visitor, person)
        reply = await forgot(visitor, person.email.upper())
        assert (reply.status_code, reply.json()) == (202, {"status": "accepted"})
        [letter] = await post_office.arrived(1, person.email)
        assert letter.message["Subject"] == "Set a new password"
        assert "Ann Example" not in letter.raw.decode()
        for body in (letter.text, letter.html):
            assert parts_of(letter, "reset")["reset"] in body
            assert "http" not in body.replace(SITE, "")
        # Nothing has changed until the link is used.
        assert (await visitor.get(f"{AUTH}/me", headers=bearer(before))).status_code == 200
        done = await reset(visitor, letter)
        assert done.status_code == 200, done.text
        assert (await visitor.get(f"{AUTH}/me", headers=bearer(done.json()))).status_code == 200
        again = await reset(visitor, letter)
        assert (again.status_code, again.json()["code"]) == (403, "reset_invalid")
        letters = await post_office.arrived(2, person.email)
        assert letters[1].message["Subject"] == "Your password was changed"
        # The server has known the old session to be good for as long as it goes by that.
        await until_forgotten()
        assert (await visitor.get(f"{AUTH}/me", headers=bearer(before))).status_code == 401
        former = {"email": person.email, "password": PASSWORD}
        assert (await visitor.post(f"{AUTH}/login", json=former)).status_code == 401

    async def test_it_speaks_the_language_of_the_user_or_else_of_the_tenant(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        async def vietnamese(ctx: Context) -> None:
            (await ctx.session.get_one(Tenant, ctx.tenant_id)).language = "vi"
            (await ctx.session.get_one(Tenant, ctx.tenant_id)).name = "Nhà\r\nX-Evil: 1 {link}"

        tenant = people.new_tenant()
        people.within(tenant[0], vietnamese)
        for person, subject in (
            (people.new(tenant), "Đặt mật khẩu mới"),
            (people.new(tenant, language="en"), "Set a new password"),
        ):
            await forgot(visitor, person.email)
            [letter] = await post_office.arrived(1, person.email)
            assert (letter.message["Subject"], letter.message["X-Evil"]) == (subject, None)
            assert "Nhà X-Evil: 1 {link}" in letter.text

    async def test_its_token_is_nowhere_in_clear_and_its_row_keeps_none_once_it_has_left(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        post_office.refusals[person.email] = "451 4.7.1 later"
        await forgot(visitor, person.email)

        def waits() -> Notice | None:
            nudge(people.server)
            [notice] = notices(people, person)
            return notice if notice.error else None

        notice = await until(waits)
        assert notice is not None
        assert notice.sealed_token is not None
        assert notice.error == "The server refuses the recipient (451 4.7.1)"
        del post_office.refusals[person.email]

        people.within(person.tenant_id, hurry)
        [letter] = await post_office.arrived(1, person.email)
        token = parts_of(letter, "reset")["reset"]

        async def look(ctx: Context) -> list[str]:
            found: list[str] = []
            for table in ("notice", "job", "audit_event", "user_account", "procrastinate_jobs"):
                rows = await ctx.session.scalars(text(f"SELECT t::text FROM {table} t"))
                found += [row for row in rows if token in row or token[4:] in row]
            return found

        assert people.within(person.tenant_id, look) == []
        [left] = await until(lambda: settled(people, person))
        assert (left.status, left.sealed_token, left.attempts) == ("sent", None, 2)
        assert (await reset(visitor, letter)).status_code == 200

    async def test_one_that_was_voided_before_it_left_is_not_sent(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        post_office.shut()
        try:
            await forgot(visitor, person.email)
            changed = await visitor.post(
                f"{AUTH}/password",
                json={"old_password": PASSWORD, "new_password": NEW},
                headers=bearer(await sign_in(visitor, person)),
            )
            assert changed.status_code == 200, changed.text
        finally:
            post_office.open()

        people.within(person.tenant_id, hurry)
        assert len(await until(lambda: settled(people, person))) == 2
        [letter] = post_office.to(person.email)
        assert letter.message["Subject"] == "Your password was changed"
        states = {each.kind: each.status for each in notices(people, person)}
        assert states == {"password_reset": "withheld", "password_changed": "sent"}

    async def test_after_an_outage_a_new_one_leaves_at_once_and_the_former_is_withheld(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        post_office.refusals[person.email] = "451 4.7.1 later"
        await forgot(visitor, person.email)

        def sleeps() -> bool:
            nudge(people.server)
            return notices(people, person)[0].error is not None

        await until(sleeps)
        del post_office.refusals[person.email]
        await forgot(visitor, person.email)
        [letter] = await post_office.arrived(1, person.email)
        people.within(person.tenant_id, hurry)
        await until(lambda: settled(people, person))
        assert [each.status for each in notices(people, person)] == ["withheld", "sent"]
        assert (await reset(visitor, letter)).status_code == 200

    async def test_one_that_an_older_process_wrote_is_sent_and_holds(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        token = new_reset_token()

        async def offer(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            user.reset_hash, user.reset_expires_at = digest_of(token), utc_now()
            await telling.tell(ctx, person.id, NoticeKind.PASSWORD_RESET, token=token)

        people.within(person.tenant_id, offer)
        [letter] = await post_office.arrived(1, person.email)
        assert (await reset(visitor, letter)).status_code == 200


def offered(people: People, person: Person) -> str:
    """A token that an administrator gives out."""

    async def offer(ctx: Context) -> str:
        return (await users.offer_reset(ctx, person.id)).token

    return people.within(person.tenant_id, offer)


async def use(client: httpx.AsyncClient, person: Person, token: str) -> int:
    """Status of setting a password with a token."""
    body = {"email": person.email, "token": token, "new_password": NEW, "tenant": person.slug}
    return (await client.post(f"{AUTH}/reset", json=body)).status_code


class TestBesideAnAdministratorsToken:
    async def test_a_mailed_one_voids_and_shortens_none_of_an_administrator(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        token = offered(people, person)
        await forgot(visitor, person.email)
        [letter] = await post_office.arrived(1, person.email)

        async def end(ctx: Context) -> datetime | None:
            found = select(User.reset_expires_at).where(User.id == person.id)
            return await ctx.session.scalar(found)

        until_when = people.within(person.tenant_id, end)
        assert until_when is not None
        assert until_when - utc_now() > timedelta(hours=23)
        assert await use(visitor, person, token) == 200
        # The use of either voids both.
        assert (await reset(visitor, letter)).status_code == 403

    async def test_the_mailed_one_and_what_ends_the_account_void_both(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        async def change(person: Person, token: str, letter: Letter) -> None:
            body = {"old_password": PASSWORD, "new_password": NEW}
            heads = bearer(await sign_in(visitor, person))
            done = await visitor.post(f"{AUTH}/password", json=body, headers=heads)
            assert done.status_code == 200

        async def use_letter(person: Person, token: str, letter: Letter) -> None:
            assert (await reset(visitor, letter)).status_code == 200

        async def deactivate(person: Person, token: str, letter: Letter) -> None:
            for status in (UserStatus.DEACTIVATED, UserStatus.ACTIVE):
                body = UserUpdate(status=status.value)
                people.within(person.tenant_id, lambda ctx: users.update(ctx, person.id, body))  # noqa: B023 - run at once

        async def operate(person: Person, token: str, letter: Letter) -> None:
            people.within(person.tenant_id, lambda ctx: users.set_password(ctx, person.id, "none"))

        for void in (change, use_letter, deactivate, operate):
            person = people.new()
            token = offered(people, person)
            await forgot(visitor, person.email)
            [letter] = await post_office.arrived(1, person.email)
            await void(person, token, letter)
            assert await use(visitor, person, token) == 403
            assert (await reset(visitor, letter)).status_code == 403


class TestSilence:
    @pytest.mark.promise
    async def test_nobody_learns_whether_an_address_has_an_account(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        _, elsewhere = people.new_tenant()
        invited = people.new(status=UserStatus.INVITED, password_hash=None)
        gone = people.new(status=UserStatus.DEACTIVATED)
        by_provider = people.new(password_hash=None)

        async def add_account(ctx: Context) -> None:
            ctx.session.add(
                ProviderAccount(
                    tenant_id=ctx.tenant_id, issuer="https://login.example.org", subject="s",
                    user_id=by_provider.id, created_at=utc_now(),
                )
            )  # fmt: skip

        people.within(by_provider.tenant_id, add_account)
        asked = [
            (person.email, {}),
            (person.email, {"tenant": person.slug}),
            ("nobody@example.org", {}),
            (person.email, {"tenant": elsewhere}),
            (person.email, {"tenant": "of-nobody"}),
            (invited.email, {}),
            (gone.email, {}),
            (by_provider.email, {}),
        ]
        seen: set[tuple[int, str, tuple[str, ...]]] = set()
        for email, more in asked:
            begun = time.monotonic()
            reply = await forgot(visitor, email, **more)
            # Evened out, whatever was done: see `even_out`.
            assert time.monotonic() - begun >= SILENT_SECONDS
            heads = tuple(sorted(name for name in reply.headers))
            seen.add((reply.status_code, reply.text, heads))
        assert len(seen) == 1
        # Asked twice before the first has left or after: at most one link is open.
        assert len(await post_office.arrived(1, person.email)) in (1, 2)
        for other in (invited, gone, by_provider):
            assert post_office.to(other.email) == notices(people, other) == []

    async def test_an_address_gets_three_an_hour_and_a_network_asks_twenty_times(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        person = people.new()
        for number in range(20):
            email = person.email if number < 5 else f"nobody-{number}@example.org"
            assert (await forgot(visitor, email)).status_code == 202
            if number < 3:
                await post_office.arrived(number + 1, person.email)
        for email in (person.email, "nobody@example.org"):
            reply = await forgot(visitor, email)
            assert (reply.status_code, reply.json()["code"]) == (429, "too_many_attempts")
        assert len(post_office.to(person.email)) == 3
        # The last one is the one that holds.
        *former, last = post_office.to(person.email)
        assert {(await reset(visitor, each)).status_code for each in former} == {403}
        visitor.headers["X-Forwarded-For"] = "198.51.100.7"
        assert (await reset(visitor, last)).status_code == 200

    async def test_accounts_of_two_organisations_have_links_of_their_own(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        one = people.new()
        other = people.new(email=one.email)
        await forgot(visitor, one.email)
        letters = await post_office.arrived(2, one.email)
        assert len({parts_of(each, "reset")["reset"] for each in letters}) == 2
        done = await reset(visitor, letters[0])
        assert done.status_code == 200, done.text
        body = {"email": one.email, "password": NEW}
        slugs = [each.slug for each in (one, other)]
        entered = [
            (await visitor.post(f"{AUTH}/login", json={**body, "tenant": slug})).status_code
            for slug in slugs
        ]
        assert sorted(entered) == [200, 401]

    async def test_where_no_mail_is_sent_it_is_refused_and_not_offered(
        self, anonymous: httpx.AsyncClient, visitor: httpx.AsyncClient
    ) -> None:
        reply = await forgot(anonymous, "ann@example.org")
        assert (reply.status_code, reply.json()["code"]) == (409, "mail_off")
        for client, is_offered in ((anonymous, False), (visitor, True)):
            ways = await client.get(f"{AUTH}/ways-in")
            assert ways.json()["resets_passwords"] is is_offered
        reply = await forgot(visitor, "no address")
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_email")


@pytest.mark.parametrize("field", ["language", "new_email"])
async def test_users_say_their_own_language_and_no_address_that_way(
    people: People, visitor: httpx.AsyncClient, field: str
) -> None:
    person = people.new()
    heads = bearer(await sign_in(visitor, person))
    path = f"/api/v1/users/{person.id}"
    reply = await visitor.patch(path, json={field: "vi"}, headers=heads)
    if field == "language":
        assert (reply.status_code, reply.json()["language"]) == (200, "vi")
    else:
        assert (reply.status_code, reply.json()["code"]) == (422, "validation_error")

    async def read(ctx: Context) -> User:
        return (await ctx.session.scalars(select(User).where(User.id == person.id))).one()

    assert people.within(person.tenant_id, read).new_email is None
