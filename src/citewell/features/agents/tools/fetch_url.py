"""Reading from hosts that the operator allows."""

from pydantic import BaseModel, ConfigDict, Field

from citewell.core.errors import AppError, ForbiddenError
from citewell.core.platform import Platform
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.features.agents.tools import outside
from citewell.features.agents.tools.base import AgentTool, ToolWork


class FetchUrlArguments(BaseModel):
    """An address."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=8, max_length=outside.MAX_URL_CHARS)


def _action(platform: Platform, arguments: FetchUrlArguments) -> str | None:
    try:
        url = outside.parsed(arguments.url)
    except AppError:
        return None  # the call itself says what is wrong
    settings = platform.settings
    if outside.is_listed(url, settings.agent_hosts) and not outside.is_listed(
        url, settings.agent_read_hosts
    ):
        return f"GET {url}"
    return None


def _address(platform: Platform, arguments: FetchUrlArguments) -> str | None:
    try:
        url = outside.parsed(arguments.url)
    except AppError:
        return None
    is_free = outside.is_listed(url, platform.settings.agent_read_hosts)
    return arguments.url if is_free else None


async def _run(work: ToolWork, arguments: FetchUrlArguments) -> ToolOutput:
    url = outside.parsed(arguments.url)
    settings = work.platform.settings
    if not outside.is_listed(url, [*settings.agent_read_hosts, *settings.agent_hosts]):
        raise ForbiddenError(f"The operator does not allow agents to reach `{url.host}`.")
    status, text = await outside.send(work.platform, "GET", url, body=None)
    return ToolOutput(f"Status {status}\n{text}", is_error=status >= 400)


TOOL = AgentTool(
    ToolTerms("fetch_url", "Read a page or an API of a host that is allowed.", FetchUrlArguments),
    _run,
    _action,
    _address,
)
