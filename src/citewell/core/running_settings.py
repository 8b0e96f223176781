"""Settings of how an installation runs: how it stops, who is told of its errors."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class RunningSettings(BaseSettings):
    """The part of the settings that operators of several nodes care for."""

    drain_seconds: float = Field(
        default=0,
        ge=0,
        le=300,
        description="Seconds a server goes on answering after SIGTERM while `ready` says no, and a "
        "worker finishes jobs that it has begun.",
    )
    sentry_dsn: SecretStr | None = Field(
        default=None,
        description="Sentry project that errors of the program are reported to. Unset: none.",
    )
