"""The commands for people, groups, tenants and keys, beside a server on the same installation."""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.entrypoints.conftest import Installation, Running, on_terminal
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

PASSWORD = "seven otters rowing uphill"


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Running]:
    """A server on the installation: the commands share its database, and start sooner."""
    running = installation.start("serve", "--port", "0")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def api(server: Running) -> Iterator[httpx.Client]:
    """The server's API, without credential."""
    start = server.out.index("http://")
    address = server.out[start:].split()[0].rstrip("/.")
    with httpx.Client(base_url=f"{address}/api/v1", timeout=PATIENCE) as client:
        yield client


def address() -> str:
    return f"u-{uuid.uuid4().hex}@example.org"


def sign_in(api: httpx.Client, email: str, password: str) -> int:
    return api.post("/auth/login", json={"email": email, "password": password}).status_code


def on_a_terminal(installation: Installation, *arguments: str, typed: list[str]) -> tuple[int, str]:
    """Exit code and screen of a command that is answered as people do, at each colon."""
    master, slave = os.openpty()
    process = on_terminal(installation, arguments, slave)
    os.close(slave)
    screen, waiting, deadline = "", list(typed), time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline, screen
        try:
            part = os.read(master, 1000).decode()
        except OSError:  # the terminal is closed with the command's end
            break
        screen += part
        if waiting and screen.endswith(": "):
            os.write(master, f"{waiting.pop(0)}\n".encode())
    os.close(master)
    return process.wait(timeout=PATIENCE), screen


@pytest.mark.usefixtures("server")
class TestUsers:
    def test_life_of_a_user(self, installation: Installation, api: httpx.Client) -> None:
        email = address()
        made = installation.json(
            "user", "create", email.upper(), "--name", "[/b] Ann", "--role", "manager", "--admin",
            "--generate",
        )  # fmt: skip
        assert (made["email"], made["role"], made["is_admin"]) == (email, "manager", True)
        assert sign_in(api, email, made["password"]) == 200
        shown = installation.json("user", "show", email)
        assert "password" not in shown
        listed = installation.call("user", "list", "--search", email[:20])
        assert "[/b] Ann" in listed.stdout
        assert installation.json("user", "list", "--role", "guest")["total"] == 0
        reset = installation.call("user", "password", email, "--generate")
        assert sign_in(api, email, made["password"]) == 401
        assert sign_in(api, email, reset.stdout.strip()) == 200
        for change in (["--status", "deactivated"], ["--no-admin"]):
            last = installation.call("user", "update", email, *change)
            assert (last.exit_code, "last active administrator" in last.stderr) == (2, True)
        installation.json("user", "create", address(), "--admin", "--generate")
        changed = installation.json(
            "user", "update", email, "--role", "guest", "--no-admin", "--status", "deactivated"
        )
        assert (changed["role"], changed["is_admin"]) == ("guest", False)
        assert sign_in(api, email, reset.stdout.strip()) == 401
        assert installation.call("user", "delete", email).stdout == "Deleted.\n"
        gone = installation.call("user", "show", email)
        assert (gone.exit_code, gone.stdout) == (2, "")

    def test_several_are_made_with_their_addresses_beside_the_passwords(
        self, installation: Installation, api: httpx.Client
    ) -> None:
        first, second = address(), address()
        made = installation.call("user", "create", first, second, "--generate")
        lines = [line.split("\t") for line in made.stdout.splitlines()]
        assert [email for email, _ in lines] == [first, second]
        assert [sign_in(api, *line) for line in lines] == [200, 200]
        third = address()
        again = installation.call("user", "create", third, first, "--generate")
        assert (again.exit_code, again.stdout) == (2, "")
        assert installation.call("user", "show", third).exit_code == 2

    def test_an_invitation_makes_an_account(
        self, installation: Installation, api: httpx.Client
    ) -> None:
        email = address()
        made = installation.call("user", "create", email, "--invite")
        token = made.stdout.strip()
        assert token.startswith("cwi_")
        assert f"/join#invitation={token}&email={email.replace('@', '%40')}" in made.stderr
        body = {"email": email, "password": PASSWORD, "invitation": token}
        assert api.post("/auth/register", json=body).status_code == 201

    def test_a_terminal_is_asked_for_the_password(
        self, installation: Installation, api: httpx.Client
    ) -> None:
        email = address()
        code, screen = on_a_terminal(
            installation, "user", "create", email, typed=[PASSWORD, PASSWORD]
        )
        assert code == 0, screen
        assert PASSWORD not in screen
        assert sign_in(api, email, PASSWORD) == 200
        code, screen = on_a_terminal(
            installation, "user", "password", email, typed=["short", "short"]
        )
        assert code == 2
        assert "at least 15 characters" in screen

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["user", "create", "nobody", "--generate"], "one e-mail address"),
            (["user", "create", "a@example.org"], "no terminal"),
            (["user", "create", "a@example.org", "--invite", "--generate"], "not both"),
            (["user", "create", "a@example.org", "--role", "owner", "--invite"], "The role"),
            (["user", "update", "a@example.org", "--status", "gone"], "The status"),
            (["user", "update", "nobody@example.org", "--role", "guest"], "There is no user"),
            (["user", "list", "--role", "owner"], "The role"),
            (["group", "add", "Nothing", "a@example.org"], "There is no group"),
            (["group", "create", " "], "The name"),
            (["tenant", "create", "Upper Case"], "The slug"),
            (["tenant", "create", "x", "--limit", "documents"], "is not a limit"),
            (["tenant", "show", "nowhere"], "There is no tenant"),
            (["tenant", "update", "default", "--status", "suspended"], "default"),
            (["tenant", "delete", "default", "--yes"], "default"),
            (["key", "create", "--user", "nobody@example.org"], "There is no user"),
            (["search", "x", "--as", "nobody@example.org"], "There is no user"),
        ],
    )
    def test_what_is_wrong_is_one_line(
        self, arguments: list[str], said: str, installation: Installation
    ) -> None:
        result = installation.call(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def people(installation: Installation, server: Running) -> dict[str, str]:
    assert server.process.poll() is None
    emails = {role: address() for role in ("guest", "employee", "director", "gone", "invited")}
    for name, email in emails.items():
        role = name if name in ("guest", "employee", "director") else "director"
        way = "--invite" if name == "invited" else "--generate"
        installation.json("user", "create", email, "--role", role, way)
    installation.json("user", "update", emails["gone"], "--status", "deactivated")
    return emails


@pytest.fixture(scope="module")
def document(
    installation: Installation, server: Running, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    assert server.process.poll() is None
    path = tmp_path_factory.mktemp("secret") / "merger.md"
    path.write_text("# Merger\n\nThe merger with Quillfeather closes in May.\n")
    [found] = installation.json("ingest", str(path), "--access", "restricted")["documents"]
    return found


@pytest.mark.usefixtures("server")
class TestActingAs:
    """The same commands, with the rights of a user."""

    def test_only_what_is_theirs_is_there(
        self, installation: Installation, people: dict[str, str], document: dict[str, Any]
    ) -> None:
        wanted = document["document_id"]
        for role, is_there in (("director", True), ("employee", False), ("guest", False)):
            as_user = ("--as", people[role].upper())
            found = installation.json("search", "Quillfeather merger", *as_user)
            assert (wanted in [hit["document_id"] for hit in found["results"]]) is is_there
            listed = installation.json("documents", "list", *as_user)
            assert (wanted in [item["id"] for item in listed["documents"]]) is is_there
            shown = installation.call("documents", "show", wanted, *as_user)
            assert shown.exit_code == (0 if is_there else 2)
        answer = installation.json(
            "ask", "When does the merger with Quillfeather close?", "--as", people["employee"]
        )
        assert wanted not in [item["document_id"] for item in answer["citations"]]
        refused = installation.call("documents", "delete", wanted, "--as", people["employee"])
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert installation.json("documents", "show", wanted)["id"] == wanted

    def test_a_guest_takes_nothing_in(
        self, installation: Installation, people: dict[str, str], tmp_path: Path
    ) -> None:
        path = tmp_path / "note.txt"
        path.write_text("A note of a guest.")
        refused = installation.call("ingest", str(path), "--no-wait", "--as", people["guest"])
        assert refused.exit_code in (1, 2), refused.stdout
        taken = installation.json("ingest", str(path), "--no-wait", "--as", people["employee"])
        assert taken["failed"] == 0

    @pytest.mark.parametrize("name", ["gone", "invited"])
    def test_who_is_not_active_does_nothing(
        self, name: str, installation: Installation, people: dict[str, str]
    ) -> None:
        result = installation.call("documents", "list", "--as", people[name])
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(result.stderr.splitlines()) == 1
        assert ("deactivated" if name == "gone" else "invited") in result.stderr


@pytest.mark.usefixtures("server")
class TestGroups:
    def test_life_of_a_group(self, installation: Installation) -> None:
        emails = sorted(address() for _ in range(2))
        for email in emails:
            installation.json("user", "create", email, "--generate")
        name = f"Auditors {uuid.uuid4().hex}"
        installation.json("group", "create", name, "--description", "[/b] Who check")
        assert installation.call("group", "add", name.upper(), *emails).stdout == "2 added.\n"
        unknown = installation.call("group", "remove", name, emails[0], "nobody@example.org")
        assert unknown.exit_code == 2
        members = installation.json("group", "list", name)["users"]
        assert [item["email"] for item in members] == emails
        assert installation.call("group", "remove", name, emails[0]).stdout == "1 removed.\n"
        assert installation.json("group", "list", name)["total"] == 1
        assert "[/b] Who check" in installation.call("group", "list").stdout
        assert installation.call("group", "delete", name).stdout == "Deleted.\n"
        assert installation.call("group", "list", name).exit_code == 2


@pytest.mark.usefixtures("server")
class TestTenants:
    def test_life_of_a_tenant(self, installation: Installation, api: httpx.Client) -> None:
        slug = f"acme-{uuid.uuid4().hex[:8]}"
        made = installation.json(
            "tenant", "create", slug, "--name", "Acme", "--plan", "free", "--limit", "users=2",
            "--limit", "agents=none", "--region", "eu",
        )  # fmt: skip
        assert made["limits"] == {"users": 2, "agents": None}
        bearer = {"Authorization": f"Bearer {made['key']}"}
        assert api.get("/collections", headers=bearer).status_code == 200
        assert slug in installation.call("tenant", "list").stdout
        changed = installation.json(
            "tenant", "update", slug, "--limit", "agents=plan", "--limit", "documents=7",
            "--open-registration", "--status", "suspended",
        )  # fmt: skip
        assert changed["limits"] == {"users": 2, "documents": 7}
        assert changed["has_open_registration"] is True
        deadline = time.monotonic() + PATIENCE
        while api.get("/collections", headers=bearer).status_code != 401:  # known for a moment
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert installation.call("documents", "list", "--tenant", slug).exit_code == 2
        assert "suspended" in installation.call("tenant", "show", slug).stdout
        installation.json("tenant", "update", slug, "--status", "active", "--plan", "team")
        assert api.get("/collections", headers=bearer).status_code == 200
        assert installation.call("tenant", "delete", slug).exit_code == 1  # nobody said yes
        assert installation.call("tenant", "delete", slug, "--yes").stdout == "Deleted.\n"
        assert installation.call("tenant", "show", slug).exit_code == 2


@pytest.mark.usefixtures("server")
class TestKeys:
    def test_a_users_key_acts_as_them(self, installation: Installation, api: httpx.Client) -> None:
        email = address()
        user = installation.json("user", "create", email, "--generate")
        made = installation.json(
            "key", "create", "--user", email, "--scope", "read", "--expires-in-days", "2"
        )
        bearer = {"Authorization": f"Bearer {made['key']}"}
        me = api.get("/auth/me", headers=bearer).json()
        assert (me["user"]["id"], me["scopes"]) == (user["id"], ["read"])
        [shown] = [
            item for item in installation.json("key", "list")["keys"] if item["id"] == made["id"]
        ]
        assert (shown["user_id"], shown["user_email"]) == (user["id"], email)
        assert shown["scopes"] == ["read"]
        assert email in installation.call("key", "list").stdout
        assert shown["expires_at"] > shown["created_at"]
        refused = installation.call("key", "create", "--user", email, "--scope", "admin")
        assert refused.exit_code == 2
        assert "is no administrator" in refused.stderr

    def test_operator_keys_see_all_tenants(
        self, installation: Installation, api: httpx.Client
    ) -> None:
        key = installation.json("key", "create", "--operator")["key"]
        listed = api.get("/tenants", headers={"Authorization": f"Bearer {key}"}).json()
        assert "default" in [item["slug"] for item in listed["data"]]
        slug = f"other-{uuid.uuid4().hex[:8]}"
        installation.json("tenant", "create", slug)
        for more in (["--tenant", slug], ["--user", "a@example.org"]):
            refused = installation.call("key", "create", "--operator", *more)
            assert (refused.exit_code, refused.stdout) == (2, "")
