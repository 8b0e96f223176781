"""API keys over HTTP let in those who hold them."""

import base64
import uuid
from collections.abc import Callable

import httpx
import pytest

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.identity import service as identity
from tests.conftest import LiveServer
from tests.waiting import until_forgotten

Refused = Callable[[httpx.Response, int, str], None]

URL = "/api/v1/collections"


def forged(key: str) -> dict[str, str]:
    """Keys made from a valid one that must not open anything."""
    _, tenant, secret = key.split("_", 2)
    other = base64.b32encode(uuid.uuid4().bytes).decode().rstrip("=").lower()
    return {
        "cut": key[:-1],
        "longer": key + "A",
        "other case": key.swapcase(),
        "one letter": key[:-2] + ("A" if key[-2] != "A" else "B") + key[-1],
        "other tenant": f"cw_{other}_{secret}",
        "no secret": f"cw_{tenant}_" + "A" * 43,
        "no tenant": f"cw__{secret}",
        "only prefix": "cw_",
        "tenant of nines": "cw_" + "9" * 26 + f"_{secret}",
        "sql": f"cw_{tenant}_' OR '1'='1",
        "wildcards": "%",
        "long": "cw_" + "a" * 5000,
    }


class TestCredentials:
    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Bearer",
            "Bearer null",
            "Basic dXNlcjpwYXNz",
            "Token KEY",
            "KEY",
            "Bearer KEY KEY",
            "Bearer,KEY",
            "Bearer \xff\xfe",
        ],
    )
    async def test_other_headers_are_401(
        self, header: str, live_server: LiveServer, shared_key: str, refused: Refused
    ) -> None:
        async with live_server.client() as client:
            value = header.replace("KEY", shared_key).encode("latin-1")
            reply = await client.get(URL, headers={b"Authorization": value})
        refused(reply, 401, "unauthorized")
        assert reply.headers["www-authenticate"] == "Bearer"
        assert shared_key not in reply.text

    async def test_forged_keys_look_all_the_same(
        self, live_server: LiveServer, shared_key: str, refused: Refused
    ) -> None:
        told: set[str] = set()
        for key in forged(shared_key).values():
            async with live_server.client(key) as client:
                reply = await client.get(URL)
            refused(reply, 401, "unauthorized")
            told.add(reply.json()["detail"])
        assert len(told) == 1

    async def test_scheme_may_be_written_in_any_case(
        self, live_server: LiveServer, shared_key: str
    ) -> None:
        async with live_server.client() as client:
            for scheme in ("Bearer", "bearer", "BEARER"):
                reply = await client.get(URL, headers={"Authorization": f"{scheme} {shared_key}"})
                assert reply.status_code == 200

    async def test_key_in_the_address_opens_nothing(
        self, live_server: LiveServer, shared_key: str, refused: Refused
    ) -> None:
        async with live_server.client() as client:
            for name in ("api_key", "key", "token", "access_token", "authorization"):
                reply = await client.get(URL, params={name: shared_key})
                refused(reply, 401, "unauthorized")

    async def test_revoked_key_opens_nothing_and_others_still_do(
        self, platform: Platform, live_server: LiveServer, refused: Refused
    ) -> None:
        slug = f"t-{uuid.uuid4().hex}"
        first = await identity.create_tenant(platform, slug, "Keys")
        caller = Caller(await identity.find_tenant(platform, slug), OPERATOR)
        async with unit_of_work(platform, caller) as ctx:
            second = await identity.create_api_key(ctx, "second")
        async with live_server.client(first.secret) as client:
            assert (await client.get(URL)).status_code == 200
            async with unit_of_work(platform, caller) as ctx:
                await identity.revoke_api_key(ctx, first.id)
            await until_forgotten()
            refused(await client.get(URL), 401, "unauthorized")
        async with live_server.client(second.secret) as client:
            assert (await client.get(URL)).status_code == 200

    async def test_use_of_a_key_is_noted(self, platform: Platform, live_server: LiveServer) -> None:
        slug = f"t-{uuid.uuid4().hex}"
        made = await identity.create_tenant(platform, slug, "Keys")
        caller = Caller(await identity.find_tenant(platform, slug), OPERATOR)

        async def last_use() -> object:
            async with unit_of_work(platform, caller) as ctx:
                [item] = await identity.list_api_keys(ctx)
                assert item.hash != made.secret.encode()
                return item.last_used_at

        assert await last_use() is None
        async with live_server.client(made.secret) as client:
            await client.get(URL)
        assert await last_use() is not None
