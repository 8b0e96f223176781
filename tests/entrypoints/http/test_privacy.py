"""The log while people sign in and ask holds no content."""

import io
import logging
import uuid
from pathlib import Path

import httpx
import pytest

from citewell.core.settings import Settings
from citewell.entrypoints import logs
from tests.conftest import LiveServer
from tests.features.sessions.conftest import AUTH, PASSWORD, People, bearer

NEW_PASSWORD = "trombone gravel seven lamp"
QUESTION = "whose ostrich ate the ledger"


@pytest.fixture
def written(logging_put_back: None) -> io.StringIO:
    """All that any logger writes, down to the finest level."""
    logs.configure(Settings(_env_file=None, home=Path("unused"), log_level="debug"))
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    return stream


class TestLog:
    async def test_no_address_name_token_password_or_question_is_written(
        self, written: io.StringIO, live_server: LiveServer, anonymous: httpx.AsyncClient
    ) -> None:
        people = People(live_server, password_hash="")
        _, slug = people.new_tenant(is_open=True)
        local, name = f"n{uuid.uuid4().hex}", f"Zbigniew{uuid.uuid4().hex[:8]}"
        email = f"{local}@example.org"
        secrets = [local, name, PASSWORD, NEW_PASSWORD, "ostrich", "cwr_", "cw_"]

        async def post(
            path: str, status: int, headers: dict[str, str] | None = None, **body: object
        ):
            reply = await anonymous.post(path, json=body, headers=headers)
            assert reply.status_code == status, reply.text
            return reply.json() if reply.content else {}

        account: dict[str, object] = {"email": email, "password": PASSWORD}
        for _ in range(2):
            await post(f"{AUTH}/register", 202, **account, name=name, tenant=slug)
        await post(f"{AUTH}/register", 422, email=email, password=local, tenant=slug)
        await post(f"{AUTH}/register", 403, **account, invitation=f"cwi_{local}", tenant=slug)
        await post(f"{AUTH}/login", 401, email=email, password=NEW_PASSWORD)
        await post(f"{AUTH}/login", 401, email=f"x{email}", password=PASSWORD)
        await post(f"{AUTH}/login", 422, **account, surprise=local)
        tokens = await post(f"{AUTH}/login", 200, **account)
        renewed = await post(f"{AUTH}/refresh", 200, refresh_token=tokens["refresh_token"])
        mine = bearer(renewed)
        assert (await anonymous.get(f"{AUTH}/me", headers=mine)).status_code == 200
        await post("/api/v1/search", 200, mine, query=QUESTION)
        await post("/api/v1/query", 200, mine, query=QUESTION)
        stream = await anonymous.post(
            "/api/v1/query/stream", json={"query": QUESTION}, headers=mine
        )
        assert "event: done" in stream.text
        change = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
        changed = await post(f"{AUTH}/password", 200, mine, **change)
        await post(f"{AUTH}/refresh", 401, refresh_token=tokens["refresh_token"])
        for wrong in (tokens["access_token"][:-2], local, f"cw_{local}"):
            reply = await anonymous.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {wrong}"})
            assert reply.status_code == 401
        for _ in range(10):
            reply = await anonymous.post(f"{AUTH}/login", json={**account, "password": "wrong"})
        assert reply.status_code == 429
        secrets += [
            value[-20:]
            for made in (tokens, renewed, changed)
            for key, value in made.items()
            if key.endswith("_token") and value
        ]
        log = written.getvalue()
        assert "/api/v1/auth/login" in log, "the test reads the log"
        assert [secret for secret in secrets if secret in log] == []
