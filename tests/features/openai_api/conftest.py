"""A tenant with a few documents, and the official client pointed at it."""

import asyncio
from dataclasses import dataclass

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.conftest import WITHOUT_TLS, Library, LiveServer

RULES = (
    "# Lift\n\nThe lift is repaired by Otis Berger. Call extension 4417 at any hour.\n\n"
    "# Bicycles\n\nBicycles are parked in the yard."
)
QUESTION = "Who repairs the lift?"


@dataclass(frozen=True)
class House:
    """A server, and the key of a tenant that knows about a lift."""

    server: LiveServer
    key: str

    @property
    def url(self) -> str:
        return f"{self.server.address}/v1"

    def openai(self, key: str | None = None) -> OpenAI:
        """The official client."""
        client = httpx2.Client(verify=WITHOUT_TLS)
        return OpenAI(base_url=self.url, api_key=key or self.key, http_client=client, max_retries=0)

    def async_openai(self) -> AsyncOpenAI:
        client = httpx2.AsyncClient(verify=WITHOUT_TLS)
        return AsyncOpenAI(base_url=self.url, api_key=self.key, http_client=client, max_retries=0)


def furnish(server: LiveServer, key: str) -> House:
    """Fill the library of a key's tenant."""

    async def fill() -> None:
        async with server.client(key) as client:
            await Library(client).add("House rules", RULES)

    asyncio.run(fill())
    return House(server, key)


@pytest.fixture(scope="module")
def house(live_server: LiveServer) -> House:
    """One tenant for all tests of a module."""
    return furnish(live_server, live_server.new_key())
