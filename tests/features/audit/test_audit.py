import asyncio
import csv
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from citewell.access.policy import Role
from citewell.core.context import Actor, ActorKind, Caller, Origin, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.audit import service
from citewell.features.audit.repository import BATCH
from citewell.features.audit.schemas import AuditFilter
from citewell.features.audit.service import ExportFormat
from citewell.features.identity import repository as identity_repository
from citewell.kit.pagination import PageRequest
from tests.conftest import Library
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]
ALL = AuditFilter()
MADE = ("tenant.created", "api_key.created")
"""The audit events of making a tenant."""


async def note(platform: Platform, caller: Caller, *actions: str, **more: object) -> None:
    for action in actions:
        async with unit_of_work(platform, caller) as ctx:
            await service.record(ctx, action, **more)  # pyright: ignore[reportArgumentType]


async def actions(platform: Platform, caller: Caller, wanted: AuditFilter = ALL) -> list[str]:
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, wanted, PageRequest(1, 100))
    return [event.action for event in page.items if event.action not in MADE]


async def exported(
    platform: Platform, caller: Caller, form: ExportFormat = ExportFormat.NDJSON
) -> list[dict[str, Any]]:
    parts = b"".join([p async for p in service.export(platform, caller, ALL, form)]).decode()
    if form is ExportFormat.CSV:
        events = list(csv.DictReader(io.StringIO(parts, newline="")))
    else:
        events = [json.loads(line) for line in parts.splitlines()]
    return [event for event in events if event["action"] not in MADE]


def somebody(caller: Caller, *, is_admin: bool = False) -> Caller:
    actor = Actor(
        ActorKind.USER, id=uuid.uuid4(), user_id=uuid.uuid4(), is_admin=is_admin,
        credential_id=uuid.uuid4(),
    )  # fmt: skip
    return replace(caller, actor=actor, origin=Origin("192.0.2.7", "request"))


class TestRecord:
    async def test_who_what_where_and_with_which_credential(
        self, platform: Platform, caller: Caller
    ):
        who, thing = somebody(caller), uuid.uuid4()
        await note(
            platform, who, "document.deleted", object_kind="document", object_id=thing,
            details={"n": 1},
        )  # fmt: skip
        async with unit_of_work(platform, caller) as ctx:
            event = (await service.page(ctx, ALL, PageRequest(1, 10))).items[0]
        assert (event.actor_kind, event.actor_id) == ("user", who.actor.user_id)
        assert event.credential_id == who.actor.credential_id
        assert (event.action, event.object_kind, event.object_id) == (
            "document.deleted", "document", thing,
        )  # fmt: skip
        assert (event.address, event.request_id) == ("192.0.2.7", "request")
        assert event.details == {"n": 1}
        assert abs(event.at - datetime.now(UTC)) < timedelta(minutes=1)

    async def test_deed_that_is_rolled_back_leaves_no_note(
        self, platform: Platform, caller: Caller
    ):
        async with unit_of_work(platform, caller) as ctx:
            await service.record(ctx, "document.deleted")
            await ctx.session.rollback()
        assert await actions(platform, caller) == []

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_event SET action = 'nothing'",
            "DELETE FROM audit_event",
            "TRUNCATE audit_event",
        ],
    )
    async def test_nobody_changes_what_was_noted(
        self, platform: Platform, caller: Caller, statement: str
    ):
        await note(platform, caller, "document.deleted")
        with pytest.raises(ProgrammingError) as caught:
            async with unit_of_work(platform, caller) as ctx:
                await ctx.session.execute(text(statement))
        assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)
        assert await actions(platform, caller) == ["document.deleted"]

    async def test_trail_goes_with_its_tenant(self, platform: Platform, caller: Caller):
        await note(platform, caller, "document.deleted")
        async with unit_of_work(platform, caller) as ctx:
            await identity_repository.remove_tenant(ctx.session, caller.tenant_id)
        assert await actions(platform, caller) == []


class TestPage:
    async def test_filters_narrow_it_down_newest_first(self, platform: Platform, caller: Caller):
        anna, thing = somebody(caller), uuid.uuid4()
        await note(platform, caller, "a.first", "a.second")
        await note(platform, anna, "a.third", object_kind="document", object_id=thing)
        assert await actions(platform, caller) == ["a.third", "a.second", "a.first"]
        by_anna = AuditFilter(actor_id=anna.actor.user_id)
        assert await actions(platform, caller, by_anna) == ["a.third"]
        assert await actions(platform, caller, AuditFilter(object_id=thing)) == ["a.third"]
        assert await actions(platform, caller, AuditFilter(action="a.first")) == ["a.first"]
        now = datetime.now(UTC)
        assert await actions(platform, caller, AuditFilter(since=now + timedelta(hours=1))) == []
        assert len(await actions(platform, caller, AuditFilter(until=now))) <= 3
        assert await actions(platform, caller, AuditFilter(until=now - timedelta(hours=1))) == []

    async def test_only_administrators_read_it(self, platform: Platform, caller: Caller):
        with pytest.raises(ForbiddenError):
            await actions(platform, somebody(caller))
        assert await actions(platform, somebody(caller, is_admin=True)) == []
        with pytest.raises(ForbiddenError):
            await anext(service.export(platform, somebody(caller), ALL, ExportFormat.CSV))


class TestExport:
    async def test_all_events_oldest_first_and_the_export_itself(
        self, platform: Platform, caller: Caller
    ):
        count = BATCH * 2 + 7
        async with unit_of_work(platform, caller) as ctx:
            await service.record_all(
                ctx, "a.noted", "thing", {uuid.uuid4(): {"n": n} for n in range(count)}
            )
        events = await exported(platform, caller)
        assert [event["details"].get("n") for event in events] == [*range(count), None]
        assert events[-1]["action"] == "audit.exported"

    async def test_snapshot_does_not_move_while_it_is_read(
        self, platform: Platform, caller: Caller
    ):
        async with unit_of_work(platform, caller) as ctx:
            await service.record_all(
                ctx, "a.noted", "thing", {uuid.uuid4(): {} for _ in range(BATCH * 3)}
            )
        parts = service.export(platform, caller, ALL, ExportFormat.NDJSON)
        lines = (await anext(parts)).splitlines()
        assert len(lines) == BATCH
        await note(platform, caller, "a.later")
        async for part in parts:
            lines += part.splitlines()
        found = [json.loads(line)["action"] for line in lines]
        assert found.count("a.noted") == BATCH * 3
        assert "a.later" not in found

    async def test_slow_readers_keep_no_connection(self, platform: Platform, caller: Caller):
        async with unit_of_work(platform, caller) as ctx:
            await service.record_all(
                ctx, "a.noted", "thing", {uuid.uuid4(): {} for _ in range(BATCH * 2)}
            )
        count = platform.settings.database_pool_size + 1
        readers = [service.export(platform, caller, ALL, ExportFormat.NDJSON) for _ in range(count)]
        async with asyncio.timeout(PATIENCE):
            for parts in readers:
                await anext(parts)
            await note(platform, caller, "a.later")
        for parts in readers:
            await parts.aclose()

    async def test_csv_has_a_header_and_one_row_each(self, platform: Platform, caller: Caller):
        await note(platform, caller, "a.noted", details={"quote": 'a "b", c\nd'})
        rows = await exported(platform, caller, ExportFormat.CSV)
        assert [row["action"] for row in rows] == ["a.noted", "audit.exported"]
        assert json.loads(rows[0]["details"]) == {"quote": 'a "b", c\nd'}


class TestRoutes:
    async def test_events_are_listed_and_exported(self, client: httpx.AsyncClient):
        page = (await client.get("/api/v1/audit", params={"limit": 1})).json()
        assert len(page["data"]) == 1
        reply = await client.get("/api/v1/audit/export")
        assert reply.headers["content-type"].startswith("application/x-ndjson")
        assert reply.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'
        assert json.loads(reply.text.splitlines()[-1])["action"] == "audit.exported"
        page = (await client.get("/api/v1/audit", params={"action": "audit.exported"})).json()
        event = page["data"][0]
        assert event["actor_kind"] == "api_key"
        assert event["address"] == "127.0.0.1"
        assert event["request_id"] == reply.headers["x-request-id"]

    async def test_days_stand_for_their_beginning(self, client: httpx.AsyncClient):
        today = datetime.now(UTC).date()
        for since, until, is_there in (
            (today - timedelta(1), today + timedelta(2), True),
            (today + timedelta(2), today + timedelta(3), False),
            (today - timedelta(3), today - timedelta(1), False),
        ):
            query = {"from": str(since), "to": str(until)}
            page = (await client.get("/api/v1/audit", params=query)).json()
            assert bool(page["data"]) is is_there

    async def test_nothing_that_fits_is_an_empty_file(self, client: httpx.AsyncClient):
        reply = await client.get("/api/v1/audit/export", params={"action": "none"})
        assert (reply.status_code, reply.content) == (200, b"")

    async def test_other_tenants_see_nothing_of_it(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ):
        await client.get("/api/v1/audit/export")
        query = {"action": "audit.exported"}
        assert (await stranger.get("/api/v1/audit", params=query)).json()["data"] == []

    @pytest.mark.parametrize(
        "query",
        ["from=yesterday", "to=2027-01-01T00:00:00", "actor_id=me", "action=A'--", "format=xml"],
    )
    async def test_bad_filters_are_422(
        self, client: httpx.AsyncClient, refused: Refused, query: str
    ):
        path = "export" if query.startswith("format") else ""
        reply = await client.get(f"/api/v1/audit/{path}?{query}".replace("/?", "?"))
        refused(reply, 422, "validation_error")

    async def test_without_a_key_it_is_401(self, anonymous: httpx.AsyncClient, refused: Refused):
        for path in ("/api/v1/audit", "/api/v1/audit/export", "/api/v1/usage"):
            refused(await anonymous.get(path), 401, "unauthorized")


class TestNames:
    async def test_actors_and_objects_are_named_as_they_are_now(
        self, client: httpx.AsyncClient, library: Library
    ):
        made = (await client.post("/api/v1/collections", json={"name": "=Before"})).json()["id"]
        await client.patch(f"/api/v1/collections/{made}", json={"name": "=Shelf"})
        [one] = await library.upload(("one.txt", b"First text."))
        await client.patch(f"/api/v1/documents/{one['id']}", json={"title": "Letter of May"})
        events = (await client.get("/api/v1/audit", params={"limit": 100})).json()["data"]
        named = {each["action"]: each["object_name"] for each in events}
        assert named["collection.created"] is not None
        assert named["document.created"] == named["document.updated"] == "Letter of May"
        assert "=Shelf" in {each["object_name"] for each in events}
        by_key = [each for each in events if each["actor_kind"] == "api_key"]
        keys = (await client.get("/api/v1/auth/api-keys")).json()["data"]
        assert {each["actor_name"] for each in by_key} <= {each["name"] for each in keys}
        rows = (await client.get("/api/v1/audit/export", params={"format": "csv"})).text
        assert "'=Shelf" in rows, "no cell is a formula"

    async def test_titles_and_collections_are_told_to_those_who_may_see_them(
        self, platform: Platform, client: httpx.AsyncClient, library: Library
    ):
        await client.post("/api/v1/collections", json={"name": "Salaries"})
        await library.add("Pay of Ann", "Ann earns 1.", access_level="restricted")
        person = {"email": "admin@example.org", "name": "Ada", "is_admin": True, "role": "guest"}
        user = (await client.post("/api/v1/users", json=person)).json()
        tenant_id = uuid.UUID((await client.get("/api/v1/auth/me")).json()["tenant"]["id"])
        id_ = uuid.UUID(user["id"])
        actor = Actor(ActorKind.USER, id=id_, user_id=id_, role=Role.GUEST, is_admin=True)
        async with unit_of_work(platform, Caller(tenant_id, actor)) as ctx:
            page = await service.page(ctx, ALL, PageRequest(1, 100))
        named = {(each.action, each.object_name) for each in page.items}
        assert ("document.created", None) in named
        assert ("collection.created", None) in named
        assert "Salaries" not in {name for _, name in named}
        assert any(each.object_name == "Ada" for each in page.items)


class TestDeeds:
    async def test_what_is_done_to_documents_and_collections_is_noted(
        self, client: httpx.AsyncClient, library: Library
    ):
        made = (await client.post("/api/v1/collections", json={"name": "a"})).json()["id"]
        await client.patch(f"/api/v1/collections/{made}", json={"description": "b"})
        await client.delete(f"/api/v1/collections/{made}")
        [one] = await library.upload(("one.txt", b"First text."))
        await library.upload(("one.txt", b"Second text."), access_level="public")
        path = f"/api/v1/documents/{one['id']}"
        await client.patch(path, json={"title": "Two"})
        await client.patch(path, json={"title": "Two", "access_level": "internal"})
        await client.delete(path)
        events = (await client.get("/api/v1/audit", params={"limit": 100})).json()["data"]
        noted = [(e["action"], e["details"]) for e in reversed(events) if e["action"] not in MADE]
        assert [action for action, _ in noted] == [
            "collection.created", "collection.changed", "collection.deleted",
            "collection.created", "document.created",
            "document.access_level_changed", "document.version_added",
            "document.updated", "document.access_level_changed", "document.deleted",
        ]  # fmt: skip
        assert noted[5][1] == {"from": "internal", "to": "public"}
        assert noted[7][1] == {"fields": ["title"]}
        of_document = {"object_id": one["id"]}
        found = (await client.get("/api/v1/audit", params=of_document)).json()
        assert found["pagination"]["total"] == 6
