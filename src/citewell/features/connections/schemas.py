"""Shapes of connections."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from citewell.access.policy import Role
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText
from citewell.kit.visible import VISIBLE_LINE

ProviderName = Literal["openai", "anthropic", "ollama", "openai-compatible"]
RoleName = Literal["guest", "employee", "manager", "director"]


class Use(StrEnum):
    """Purpose of a request to a model."""

    ANSWER = "answer"
    """Writing answers, and choosing among tools of clients."""
    REWRITE = "rewrite"
    """Writing questions besides the one that was asked, and follow-ups that stand alone."""
    TITLE = "title"
    """Titles of conversations."""
    VERIFY = "verify"
    """Second readings of what was written."""
    AGENT = "agent"
    """Runs of agents."""


class _Body(RequestBody):
    # Validation errors end up in replies and logs, which must not repeat keys.
    model_config = ConfigDict(str_strip_whitespace=True, hide_input_in_errors=True)


Name = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
ModelText = Annotated[str, Field(min_length=1, max_length=200), VISIBLE_LINE]
BaseUrl = Annotated[StorableText, Field(min_length=1, max_length=500)]
ApiKey = Annotated[SecretStr, Field(min_length=1, max_length=1000)]
Uses = Annotated[list[Use], Field(min_length=1, max_length=len(Use))]
Priority = Annotated[int, Field(ge=0, le=100, description="Lower ones are asked first.")]


class ConnectionCreate(_Body):
    """A provider to ask."""

    name: Name
    provider: ProviderName
    model: ModelText
    base_url: BaseUrl | None = None
    api_key: ApiKey | None = None
    uses: Uses = Field(default_factory=lambda: list(Use))
    priority: Priority = 0
    min_role: RoleName = "guest"
    is_active: bool = True


class ConnectionUpdate(_Body):
    """Changes to a connection."""

    name: Name | None = None
    provider: ProviderName | None = None
    model: ModelText | None = None
    base_url: BaseUrl | None = None
    api_key: ApiKey | None = None
    uses: Uses | None = None
    priority: Priority | None = None
    min_role: RoleName | None = None
    is_active: bool | None = None


class ConnectionRead(BaseModel):
    """A connection as the API shows it; its key is not shown."""

    id: uuid.UUID
    name: str
    provider: str
    model: str
    base_url: str | None
    has_key: bool
    key_hint: str | None
    """The last four characters of the key."""
    uses: list[Use]
    priority: int
    min_role: RoleName
    is_active: bool
    created_at: datetime
    updated_at: datetime


class CheckRead(BaseModel):
    """One thing that was tried with a connection."""

    name: Literal["models", "text", "tools", "structured_output"]
    ok: bool
    detail: str
    milliseconds: int


class ConnectionTest(BaseModel):
    """Abilities of a model, as they were tried."""

    ok: bool
    """Whether it writes text, which answers need."""
    first_token_ms: int | None
    checks: list[CheckRead]
    models: list[str]
    """The models that the provider offers, as far as it says."""


@dataclass(frozen=True, slots=True)
class OpenableConnection:
    """A connection as it is opened; `sealed_key` is not the key."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    revision: int
    name: str
    provider: str
    model: str
    base_url: str | None
    sealed_key: bytes | None
    key_id: uuid.UUID | None
    uses: frozenset[str]
    min_role: Role

    @property
    def place(self) -> str:
        """Where its key may be sent."""
        return f"{self.id} {self.provider} {self.base_url or ''}"
