"""Names and parts of ids, wherever a command takes an id."""

from functools import partial

import pytest

from citewell.access.policy import Role
from citewell.core.context import Caller, unit_of_work
from citewell.core.database.parts import MOST_FOUND
from citewell.core.errors import ForbiddenError, NotFoundError
from citewell.core.platform import Platform
from citewell.entrypoints.commands import agents, evaluation_sets, jobs, queries, workflows
from citewell.entrypoints.commands.conversations import CONVERSATION
from citewell.entrypoints.commands.keys import KEY
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.webhooks import WEBHOOK
from citewell.features.conversations import service as conversations
from citewell.features.conversations.schemas import ConversationCreate
from citewell.features.identity import service as identity
from citewell.features.webhooks import service as webhooks
from citewell.features.webhooks.schemas import WebhookCreate, WebhookEvent
from citewell.models.webhooks import WebhookDelivery
from tests.entrypoints.conftest import Installation
from tests.people import People


@pytest.mark.usefixtures("database_runs")
class TestNaming:
    def test_webhooks_are_found_by_name_and_by_part_of_their_id(
        self, installation: Installation
    ) -> None:
        made = [
            installation.json("webhooks", "create", "https://8.8.8.8/hook", "--name", name)["id"]
            for name in ("Intranet", "Chat", "Chat")
        ]
        update = ("webhooks", "update", "intranet", "--off")
        assert installation.json(*update)["id"] == made[0]
        for few in (made[0], made[0][-8:], made[0][:-1].upper()):
            assert installation.json("webhooks", "deliveries", few)["total"] == 0
        several = installation.call("webhooks", "delete", "Chat")
        assert several.exit_code == 2
        assert made[1] in several.stderr
        assert made[2] in several.stderr
        assert made[0] not in several.stderr
        for missing in (made[0][-7:], "%", ""):
            none = installation.call("webhooks", "delete", missing)
            assert (none.exit_code, none.stdout) == (2, "")
            assert f"There is no webhook `{missing}`" in " ".join(none.stderr.split())
        for each in made:
            assert installation.call("webhooks", "delete", each[-8:]).stdout == "Deleted.\n"

    def test_others_webhooks_are_not_found(self, installation: Installation) -> None:
        for email in ("ann@example.org", "bob@example.org"):
            installation.json("user", "create", email, "--generate", "--role", "manager")
        create = ("webhooks", "create", "https://8.8.8.8/hook", "--name", "Mine")
        mine = installation.json(*create, "--as", "ann@example.org")["id"]
        for wanted in ("Mine", mine[-8:]):
            taken = installation.call("webhooks", "delete", wanted, "--as", "bob@example.org")
            assert (taken.exit_code, mine in taken.stderr) == (2, False)
        assert installation.call("webhooks", "delete", "Mine").exit_code == 0

    def test_the_trail_is_searched_by_names(self, installation: Installation) -> None:
        user = installation.json("user", "create", "eve@example.org", "--generate")["id"]
        made = installation.json("key", "create", "--name", "Robot", "--user", "eve@example.org")
        for wanted, meant in (("EVE@example.org", user), ("robot", made["id"])):
            found = installation.json("audit", "list", "--object", wanted)["events"]
            assert [each["object_id"] for each in found] == [meant]
        assert installation.json("audit", "list", "--actor", "eve@example.org")["total"] == 0
        none = installation.call("audit", "list", "--actor", "nobody@example.org")
        assert (none.exit_code, none.stdout) == (2, "")
        assert "There is no user or key `nobody@example.org`." in none.stderr

    def test_a_revoked_key_leaves_its_name_to_the_next(self, installation: Installation) -> None:
        for _ in range(2):
            made = installation.json("key", "create", "--name", "Crawler")["id"]
            assert installation.call("key", "revoke", "crawler").stdout == "Revoked.\n"
            keys = {item["id"]: item for item in installation.json("key", "list")["keys"]}
            assert keys[made]["is_revoked"]


class TestRights:
    """Rows that are not for the caller are left out by the query, so that they hide nothing."""

    async def test_many_revoked_keys_hide_no_live_one(
        self, platform: Platform, caller: Caller
    ) -> None:
        async with unit_of_work(platform, caller) as ctx:
            for _ in range(MOST_FOUND):
                former = await identity.create_api_key(ctx, "ci")
                await identity.revoke_api_key(ctx, former.id)
            live = await identity.create_api_key(ctx, "ci")
            assert await id_of(ctx, KEY, "CI") == live.id

    async def test_many_conversations_of_others_hide_none_of_mine(
        self, platform: Platform, caller: Caller
    ) -> None:
        people = People(platform, caller.tenant_id)
        other, me = await people.user(), await people.user()
        note = ConversationCreate(title="Note")
        async with unit_of_work(platform, other) as ctx:
            theirs = [await conversations.create(ctx, note) for _ in range(MOST_FOUND)]
        async with unit_of_work(platform, me) as ctx:
            mine = await conversations.create(ctx, note)
            assert await id_of(ctx, CONVERSATION, "note") == mine.id
            with pytest.raises(NotFoundError):
                await id_of(ctx, CONVERSATION, str(theirs[0].id)[-8:])

    async def test_the_role_is_asked_for_before_the_name(
        self, platform: Platform, caller: Caller
    ) -> None:
        people = People(platform, caller.tenant_id)
        hook = WebhookCreate(name="Mine", url="https://8.8.8.8/hook", events=list(WebhookEvent))
        manager = await people.user(Role.MANAGER)
        made = await webhooks.create(platform, manager, hook)
        async with unit_of_work(platform, await people.user(Role.EMPLOYEE)) as ctx:
            for wanted in ("Mine", "Nothing", str(made.id)[-8:]):
                with pytest.raises(ForbiddenError):
                    await id_of(ctx, WEBHOOK, wanted)
        async with unit_of_work(platform, await people.user(Role.MANAGER)) as ctx:
            with pytest.raises(NotFoundError):
                await id_of(ctx, WEBHOOK, "Mine")
        logged = partial(webhooks.logged, webhook_id=made.id)
        kinds = (
            Findable("delivery", WebhookDelivery, logged), agents.RUN, workflows.RUN,
            evaluation_sets.RUN, queries.QUERY, jobs.JOB,
        )  # fmt: skip
        for seeing in (caller, manager):
            async with unit_of_work(platform, seeing) as ctx:
                for kind in kinds:
                    with pytest.raises((NotFoundError, ForbiddenError)):
                        await id_of(ctx, kind, "00000000")
