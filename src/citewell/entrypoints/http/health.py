"""Health of the process and of its background tasks."""

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

import citewell
from citewell.core.backups.opening import open_target
from citewell.core.backups.pruning import made_at
from citewell.core.caching.cache import Cache
from citewell.core.errors import StartupError, UnavailableError
from citewell.core.platform import Platform
from citewell.entrypoints.http.connections import Connections
from citewell.entrypoints.http.protocol import CONNECTIONS
from citewell.entrypoints.http.warming import Warming
from citewell.features.http import PROBE, PlatformDep, Router
from citewell.features.mail import service as mail
from citewell.kit.clock import utc_now

LONGEST_ANSWER_SECONDS = 3.0
"""Less than monitors wait, so that they hear which part it is."""

LOW_DISK_BYTES = 1024**3
"""The embedded database's log alone may take this much (`max_wal_size`)."""

SEVERITY: tuple[Literal["ok", "degraded", "unavailable"], ...] = ("ok", "degraded", "unavailable")

T = TypeVar("T", bound=BaseModel)

router = Router(policy=PROBE, prefix="/health", tags=["health"])


class FailingRead(BaseModel):
    """A background task that fails repeatedly; the log has the reasons."""

    task: str
    failures: int
    """Failures in a row."""


class Readiness(BaseModel):
    """Readiness for requests, and health of the background tasks."""

    status: Literal["ok", "degraded"]
    """degraded: requests are answered, but background tasks fail."""
    failing: list[FailingRead]


class DependencyRead(BaseModel):
    """A part that the installation needs, as this process finds it now."""

    name: str
    status: Literal["ok", "degraded", "unavailable"]
    latency_ms: float
    reason: str | None = None
    """In a few words, without addresses or keys."""


class HealthRead(BaseModel):
    """Health of this process and of all that it needs."""

    status: Literal["ok", "degraded", "unavailable"]
    version: str
    dependencies: list[DependencyRead]
    failing: list[FailingRead]


@dataclass(slots=True)
class RecentLooks:
    """Latest findings of the routes below, which anyone may call as often as they like.

    Within `seconds` all callers share one look, so that calls cost the database and the store of
    files the same whether there is one or a thousand.
    """

    seconds: float = 2.0
    """Well below the period of probes (5 to 10 s), which therefore always look."""
    _found: dict[type[BaseModel], tuple[float, BaseModel | UnavailableError]] = field(
        default_factory=dict[type[BaseModel], tuple[float, BaseModel | UnavailableError]]
    )
    _locks: defaultdict[type[BaseModel], asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def take(self, kind: type[T], look: Callable[[], Awaitable[T]]) -> T:
        """The latest finding of a kind; one caller looks again when it is too old.

        Raises:
            UnavailableError: That was the finding.
        """
        async with self._locks[kind]:
            began = time.monotonic()
            at, found = self._found.get(kind, (float("-inf"), None))
            if found is None or began - at >= self.seconds:
                try:
                    found = await look()
                except UnavailableError as error:
                    found = error
                self._found[kind] = time.monotonic(), found
        if isinstance(found, UnavailableError):
            # Made anew: a traceback grows with each time the same one is raised.
            raise UnavailableError(found.detail)
        assert isinstance(found, kind)
        return found


@dataclass(slots=True)
class BackupLooks(RecentLooks):
    """Looks at backups: each lists their place, which may be a bucket."""

    seconds: float = 60.0


@router.get("")
async def health(platform: PlatformDep) -> HealthRead:
    """Summarise the health of the process and of all that it needs."""
    return await platform.state_of(RecentLooks).take(HealthRead, lambda: _summarised(platform))


async def _summarised(platform: Platform) -> HealthRead:
    found = [
        await _tried("database", platform.database.ping),
        await _tried("files", lambda: platform.blobs.ping()),
        _disk(platform),
    ]
    shared = platform.state_of(Cache).shared
    if shared is not None:
        reason = "does not answer; values are computed anew" if shared.failures else None
        status = "degraded" if shared.failures else "ok"
        found.append(
            DependencyRead(name="shared cache", status=status, latency_ms=0, reason=reason)
        )
    failing: list[FailingRead] = []
    if platform.settings.backup_url is not None and platform.settings.backup_hours:
        looks = platform.state_of(BackupLooks)
        found.append(await looks.take(DependencyRead, lambda: _backups(platform)))
    if found[0].status == "ok":
        if platform.settings.smtp_url is not None:
            found.append(await _mail(platform))
        with suppress(UnavailableError):  # it went away meanwhile
            failing = (await _readiness(platform)).failing
    ranks = [SEVERITY.index(each.status) for each in found] + [min(len(failing), 1)]
    return HealthRead(
        status=SEVERITY[max(ranks)],
        version=citewell.__version__,
        dependencies=found,
        failing=failing,
    )


async def _tried(name: str, ask: Callable[[], Awaitable[object]]) -> DependencyRead:
    began = time.perf_counter()
    reason: str | None = None
    try:
        async with asyncio.timeout(LONGEST_ANSWER_SECONDS):
            await ask()
    except TimeoutError:
        reason = f"gave no answer in {LONGEST_ANSWER_SECONDS:.0f} s"
    except (SQLAlchemyError, OSError) as error:
        # The class alone: messages hold addresses, names and paths.
        reason = f"failed ({type(error).__name__})"
    spent = round((time.perf_counter() - began) * 1000, 1)
    status = "ok" if reason is None else "unavailable"
    return DependencyRead(name=name, status=status, latency_ms=spent, reason=reason)


def _disk(platform: Platform) -> DependencyRead:
    free = shutil.disk_usage(platform.settings.home).free
    reserve = platform.settings.disk_reserve_bytes
    is_low = free < max(LOW_DISK_BYTES, reserve)
    result = "; no file is taken" if free < reserve else ""
    reason = f"{free / 1024**3:.1f} GiB are free{result}" if is_low else None
    return DependencyRead(
        name="disk", status="degraded" if is_low else "ok", latency_ms=0, reason=reason
    )


async def _backups(platform: Platform) -> DependencyRead:
    """The age of the newest one; too old when the schedule has missed two."""
    settings, reason = platform.settings, "none is there yet"

    async def ask() -> None:
        nonlocal reason
        # In a thread: it looks at the folder, which may be one of a network.
        target = await asyncio.to_thread(open_target, settings)
        whole = await target.whole()
        if whole:
            hours = (utc_now() - made_at(whole[0])).total_seconds() / 3600
            is_late = hours > 2 * settings.backup_hours
            reason = f"the newest is {hours:.0f} hours old" if is_late else ""

    try:
        found = await _tried("backups", ask)
    except StartupError:
        # Its message names the place.
        return DependencyRead(
            name="backups", status="degraded", latency_ms=0, reason="the place cannot be used"
        )
    if found.status == "unavailable":
        # Questions are answered without them.
        return found.model_copy(update={"status": "degraded"})
    return found.model_copy(update={"status": "degraded", "reason": reason}) if reason else found


async def _mail(platform: Platform) -> DependencyRead:
    """As messages of all processes found it: probes send none."""
    is_failing = False

    async def ask() -> None:
        nonlocal is_failing
        is_failing = await mail.is_failing(platform)

    found = await _tried("mail", ask)
    if is_failing:
        reason = "does not take messages; they are sent again"
        return found.model_copy(update={"status": "degraded", "reason": reason})
    return found


@router.get("/live")
async def live() -> dict[str, str]:
    """Report that the process answers."""
    return {"status": "ok", "version": citewell.__version__}


@router.get("/ready")
async def ready(platform: PlatformDep, request: Request) -> Readiness:
    """Report that the database answers, and list background tasks that fail repeatedly."""
    connections: Connections | None = getattr(request.state, CONNECTIONS, None)
    if connections is not None and connections.is_draining:
        raise UnavailableError("The server is stopping.")
    if platform.state_of(Warming).is_under_way:
        raise UnavailableError("The server is starting.")
    return await platform.state_of(RecentLooks).take(Readiness, lambda: _readiness(platform))


async def _readiness(platform: Platform) -> Readiness:
    try:
        found = await platform.schedules.failing()
    except SQLAlchemyError as error:
        raise UnavailableError("The database does not answer.") from error
    for each in platform.supervisor.failing():
        found[each.name] = max(found.get(each.name, 0), each.failures)
    shared = platform.state_of(Cache).shared
    if shared is not None and shared.failures:
        found["cache.shared"] = shared.failures
    failing = [FailingRead(task=name, failures=found[name]) for name in sorted(found)]
    return Readiness(status="degraded" if failing else "ok", failing=failing)
