"""An upgrade is previewed without changing anything."""

from collections.abc import Iterator

import psycopg
import pytest

import citewell
from citewell.core.database.migrations import revisions
from citewell.core.database.sessions import Database
from citewell.core.database.upgrading import TableEffect, look
from citewell.core.errors import StartupError
from tests.conftest import Servers
from tests.quiet import quiet_database


@pytest.fixture
def url(servers: Servers, template: str) -> Iterator[str]:
    """A database at the newest schema."""
    with quiet_database(servers, template) as url:
        yield url


def at(url: str, revision: str) -> None:
    """Have a database say that it is at another revision."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))


class TestLook:
    def test_newest_schema_has_nothing_pending(self, url: str) -> None:
        state = look(url)
        assert (state.revision, state.newest, state.is_newer) == (*revisions()[-1:] * 2, False)
        assert (state.pending, state.jobs_waiting, state.jobs_running) == ([], 0, 0)

    def test_older_schema_tells_what_follows_and_which_tables_it_holds_up(self, url: str) -> None:
        known = revisions()
        at(url, "0060")
        pending = look(url).pending
        assert [each.revision for each in pending] == known[known.index("0060") + 1 :]
        assert pending[0].name == "mailed resets"
        [effect] = pending[0].effects  # its function reads, which is done later
        assert (effect.table, effect.what) == ("notice", "builds an index; writes wait")
        assert effect.bytes > 0
        assert not effect.is_felt
        assert TableEffect("chunk", 10**9, "builds an index; writes wait").is_felt

    def test_schema_of_a_newer_version_is_seen(self, url: str) -> None:
        at(url, "9999")
        state = look(url)
        assert (state.is_newer, state.pending) == (True, [])

    async def test_sessions_tell_their_version(self, url: str) -> None:
        database = Database(url)
        try:
            await database.ping()
            with psycopg.connect(url, application_name="citewell"):
                sessions = look(url).sessions
        finally:
            await database.close()
        assert sessions == {citewell.__version__: 1, "": 1}

    def test_database_out_of_reach_is_refused(self) -> None:
        with pytest.raises(StartupError, match="does not answer"):
            look("postgresql://nobody@127.0.0.1:1/none")
