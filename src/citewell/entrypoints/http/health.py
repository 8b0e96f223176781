"""Whether the process answers, and what of its background work does not."""

from typing import Literal

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

import citewell
from citewell.core.errors import UnavailableError
from citewell.features.http import PROBE, PlatformDep, Router

router = Router(policy=PROBE, prefix="/health", tags=["health"])


class FailingRead(BaseModel):
    """A background task that fails again and again; why is in the log."""

    task: str
    failures: int
    """In a row."""


class Readiness(BaseModel):
    """That requests are answered, and whether something is wrong behind them."""

    status: Literal["ok", "degraded"]
    """degraded: requests are answered, but background tasks fail."""
    failing: list[FailingRead]


@router.get("/live")
async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok", "version": citewell.__version__}


@router.get("/ready")
async def ready(platform: PlatformDep) -> Readiness:
    """Tell that the database answers too, and which background tasks fail again and again."""
    try:
        found = await platform.schedules.failing()
    except SQLAlchemyError as error:
        raise UnavailableError("The database does not answer.") from error
    for each in platform.supervisor.failing():
        found[each.name] = max(found.get(each.name, 0), each.failures)
    failing = [FailingRead(task=name, failures=found[name]) for name in sorted(found)]
    return Readiness(status="degraded" if failing else "ok", failing=failing)
