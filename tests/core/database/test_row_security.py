"""The database itself guarantees it: no row of another tenant, whatever the statement says."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from citewell.core.database.sessions import APP_ROLE
from citewell.core.settings import Settings
from tests.acting import act_for
from tests.conftest import new_caller
from tests.quiet import Shelf, quiet_platform

GLOBAL_TABLES = {
    "alembic_version", "procrastinate_workers", "procrastinate_jobs", "procrastinate_events",
    "procrastinate_periodic_defers", "schedule",
}  # fmt: skip
"""Tables without a tenant: they hold ids of work, never a tenant's data."""

HIDDEN_TABLES = {"lexical_chunk"}
"""Tables that functions of the owner alone read and write, for the tenant of the session."""

DEFINER_FUNCTIONS = {
    "citewell_tenant_by_slug", "citewell_tenants_to_fold", "citewell_tenants_to_index",
    "citewell_tenants_to_purge", "citewell_tenants_to_build",
    "citewell_tenants_of_email", "citewell_all_tenants", "citewell_tenant_named",
    "citewell_remove_tenant",
    "citewell_evaluation_tenants", "citewell_tenants_with_old_replies",
    "citewell_is_former_master", "citewell_tenants_with_events", "citewell_tenants_with_trash",
    "citewell_tenants_with_expired_trash", "citewell_tenants_with_retention",
    "citewell_tenants_to_count",
    "citewell_tenants_with_pending_notices", "citewell_tenants_with_old_notices",
    "citewell_tenants_with_due_webhooks", "citewell_tenants_with_old_deliveries",
    "citewell_tenants_with_full_webhooks", "citewell_tenants_with_ended_webhooks",
    "citewell_tenants_with_old_words", "citewell_is_mail_failing",
    "citewell_tenants_with_old_agent_runs", "citewell_tenants_with_old_workflow_runs",
    "citewell_tenants_with_old_answers", "citewell_tenants_with_old_conversations",
    "citewell_tenants_with_old_streams", "citewell_tenants_with_open_runs",
    "citewell_tenants_with_due_workflows", "citewell_tenants_with_due_triggers",
    "citewell_keep_lexical", "citewell_fill_lexical", "citewell_is_lexical_filled",
    "citewell_lexical_candidates", "citewell_library_stamps", "citewell_discard_files",
}  # fmt: skip
"""The only ways past row-level security: ids and stamps alone are given, a tenant removed."""

GIVEN = {
    "citewell_remove_tenant": "void",
    "citewell_keep_lexical": "trigger",
    "citewell_discard_files": "trigger",
    "citewell_lexical_candidates": "record",
    "citewell_library_stamps": "record",
}
"""Their results where these are not ids or an answer; candidates are ids with scores."""


def tables(url: str) -> list[str]:
    """All tables that belong to tenants, partitions included."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') ORDER BY relname"
        ).fetchall()
    return [name for (name,) in rows if name not in GLOBAL_TABLES]


def column(table: str) -> sql.Identifier:
    return sql.Identifier("id" if table == "tenant" else "tenant_id")


def open_tables(url: str) -> list[str]:
    """Those that the application may use."""
    return [name for name in tables(url) if name not in HIDDEN_TABLES]


@dataclass(frozen=True)
class Tenants:
    """Two tenants with rows in every table."""

    url: str
    mine: uuid.UUID
    other: uuid.UUID


async def fill(settings: Settings, url: str, folder: Path) -> list[uuid.UUID]:
    """Two tenants with a document each."""
    found: list[uuid.UUID] = []
    async with quiet_platform(settings, url) as platform:
        for number in range(2):
            caller = await new_caller(platform)
            shelf = Shelf(platform, caller, folder)
            await shelf.add("a.txt", f"# Leave\n\nThere are {number + 20} days of leave.")
            found.append(caller.tenant_id)
    return found


ACCOUNTS = (
    "INSERT INTO user_account (tenant_id, id, email, password_hash) "
    "VALUES (%(tenant)s, %(id)s, 'a@b.example', 'x')",
    "INSERT INTO refresh_token (tenant_id, id, user_id, family_id, hash, expires_at) "
    "SELECT tenant_id, %(id)s, id, %(id)s, 'x', now() FROM user_account "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO second_factor (tenant_id, user_id, sealed_secret, key_id) "
    "SELECT tenant_id, id, 'x', %(id)s FROM user_account WHERE tenant_id = %(tenant)s",
    "INSERT INTO sign_in_ceremony (tenant_id, hash, kind, data, expires_at) "
    "VALUES (%(tenant)s, 'x', 'oidc', '{}', now())",
    "INSERT INTO provider_account (tenant_id, issuer, subject, user_id) "
    "SELECT tenant_id, 'x', 'x', id FROM user_account WHERE tenant_id = %(tenant)s",
    "INSERT INTO passkey (tenant_id, id, user_id, credential_id, public_key, sign_count, name) "
    "SELECT tenant_id, %(id)s, id, 'x', 'x', 0, 'x' FROM user_account "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO user_group (tenant_id, id, name) VALUES (%(tenant)s, %(id)s, 'all')",
    "INSERT INTO group_member (tenant_id, group_id, user_id) "
    "SELECT tenant_id, g.id, u.id FROM user_group g JOIN user_account u USING (tenant_id) "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO collection_grant (tenant_id, id, collection_id, user_id, effect) "
    "SELECT tenant_id, %(id)s, c.id, u.id, 'read' FROM collection c "
    "JOIN user_account u USING (tenant_id) WHERE tenant_id = %(tenant)s LIMIT 1",
    "INSERT INTO document_grant (tenant_id, id, document_id, user_id, effect) "
    "SELECT tenant_id, %(id)s, d.id, u.id, 'read' FROM document d "
    "JOIN user_account u USING (tenant_id) WHERE tenant_id = %(tenant)s LIMIT 1",
    "INSERT INTO usage_record (tenant_id, metric, period, actor_id) "
    "VALUES (%(tenant)s, 'things', 'all', %(id)s)",
    "INSERT INTO blob_claim (tenant_id, sha256, id, size_bytes, key_id, expires_at) "
    "VALUES (%(tenant)s, 'a', %(id)s, 1, %(id)s, now())",
    "INSERT INTO idempotent_reply (tenant_id, caller_id, key_hash, request_hash, reply) "
    "VALUES (%(tenant)s, %(id)s, 'x', 'x', '{}')",
    "INSERT INTO query_log (tenant_id, id, actor_kind, question, request, language, is_abstained, "
    "confidence_level, confidence_score, passages, citations, model, release, timings_ms, "
    "degraded) "
    "VALUES (%(tenant)s, %(id)s, 'user', '?', '{}', 'en', true, 'none', 0, '[]', '[]', 'x', '0', "
    "'{}', '[]')",
    "INSERT INTO query_document (tenant_id, query_id, document_id) "
    "SELECT tenant_id, id, %(id)s FROM query_log WHERE tenant_id = %(tenant)s",
    "INSERT INTO feedback (tenant_id, query_id, actor_id, rating) "
    "SELECT tenant_id, id, %(id)s, 1 FROM query_log WHERE tenant_id = %(tenant)s",
    "INSERT INTO eval_dataset (tenant_id, id, name) VALUES (%(tenant)s, %(id)s, 'x')",
    "INSERT INTO eval_case (tenant_id, id, dataset_id, question) "
    "SELECT tenant_id, %(id)s, id, '?' FROM eval_dataset WHERE tenant_id = %(tenant)s",
    "INSERT INTO eval_generation (tenant_id, id, dataset_id, writer, document_ids, wanted) "
    "SELECT tenant_id, %(id)s, id, 'rules', '{}', 1 FROM eval_dataset "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO eval_run (tenant_id, id, dataset_id, top_k, model, release) "
    "SELECT tenant_id, %(id)s, id, 1, 'x', '0' FROM eval_dataset WHERE tenant_id = %(tenant)s",
    "INSERT INTO eval_result (tenant_id, run_id, case_id, question, is_abstained, "
    "confidence_level, confidence_score, measures, latency_ms) "
    "SELECT tenant_id, id, %(id)s, '?', true, 'none', 0, '{}', 0 FROM eval_run "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO model_connection (tenant_id, id, name, provider, model, uses) "
    "VALUES (%(tenant)s, %(id)s, 'x', 'ollama', 'm', '{answer}')",
    "INSERT INTO conversation (tenant_id, id, actor_id) VALUES (%(tenant)s, %(id)s, %(id)s)",
    "INSERT INTO conversation_message (tenant_id, conversation_id, id, question) "
    "SELECT tenant_id, id, %(id)s, '?' FROM conversation WHERE tenant_id = %(tenant)s",
    "INSERT INTO answer_stream (tenant_id, message_id, conversation_id, documents) "
    "SELECT tenant_id, id, conversation_id, '{}' FROM conversation_message "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO answer_stream_event (tenant_id, message_id, last_id, events) "
    "SELECT tenant_id, message_id, 1, '[]' FROM answer_stream WHERE tenant_id = %(tenant)s",
    "INSERT INTO agent (tenant_id, id, slug, name, version) "
    "VALUES (%(tenant)s, %(id)s, 'a', 'A', 1)",
    "INSERT INTO agent_version (tenant_id, agent_id, number, definition) "
    "SELECT tenant_id, id, 1, '{}' FROM agent WHERE tenant_id = %(tenant)s",
    "INSERT INTO agent_run (tenant_id, id, agent_id, agent_slug, agent_version, definition, "
    "question, root_id, actor_kind, scopes) "
    "SELECT tenant_id, %(id)s, id, 'a', 1, '{}', '?', %(id)s, 'user', '{}' FROM agent "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO agent_step (tenant_id, run_id, n, kind, payload) "
    "SELECT tenant_id, id, 1, 'reply', '{}' FROM agent_run WHERE tenant_id = %(tenant)s",
    "INSERT INTO tool_execution (tenant_id, id, run_id, step, place, call_id, tool, arguments, "
    "arguments_hash) "
    "SELECT tenant_id, %(id)s, id, 1, 0, 'c', 'calculate', '{}', 'x' FROM agent_run "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO workflow (tenant_id, id, slug, version) VALUES (%(tenant)s, %(id)s, 'w', 1)",
    "INSERT INTO workflow_version (tenant_id, workflow_id, number, source, spec) "
    "SELECT tenant_id, id, 1, '', '{}' FROM workflow WHERE tenant_id = %(tenant)s",
    "INSERT INTO workflow_run (tenant_id, id, workflow_id, workflow_slug, workflow_version, spec, "
    "inputs, root_id, actor_kind, scopes) "
    "SELECT tenant_id, %(id)s, id, 'w', 1, '{}', '{}', %(id)s, 'user', '{}' FROM workflow "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO workflow_node_run (tenant_id, run_id, node, item, status) "
    "SELECT tenant_id, id, 'n', 0, 'ready' FROM workflow_run WHERE tenant_id = %(tenant)s",
    "INSERT INTO workflow_trigger (tenant_id, id, workflow_id, kind, inputs, actor_kind, scopes) "
    "SELECT tenant_id, %(id)s, id, 'document', '{}', 'user', '{}' FROM workflow "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO workflow_event (tenant_id, id, trigger_id, document_id, kind) "
    "SELECT tenant_id, %(id)s, id, %(id)s, 'created' FROM workflow_trigger "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO analytics_day (tenant_id, day, users, questions, unanswered, doubtful, cached, "
    "cache_noted, degraded, ratings, rating_sum, bad_ratings, input_tokens, output_tokens, money, "
    "agent_runs, documents_created, documents_updated, latency) "
    "VALUES (%(tenant)s, now(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}')",
    "INSERT INTO analytics_item (tenant_id, kind, span, start, key, questions) "
    "VALUES (%(tenant)s, 'agent', 'day', now(), %(id)s, 1)",
    "INSERT INTO analytics_state (tenant_id, counted_until) VALUES (%(tenant)s, now())",
    "INSERT INTO webhook (tenant_id, id, name, url, events, sealed_secret, key_id, actor_kind) "
    "VALUES (%(tenant)s, %(id)s, 'x', 'x', '{}', 'x', %(id)s, 'operator')",
    "INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id) "
    "SELECT tenant_id, %(id)s, id, 'answer.rated', %(id)s FROM webhook "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO embed (tenant_id, id, name, origins) VALUES (%(tenant)s, %(id)s, 'x', '{x}')",
    "INSERT INTO notice (tenant_id, id, user_id, kind) "
    "SELECT tenant_id, %(id)s, id, 'password_changed' FROM user_account "
    "WHERE tenant_id = %(tenant)s",
    "INSERT INTO error_event (tenant_id, fingerprint, source, kind, place, example, frames, "
    "release) VALUES (%(tenant)s, 'x', 'job', 'x', 'x', 'x', '{}', '0')",
    "INSERT INTO audit_event (tenant_id, id, actor_kind, action) "
    "VALUES (%(tenant)s, %(id)s, 'user', 'thing.done')",
)
"""A row in each table that taking a document in leaves empty."""

APPEND_ONLY = ("audit_event",)


@pytest.fixture(scope="module")
def tenants(
    own_url: str,
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
    superuser: None,  # who fills tables past row-level security
) -> Tenants:
    found = asyncio.run(fill(settings, own_url, tmp_path_factory.mktemp("shelf")))
    with psycopg.connect(own_url) as connection:
        connection.execute(
            "INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms,"
            " frequencies) SELECT tenant_id, generation_id, 1, 0, '{}', '{}' FROM version_terms"
        )
        for tenant_id in found:
            for statement in ACCOUNTS:
                connection.execute(statement, {"tenant": tenant_id, "id": uuid.uuid4()})
    return Tenants(own_url, *found)


@pytest.fixture
def app(tenants: Tenants) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection as the application has it: its role, no tenant."""
    with psycopg.connect(tenants.url, row_factory=dict_row) as connection:
        connection.execute(f"SET ROLE {APP_ROLE}")
        yield connection
        connection.rollback()


def refused(table: str) -> pytest.RaisesExc[psycopg.Error]:
    """Returns the error that an attempt to write another tenant's row ends with."""
    if table.startswith("chunk_"):  # a partition may notice first that the row is not its own
        return pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation), match="new row"
        )
    return pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security")


class TestCatalog:
    def test_every_table_is_known(self, own_url: str) -> None:
        names = tables(own_url)
        assert {"tenant", "document", "chunk", "chunk_0", "chunk_7", "job"} <= set(names)
        with psycopg.connect(own_url) as connection:
            for name in names:
                described = connection.execute(
                    sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(name))
                ).description
                assert described is not None
                columns = [field.name for field in described]
                assert name == "tenant" or "tenant_id" in columns, f"{name} belongs to nobody"

    def test_every_table_is_guarded_even_from_its_owner(self, own_url: str) -> None:
        with psycopg.connect(own_url) as connection:
            rows = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'p') AND relrowsecurity AND relforcerowsecurity"
            ).fetchall()
        assert sorted(name for (name,) in rows) == tables(own_url)

    def test_one_policy_says_what_the_app_may_see_and_write(self, own_url: str) -> None:
        with psycopg.connect(own_url, row_factory=dict_row) as connection:
            policies = connection.execute(
                "SELECT polrelid::regclass::text AS relation, polname, polcmd, polpermissive, "
                "pg_get_expr(polqual, polrelid) AS seen, "
                "pg_get_expr(polwithcheck, polrelid) AS written "
                "FROM pg_policy WHERE EXISTS (SELECT FROM unnest(polroles) AS r(id) "
                "WHERE r.id = 0 OR pg_has_role(%s, r.id, 'MEMBER'))",
                (APP_ROLE,),
            ).fetchall()
        hiding = {each["polname"]: each for each in policies if not each["polpermissive"]}
        assert {name: each["relation"] for name, each in hiding.items()} == {
            "trash": "document",
            "discarded": "collection",
            "conversation": "collection",
        }
        for name, begins in (
            ("trash", "((deleted_at IS NULL) OR "),
            ("discarded", "((discard_after IS NULL) OR "),
            ("conversation", "((visibility <> 'conversation'::text) OR "),
        ):
            assert hiding[name]["polcmd"] == "*"
            assert hiding[name]["seen"].startswith(begins)
            policies.remove(hiding[name])
        assert sorted(policy["relation"] for policy in policies) == tables(own_url)
        for policy in policies:
            name = "id" if policy["relation"] == "tenant" else "tenant_id"
            assert policy["polcmd"] == "*"
            assert policy["seen"] == policy["written"] == f"({name} = citewell_tenant())"

    def test_app_role_is_nobody(self, own_url: str) -> None:
        with psycopg.connect(own_url, row_factory=dict_row) as connection:
            [role] = connection.execute(
                "SELECT * FROM pg_roles WHERE rolname = %s", (APP_ROLE,)
            ).fetchall()
            owned = connection.execute(
                "SELECT classid::regclass, objid FROM pg_shdepend WHERE deptype = 'o' "
                "AND refobjid = %s::regrole",
                (APP_ROLE,),
            ).fetchall()
            groups = connection.execute(
                "SELECT roleid::regrole FROM pg_auth_members WHERE member = %s::regrole",
                (APP_ROLE,),
            ).fetchall()
        powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin")
        assert not any(role[power] for power in (*powers, "rolreplication"))
        assert owned == []
        assert groups == []

    def test_app_role_may_not_go_around(self, own_url: str) -> None:
        """TRUNCATE and foreign keys know no row-level security."""
        with psycopg.connect(own_url) as connection:
            for name in tables(own_url):
                for right in ("TRUNCATE", "REFERENCES", "TRIGGER"):
                    allowed = connection.execute(
                        "SELECT has_table_privilege(%s, %s, %s)", (APP_ROLE, name, right)
                    ).fetchone()
                    assert allowed == (False,), (name, right)
            makes = "SELECT has_schema_privilege(%s, 'public', 'CREATE')"
            assert connection.execute(makes, (APP_ROLE,)).fetchone() == (False,)

    def test_only_known_functions_run_as_the_owner(self, own_url: str) -> None:
        with psycopg.connect(own_url, row_factory=dict_row) as connection:
            functions = connection.execute(
                "SELECT proname, prorettype::regtype::text AS gives, proconfig FROM pg_proc "
                "WHERE prosecdef AND pronamespace = 'public'::regnamespace"
            ).fetchall()
        assert {function["proname"] for function in functions} == DEFINER_FUNCTIONS
        for function in functions:
            name = function["proname"]
            is_question = name.startswith("citewell_is_")
            gives = GIVEN.get(name, "boolean" if is_question else "uuid")
            assert function["gives"] == gives
            assert function["proconfig"][0] == "search_path=public, pg_temp"

    def test_app_role_may_not_use_hidden_tables(self, own_url: str) -> None:
        with psycopg.connect(own_url) as connection:
            for name in HIDDEN_TABLES:
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                    allowed = connection.execute(
                        "SELECT has_table_privilege(%s, %s, %s)", (APP_ROLE, name, right)
                    ).fetchone()
                    assert allowed == (False,), (name, right)


class TestStatements:
    def test_without_a_tenant_nothing_is_visible(
        self, tenants: Tenants, app: psycopg.Connection[dict[str, Any]]
    ) -> None:
        for name in open_tables(tenants.url):
            counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            assert app.execute(counted).fetchone() == {"count": 0}, name

    @pytest.mark.parametrize("value", ["", None])
    def test_reset_tenant_is_no_tenant(
        self, tenants: Tenants, app: psycopg.Connection[dict[str, Any]], value: str | None
    ) -> None:
        act_for(app, tenants.mine)
        app.execute("SELECT set_config('citewell.tenant_id', %s, true)", (value,))
        assert app.execute("SELECT count(*) FROM document").fetchone() == {"count": 0}

    def test_bare_statement_sees_own_rows_alone(
        self, tenants: Tenants, app: psycopg.Connection[dict[str, Any]]
    ) -> None:
        act_for(app, tenants.mine)
        for name in open_tables(tenants.url):
            statement = sql.SQL("SELECT DISTINCT {} AS owner FROM {}")
            found = app.execute(statement.format(column(name), sql.Identifier(name))).fetchall()
            owners = {row["owner"] for row in found}
            if name.startswith("chunk_"):
                assert owners <= {tenants.mine}
            else:
                assert owners == {tenants.mine}, name

    def test_row_of_another_tenant_cannot_be_inserted(
        self, tenants: Tenants, app: psycopg.Connection[dict[str, Any]]
    ) -> None:
        act_for(app, tenants.mine)
        for name in open_tables(tenants.url):
            table = sql.Identifier(name)
            copy = sql.SQL(
                "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(x, "
                "jsonb_build_object({column}, {other}::text))).* FROM {table} x LIMIT 1"
            ).format(
                table=table,
                column=sql.Literal("id" if name == "tenant" else "tenant_id"),
                other=sql.Literal(str(tenants.other)),
            )
            if app.execute(sql.SQL("SELECT 1 FROM {}").format(table)).fetchone() is None:
                assert name.startswith("chunk_")
                continue
            with refused(name), app.transaction():
                app.execute(copy)

    def test_row_cannot_be_given_to_another_tenant(
        self, tenants: Tenants, app: psycopg.Connection[dict[str, Any]]
    ) -> None:
        act_for(app, tenants.mine)
        for name in open_tables(tenants.url):
            table = sql.Identifier(name)
            if app.execute(sql.SQL("SELECT 1 FROM {}").format(table)).fetchone() is None:
                continue
            if name in APPEND_ONLY:
                continue  # nothing of it can be changed at all
            give = sql.SQL("UPDATE {} SET {} = %s").format(table, column(name))
            with refused(name), app.transaction():
                app.execute(give, (tenants.other,))

    def test_rows_of_another_tenant_cannot_be_touched(
        self, tenants: Tenants, app: psycopg.Connection[dict[str, Any]]
    ) -> None:
        act_for(app, tenants.mine)
        for name in open_tables(tenants.url):
            table, owner = sql.Identifier(name), column(name)
            for statement in (
                "UPDATE {0} SET {1} = {1} WHERE {1} = %s",
                "DELETE FROM {0} WHERE {1} = %s",
            ):
                if name in APPEND_ONLY:
                    with (
                        pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission"),
                        app.transaction(),
                    ):
                        app.execute(sql.SQL(statement).format(table, owner), (tenants.mine,))
                    continue
                done = app.execute(sql.SQL(statement).format(table, owner), (tenants.other,))
                assert done.rowcount == 0, (name, statement)
            if name in APPEND_ONLY:
                continue
            lock = sql.SQL("SELECT 1 FROM {0} WHERE {1} = %s FOR UPDATE").format(table, owner)
            assert app.execute(lock, (tenants.other,)).fetchall() == []

    def test_owner_without_a_tenant_sees_no_content_either(self, tenants: Tenants) -> None:
        """FORCE: of an ordinary owner, whose backups and mistakes are bound like the app."""
        with psycopg.connect(tenants.url) as connection:
            connection.execute("CREATE ROLE fresh_owner IN ROLE citewell_app")
            for name in ("document", "chunk", "api_key", "document_text"):
                connection.execute(
                    sql.SQL("ALTER TABLE {} OWNER TO fresh_owner").format(sql.Identifier(name))
                )
            connection.execute("SET ROLE fresh_owner")
            for name in ("document", "chunk", "api_key", "document_text"):
                counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
                assert connection.execute(counted).fetchone() == (0,), name
            connection.rollback()
