"""Errors that the log notes, written for administrators to read."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
import structlog

from citewell.core.context import (
    OPERATOR,
    TENANT_SCOPES,
    Actor,
    ActorKind,
    Caller,
    unit_of_work,
)
from citewell.core.error_notes import ErrorNotes, redacted
from citewell.core.settings import Settings
from citewell.features.error_log import service
from citewell.features.identity import service as identity
from citewell.kit.pagination import PageRequest
from tests.conftest import LiveServer, Servers
from tests.office import Office, open_office
from tests.quiet import quiet_database, quiet_platform

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/errors"


@pytest.fixture
async def office(live_server: LiveServer) -> AsyncIterator[Office]:
    """A tenant of this test's own."""
    async with AsyncExitStack() as stack:
        yield await open_office(live_server, stack)


@pytest.fixture
def notes() -> Iterator[ErrorNotes]:
    """Notes in the log of this process."""
    before = structlog.get_config()["processors"]
    made = ErrorNotes()
    structlog.configure(processors=[made, *before])
    yield made
    structlog.configure(processors=before)


def broken(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def failed(office: Office, error: Exception, request_id: str) -> dict[str, object]:
    return {
        "event": "request_failed", "exc_info": error, "request_id": request_id,
        "tenant_id": str(office.tenant_id),
    }  # fmt: skip


class TestErrors:
    async def test_a_kind_is_counted_and_shown_to_administrators_without_what_it_held(
        self, office: Office, stranger: httpx.AsyncClient, notes: ErrorNotes, refused: Refused
    ) -> None:
        told = "no `salary list` of ann@example.org, 4711 or 'Ann' at http://u:p@h/x"
        notes(None, "error", failed(office, broken(told), "r-1"))
        await office.run(service.write(office.server.platform))
        notes(None, "error", failed(office, broken("something else"), "r-2"))
        notes(None, "error", failed(office, broken("no 'salary'"), "r-3"))
        notes(None, "warning", {"event": "request_failed", "error": "an outage"})
        await office.run(service.write(office.server.platform))
        [shown] = (await office.service.get(URL)).json()["data"]
        assert (shown["count"], shown["kind"], shown["source"]) == (3, "ValueError", "http")
        assert shown["request_id"] == "r-3"
        assert shown["first_at"] < shown["last_at"]
        assert "broken" in shown["place"]
        assert "salary" not in str(shown)
        refused(await (await office.person()).client.get(URL), 403, "forbidden")
        assert (await stranger.get(URL)).json()["data"] == []

    async def test_errors_of_a_removed_tenant_keep_nothing_from_being_written(
        self, office: Office, notes: ErrorNotes
    ) -> None:
        gone = failed(office, broken("gone"), "r-1") | {"tenant_id": str(uuid.uuid4())}
        notes(None, "error", gone)
        notes(None, "error", failed(office, broken("here"), "r-2"))
        await office.run(service.write(office.server.platform))
        [shown] = (await office.service.get(URL)).json()["data"]
        assert shown["request_id"] == "r-2"
        assert notes.take() == []

    def test_messages_lose_what_they_name(self) -> None:
        told = "no `salary list` of ann@example.org, 4711 or 'Ann' at http://u:p@h/x\nsecret"
        assert redacted(told) == "no … of … … or … at …"
        assert redacted("key cw_abcdefghijklmnopqrstuvwxyz is wrong") == "key … is wrong"

    def test_quotes_are_told_from_apostrophes_and_may_go_over_lines(self) -> None:
        for told, left in (
            ("can't open 'Alice Smith layoff.pdf' now", "can't open … now"),
            ("bad cell 'Salary of Alice Smith\nand Bob' in it\nmore", "bad cell … in it"),
            ('5" wide, not "Alice\'s list"', '5" wide, not …'),
            ("b'Alice Smith' in `Bob's file`: no", "… in …: no"),
            (r"no 'Alice\' list' here", "no … here"),
            ("cut 'Alice Smith\nand", "cut …"),
            ("ends in 'C:\\Alice Smith\\", "ends in …"),
            (f"no 'Alice{' Smith' * 1_000}", "no …"),
            ("", ""),
        ):
            assert redacted(told) == left


class TestInstallation:
    async def test_errors_of_no_tenant_are_for_the_operator_alone(
        self, servers: Servers, template: str, settings: Settings, notes: ErrorNotes
    ) -> None:
        with quiet_database(servers, template) as url:
            async with quiet_platform(settings, url) as platform:
                await identity.create_tenant(platform, identity.DEFAULT_TENANT, "Default")
                tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
                error = broken("the trash of Nordwind is odd")
                notes(None, "error", {"event": "task_failed", "exc_info": error})
                own = {"event": "job_crashed", "exc_info": error, "tenant_id": str(tenant_id)}
                for _ in range(2):
                    notes(None, "error", own)
                await service.write(platform)
                notes(None, "error", {"event": "task_failed", "exc_info": error})
                await service.write(platform)
                admin = Actor(ActorKind.USER, uuid.uuid4(), is_admin=True, scopes=TENANT_SCOPES)
                software = Actor(ActorKind.API_KEY, uuid.uuid4(), scopes=TENANT_SCOPES)
                told: list[list[tuple[str, int, bool]]] = []
                for actor in (admin, software, OPERATOR):
                    async with unit_of_work(platform, Caller(tenant_id, actor)) as ctx:
                        page = await service.page(ctx, PageRequest())
                    assert page.total == len(page.items)
                    told.append(sorted((e.source, e.count, e.of_installation) for e in page.items))
        assert told[0] == told[1] == [("job", 2, False)]
        assert told[2] == [("background", 2, True), ("job", 2, False)]
