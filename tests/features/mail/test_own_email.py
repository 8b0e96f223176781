"""A new address of one's own: confirmed where it leads, told where it was."""

import json
from collections.abc import Callable

import httpx
from sqlalchemy import select

from citewell.core.context import Context
from citewell.core.settings import Settings
from citewell.models.records import AuditEvent
from citewell.models.tenancy import User
from tests.conftest import serving
from tests.features.mail.conftest import until
from tests.features.mail.test_forgotten import forgot, notices, parts_of, reset, settled
from tests.features.sessions.conftest import AUTH, PASSWORD, People, Person, bearer, sign_in
from tests.features.sessions.test_second_factor import enrolled
from tests.mailbox import Letter, Mailbox

Refused = Callable[[httpx.Response, int, str], None]

EMAIL = f"{AUTH}/email"
CONFIRM = f"{EMAIL}/confirm"
NEW = "nine kites above the old mill"


def other_of(person: Person) -> str:
    return person.email.replace("p-", "q-")


async def ask(
    client: httpx.AsyncClient, heads: dict[str, str], email: str, **more: str
) -> httpx.Response:
    body = {"email": email, "password": PASSWORD, **more}
    return await client.post(EMAIL, json=body, headers=heads)


async def confirm(client: httpx.AsyncClient, letter: Letter) -> httpx.Response:
    return await client.post(CONFIRM, json={"token": parts_of(letter, "email")["token"]})


def address_of(people: People, person: Person) -> str:
    async def read(ctx: Context) -> str:
        return (await ctx.session.scalars(select(User.email).where(User.id == person.id))).one()

    return people.within(person.tenant_id, read)


class TestChange:
    async def test_it_is_theirs_once_confirmed_there_and_told_before_and_after(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox, refused: Refused
    ) -> None:
        person = people.new()
        new = other_of(person)
        heads = bearer(await sign_in(visitor, person))
        # A link to set a password, at the former address, that is still open.
        await forgot(visitor, person.email)
        [former] = await post_office.arrived(1, person.email)
        reply = await ask(visitor, heads, new.upper())
        assert (reply.status_code, reply.json()) == (202, {"status": "accepted"})
        [letter] = await post_office.arrived(1, new)
        warned = (await post_office.arrived(2, person.email))[1]
        assert letter.message["Subject"] == "Confirm your new e-mail address"
        assert warned.message["Subject"] == "Your e-mail address is to be changed"
        assert new not in warned.raw.decode()
        assert address_of(people, person) == person.email
        done = await confirm(visitor, letter)
        assert (done.status_code, done.json()) == (200, {"email": new})
        told = (await post_office.arrived(3, person.email))[2]
        assert told.message["Subject"] == "Your e-mail address was changed"
        assert address_of(people, person) == new
        refused(await confirm(visitor, letter), 403, "email_token_invalid")
        refused(await reset(visitor, former, email=new), 403, "reset_invalid")
        body = {"password": PASSWORD, "tenant": person.slug}
        for email, status in ((new, 200), (person.email, 401)):
            reply = await visitor.post(f"{AUTH}/login", json={"email": email, **body})
            assert reply.status_code == status
        # The session in which it was asked for goes on.
        me = await visitor.get(f"{AUTH}/me", headers=heads)
        assert me.json()["user"]["email"] == new

        async def trail(ctx: Context) -> list[tuple[str, str]]:
            found = select(AuditEvent).where(AuditEvent.object_id == person.id)
            events = await ctx.session.scalars(found.order_by(AuditEvent.id))
            return [(each.action, str(each.details)) for each in events]

        kept = people.within(person.tenant_id, trail)
        assert [action for action, _ in kept if "email" in action] == [
            "user.email_change_asked", "user.email_changed",
        ]  # fmt: skip
        assert not any(new in details or person.email in details for _, details in kept)

    async def test_a_newer_link_and_a_changed_password_void_it(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox, refused: Refused
    ) -> None:
        person = people.new()
        heads = bearer(await sign_in(visitor, person))
        for _ in range(2):
            assert (await ask(visitor, heads, other_of(person))).status_code == 202
            await until(lambda: settled(people, person))
        first, second = await post_office.arrived(2, other_of(person))
        refused(await confirm(visitor, first), 403, "email_token_invalid")
        body = {"old_password": PASSWORD, "new_password": NEW}
        changed = await visitor.post(f"{AUTH}/password", json=body, headers=heads)
        assert changed.status_code == 200, changed.text
        refused(await confirm(visitor, second), 403, "email_token_invalid")
        assert address_of(people, person) == person.email

    async def test_another_users_address_gets_no_link_and_the_reply_does_not_tell(
        self, people: People, visitor: httpx.AsyncClient, post_office: Mailbox, refused: Refused
    ) -> None:
        person = people.new()
        neighbour = people.new((person.tenant_id, person.slug))
        heads = bearer(await sign_in(visitor, person))
        taken = await ask(visitor, heads, neighbour.email)
        assert [each.kind for each in notices(people, person)] == ["email_change_asked"]
        free = await ask(visitor, heads, other_of(person))
        assert (taken.status_code, taken.text) == (free.status_code, free.text)
        [letter] = await post_office.arrived(1, other_of(person))
        assert post_office.to(neighbour.email) == []
        assert [each.kind for each in notices(people, neighbour)] == []
        # Taken between the link and its use.
        people.new((person.tenant_id, person.slug), email=other_of(person))
        refused(await confirm(visitor, letter), 403, "email_token_invalid")
        assert address_of(people, person) == person.email
        # The same address in another organisation is nobody's business.
        stranger = people.new(email=f"r-{person.email}")
        assert (await ask(visitor, heads, stranger.email)).status_code == 202
        [letter] = await post_office.arrived(1, stranger.email)
        assert (await confirm(visitor, letter)).json() == {"email": stranger.email}
        assert address_of(people, stranger) == stranger.email

    async def test_neither_does_the_download_of_ones_data(
        self, people: People, visitor: httpx.AsyncClient
    ) -> None:
        told: list[list[tuple[str, object]]] = []
        for is_taken in (True, False):
            person = people.new()
            if is_taken:
                people.new((person.tenant_id, person.slug), email=other_of(person))
            heads = bearer(await sign_in(visitor, person))
            assert (await ask(visitor, heads, other_of(person))).status_code == 202
            data = await visitor.get(f"{AUTH}/me/data", headers=heads)
            assert data.status_code == 200, data.text
            lines = [json.loads(line) for line in data.text.splitlines()]
            assert lines[0]["data"]["new_email"] == other_of(person)
            shown = data.text.replace(other_of(person), "NEW").replace(person.email, "OLD")
            mails = [
                each["data"]
                for each in map(json.loads, shown.splitlines())
                if each["kind"] == "mail"
            ]
            told.append([(each["kind"], each["address"]) for each in mails])
        assert told == [[("email_change_asked", "OLD")]] * 2

    async def test_it_takes_the_proofs_that_the_account_has(
        self, people: People, visitor: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        heads, new = bearer(await sign_in(visitor, person)), other_of(person)
        refused(await ask(visitor, heads, new, password="wrong"), 401, "invalid_credentials")
        refused(await ask(visitor, heads, person.email), 409, "email_unchanged")
        refused(await ask(visitor, heads, "no address"), 422, "invalid_email")
        refused(await ask(visitor, {}, new), 401, "unauthorized")
        key = bearer(people.server.new_key())
        refused(await ask(visitor, key, new), 403, "session_needed")
        _, codes, heads = await enrolled(visitor, person)
        refused(await ask(visitor, heads, new), 403, "code_needed")
        refused(await ask(visitor, heads, new, code="000000"), 403, "second_factor_invalid")
        assert (await ask(visitor, heads, new, code=codes[0])).status_code == 202
        refused(await ask(visitor, heads, new, code=codes[0]), 403, "second_factor_invalid")
        refused(await visitor.post(CONFIRM, json={"token": "cwe_x"}), 403, "email_token_invalid")

    async def test_people_of_a_provider_and_installations_without_mail_have_none(
        self, people: People, visitor: httpx.AsyncClient, settings: Settings, mail_url: str,
        refused: Refused,
    ) -> None:  # fmt: skip
        person = people.new()
        heads = bearer(await sign_in(visitor, person))

        async def has_none(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            user.password_hash = None

        # Both servers serve the same installation.
        with serving(settings, mail_url, has_worker=False) as other:
            async with other.client() as elsewhere:
                refused(await ask(elsewhere, heads, other_of(person)), 409, "mail_off")
        people.within(person.tenant_id, has_none)
        refused(await ask(visitor, heads, other_of(person)), 409, "password_missing")

    async def test_five_a_day(
        self, people: People, visitor: httpx.AsyncClient, refused: Refused
    ) -> None:
        person = people.new()
        heads = bearer(await sign_in(visitor, person))
        for number in range(5):
            email = f"{number}-{person.email}"
            assert (await ask(visitor, heads, email)).status_code == 202
        refused(await ask(visitor, heads, other_of(person)), 429, "too_many_attempts")
