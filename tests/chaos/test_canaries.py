"""Secrets that are kept encrypted or hashed stand nowhere in the files of an installation."""

import asyncio
import base64
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from citewell.core.blobs.encryption import Purpose
from citewell.core.database.embedded import EmbeddedServer
from citewell.core.database.keyring import KeyRing
from citewell.core.database.sessions import Database
from citewell.core.secrets import load_master_keys
from citewell.core.settings import Settings
from tests.entrypoints.conftest import PATIENCE, Installation

from .conftest import server_processes
from .report import record
from .site import Site
from .storm import SETTLED

SHOWN = "readable-as-every-passage"
"""Stands in a passage, which the database has to read: shows that the search below finds things."""

PROVIDER_KEY = "key-of-the-embedding-service-7d1f0c"
PASSWORD = "a-password-that-stands-nowhere-55"
HIDDEN = "only-in-the-original-file-9f31c7"


pytestmark = pytest.mark.slow


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """A server and a worker, and a provider that wants a key."""
    site = Site(installation, workers=1, CITEWELL_EMBEDDING_API_KEY=PROVIDER_KEY)
    site.start()
    site.wait_until_it_answers()
    yield site
    site.stop()


def live(site: Site) -> dict[str, str]:
    """Do what leaves secrets behind; returns them by name."""
    base_url = f"{site.url}/api/v1"
    person = {"email": "anna@example.org", "password": PASSWORD}
    with httpx.Client(base_url=base_url, timeout=PATIENCE) as visitor:
        kept = site.home / "setup.token"
        site.until(kept.exists)  # it is made beside the first requests
        token = kept.read_text().strip()
        made = visitor.post("/auth/setup", json={**person, "token": token, "name": "Anna"})
        assert made.status_code == 201, made.text
        reply = visitor.post("/auth/login", json=person)
        assert reply.status_code == 200, reply.text
        tokens = reply.json()
    key = site.first_key()
    (site.home / "first.key").unlink()  # as its operator does who has put it where it is used
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=PATIENCE) as client:
        for number in range(3):
            page = f"<html><!-- {HIDDEN} --><h1>Hall {number}</h1><p>It is {SHOWN}.</p></html>"
            file = {"files": (f"hall-{number % 2}.html", page.encode())}
            [accepted] = client.post("/documents/upload", files=file).json()["documents"]
        site.until(lambda: not site.has(SETTLED))
        original = client.get(f"/documents/{accepted['id']}/file").content
        assert HIDDEN.encode() in original
        assert client.post("/search", json={"query": SHOWN}).json()["results"]
        assert client.delete(f"/documents/{accepted['id']}").status_code == 204
        reply = client.post("/users", json={"email": "bao@example.org", "name": "Bảo"})
        assert reply.status_code == 201, reply.text
        invited = reply.json()
    return {
        "original": HIDDEN, "password": PASSWORD, "provider's key": PROVIDER_KEY, "API key": key,
        "access token": tokens["access_token"], "refresh token": tokens["refresh_token"],
        "invitation": invited["invitation"],
    }  # fmt: skip


async def data_keys(site: Site) -> dict[str, bytes]:
    """The keys of the first tenant's files, as the database never has them."""
    settings = Settings(_env_file=None, home=site.home)
    url = EmbeddedServer(site.home / "database").url("citewell_owner", "citewell")
    [(tenant,)] = site.rows("SELECT id FROM tenant")
    assert isinstance(tenant, uuid.UUID)
    database = Database(url)
    try:
        ring = KeyRing(database, lambda: load_master_keys(settings))
        return {each.name: (await ring.active(tenant, each)).secret for each in Purpose}
    finally:
        await database.close()


def forms(secret: bytes) -> list[bytes]:
    """A secret as it is, and as it could be written down."""
    return [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")]


def found(home: Path, canaries: dict[str, bytes]) -> tuple[list[str], int]:
    """Which canaries stand in which files; and how many bytes were read."""
    seen, size = [], 0
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        size += len(content)
        for name, canary in canaries.items():
            if any(form in content for form in forms(canary)):
                seen.append(f"{name} in {path.relative_to(home)}")
    return seen, size


async def test_secrets_stand_nowhere(site: Site) -> None:
    secrets = await asyncio.to_thread(live, site)
    canaries = {name: secret.encode() for name, secret in secrets.items()}
    canaries |= await data_keys(site)
    master = load_master_keys(Settings(_env_file=None, home=site.home)).primary
    site.rows("SELECT 1 FROM pg_switch_wal()")
    site.kill(*site.processes)
    site.kill_database(signal.SIGQUIT)
    await asyncio.to_thread(site.until, lambda: not server_processes(site.home))
    seen, size = await asyncio.to_thread(found, site.home, canaries)
    control, _ = await asyncio.to_thread(found, site.home, {"passage": SHOWN.encode()})
    beside, _ = await asyncio.to_thread(found, site.home, {"master key": master})
    record(
        "canaries", kills=site.kills, canaries=len(canaries), read_mib=size >> 20, found=len(seen),
        lost=len(seen),
    )  # fmt: skip
    assert any("pg_wal" in where for where in control)
    assert any("base" in where for where in control)
    assert seen == []
    assert all("secret.key" in where for where in beside)
