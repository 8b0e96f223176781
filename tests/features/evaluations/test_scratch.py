from citewell.core.platform import Platform
from citewell.features.evaluations import repository, service
from citewell.features.identity import service as identity
from citewell.kit.ids import uuid7


async def slugs(platform: Platform) -> set[str | None]:
    """Names of the evaluations' tenants that are there."""
    async with platform.database.unit_of_work(None) as session:
        found = await repository.evaluation_tenants(session)
    names: set[str | None] = set()
    for tenant_id in found:
        async with platform.database.unit_of_work(tenant_id) as session:
            names.add(await repository.slug_of(session, tenant_id))
    return names


class TestScratchTenant:
    async def test_tenant_is_there_for_the_block_alone(self, platform: Platform) -> None:
        async with (
            service.scratch_tenant(platform) as tenant_id,
            platform.database.unit_of_work(None) as session,
        ):
            assert tenant_id in await repository.evaluation_tenants(session)
        assert await slugs(platform) == set()

    async def test_tenant_of_a_killed_evaluation_goes_with_the_next(
        self, platform: Platform
    ) -> None:
        left = f"eval-{uuid7().hex}"
        await identity.create_tenant(platform, left, "Evaluation")
        async with service.scratch_tenant(platform):
            assert left not in await slugs(platform)

    async def test_tenant_of_a_running_evaluation_stays(self, platform: Platform) -> None:
        async with service.scratch_tenant(platform), service.scratch_tenant(platform):
            assert len(await slugs(platform)) == 2

    async def test_tenant_that_is_merely_called_so_stays(self, platform: Platform) -> None:
        slug = f"eval-team-{uuid7().hex[:8]}"
        await identity.create_tenant(platform, slug, "The evaluators")
        assert await service.remove_abandoned(platform) == 0
        await identity.delete_tenant(platform, await identity.find_tenant(platform, slug))
