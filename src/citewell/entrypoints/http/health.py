"""Health of the process and of its background tasks."""

from typing import Literal

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

import citewell
from citewell.core.caching.cache import Cache
from citewell.core.errors import UnavailableError
from citewell.features.http import PROBE, PlatformDep, Router

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


@router.get("/live")
async def live() -> dict[str, str]:
    """Report that the process answers."""
    return {"status": "ok", "version": citewell.__version__}


@router.get("/ready")
async def ready(platform: PlatformDep) -> Readiness:
    """Report that the database answers, and list background tasks that fail repeatedly."""
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
