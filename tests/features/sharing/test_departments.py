"""Departments from a list of people."""

import pytest

from citewell.access.policy import Role
from citewell.core.context import unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionExistsError
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.search import service as search
from citewell.features.search.schemas import SearchRequest
from citewell.features.sharing import departments
from citewell.features.sharing.schemas import DepartmentsReport, Person
from tests.people import People
from tests.quiet import Shelf

STAFF = [
    Person(email="ann@example.org", role="manager", departments=["Finance"]),
    Person(email="bo@example.org", name="Bo", departments=["HR", "Finance"]),
    Person(email="cy@example.org", departments=["HR"]),
    Person(email="di@example.org"),
]


async def set_up(platform: Platform, people: People, staff: list[Person]) -> DepartmentsReport:
    async with unit_of_work(platform, people.operator) as ctx:
        return await departments.set_up(ctx, staff)


class TestSetUp:
    async def test_each_department_is_private_to_its_people_and_the_proof_is_true(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        director = await people.user(Role.DIRECTOR, is_admin=True, email="boss@example.org")
        known = await people.user(email="cy@example.org")
        report = await set_up(quiet, people, STAFF)
        assert (report.groups, report.collections) == (["Finance", "HR"], ["Finance", "HR"])
        assert set(report.invitations) == {"ann@example.org", "bo@example.org", "di@example.org"}
        seen = {each.email: each.reads for each in report.seen}
        assert seen == {
            "ann@example.org": ["Finance"],
            "bo@example.org": ["Finance", "HR"],
            "boss@example.org": [],
            "cy@example.org": ["HR"],
            "di@example.org": [],
        }
        assert {each.email: each.changes for each in report.seen} == seen
        for name in ("Finance", "HR"):
            async with unit_of_work(quiet, people.operator) as ctx:
                found = await collections.find(ctx, name)
            await shelf.add(f"{name}.txt", f"salary of {name}", collection_id=found.id)
        asked = SearchRequest(query="salary", top_k=10)
        for caller, expected in ((director, []), (known, ["HR.txt"])):
            reply = await search.search(quiet, caller, asked)
            assert [hit.title for hit in reply.results] == expected
        again = await set_up(quiet, people, STAFF)
        assert (again.groups, again.collections, again.invitations) == ([], [], {})
        assert again.seen == report.seen

    async def test_an_open_collection_of_the_name_stops_all_of_it(
        self, quiet: Platform, people: People
    ) -> None:
        async with unit_of_work(quiet, people.operator) as ctx:
            await collections.create(ctx, CollectionCreate(name="hr"))
        with pytest.raises(CollectionExistsError):
            await set_up(quiet, people, STAFF)
        employee = await people.user(Role.MANAGER)
        with pytest.raises(ForbiddenError):
            async with unit_of_work(quiet, employee) as ctx:
                await departments.set_up(ctx, STAFF)
        async with unit_of_work(quiet, people.operator) as ctx:
            seen = await departments.who_sees(ctx, [])
        assert len(seen) == 1  # nobody was invited
