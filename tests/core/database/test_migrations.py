import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from citewell.core.database.embedded import EmbeddedServer
from citewell.core.database.migrations import check_server, migrate, migrations_folder, revisions
from citewell.core.database.sessions import APP_ROLE
from citewell.core.errors import StartupError
from tests.waiting import PATIENCE

Make = Callable[..., str]


@pytest.fixture(scope="module")
def server(cluster: Path) -> Iterator[EmbeddedServer]:
    """A server of this module's own: roles belong to a whole server."""
    with tempfile.TemporaryDirectory(prefix="citewell-test-") as folder:
        subprocess.run(["cp", "-a", str(cluster), f"{folder}/db"], check=True)
        server = EmbeddedServer(Path(folder) / "db")
        server.start()
        yield server
        server.stop()


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements; returns the rows of the last."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def admin(server: EmbeddedServer) -> Iterator[str]:
    """The administrator's URL; roles that tests make are gone afterwards."""
    url = server.url("postgres", "postgres")
    before = run(url, "SELECT rolname FROM pg_roles")
    yield url
    databases = "SELECT datname FROM pg_database WHERE datname LIKE 'test_%'"
    for (name,) in run(url, databases):
        run(url, f"DROP DATABASE {name} WITH (FORCE)")
    for (role,) in run(url, "SELECT rolname FROM pg_roles"):
        if (role,) not in before:
            run(url, f"DROP ROLE {role}")


@pytest.fixture
def make(server: EmbeddedServer, admin: str) -> Make:
    """Make a database; returns a role's URL for it."""

    def make(role: str = "postgres", options: str = "") -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        run(admin, f"CREATE DATABASE {name} OWNER {role} {options}")
        return server.url(role, name)

    return make


def make_ordinary_owner(admin: str) -> None:
    """Make the role `plain` as the guide says, with the rights that it needs and no others."""
    run(admin, "CREATE ROLE plain LOGIN", f"CREATE ROLE {APP_ROLE}", f"GRANT {APP_ROLE} TO plain")


def ordinary_owner(make: Make, admin: str) -> tuple[str, str]:
    """A database of an ordinary role; returns the role's URL and that of a superuser."""
    make_ordinary_owner(admin)
    url = make("plain")
    everything = url.replace("plain@", "postgres@")
    run(everything, "CREATE EXTENSION vector")
    return url, everything


def refusal(url: str) -> str:
    """The one line `migrate` refuses with."""
    with pytest.raises(StartupError) as caught:
        migrate(url, present=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


_ID = "'00000000-0000-0000-0000-00000000000{}'"
A_DOCUMENT_OF_0003 = (
    f"INSERT INTO tenant (id, slug, name) VALUES ({_ID.format(1)}, 'one', 'One')",
    f"INSERT INTO collection (tenant_id, id, name) VALUES ({_ID.format(1)}, {_ID.format(2)}, 'c')",
    "INSERT INTO blob (tenant_id, id, sha256, size_bytes)"
    f" VALUES ({_ID.format(1)}, {_ID.format(3)}, sha256('x'), 1)",
    "INSERT INTO document (tenant_id, id, collection_id, title, filename, created_by)"
    f" VALUES ({_ID.format(1)}, {_ID.format(4)}, {_ID.format(2)}, 't', 'f', {_ID.format(5)})",
    "INSERT INTO document_version"
    " (tenant_id, id, document_id, number, blob_id, status, size_bytes, published_at)"
    f" SELECT {_ID.format(1)}, gen_random_uuid(), {_ID.format(4)}, number, {_ID.format(3)},"
    "  status, 1, published_at::timestamptz"
    " FROM (VALUES (1, 'superseded', '2026-01-01'), (2, 'superseded', '2026-04-01'),"
    "  (3, 'ready', '2026-03-01'), (4, 'failed', NULL)) AS v(number, status, published_at)",
)
"""Version 2 came late and never answered."""

A_CHUNK_OF_0010 = (
    "INSERT INTO index_generation (tenant_id, id, embedding, dimensions, status)"
    f" VALUES ({_ID.format(1)}, 1, 'e', 1, 'live') ON CONFLICT DO NOTHING;"
    "INSERT INTO chunk (tenant_id, id, generation_id, document_id, version_id, collection_id,"
    " ordinal, access_level, active, start_offset, end_offset, language, content_hash, heading,"
    " context, text, embedding, terms)"
    f" SELECT tenant_id, '00000000-0000-0000-0000-00000000000{{0}}', 1, document_id, id,"
    f" {_ID.format(2)}, {{0}}, 1, true, 0, 1, 'en', 'x', '{{{{}}}}', '', 't', '[1]',"
    " '{{7:0.5,9:{0}}}/536870912' FROM document_version WHERE status = 'ready'"
)


@pytest.mark.usefixtures("admin")
class TestMigrate:
    def test_first_run_makes_the_schema_and_second_does_nothing(self, make: Make) -> None:
        url = make()
        assert migrate(url)
        assert not migrate(url)
        assert run(url, "SELECT version_num FROM alembic_version") == [(revisions()[-1],)]
        assert run(url, "SELECT count(*) FROM chunk") == [(0,)]

    def test_processes_at_once_migrate_each_database_once_and_share_the_role(
        self, make: Make
    ) -> None:
        one, other = make(), make()
        first, second, alone = migrate_in_processes([one, one, other])
        assert ({first, second}, alone) == ({"True", "False"}, "True")
        for url in (one, other):
            assert run(url, "SELECT version_num FROM alembic_version") == [(revisions()[-1],)]

    def test_killed_run_leaves_nothing_in_the_way(self, make: Make, admin: str) -> None:
        url = make()
        process = start_migration(url)
        deadline = time.monotonic() + PATIENCE
        while not run(admin, ALEMBIC_AT_WORK):
            assert time.monotonic() < deadline, "it did not begin"
        process.kill()
        process.communicate()
        with suppress(psycopg.errors.UndefinedTable):
            assert run(url, "SELECT count(*) FROM alembic_version") == [(0,)]
        assert migrate(url)

    def test_ordinary_owner_with_the_administrators_help_migrates(
        self, make: Make, admin: str
    ) -> None:
        url, _ = ordinary_owner(make, admin)
        assert migrate(url)
        [facts] = run(
            url,
            "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = 'plain'",
        )
        assert facts == (False, False, False)
        run(url, f"SET ROLE {APP_ROLE}", "SELECT count(*) FROM chunk")

    def test_upkeep_of_an_ordinary_owner_finds_rules_of_retention(
        self, make: Make, admin: str
    ) -> None:
        url, everything = ordinary_owner(make, admin)
        assert migrate(url)
        run(everything, *A_DOCUMENT_OF_0003[:2])
        ask = "SELECT count(*) FROM citewell_tenants_with_retention()"
        assert run(url, f"SET ROLE {APP_ROLE}", ask) == [(0,)]
        run(everything, "UPDATE collection SET keep_days = 30")
        assert run(url, f"SET ROLE {APP_ROLE}", ask) == [(1,)]

    def test_history_of_versions_is_taken_from_when_they_were_ready(
        self, make: Make, admin: str
    ) -> None:
        url, everything = ordinary_owner(make, admin)
        config = Config()
        config.set_main_option("script_location", str(migrations_folder()))
        config.attributes["url"] = url
        command.upgrade(config, "0003")
        run(everything, *A_DOCUMENT_OF_0003)
        assert migrate(url)
        assert run(
            everything,
            "SELECT v.number, active_from::date::text, active_until::date::text, v.created_by"
            " FROM document_activation a JOIN document_version v ON v.id = a.version_id"
            " ORDER BY active_from",
        ) == [(1, "2026-01-01", "2026-03-01", uuid.UUID(int=5)), (3, "2026-03-01", None, None)]
        forced = "SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        assert run(everything, forced) == []

    def test_chunks_from_before_the_inverted_index_are_filled_in(self, make: Make) -> None:
        """Meanwhile a process of before goes on writing chunks."""
        url = make()
        run(url, "CREATE EXTENSION vector", f"CREATE ROLE {APP_ROLE}")
        config = Config()
        config.set_main_option("script_location", str(migrations_folder()))
        config.attributes["url"] = url
        command.upgrade(config, "0010")
        run(url, *A_DOCUMENT_OF_0003, *(A_CHUNK_OF_0010.format(number) for number in (1, 2)))
        assert migrate(url)
        assert run(url, "SELECT has_lexical FROM index_generation") == [(False,)]
        assert run(url, "SELECT count(*) FROM lexical_chunk") == [(0,)]
        of_tenant = f"SELECT set_config('citewell.tenant_id', {_ID.format(1)}, false)"
        run(url, A_CHUNK_OF_0010.format(3))
        assert run(url, "SELECT count(*) FROM lexical_chunk") == [(1,)]
        fill = f"SELECT citewell_fill_lexical(1, {_ID.format(0)}, 1)"
        assert run(url, of_tenant, fill) == [(uuid.UUID(int=1),)]
        assert run(url, of_tenant, "SELECT citewell_is_lexical_filled(1)") == [(False,)]
        run(url, of_tenant, fill)
        assert run(url, of_tenant, "SELECT citewell_is_lexical_filled(1)") == [(True,)]
        assert run(url, of_tenant, fill) == [(None,)]
        run(url, "UPDATE chunk SET active = false WHERE ordinal = 1")
        run(url, "DELETE FROM chunk WHERE ordinal = 2")
        found = run(url, "SELECT chunk_id, generation_id, weights::text FROM lexical_chunk")
        assert found == [(uuid.UUID(int=3), 1, "{7:0.5,9:3}/536870912")]

    def test_owner_who_may_make_roles_needs_the_extension_only(
        self, make: Make, admin: str
    ) -> None:
        run(admin, "CREATE ROLE maker LOGIN CREATEROLE")
        url = make("maker")
        run(url.replace("maker@", "postgres@"), "CREATE EXTENSION vector")
        assert migrate(url)
        run(url, f"SET ROLE {APP_ROLE}", "SELECT count(*) FROM chunk")

    def test_tables_of_others_are_left_alone(self, make: Make) -> None:
        url = make()
        run(
            url,
            "CREATE TABLE payroll (salary int)",
            "CREATE SEQUENCE invoice_number",
        )
        assert migrate(url)
        rights = "SELECT, INSERT, UPDATE, DELETE"
        asked = f"SELECT has_table_privilege('{APP_ROLE}', 'payroll', '{rights}')"
        assert run(url, asked) == [(False,)]
        asked = f"SELECT has_sequence_privilege('{APP_ROLE}', 'invoice_number', 'USAGE')"
        assert run(url, asked) == [(False,)]

    def test_schema_named_like_the_user_does_not_catch_the_tables(self, make: Make) -> None:
        url = make()
        run(url, "CREATE SCHEMA postgres")
        assert migrate(url)
        assert not migrate(url)
        found = run(
            url,
            "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('chunk', 'tenant',"
            " 'alembic_version', 'procrastinate_jobs')",
        )
        assert found == [("public",)]


class TestRefusal:
    def test_unreachable_server(self) -> None:
        said = refusal("postgresql://nobody@127.0.0.1:1/none")
        assert "does not answer" in said
        assert "CITEWELL_DATABASE_URL" in said

    @pytest.mark.parametrize(
        "url", ["postgresql://u@localhost:port/d", "postgresql://u@[::1/d", "postgresql://u@/d?x=1"]
    )
    def test_malformed_url(self, url: str) -> None:
        assert "CITEWELL_DATABASE_URL" in refusal(url)

    def test_missing_database(self, server: EmbeddedServer) -> None:
        said = refusal(server.url("postgres", "not_there"))
        assert "not_there" in said
        assert "CITEWELL_DATABASE_URL" in said

    def test_other_encoding_even_where_the_client_says_utf8(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGCLIENTENCODING", "UTF8")
        options = "ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
        assert "ENCODING 'UTF8'" in refusal(make(options=options))

    def test_utf8_database_with_another_client_encoding_is_fine(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
        assert migrate(make())

    def test_ordinary_user_without_the_extension(self, make: Make, admin: str) -> None:
        run(admin, "CREATE ROLE plain LOGIN CREATEROLE")
        assert "CREATE EXTENSION IF NOT EXISTS vector" in refusal(make("plain"))

    def test_user_who_may_not_make_roles(self, make: Make, admin: str) -> None:
        run(admin, "CREATE ROLE plain LOGIN")
        url = make("plain")
        run(url.replace("plain@", "postgres@"), "CREATE EXTENSION vector")
        assert f"CREATE ROLE {APP_ROLE}" in refusal(url)

    def test_user_who_may_not_act_as_the_app(self, make: Make, admin: str) -> None:
        run(admin, "CREATE ROLE plain LOGIN", f"CREATE ROLE {APP_ROLE}")
        url = make("plain")
        run(url.replace("plain@", "postgres@"), "CREATE EXTENSION vector")
        assert f"GRANT {APP_ROLE}" in refusal(url)

    def test_user_who_may_not_make_tables(self, make: Make, admin: str) -> None:
        make_ordinary_owner(admin)
        url = make()
        run(url, "CREATE EXTENSION vector")
        assert "GRANT CREATE ON SCHEMA public" in refusal(url.replace("postgres@", "plain@"))

    def test_app_role_that_bypasses_row_level_security(self, make: Make, admin: str) -> None:
        url = make()
        assert migrate(url)
        run(admin, f"ALTER ROLE {APP_ROLE} BYPASSRLS")
        assert "NOBYPASSRLS" in refusal(url)

    def test_schema_of_a_newer_program(self, make: Make) -> None:
        url = make()
        assert migrate(url)
        at_newer = "UPDATE alembic_version SET version_num = '9999'"
        for note in (
            None,
            "of somebody",
            "Citewell: processes of schema 9998 and newer may run on it",
        ):
            run(
                url,
                at_newer,
                f"COMMENT ON TABLE alembic_version IS {f'{note!r}' if note else 'NULL'}",
            )
            assert "newer" in refusal(url), note

    def test_newer_schema_that_serves_this_program_is_left_as_it_is(self, make: Make) -> None:
        """As a newer release leaves it: a rolled back process starts."""
        url = make()
        migrate(url)
        run(url, "UPDATE alembic_version SET version_num = '9999'")
        assert migrate(url) is False
        assert run(url, "SELECT version_num FROM alembic_version") == [("9999",)]
        newest = revisions()[-1]
        run(
            url,
            "COMMENT ON TABLE alembic_version IS "
            f"'processes of schema {newest} and newer may run on it'",
        )
        assert migrate(url) is False


@dataclass
class StandIn:
    """A server we cannot have here: its version, and what it answers about pgvector."""

    server_version: int = 170000
    pgvector: str | None = "0.8.0"

    @property
    def info(self) -> "StandIn":
        return self

    def parameter_status(self, _: str) -> str:
        return "UTF8"

    def execute(self, _: str) -> "StandIn":
        return self

    def fetchone(self) -> tuple[str | None]:
        return (self.pgvector,)

    def check(self) -> None:
        check_server(cast("psycopg.Connection[tuple[object, ...]]", self))


class TestCheckServer:
    @pytest.mark.parametrize("version", [90624, 150013])
    def test_old_server_is_refused(self, version: int) -> None:
        with pytest.raises(StartupError, match=r"16 or newer is needed.*is (9|15)\b"):
            StandIn(version).check()

    def test_missing_pgvector_is_refused(self) -> None:
        with pytest.raises(StartupError, match=r"pgvector extension .* is missing"):
            StandIn(pgvector=None).check()

    @pytest.mark.parametrize("version", ["0.7.4", "0.5"])
    def test_old_pgvector_is_refused(self, version: str) -> None:
        with pytest.raises(StartupError, match="ALTER EXTENSION vector UPDATE"):
            StandIn(pgvector=version).check()

    @pytest.mark.parametrize("version", ["0.8", "0.8.5", "0.10.0", "1.0.0"])
    def test_new_pgvector_is_fine(self, version: str) -> None:
        assert StandIn(pgvector=version).check() is None


ALEMBIC_AT_WORK = """
SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname LIKE 'test_%' AND l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation'
"""


def start_migration(url: str) -> subprocess.Popen[str]:
    script = "import sys; from citewell.core.database.migrations import migrate as m"
    return subprocess.Popen(
        [sys.executable, "-c", f"{script}; print(m(sys.argv[1]))", url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def migrate_in_processes(urls: list[str]) -> list[str]:
    """Runs `migrate` in one process for each URL at once and returns their output."""
    processes = [start_migration(url) for url in urls]
    results = [process.communicate(timeout=PATIENCE) for process in processes]
    assert all(process.returncode == 0 for process in processes), results
    return [out.strip() for out, _ in results]
