"""Times of schedules: a cron expression, an interval, or one time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from citewell.engine.errors import EngineError
from citewell.engine.workflows.spec import duration

SHORTEST = timedelta(minutes=1)
"""Between two runs: as fine as cron is."""


class ScheduleError(EngineError):
    """A schedule that says no time."""


def next_time(cron: str | None, zone: str | None, every: str | None, after: datetime) -> datetime:
    """The first time of a schedule after a time; missed ones are not made up for.

    Raises:
        ScheduleError: It says none.
    """
    if every is not None:
        pause = duration(every)
        if pause < SHORTEST:
            raise ScheduleError("`every` is a minute at least")
        return after + pause
    expression = (cron or "").split()
    if len(expression) != 5:
        raise ScheduleError(
            "`cron` takes five fields: minute, hour, day, month, weekday; `0 8 1 * *` is the first "
            "of each month at 8:00"
        )
    try:
        local = after.astimezone(ZoneInfo(zone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        raise ScheduleError(
            f"there is no time zone `{zone}`; name one like Europe/Berlin"
        ) from None
    try:
        found: datetime = croniter(" ".join(expression), local).get_next(datetime)
    except (CroniterError, ValueError) as error:
        raise ScheduleError(f"`cron` says no time: {error}") from None
    return found.astimezone(UTC)
