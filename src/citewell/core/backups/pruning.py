"""Removes old backups, and original files that no backup refers to any more."""

from datetime import UTC, datetime, timedelta

from citewell.core.backups.keys import Unlocking
from citewell.core.backups.manifest import CONTENTS
from citewell.core.backups.ownership import require_own
from citewell.core.backups.restoring import Opened
from citewell.core.backups.target import Target
from citewell.core.database.dumping import backup_lock
from citewell.core.errors import StartupError
from citewell.kit.clock import utc_now


async def prune(target: Target, url: str, keep: timedelta, given: Unlocking) -> list[str]:
    """Remove backups older than `keep`, the newest one never; returns their ids.

    Args:
        target: Where they are.
        url: The installation's database, whose lock keeps a backup from being made meanwhile.
        keep: Age from which they are removed.
        given: Opens those that stay, whose files stay with them.

    Raises:
        StartupError: Another backup is under way, the place is another installation's, it does not
            answer, or its newest backup cannot be opened.
    """
    with backup_lock(url):
        try:
            await require_own(target, url)
            return await _prune(target, keep, given)
        except OSError as error:
            raise StartupError(
                f"{target.name} does not answer: {error.strerror or error}."
            ) from error


def made_at(backup_id: str) -> datetime:
    """Time of a backup's snapshot, in whole seconds."""
    return datetime.strptime(backup_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


async def _prune(target: Target, keep: timedelta, given: Unlocking) -> list[str]:
    newest_first, now = await target.whole(), utc_now()
    old = [each for each in newest_first[1:] if now - made_at(each) > keep]
    if old:
        # Nothing goes for the sake of one that cannot be opened.
        await Opened.of(target, newest_first[0], given)
    for backup_id in old:
        await target.remove(backup_id)
    if old:
        await _remove_unused(target, given)
    return old


async def _remove_unused(target: Target, given: Unlocking) -> None:
    used: set[str] = set()
    for backup_id in await target.whole():
        try:
            opened = await Opened.of(target, backup_id, given)
            used |= {entry.kept_as async for entry in opened.entries()}
        except StartupError:
            return  # one that cannot be read here may need any of them
    unused = [file.name async for file in target.storage.files(CONTENTS) if file.name not in used]
    for name in unused:
        await target.storage.delete(name)
