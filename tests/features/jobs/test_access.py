"""Jobs are seen, ended and tried again by those who may."""

import pytest

from citewell.access.policy import AccessLevel, Role
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.features.jobs import service
from citewell.features.jobs.errors import JobNotFoundError
from citewell.kit.pagination import PageRequest
from tests.people import People
from tests.quiet import Shelf


@pytest.fixture
def people(shelf: Shelf) -> People:
    return People(shelf.platform, shelf.caller.tenant_id)


async def seen(shelf: Shelf, caller: Caller) -> int:
    async with unit_of_work(shelf.platform, caller) as ctx:
        return (await service.page(ctx, PageRequest())).total


class TestAccess:
    async def test_jobs_of_hidden_documents_are_not_there(
        self, shelf: Shelf, people: People
    ) -> None:
        employee = await people.user(Role.EMPLOYEE)
        added = await shelf.register("a.txt", "Plans.", access_level=AccessLevel.RESTRICTED)
        assert added.job_id is not None
        assert (await seen(shelf, shelf.caller), await seen(shelf, employee)) == (1, 0)
        for action in (service.get, service.cancel, service.retry):
            async with unit_of_work(shelf.platform, employee) as ctx:
                with pytest.raises(JobNotFoundError):
                    await action(ctx, added.job_id)
        async with unit_of_work(shelf.platform, shelf.caller) as ctx:
            assert (await service.get(ctx, added.job_id)).job.status == "queued"

    async def test_readers_see_and_do_not_change(self, shelf: Shelf, people: People) -> None:
        employee = await people.user(Role.EMPLOYEE)
        added = await shelf.register("a.txt", "Plans.", access_level=AccessLevel.INTERNAL)
        assert added.job_id is not None
        assert await seen(shelf, employee) == 1
        for action in (service.cancel, service.retry):
            async with unit_of_work(shelf.platform, employee) as ctx:
                with pytest.raises(ForbiddenError):
                    await action(ctx, added.job_id)
        assert (await shelf.state(added))[0].status == "queued"
