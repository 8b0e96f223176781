"""Tells installations apart that were given one place for their backups.

Each would prune the other's backups and remove original files that only the other refers to. So the
first one notes its tenants in a file beside its backups, and others are refused. Tenants are the
identity because they survive a restore on another machine and an exchange of keys.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable

import anyio

from citewell.core.backups.manifest import head_of
from citewell.core.backups.target import Target
from citewell.core.database.dumping import tenant_ids
from citewell.core.errors import StartupError

OWNER = "installation.json"
"""File of a place that names the installation whose backups are in it."""

_MOST_BYTES = 1 << 20


def marks_of(tenants: Iterable[uuid.UUID]) -> frozenset[str]:
    """Marks of an installation: hashes, so that the place does not tell ids of tenants."""
    return frozenset(hashlib.sha256(b"citewell tenant " + each.bytes).hexdigest()[:32]
                     for each in tenants)  # fmt: skip


async def require_own(target: Target, url: str, *, takes_over: bool = False) -> None:
    """Refuse a place of another installation; note in one that is new that it is this one's.

    Args:
        target: The place.
        url: The installation's database.
        takes_over: Whether a place of another installation becomes this one's.

    Raises:
        StartupError: Its backups are another installation's.
    """
    present = marks_of(await anyio.to_thread.run_sync(tenant_ids, url))
    noted = await _noted(target)
    known = noted or await _marks_of_newest(target)
    # One without tenants owns none of them: it may have lost its database.
    if known and not known & present and not takes_over:
        raise StartupError(
            f"The backups in {target.name} are another installation's; nothing was changed there. "
            "Give each installation a place of its own, or, if this one has taken the place of "
            "the other, run `citewell backup create --take-over` once. If it has lost its "
            "database, restore one of them first."
        )
    if present - noted:
        with target.scratch() as folder:
            path = folder / OWNER
            marks = present if takes_over else noted | present
            await anyio.Path(path).write_text(json.dumps({"tenants": sorted(marks)}))
            await target.storage.put(OWNER, path)


async def _noted(target: Target) -> frozenset[str]:
    """Marks in the place; none where no backup was made by this version."""
    with target.scratch() as folder:
        try:
            if (await target.storage.size(OWNER) or 0) > _MOST_BYTES:
                raise ValueError
            path = await target.storage.fetch(OWNER, folder / OWNER)
            return frozenset(map(str, json.loads(await anyio.Path(path).read_bytes())["tenants"]))
        except FileNotFoundError:
            return frozenset()
        except (ValueError, KeyError, TypeError):
            raise StartupError(
                f"{OWNER} in {target.name} is damaged: it says whose backups these are. If they "
                "are this installation's, remove it."
            ) from None


async def _marks_of_newest(target: Target) -> frozenset[str]:
    for newest in (await target.whole())[:1]:
        return head_of(newest, await target.manifest(newest)).marks
    return frozenset()
