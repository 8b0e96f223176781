"""Tries a backup: restores it beside the installation, and compares what came out of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import anyio

from citewell.core.backups.restoring import Opened, restore
from citewell.core.blobs.encryption import DataKey, Purpose, decrypt, key_id_of
from citewell.core.database.dumping import KeptContent, facts_of, snapshot
from citewell.core.database.migrations import migrate
from citewell.core.platform import Platform
from citewell.core.secrets import offer_key
from citewell.core.settings import Settings
from citewell.entrypoints.installation import DatabaseHandle, open_platform
from citewell.entrypoints.restoring import ScratchInstallation, scratch_installation
from citewell.features.promotion.comparing import find_named

MOST_DECRYPTED = 20
"""Files that are decrypted; all are read and hashed, whoever wrote them has decrypted them."""


@dataclass(slots=True)
class Verified:
    """Result of a trial."""

    id: str
    rows: int
    tables: int
    files: int = 0
    decrypted: int = 0
    searches: int = 0
    found: int = 0
    different: list[str] = field(default_factory=list[str])
    """Tables whose rows, and questions whose results, are not as they should be."""

    @property
    def is_equal(self) -> bool:
        """Whether it holds what it was made of."""
        return not self.different


async def verify_backup(
    settings: Settings, opened: Opened, searches: int, on_step: Callable[[str], None]
) -> Verified:
    """Restore a backup into a database that is thrown away, and compare rows, files and searches.

    Raises:
        StartupError: It cannot be restored; one line says why.
    """
    with scratch_installation(settings) as scratch:
        rows = (await restore(opened, scratch.url, None, on_step)).rows
        done = Verified(opened.head.id, rows, len(opened.manifest.tables))
        on_step("compare")
        facts = await anyio.to_thread.run_sync(facts_of, scratch.superuser_url)
        for name, expected in opened.manifest.tables.items():
            present = facts.get(name)
            if present is None or (present.rows, present.hash_sum) != expected:
                done.different.append(f"the rows of {name}")
        on_step("files")
        done.files = await opened.check_files()
        offer_key(scratch.home, opened.masters[0])
        await anyio.to_thread.run_sync(migrate, scratch.url)
        on_step("searches")
        trial = _trial_settings(settings, scratch)
        async with open_platform(
            trial, DatabaseHandle(scratch.url, is_first_user=True)
        ) as platform:
            done.decrypted = await _decrypt_some(opened, platform, scratch)
            named = await find_named(platform, searches)
            done.searches, done.found = named.asked, named.same
            done.different += [f"the results of `{query}`" for query in named.different]
    return done


def _trial_settings(settings: Settings, scratch: ScratchInstallation) -> Settings:
    nothing = {"database_url": None, "redis_url": None, "blob_url": None, "secret_key": None,
               "secret_key_previous": None, "backup_url": None, "llm": "none"}  # fmt: skip
    return settings.model_copy(update={**nothing, "home": scratch.home})


async def _decrypt_some(opened: Opened, platform: Platform, scratch: ScratchInstallation) -> int:
    """Decrypt some files with the keys that were restored; returns their number."""
    contents = await anyio.to_thread.run_sync(_some_contents, scratch.superuser_url)
    known: dict[str, KeptContent] = {}
    for content in contents:
        known[(await platform.blobs.namer(content.tenant_id))(content.sha256)] = content
    count = 0
    async for entry in opened.entries():
        content = known.get(entry.name)
        if content is None:
            continue
        path = await opened.target.storage.fetch(entry.kept_as, scratch.home / f"file-{count}")
        key_id = await anyio.to_thread.run_sync(key_id_of, path)
        key = await platform.keys.by_id(content.tenant_id, Purpose.FILES, key_id)
        await anyio.to_thread.run_sync(_decrypt, path, key, content.sha256)
        count += 1
    return count


def _decrypt(path: Path, key: DataKey, sha256: bytes) -> int:
    return sum(len(part) for part in decrypt(path, key, sha256))


def _some_contents(url: str) -> list[KeptContent]:
    with snapshot(url) as taken:
        return list(islice(taken.contents(), MOST_DECRYPTED))
