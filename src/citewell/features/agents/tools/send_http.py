"""Acting on hosts that the operator allows, once a person has approved the exact request."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from citewell.core.errors import AppError, ForbiddenError, UnavailableError
from citewell.core.platform import Platform
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.features.agents.tools import outside
from citewell.features.agents.tools.base import AgentTool, ToolWork

MAX_BODY_CHARS = 20_000

UNCLEAR = "Whether the request had its effect is not known: a person has to look."


class SendHttpArguments(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    url: str = Field(min_length=8, max_length=outside.MAX_URL_CHARS)
    body: str = Field(default="", max_length=MAX_BODY_CHARS, description="JSON or text.")


def _action(platform: Platform, arguments: SendHttpArguments) -> str | None:
    try:
        url = outside.parsed(arguments.url)
    except AppError:
        return None  # the call itself says what is wrong
    if not outside.is_listed(url, platform.settings.agent_hosts):
        return None
    return f"{arguments.method} {url}\n\n{arguments.body}".rstrip()


async def _run(work: ToolWork, arguments: SendHttpArguments) -> ToolOutput:
    url = outside.parsed(arguments.url)
    if not outside.is_listed(url, work.platform.settings.agent_hosts):
        raise ForbiddenError(f"The operator does not allow agents to act on `{url.host}`.")
    try:
        status, text = await outside.send(
            work.platform, arguments.method, url, body=arguments.body or None, key=work.key
        )
    except UnavailableError as error:
        return ToolOutput(f"{error.detail} {UNCLEAR}", is_error=True)
    return ToolOutput(f"Status {status}\n{text}", is_error=status >= 400)


TOOL = AgentTool(
    ToolTerms(
        "send_http",
        "Send a request that changes something to a host that is allowed; a person approves it.",
        SendHttpArguments,
        has_effect=True,
    ),
    _run,
    _action,
)
