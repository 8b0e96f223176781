"""Puts together what a backup needs from the settings of an installation."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from pydantic import SecretStr

from citewell.core.backups.creating import BackupSource, Made, OnStep, create
from citewell.core.backups.keys import Unlocking
from citewell.core.backups.pruning import prune
from citewell.core.backups.target import SCRATCH, Target
from citewell.core.blobs.base import Storage
from citewell.core.blobs.folder import FolderStorage
from citewell.core.database.dumping import as_superuser
from citewell.core.errors import StartupError
from citewell.core.platform import Platform
from citewell.core.secrets import load_master_keys
from citewell.core.settings import PREFIX, Settings

log = structlog.get_logger(__name__)

SCHEDULE = "backup.create"
"""Name of the recurring work."""

_USER_INFO = re.compile(r"://[^/?#\s]*@")
"""An address with a user's name or password in it."""

_WITHHELD = (
    "database_url",
    "redis_url",
    "backup_url",
    "home",
    "agent_mcp_servers",
    "oidc_providers",
)
"""Settings that hold passwords or belong to a machine."""


def open_target(
    settings: Settings, place: str | None = None, *, is_written: bool = False
) -> Target:
    """The place of backups, of the settings or another one.

    Args:
        settings: Of the installation.
        place: A folder, or the address of a bucket; unset, `CITEWELL_BACKUP_URL`.
        is_written: Whether backups are made there; files are written beside them then.

    Raises:
        StartupError: None is set, or it cannot be used.
    """
    name = place or settings.backup_url
    if name is None:
        raise StartupError(
            f"Say where backups are: set {PREFIX}BACKUP_URL to a folder or bucket, or give one "
            "with `--at`."
        )
    here = settings.home / "backups.unfinished"
    if "://" in name:
        return Target(name, _bucket(name), here)
    folder = Path(name).expanduser().absolute()
    if not is_written and not folder.is_dir():
        raise StartupError(f"There is no folder {folder}.")
    try:
        return Target(str(folder), FolderStorage(folder), folder / SCRATCH if is_written else here)
    except OSError as error:
        raise StartupError(f"{folder} cannot be written: {error.strerror}.") from error


def _bucket(url: str) -> Storage:
    from obstore.exceptions import BaseError  # noqa: PLC0415 - 15 MB that few need

    from citewell.core.blobs.object_store import ObjectStorage  # noqa: PLC0415 - see above

    try:
        return ObjectStorage(url)
    except (BaseError, ValueError) as error:
        raise StartupError(f"The bucket {url} cannot be used: {error}.") from error


def unlocking(settings: Settings) -> Unlocking:
    """Keys and passphrase with which this installation opens backups.

    Raises:
        StartupError: Its key file cannot be used.
    """
    return Unlocking(load_master_keys(settings), passphrase(settings))


def passphrase(settings: Settings) -> str | None:
    """The passphrase of the settings."""
    given = settings.backup_passphrase
    return None if given is None else given.get_secret_value()


def source_url(settings: Settings, url: str) -> str:
    """The database as whoever may read all of it: of the embedded one its superuser."""
    return as_superuser(url) if settings.database_url is None else url


async def back_up(
    platform: Platform,
    target: Target,
    on_step: OnStep = lambda _step: None,
    *,
    takes_over: bool = False,
) -> Made:
    """Make a backup of this installation; `takes_over` as in `create`.

    Raises:
        StartupError: It could not be made; one line says why.
    """
    settings = platform.settings
    source = BackupSource(
        url=source_url(settings, platform.database.url),
        blobs=platform.blobs,
        masters=partial(load_master_keys, settings),
        settings=told_settings(settings),
    )
    return await create(source, target, passphrase(settings), on_step, takes_over=takes_over)


async def back_up_as_scheduled(platform: Platform) -> None:
    """Make a backup where the settings say, then remove old ones."""
    settings = platform.settings
    target = open_target(settings, is_written=True)
    made = await back_up(platform, target)
    log.info("backup_made", backup=made.id, rows=made.rows, files=made.files)
    keep = timedelta(days=settings.backup_keep_days)
    url = source_url(settings, platform.database.url)
    for backup_id in await prune(target, url, keep, unlocking(settings)):
        log.info("backup_removed", backup=backup_id)


def told_settings(settings: Settings) -> dict[str, str]:
    """Settings that were changed, without secrets."""
    told: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if name in _WITHHELD or isinstance(value, SecretStr) or value == field.default:
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if not _USER_INFO.search(text):
            told[f"{PREFIX}{name.upper()}"] = text
    return told
