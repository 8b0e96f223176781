"""Telling the time."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.features.agents.tools.base import AgentTool, ToolWork
from citewell.kit.clock import utc_now


class CurrentTimeArguments(BaseModel):
    """A time zone."""

    model_config = ConfigDict(extra="forbid")

    timezone: str = Field(default="UTC", max_length=60, description="As `Europe/Berlin`.")


async def _run(_: ToolWork, arguments: CurrentTimeArguments) -> ToolOutput:
    try:
        now = utc_now().astimezone(ZoneInfo(arguments.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ToolOutput(f"There is no time zone `{arguments.timezone}`.", is_error=True)
    return ToolOutput(f"{now.isoformat(timespec='seconds')}, {now:%A}")


TOOL = AgentTool(
    ToolTerms("current_time", "Tell date, time and weekday.", CurrentTimeArguments), _run
)
