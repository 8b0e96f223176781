"""Settings of how an installation runs: how it stops."""

from pydantic import Field
from pydantic_settings import BaseSettings


class RunningSettings(BaseSettings):
    """The part of the settings that operators of several nodes care for."""

    drain_seconds: float = Field(
        default=0,
        ge=0,
        le=300,
        description="Seconds a server goes on answering after SIGTERM while `ready` says no.",
    )
