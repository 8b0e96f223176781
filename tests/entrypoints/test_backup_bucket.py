"""A bucket that goes away in the middle of a backup, and comes back."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from citewell.core.backups.creating import BackupSource, Made, create
from citewell.core.backups.target import Target
from citewell.core.blobs.folder import FolderStorage
from citewell.core.blobs.store import BlobStore
from citewell.core.database.dumping import as_superuser
from citewell.core.database.keyring import KeyRing
from citewell.core.database.sessions import Database
from citewell.core.errors import StartupError
from citewell.core.secrets import load_master_keys
from citewell.core.settings import Settings
from citewell.entrypoints.installation import running_database
from tests.bucket import Bucket, object_storage, serving_bucket
from tests.entrypoints.small_installations import make_installation

pytestmark = pytest.mark.usefixtures("logging_put_back")

POINTS = ("prepare", "files before", "file", "rows", "files after", "store rows", "manifest",
          "finish")  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Settings:
    place = tmp_path_factory.mktemp("bucket") / "small"
    made = make_installation(place, prepared, documents=3, sections=2)
    return Settings(_env_file=None, home=made.home, log_level="error")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving_bucket() as held:
        yield held


async def back_up(
    settings: Settings, url: str, bucket: Bucket, at: str | None, *, hangs_up: bool
) -> Made:
    """Make a backup; the bucket goes away as the step begins."""
    database = Database(url, pool_size=2)
    masters = partial(load_master_keys, settings)
    files = FolderStorage(settings.home / "files")
    blobs = BlobStore(files, KeyRing(database, masters), settings.home / "files" / "staging")

    def step(name: str) -> None:
        if name == at:
            bucket.is_away, bucket.is_broken = hangs_up, not hangs_up

    target = Target("s3://bucket", object_storage(bucket, "kept"), settings.home / "unfinished")
    try:
        return await create(BackupSource(as_superuser(url), blobs, masters, {}), target, None, step)
    finally:
        bucket.is_away = bucket.is_broken = False
        await database.close()


def manifests(bucket: Bucket) -> list[str]:
    return [name for name in bucket.objects if name.endswith("manifest.json")]


@pytest.mark.parametrize("hangs_up", [True, False], ids=["hangs up", "refuses"])
def test_backup_says_so_leaves_nothing_whole_and_goes_on_with_the_next(
    settings: Settings, bucket: Bucket, hangs_up: bool
) -> None:
    with running_database(settings) as database:
        for point in POINTS:
            with pytest.raises(StartupError) as refused:
                asyncio.run(back_up(settings, database.url, bucket, point, hangs_up=hangs_up))
            assert "could not be written to s3://bucket" in str(refused.value), point
            assert "\n" not in str(refused.value)
            assert not manifests(bucket), point
            assert not (settings.home / "unfinished").exists()
        made = asyncio.run(back_up(settings, database.url, bucket, None, hangs_up=hangs_up))
        assert made.new_files < made.files  # those that had come before are not sent again
        assert len(manifests(bucket)) == 1
        with pytest.raises(StartupError):
            asyncio.run(back_up(settings, database.url, bucket, "finish", hangs_up=hangs_up))
        assert len(manifests(bucket)) == 1  # the whole one stays
        asyncio.run(back_up(settings, database.url, bucket, None, hangs_up=hangs_up))
    # Parts of the broken ones are gone: two backups of two files and a manifest each are left.
    assert len([name for name in bucket.objects if "/backups/" in name]) == 2 * 3
