"""Settings: `CITEWELL_*` variables or `.env`, checked whole before anything starts."""

import os
import re
import stat
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from citewell.core.identity_providers import IdentityProviders
from citewell.core.mail_servers import MailFrom, SmtpUrl
from citewell.core.running_settings import RunningSettings
from citewell.core.tool_servers import ToolServers
from citewell.kit.complaints import complaint

PREFIX = "CITEWELL_"
EMBEDDING_PROVIDERS = ("bundled", "fastembed", "onnx", "openai-compatible")
RERANKER_PROVIDERS = ("none", "fastembed", "onnx", "cohere", "jina")
LLM_PROVIDERS = ("none", "openai", "anthropic", "ollama", "openai-compatible")

VERIFIERS = ("rules", "model", "onnx:FOLDER")

SECRET_KEY_LENGTH = 32
"""Fewest characters: 128 bits even if they are hexadecimal digits."""

EXAMPLES = ("changeme", "changethis", "replaceme", "yoursecret", "secretkey", "password", "example")
"""Words in keys that were copied from documentation or a template."""

# A random hexadecimal key of 32 characters has about 14 different ones; fewer than these are a
# repeated or typed pattern.
FEWEST_DIFFERENT_CHARACTERS = 8


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
    """The absolute path, which a later change of the working folder does not move."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("this user has no home folder; give another path") from None


def _existing_file(path: Path | None) -> Path | None:
    if path is None:
        return None
    if not _absolute(path).is_file():
        raise ValueError(f"there is no file {path}")
    return _absolute(path)


def _verifier(value: str) -> str:
    if value in VERIFIERS[:2] or (value.startswith("onnx:") and value != "onnx:"):
        return value
    raise ValueError(f"it must be one of {', '.join(VERIFIERS)}")


BLOB_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss")


def _blob_url(value: str | None) -> str | None:
    if not value:
        return None
    scheme, separator, place = value.partition("://")
    if scheme not in BLOB_SCHEMES or not separator or not place:
        raise ValueError("it must look like s3://bucket/folder, gs://... or az://...")
    return value


def _backup_url(value: str | None) -> str | None:
    if not value:
        return None
    if "://" in value:
        return _blob_url(value)
    return str(_absolute(Path(value)))


def _database_url(value: str | None) -> str | None:
    if not value:
        return None
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return value


def _redis_url(value: str | None) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    where = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in ("redis", "rediss", "unix") or not where or not _has_port(value):
        raise ValueError(
            "must look like redis://:password@host:6379/0, rediss://... or unix:///path"
        )
    return value


def _public_url(value: str | None) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    is_plain = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    is_web = parts.scheme in ("http", "https") and parts.hostname and _has_port(value)
    if not (is_web and is_plain):
        raise ValueError("must look like https://citewell.example.org, without a path")
    return value.rstrip("/")


def _has_port(url: str) -> bool:
    """Whether an address has a valid port or none."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _secret_key(value: SecretStr | None) -> SecretStr | None:
    """Refuse keys that can be guessed, because a known key signs tokens for anybody."""
    if value is None or not value.get_secret_value():
        return None
    key = value.get_secret_value()
    if len(key) < SECRET_KEY_LENGTH:
        raise ValueError(f"it needs at least {SECRET_KEY_LENGTH} characters; {_MAKE_A_KEY}")
    letters = re.sub(r"[^a-z0-9]", "", key.lower())
    # Punctuation is removed before the search for examples: `change-me` counts too. A random key of
    # 32 hexadecimal digits cannot contain any of these words.
    if len(set(key)) < FEWEST_DIFFERENT_CHARACTERS or any(word in letters for word in EXAMPLES):
        raise ValueError(f"it can be guessed; {_MAKE_A_KEY}")
    return value


_MAKE_A_KEY = "make one with `openssl rand -hex 32`"


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _techniques(value: object) -> object:
    return () if value == "none" else _comma_separated(value)


def _host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name != "*" and not re.fullmatch(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
            raise ValueError(f"`{name}` must look like docs.example.org, *.example.org or *")
    return tuple(name.lower() for name in names)


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ip_network(value)
        except ValueError:
            raise ValueError(f"`{value}` must look like 10.0.0.5 or 10.0.0.0/8") from None
    return values


class Settings(RunningSettings):
    """One installation's settings. Field `x` is read from `CITEWELL_X`."""

    # A `.env` may hold variables of other programs; unknown ones of ours are refused by
    # `load_settings`, which names them.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=None,  # `load_settings` says which
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
    redis_url: Annotated[str | None, AfterValidator(_redis_url)] = Field(
        default=None,
        description="Redis or Valkey that servers share for limits and caches. Unset: none.",
    )
    secret_key: Annotated[SecretStr | None, AfterValidator(_secret_key)] = Field(
        default=None,
        description="What signing keys are made from. Unset: the file secret.key in the home.",
    )
    secret_key_previous: Annotated[SecretStr | None, AfterValidator(_secret_key)] = Field(
        default=None,
        description="The former CITEWELL_SECRET_KEY, while it is exchanged for a new one.",
    )
    public_url: Annotated[str | None, AfterValidator(_public_url)] = Field(
        default=None, description="Address users reach it by. Unset: host and port."
    )
    database_pool_size: int = Field(
        default=10, ge=2, le=200, description="Connections one process may hold."
    )
    blob_url: Annotated[str | None, AfterValidator(_blob_url)] = Field(
        default=None,
        description=(
            "Bucket for original files: `s3://`, `gs://` or `az://`. Unset: a folder of the home."
        ),
    )
    backup_url: Annotated[str | None, AfterValidator(_backup_url)] = Field(
        default=None,
        description="Folder or bucket of backups: a path, `s3://`, `gs://` or `az://`.",
    )
    backup_passphrase: SecretStr | None = Field(
        default=None,
        min_length=12,
        description="Opens backups, the secret key in them too. Unset: only the secret key does.",
    )
    backup_hours: int = Field(
        default=24,
        ge=0,
        le=24 * 31,
        description="Hours between two backups that a worker makes. 0: none by itself.",
    )
    backup_keep_days: int = Field(
        default=30, ge=1, le=3_650, description="Age at which a backup is removed."
    )
    embedding: Annotated[str, _provider("it", EMBEDDING_PROVIDERS, "bundled")] = Field(
        default="bundled",
        description="`bundled`, `fastembed:MODEL`, `onnx:FOLDER` or `openai-compatible:MODEL`.",
    )
    embedding_base_url: str | None = Field(
        default=None, description="Where an `openai-compatible` embedding service answers."
    )
    embedding_api_key: SecretStr | None = Field(
        default=None, description="Key of the embedding service."
    )
    reranker: Annotated[str, _provider("it", RERANKER_PROVIDERS, "none")] = Field(
        default="none",
        description=(
            "Model that puts the best passages in order: `none`, `fastembed:MODEL`, "
            "`onnx:FOLDER`, `cohere:MODEL` or `jina:MODEL`."
        ),
    )
    reranker_base_url: str | None = Field(
        default=None, description="Where a reranking service answers. Unset: the vendor's address."
    )
    reranker_api_key: SecretStr | None = Field(
        default=None, description="Key of the reranking service."
    )
    reranker_candidates: int = Field(
        default=30, ge=2, le=100, description="Passages of a search that are put in order."
    )
    reranker_seconds: float = Field(
        default=2.0, gt=0, le=60, description="Longest wait for it; then the order stays."
    )
    query_rewriting: Annotated[
        tuple[Literal["rewrite", "variations", "decomposition", "hyde"], ...],
        NoDecode,
        BeforeValidator(_techniques),
    ] = Field(
        default=(),
        description=(
            "Questions that the model writes besides each one that is asked: `none`, or some of "
            "`rewrite`, `variations`, `decomposition`, `hyde`, separated by commas."
        ),
    )
    query_rewriting_seconds: float = Field(
        default=3.0, gt=0, le=60, description="Longest wait for it; then it is done without."
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
    llm_concurrency: int = Field(
        default=256,
        ge=1,
        le=4_096,
        description="Replies of a model that one process reads at once.",
    )
    agent_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        default=(),
        description=(
            "Hosts that agents may send requests to, each of which a person approves; separated by "
            "commas."
        ),
    )
    agent_read_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = (
        Field(
            default=(),
            description="Hosts that agents may read from (GET) without approval.",
        )
    )
    agent_mcp_servers: ToolServers = Field(
        default={},
        description=(
            "Servers of the Model Context Protocol whose tools agents may use, as JSON: "
            '`{"crm": {"url": "https://crm.example.org/mcp"}}`.'
        ),
    )
    oidc_providers: IdentityProviders = Field(
        default={},
        description=(
            "Providers of single sign-on (OpenID Connect), as JSON: "
            '`{"acme": {"issuer": "https://login.example.org", "client_id": "...", '
            '"client_secret": "...", "domains": ["example.org"]}}`.'
        ),
    )
    private_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        default=(),
        description=(
            "Host names, addresses and networks of private ranges that connections and webhooks of "
            "tenants may reach, separated by commas."
        ),
    )
    smtp_url: SmtpUrl = Field(
        default=None,
        description=(
            "Server that mail is handed to: `smtp://USER:PASSWORD@HOST:587` (STARTTLS), "
            "`smtps://` (TLS), or with `?tls=none` neither. Unset: no mail is sent."
        ),
    )
    smtp_ca_file: Annotated[Path | None, AfterValidator(_existing_file)] = Field(
        default=None, description="Certificates (PEM) of authorities that its own may be of, too."
    )
    smtp_seconds: float = Field(
        default=30, gt=0, le=300, description="Longest time to hand one message over."
    )
    mail_from: MailFrom = Field(
        default=None, description="Sender of mail, such as `Citewell <no-reply@example.org>`."
    )
    verifier: Annotated[str, AfterValidator(_verifier)] = Field(
        default="rules",
        description=(
            "Second reading of what the model wrote: `rules` (none), `model` (itself), or "
            "`onnx:FOLDER`."
        ),
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the server listens on.")
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port on which Prometheus finds metrics. Unset: none are taken.",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address of that port; it asks nobody for a key."
    )
    max_upload_bytes: int = Field(
        default=200 * 1024 * 1024, gt=0, description="Largest file that is accepted."
    )
    disk_reserve_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description=(
            "Space under CITEWELL_HOME that no new file takes, so that a full disk ends uploads "
            "and not the database."
        ),
    )
    ocr_languages: str = Field(
        default="vie+eng",
        pattern=r"^([A-Za-z_]{3,20}([+][A-Za-z_]{3,20}){0,9})?$",
        description="Languages of Tesseract for text in pictures, if installed; empty: none is.",
    )
    hidden_text: Literal["leave_out", "mark"] = Field(
        default="leave_out", description="What becomes of text that authors hid in documents."
    )
    trash_minutes: int = Field(
        default=30 * 24 * 60,
        ge=0,
        le=365 * 24 * 60,
        description="How long a deleted document can be restored. 0: it is removed at once.",
    )
    answer_days: int = Field(
        default=90,
        ge=0,
        le=3_650,
        description="How long answers are kept, unless a tenant says otherwise. 0: not at all.",
    )
    conversation_days: int = Field(
        default=365,
        ge=1,
        le=3_650,
        description="How long a conversation is kept after its last question, unless a tenant says "
        "otherwise.",
    )
    cache_mib: int = Field(
        default=64,
        ge=0,
        le=65_536,
        description="Memory of one process for replies that still hold. 0: none are kept.",
    )
    cache_answer_seconds: int = Field(
        default=3_600, ge=0, le=604_800, description="How long an answer is kept there. 0: not."
    )
    cache_search_seconds: int = Field(
        default=300, ge=0, le=604_800, description="How long a search is kept there. 0: not."
    )
    cache_embedding_seconds: int = Field(
        default=86_400,
        ge=0,
        le=2_592_000,
        description="How long the vector of a question is kept there. 0: not.",
    )
    worker_concurrency: int = Field(
        default=4, ge=1, le=64, description="Jobs one worker process runs side by side."
    )
    worker_model_concurrency: int = Field(
        default=4, ge=1, le=64, description="Jobs beside those that wait for a language model."
    )
    worker_agent_concurrency: int = Field(
        default=4, ge=1, le=64, description="Runs of agents, beside those, in one worker process."
    )
    worker_agent_share: float = Field(
        default=0.1, ge=0.01, le=1, description="Part of all cores for them beside documents."
    )
    worker_outbound_concurrency: int = Field(
        default=4, ge=1, le=64, description="Webhooks told at once, beside those, in one worker."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Threads of models run here. Unset: all cores.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe messages that are logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people or for machines."
    )
    rate_limit_queries: int = Field(
        default=100,
        ge=0,
        le=1_000_000,
        description="Searches and questions a minute for each user or key. 0: no limit.",
    )
    rate_limit_requests: int = Field(
        default=1_000,
        ge=0,
        le=1_000_000,
        description="Other requests a minute for each user or key. 0: no limit.",
    )
    max_connections: int = Field(
        default=4_096,
        ge=64,
        le=30_000,
        description="Connections one server process holds; half of its files at most.",
    )
    max_connections_per_address: int = Field(
        default=1_024,
        ge=16,
        le=30_000,
        description="Of these from one address; trusted proxies are not held to it.",
    )
    request_head_seconds: float = Field(
        default=10, gt=0, le=600, description="Longest wait for the head of a request."
    )
    request_body_seconds: float = Field(
        default=30, gt=0, le=600, description="Longest wait for 4 KiB more of a request's body."
    )
    allowed_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(_comma_separated),
        AfterValidator(_host_names),
    ] = Field(
        default=(), description="More names the server answers to, comma separated. `*`: any."
    )
    trusted_proxies: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_networks)
    ] = Field(
        default=(),
        description="Addresses or networks of proxies whose X-Forwarded-For is believed.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        default=(), description="Other origins whose pages may call the API, comma separated."
    )

    @model_validator(mode="after")
    def _has_all_of_mail(self) -> Self:
        # Links in mail need an address of their own: that of a request is its sender's choice.
        lacking = [name for name in ("mail_from", "public_url") if getattr(self, name) is None]
        if self.smtp_url is not None and lacking:
            raise ValueError(f"{PREFIX}SMTP_URL needs {PREFIX}{lacking[0].upper()} to be set too")
        return self


def load_settings(**overrides: object) -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: A `CITEWELL_` variable is unknown or a value is bad; one line names it.
    """
    given = _given()
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(given - known)
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting of Citewell; see `citewell settings`.")
    try:
        return Settings(**{"_env_file": _dotenvs(), **overrides})  # pyright: ignore[reportArgumentType] - checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        reason = complaint(first)
        if not first["loc"]:  # of several settings together; it names them
            raise SettingsError(f"{reason}.") from None
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise SettingsError(f"{name} has a bad value: {reason}.") from None


def found_vendor_keys() -> list[str]:
    """Names of vendors' key variables in the environment; they are mentioned, never used."""
    return [name for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY") if os.environ.get(name)]  # noqa: TID251


def is_set(name: str) -> bool:
    """Whether the operator has given `CITEWELL_<NAME>` a value, in the environment or `.env`."""
    return f"{PREFIX}{name.upper()}" in _given()


def _given() -> set[str]:
    """Names, in upper case, of the `CITEWELL_` variables that have a value."""
    values: dict[str, str | None] = {}
    for dotenv in _dotenvs():
        values |= _values_in(dotenv)
    values |= os.environ  # noqa: TID251 - read here
    # pydantic-settings takes names in any case.
    upper = {name.upper(): value for name, value in values.items()}
    return {name for name, value in upper.items() if value and name.startswith(PREFIX)}


def _dotenvs() -> list[Path]:
    """The `.env` files that count, later ones first among equals: of the home, of this folder.

    Raises:
        SettingsError: One could have been written by somebody else, who would choose where
            passages are sent.
    """
    home = os.environ.get(f"{PREFIX}HOME") or Settings.model_fields["home"].default  # noqa: TID251
    found = [Path(home).expanduser() / ".env", Path(".env")]
    there = list({path.resolve(): path for path in found if path.is_file()}.values())
    for path in there:
        facts = path.stat()
        # Root's are the machine's own: containers and services are set up with them.
        is_ours = not hasattr(os, "geteuid") or facts.st_uid in (os.geteuid(), 0)
        if not is_ours or facts.st_mode & stat.S_IWOTH:
            raise SettingsError(
                f"{path.absolute()} belongs to another user or can be written by everybody, so it "
                "is not read: make it yours (chown, chmod 600), or work in another folder."
            )
    return there


def _values_in(dotenv: Path) -> dict[str, str | None]:
    """The variables of a `.env` file."""
    try:
        text = dotenv.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{dotenv.absolute()} cannot be read: {reason}.") from None
    return dict(dotenv_values(stream=StringIO(text)))
