"""Servers of the Model Context Protocol that the operator lets agents use: the setting's shape."""

import json
import re
import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

SERVER_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""Of a server: it is the prefix of its tools, whose whole names vendors bound to 64 characters."""


class ToolServer(BaseModel):
    """A server by its address or by the command that starts it."""

    # Errors end up in terminals and logs, which must not repeat keys.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    command: str | None = Field(default=None, min_length=1)
    args: tuple[str, ...] = ()
    env: dict[str, SecretStr] = Field(default_factory=dict)
    approve: Literal["writing", "always"] = "writing"
    """Calls that a person approves: of tools not declared as read-only, or all."""
    tenants: tuple[uuid.UUID, ...] | None = None
    """Tenants whose agents may use it; None: all."""

    def is_open_to(self, tenant_id: uuid.UUID) -> bool:
        """Whether agents of a tenant may use it."""
        return self.tenants is None or tenant_id in self.tenants


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.strip():
        return {}
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(
            'must be JSON like {"crm": {"url": "https://crm.example.org/mcp"}}'
        ) from None


def _checked(servers: dict[str, ToolServer]) -> dict[str, ToolServer]:
    for name, server in servers.items():
        if not SERVER_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a server: a letter, then letters, digits and hyphens, "
                "20 at most, all lower case"
            )
        if (server.url is None) == (server.command is None):
            raise ValueError(f"{name!r} needs either `url` or `command`")
    return servers


ToolServers = Annotated[
    dict[str, ToolServer], NoDecode, BeforeValidator(_decoded), AfterValidator(_checked)
]
