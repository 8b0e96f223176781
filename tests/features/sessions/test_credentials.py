"""Credentials that many requests show at one moment."""

import asyncio

import pytest
from sqlalchemy import update

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from citewell.features.identity.errors import CredentialError
from citewell.features.sessions.credentials import Credentials
from citewell.models.tenancy import ApiKey
from tests.waiting import until_forgotten


async def new_key(platform: Platform, caller: Caller) -> identity.NewApiKey:
    async with unit_of_work(platform, caller) as ctx:
        return await identity.create_api_key(ctx, "robot")


class TestSharedCheck:
    async def test_concurrent_requests_ask_the_database_once(
        self, platform: Platform, caller: Caller
    ) -> None:
        key, credentials = await new_key(platform, caller), Credentials()
        told = await asyncio.gather(*(credentials.caller(platform, key.secret) for _ in range(20)))
        assert told[0].tenant_id == caller.tenant_id
        assert len({id(each) for each in told}) == 1  # each reading makes a caller of its own

    async def test_who_began_it_may_leave(self, platform: Platform, caller: Caller) -> None:
        key, credentials = await new_key(platform, caller), Credentials()
        first = asyncio.ensure_future(credentials.caller(platform, key.secret))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(credentials.caller(platform, key.secret))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).tenant_id == caller.tenant_id
        assert first.cancelled()

    async def test_refusals_are_for_all_and_not_cached(
        self, platform: Platform, caller: Caller
    ) -> None:
        key, credentials = await new_key(platform, caller), Credentials()
        async with unit_of_work(platform, caller) as ctx:
            await identity.revoke_api_key(ctx, key.id)
        asking = [credentials.caller(platform, key.secret) for _ in range(3)]
        told = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in told] == [CredentialError] * 3
        async with unit_of_work(platform, caller) as ctx:
            given_back = update(ApiKey).where(ApiKey.id == key.id).values(revoked_at=None)
            await ctx.session.execute(given_back)
        assert (await credentials.caller(platform, key.secret)).tenant_id == caller.tenant_id

    async def test_a_revoked_key_is_refused_after_the_memory(
        self, platform: Platform, caller: Caller
    ) -> None:
        key, credentials = await new_key(platform, caller), Credentials()
        await credentials.caller(platform, key.secret)
        async with unit_of_work(platform, caller) as ctx:
            await identity.revoke_api_key(ctx, key.id)
        await until_forgotten()
        with pytest.raises(CredentialError):
            await credentials.caller(platform, key.secret)
