"""Names and parts of ids, wherever a command takes an id."""

import pytest

from tests.entrypoints.conftest import Installation


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
