"""Settings: `CITEWELL_*` variables or `.env`, checked whole before anything starts."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "CITEWELL_"
EMBEDDING_PROVIDERS = ("bundled", "fastembed", "openai-compatible")
LLM_PROVIDERS = ("none", "openai", "anthropic", "ollama", "openai-compatible")


class SettingsError(Exception):
    """A setting is unknown or has a bad value; the message is one line that names it."""


def _provider(kind: str, known: tuple[str, ...], alone: str) -> AfterValidator:
    """Accept `alone` or `provider:model` of a known provider."""

    def check(value: str) -> str:
        provider, _, model = value.partition(":")
        if value == alone or (provider in known and provider != alone and model):
            return value
        choices = ", ".join([alone, *(f"{name}:MODEL" for name in known if name != alone)])
        raise ValueError(f"{kind} must be one of {choices}")

    return AfterValidator(check)


def _absolute(path: Path) -> Path:
    """Absolute, so that a later change of folder does not move it."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("this user has no home folder; give another path") from None


def _database_url(value: str | None) -> str | None:
    if not value:
        return None
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return value


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class Settings(BaseSettings):
    """One installation's settings. Field `x` is read from `CITEWELL_X`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    home: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=Path("~/.local/share/citewell"), description="Folder of database, files and keys."
    )
    database_url: Annotated[str | None, AfterValidator(_database_url)] = Field(
        default=None,
        description="PostgreSQL (16 or newer, pgvector 0.8 or newer). Unset: the embedded one.",
    )
    database_pool_size: int = Field(
        default=10, ge=2, le=200, description="Connections one process may hold."
    )
    embedding: Annotated[str, _provider("it", EMBEDDING_PROVIDERS, "bundled")] = Field(
        default="bundled",
        description="`bundled`, `fastembed:MODEL` or `openai-compatible:MODEL`.",
    )
    embedding_base_url: str | None = Field(
        default=None, description="Where an `openai-compatible` embedding service answers."
    )
    embedding_api_key: SecretStr | None = Field(
        default=None, description="Key of the embedding service."
    )
    llm: Annotated[str, _provider("it", LLM_PROVIDERS, "none")] = Field(
        default="none",
        description=(
            "Model that writes answers: `none`, `openai:MODEL`, `anthropic:MODEL`, "
            "`ollama:MODEL` or `openai-compatible:MODEL`."
        ),
    )
    llm_base_url: str | None = Field(default=None, description="Where the model answers.")
    llm_api_key: SecretStr | None = Field(default=None, description="Key of the model.")
    llm_timeout_seconds: float = Field(
        default=60, gt=0, le=3600, description="Longest wait for a whole answer of the model."
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the server listens on.")
    max_upload_bytes: int = Field(
        default=200 * 1024 * 1024, gt=0, description="Largest file that is accepted."
    )
    worker_concurrency: int = Field(
        default=2, ge=1, le=64, description="Jobs one worker process runs side by side."
    )
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Threads of the bundled embedder. Unset: all cores."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe messages that are logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people or for machines."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        default=(), description="Other origins whose pages may call the API, comma separated."
    )


def load_settings(**overrides: object) -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: A `CITEWELL_` variable is unknown or a value is bad; one line names it.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    names = {name for name in os.environ if name.startswith(PREFIX)}  # noqa: TID251 - read here
    dotenv = Path(".env")
    if dotenv.is_file():
        names |= _names_in(dotenv)
    unknown = sorted(name for name in names if name.upper() not in known)
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting of Citewell; see `citewell settings`.")
    try:
        return Settings(**overrides)  # pyright: ignore[reportArgumentType] - checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise SettingsError(f"{name} has a bad value: {reason}.") from None


def found_vendor_keys() -> list[str]:
    """Names of vendors' key variables in the environment; they are mentioned, never used."""
    return [name for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY") if os.environ.get(name)]  # noqa: TID251


def is_set(name: str) -> bool:
    """Whether the operator has set `CITEWELL_<NAME>` in the environment."""
    return f"{PREFIX}{name.upper()}" in os.environ  # noqa: TID251 - read here


def _names_in(dotenv: Path) -> set[str]:
    """Names of our variables in a `.env` file."""
    try:
        lines = dotenv.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{dotenv.absolute()} cannot be read: {reason}.") from None
    names = (line.removeprefix("export ").partition("=")[0].strip() for line in lines)
    return {name for name in names if name.startswith(PREFIX)}
