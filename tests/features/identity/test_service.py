import asyncio
import uuid

import pytest

from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import TenantExistsError
from citewell.features.identity.schemas import NewApiKey


class TestCreateTenant:
    async def test_taken_slug_is_told(self, platform: Platform) -> None:
        slug = f"t-{uuid.uuid4().hex}"
        await identity.create_tenant(platform, slug, "First")
        with pytest.raises(TenantExistsError):
            await identity.create_tenant(platform, slug, "Second")

    async def test_of_many_at_once_one_makes_it(self, platform: Platform) -> None:
        slug = f"t-{uuid.uuid4().hex}"
        made = await asyncio.gather(
            *(identity.create_tenant(platform, slug, str(n)) for n in range(6)),
            return_exceptions=True,
        )
        keys = [item for item in made if isinstance(item, NewApiKey)]
        assert len(keys) == 1
        assert [type(item) for item in made if item is not keys[0]] == [TenantExistsError] * 5
        caller = await identity.authenticate(platform, keys[0].secret)
        assert caller.tenant_id == await identity.find_tenant(platform, slug)


class TestEnsureDefaultTenant:
    async def test_only_the_first_call_gets_a_key(self, platform: Platform) -> None:
        made = await asyncio.gather(*(identity.ensure_default_tenant(platform) for _ in range(6)))
        assert len([item for item in made if item is not None]) <= 1
        assert await identity.ensure_default_tenant(platform) is None
        await identity.find_tenant(platform, identity.DEFAULT_TENANT)
