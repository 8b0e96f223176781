"""Invitations, and notices of what happens to an account."""

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from citewell.access.policy import Role
from citewell.core.context import Context
from citewell.features.mail.letters import LetterFacts, written
from citewell.features.mail.texts import TEST, WORDS, MailLanguage
from citewell.features.sessions import service as sessions
from citewell.kit.clock import utc_now
from citewell.models.notices import NoticeKind
from citewell.models.tenancy import User
from tests.features.mail.conftest import SITE, nudge, until
from tests.features.mail.test_forgotten import hurry, notices, parts_of, settled
from tests.features.sessions.conftest import AUTH, PASSWORD, People, Person, bearer
from tests.features.sessions.test_second_factor import FACTOR, enrolled
from tests.mailbox import Mailbox
from tests.office import Office
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

USERS = "/api/v1/users"


class TestInvitations:
    async def test_one_is_mailed_and_is_the_one_that_the_administrator_sees(
        self, office: Office, visitor: httpx.AsyncClient, post_office: Mailbox
    ) -> None:
        email = f"i-{office.tenant_id.hex}@example.org"
        made = await office.service.post(
            USERS, json={"email": email, "name": "Eve Adamson\r\nBcc: x"}
        )
        assert (made.status_code, made.json()["is_mailed"]) == (201, True)
        [letter] = await post_office.arrived(1, email)
        assert letter.message["Subject"] == "Invitation to Test on Citewell"
        given = parts_of(letter, "join")
        assert given == {"invitation": made.json()["invitation"], "email": email}
        assert "Adamson" not in letter.raw.decode()
        again = await office.service.post(f"{USERS}/{made.json()['id']}/invitation")
        newer = (await post_office.arrived(2, email))[1]
        assert parts_of(newer, "join")["invitation"] == again.json()["invitation"]
        body = {"email": email, "password": PASSWORD, "tenant": office.slug}
        for token, status in ((given["invitation"], 403), (again.json()["invitation"], 201)):
            reply = await visitor.post(f"{AUTH}/register", json={**body, "invitation": token})
            assert reply.status_code == status, reply.text

    async def test_those_of_a_file_are_mailed_and_one_that_is_refused_is_given_up(
        self, office: Office, post_office: Mailbox
    ) -> None:
        names = [f"{name}-{office.tenant_id.hex}@example.org" for name in "abc"]
        post_office.refusals[names[1]] = f"550 5.1.1 <{names[1]}> unknown"
        people = {"people": [{"email": each} for each in names]}
        assert (await office.service.post(f"{USERS}/import", json=people)).status_code == 200
        for name in (names[0], names[2]):
            await post_office.arrived(1, name)
        reason = "The server refuses the recipient (550 5.1.1); given up after attempt 1."

        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            reply = await office.service.get("/api/v1/jobs?kind=mail.send&status=failed")
            if found := [each["reason"] for each in reply.json()["data"]]:
                break
            await asyncio.sleep(0.05)
        assert found == [reason]
        assert post_office.to(names[1]) == []

    async def test_five_an_hour_are_mailed_to_one_address_whoever_invites(
        self, office: Office, post_office: Mailbox
    ) -> None:
        email = f"s-{office.tenant_id.hex}@example.org"
        path = f"{USERS}/{(await office.service.post(USERS, json={'email': email})).json()['id']}"
        for _ in range(3):
            assert (await office.service.post(f"{path}/invitation")).json()["is_mailed"]
        # Made anew, or by others, it is the same mailbox.
        assert (await office.service.delete(path)).status_code == 204
        made = (await office.service.post(USERS, json={"email": email.upper()})).json()
        assert made["is_mailed"]
        shown = (await office.service.post(f"{USERS}/{made['id']}/invitation")).json()
        assert (shown["is_mailed"], shown["invitation"][:4]) == (False, "cwi_")
        other = (await office.service.post(USERS, json={"email": f"t-{email}"})).json()
        assert other["is_mailed"]
        await post_office.arrived(1, f"t-{email}")

    async def test_without_mail_the_administrator_hands_it_over_as_before(
        self, client: httpx.AsyncClient
    ) -> None:
        made = await client.post(USERS, json={"email": "ann@example.org"})
        assert (made.json()["is_mailed"], made.json()["invitation"][:4]) == (False, "cwi_")


class TestNotices:
    async def test_users_hear_of_what_weakens_their_account_whoever_did_it(
        self, people: People, visitor: httpx.AsyncClient, office: Office, post_office: Mailbox
    ) -> None:
        person = people.new()
        _, codes, heads = await enrolled(visitor, person)
        proofs = {"password": PASSWORD, "code": codes[0]}
        gone = await visitor.post(f"{FACTOR}/remove", json=proofs, headers=heads)
        assert gone.status_code == 204, gone.text

        async def add_passkey(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            await sessions.note(ctx, user, None, "user.passkey_added")

        people.within(person.tenant_id, add_passkey)
        letters = await post_office.arrived(2, person.email)
        assert sorted(each.message["Subject"] for each in letters) == [
            "A passkey was added to your account", "Your second factor was removed",
        ]  # fmt: skip
        colleague = await office.person(Role.EMPLOYEE, second_factor_at=utc_now())
        removed = await office.service.delete(f"{USERS}/{colleague.id}/second-factor")
        assert removed.status_code == 200, removed.text
        [letter] = await post_office.arrived(1, colleague.email)
        assert letter.message["Subject"] == "Your second factor was removed"

    async def test_one_that_was_put_off_goes_to_the_address_of_its_moment(
        self, people: People, post_office: Mailbox
    ) -> None:
        person = people.new()
        thiefs = f"thief-{person.email}"
        post_office.refusals[person.email] = "451 4.7.1 greylisted"

        async def add_passkey(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            await sessions.note(ctx, user, None, "user.passkey_added")

        async def change_address(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            user.email = thiefs

        def sleeps() -> bool:
            nudge(people.server)
            return notices(people, person)[0].attempts > 0

        people.within(person.tenant_id, add_passkey)
        await until(sleeps)
        people.within(person.tenant_id, change_address)
        del post_office.refusals[person.email]

        def left() -> bool:
            people.within(person.tenant_id, hurry)
            return bool(settled(people, person))

        await until(left)
        assert len(post_office.to(person.email)) == 1
        assert post_office.to(thiefs) == []

    async def test_nothing_is_told_of_what_was_rolled_back_or_to_those_who_left(
        self, people: People, post_office: Mailbox
    ) -> None:
        person, other = people.new(), people.new()

        async def fail(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            await sessions.note(ctx, user, None, "user.passkey_added")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            people.within(person.tenant_id, fail)

        async def leave(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == other.id))).one()
            await sessions.note(ctx, user, None, "user.passkey_added")
            await ctx.session.delete(user)

        people.within(other.tenant_id, leave)
        witness = people.new()

        async def tell(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == witness.id))).one()
            await sessions.note(ctx, user, None, "user.passkey_added")

        people.within(witness.tenant_id, tell)
        await post_office.arrived(1, witness.email)
        assert post_office.to(person.email) == post_office.to(other.email) == []

    async def test_each_tenant_sees_its_own_alone(self, people: People, office: Office) -> None:
        person = people.new()

        async def tell(ctx: Context) -> None:
            user = (await ctx.session.scalars(select(User).where(User.id == person.id))).one()
            await sessions.note(ctx, user, None, "user.passkey_added")

        people.within(person.tenant_id, tell)
        await until(lambda: settled(people, person))
        own = await office.service.get("/api/v1/jobs?kind=mail.send")
        assert own.json()["data"] == []
        assert settled_in(people, office, person) == []


def settled_in(people: People, office: Office, person: Person) -> list[object]:
    """The messages to a person as another tenant reads them."""
    there = Person(office.tenant_id, office.slug, person.id, person.email)
    return list(settled(people, there))


class TestTexts:
    def test_every_message_is_whole_in_every_language(self) -> None:
        facts = LetterFacts("<b>Acme</b> & Co", utc_now(), utc_now(), f"{SITE}/join#a=1&b=2")
        for language, words in WORDS.items():
            assert set(words) == {*NoticeKind, TEST}
            for kind in words:
                text = written(kind, language, facts, SITE)
                assert "{" not in text.plain + text.subject
                assert "<b>" not in text.html.replace("<body", "")
                has_link = words[kind].action is not None
                assert (facts.link in text.plain) == has_link
                assert ("/join#a=1&amp;b=2" in text.html) == has_link
                # Nothing is fetched when it is opened.
                assert not any(word in text.html for word in ("<img", "src=", "url(", "<link"))
        english, vietnamese = WORDS[MailLanguage.EN], WORDS[MailLanguage.VI]
        assert all(english[kind].subject != vietnamese[kind].subject for kind in english)
        assert all(len(english[k].lines) == len(vietnamese[k].lines) for k in english)


async def test_nobody_chooses_the_language_of_others(
    people: People, visitor: httpx.AsyncClient, refused: Refused
) -> None:
    person = people.new()
    tokens = await visitor.post(f"{AUTH}/login", json={"email": person.email, "password": PASSWORD})
    heads = bearer(tokens.json())
    other = people.new((person.tenant_id, person.slug))
    path = f"{USERS}/{other.id}"
    reply = await visitor.patch(path, json={"language": "vi"}, headers=heads)
    refused(reply, 404, "user_not_found")
