import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from citewell.core.database.migrations import migrate, migrations_folder, revisions
from citewell.core.database.queue_schema import QueueScripts, digest, scripts
from citewell.core.errors import StartupError
from tests.conftest import Servers

CATALOG = """
SELECT 'column', table_name || '.' || column_name, concat_ws(' ', data_type, udt_name, is_nullable,
  column_default, character_maximum_length, is_identity, is_generated)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'function', p.oid::regprocedure::text,
  concat_ws(' ', p.prosecdef, p.proconfig, p.proacl, regexp_replace(p.prosrc, '\\s+', ' ', 'g'))
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'policy', tablename || '.' || policyname, concat_ws(' ', permissive, cmd, qual,
  with_check) FROM pg_policies
UNION ALL SELECT 'relation', c.relname, concat_ws(' ', c.relkind, c.relrowsecurity,
  c.relforcerowsecurity, c.reloptions, c.relacl)
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT 'enum', t.typname || '.' || e.enumlabel, ''
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
"""

Catalog = dict[tuple[str, str], str]


def catalog(url: str, *, only: str = "") -> Catalog:
    """Objects of a database by kind and name; the order of columns is left out."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(CATALOG).fetchall()
    return {(kind, name): said for kind, name, said in rows if only in name}


def followed() -> list[QueueScripts]:
    """The queue library's statements in our revisions, in order."""
    found = list[QueueScripts]()
    for path in sorted((migrations_folder() / "versions").glob("[0-9]*.py")):
        scripts_of = runpy.run_path(str(path)).get("QUEUE")
        if scripts_of is not None:
            found.append(scripts_of)
    return found


@pytest.fixture
def empty(servers: Servers) -> Iterator[str]:
    """An empty database; its URL."""
    with made(servers, "citewell_test_queue_schema") as url:
        yield url


@contextmanager
def made(servers: Servers, name: str) -> Iterator[str]:
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4242)")  # one clone of a template at a time
        url = servers.create(name)
    try:
        yield url
    finally:
        servers.drop(name)


class TestFollowing:
    def test_every_migration_of_the_installed_library_is_followed_once(self) -> None:
        ours = followed()
        assert [each.after for each in ours] == ["", *(each.last for each in ours[:-1])]
        run = [name for each in ours for name in each.installed()]
        assert run == list(scripts()), "the lock brings migrations that no revision of ours runs"

    def test_recorded_hashes_are_those_of_the_installed_library(self) -> None:
        assert [digest(each.installed()) for each in followed()] == [
            each.sha256 for each in followed()
        ]

    def test_other_contents_are_refused_before_anything_is_run(self, empty: str) -> None:
        first = followed()[0]
        changed = QueueScripts(first.after, first.last, sha256="0" * 64)
        engine = sa.create_engine(empty.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection, pytest.raises(StartupError, match="procrastinate"):
            changed.run(connection)
        engine.dispose()
        assert catalog(empty) == {}


class TestSchema:
    def test_queue_is_what_the_librarys_own_schema_makes(self, empty: str, template: str) -> None:
        """Installations made before the migrations were followed have that one."""
        theirs = resources.files("procrastinate.sql") / "schema.sql"
        with psycopg.connect(empty) as connection:
            connection.execute(theirs.read_bytes())
        ours = catalog(empty.replace("citewell_test_queue_schema", template), only="procrastinate")
        expected = catalog(empty, only="procrastinate")
        relations = {key for key in ours if key[0] == "relation"}  # ours carry grants
        assert relations == {key for key in expected if key[0] == "relation"}
        assert {key: ours[key] for key in ours if key not in relations} == {
            key: expected[key] for key in expected if key not in relations
        }

    @pytest.mark.volume
    def test_upgrade_from_each_earlier_revision_is_what_a_fresh_one_has(
        self, servers: Servers, empty: str
    ) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrations_folder()))
        with made(servers, "citewell_test_queue_fresh") as fresh:
            migrate(fresh)
            with psycopg.connect(empty) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            config.attributes["url"] = empty
            for revision in revisions():
                command.upgrade(config, revision)
            assert catalog(empty) == catalog(fresh)
