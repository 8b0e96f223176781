"""Runs commands: settings, database, platform, and errors as exit codes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar, cast

import psycopg
import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from citewell.core.context import OPERATOR, Caller, Origin
from citewell.core.errors import AppError, StartupError
from citewell.core.platform import Platform
from citewell.core.private_files import write_private
from citewell.core.settings import Settings, SettingsError, is_set, load_settings
from citewell.engine.embedding.base import Embedder, NoEmbedder
from citewell.entrypoints import logs
from citewell.entrypoints.installation import open_platform, running_database, running_worker
from citewell.features.connections.choosing import ModelPolicy
from citewell.features.identity import service as identity
from citewell.features.users import service as users
from citewell.kit.complaints import complaint
from citewell.kit.storable import require_storable_text
from citewell.kit.visible import UNSEEN, harmless

DONE, SOME_FAILED, USAGE, NOT_AVAILABLE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; 130 is a shell's 128 + SIGINT."""

COMMAND_LINE = Origin("command line")
"""Origin of commands in the audit trail."""

DATABASE_ERRORS = (SQLAlchemyError, psycopg.Error)

FIRST_KEY_FILE = "first.key"
"""File in the home with the first API key of the default tenant."""

# Most columns of a table that is not printed on a terminal, so that nothing is folded or cut.
WIDEST = 10_000

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=BaseModel)


class HarmlessConsole(Console):
    """Prints whatever is in names and documents without letting it steer the terminal.

    Everything that is printed passes `render`: only segments that are controls of the library's
    own keep such characters.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of what is printed, without control and invisible characters."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)


# No folding, no colours of its own: a line that is piped or copied stays what it is.
out = HarmlessConsole(soft_wrap=True, highlight=False)
err = HarmlessConsole(stderr=True, soft_wrap=True, highlight=False)


def readable(value: str | None) -> str | None:
    """Refuse an argument that is no text, as bytes of another encoding are not."""
    if value is None:
        return None
    try:
        return require_storable_text(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


TenantOption = Annotated[str, typer.Option("--tenant", help="Tenant to act in.", callback=readable)]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="EMAIL", help="Act with the rights of this user.", callback=readable
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def counted(count: int, noun: str) -> str:
    """A number of things whose plural ends in s: `1 document`, `2 documents`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def stop(message: str, code: int) -> NoReturn:
    """End the command with one line on stderr."""
    err.print(message, style="red", markup=False)
    raise typer.Exit(code)


def stop_for_database(error: Exception) -> NoReturn:
    """End the command because the database failed (one of `DATABASE_ERRORS`)."""
    said = str(error).splitlines() or [type(error).__name__]
    stop(f"The database failed: {said[0]}", NOT_AVAILABLE)


def checked(model: type[RequestT], /, **fields: object) -> RequestT:
    """The request with these fields; a bad one ends the command."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][:2])
        stop(f"The {name} cannot be used: {complaint(first)}.", USAGE)


def read_text_file(path: Path) -> str:
    """The text of a file that was named; one that cannot be read ends the command."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{path} cannot be read: {error}", USAGE)


def read_settings(**overrides: object) -> Settings:
    """Settings of this process; a bad one ends the command."""
    try:
        settings = load_settings(**overrides)
    except SettingsError as error:
        stop(str(error), USAGE)
    # Only now: the level and the form of log lines are settings.
    try:
        logs.configure(settings)
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    return settings


def read_quiet_settings(**overrides: object) -> Settings:
    """Settings of a short command: it logs warnings only, unless the operator has set a level."""
    if not is_set("log_level"):
        overrides["log_level"] = "warning"
    return read_settings(**overrides)


def run(
    action: Callable[[Platform, Caller], Awaitable[T]],
    *,
    tenant: str = identity.DEFAULT_TENANT,
    with_worker: bool = False,
    interrupted: str = "Stopped.",
    llm: str | None = None,
    as_user: str | None = None,
    embedder: Embedder | None = None,
) -> T:
    """Open the installation, run `action` in a tenant as its operator or a user, close it again.

    `embedder` stands in for the one of the settings.
    """
    settings = read_quiet_settings(**({} if llm is None else {"llm": llm}))
    try:
        with running_database(settings) as database:

            async def inside() -> T:
                async with AsyncExitStack() as stack:
                    platform = await stack.enter_async_context(
                        open_platform(settings, database, embedder=embedder)
                    )
                    if llm is not None:  # it was said which one is asked
                        platform = platform.holding(ModelPolicy(ignores_connections=True))
                    if tenant == identity.DEFAULT_TENANT:
                        await announce_first_key(platform)
                    tenant_id = await identity.find_tenant(platform, tenant)
                    caller = Caller(tenant_id, OPERATOR, COMMAND_LINE)
                    if as_user is not None:
                        caller = await users.acting_as(platform, caller, as_user)
                    if with_worker:
                        await stack.enter_async_context(
                            running_worker(platform, adopt_all=database.is_first_user)
                        )
                    return await action(platform, caller)

            return asyncio.run(inside())
    except KeyboardInterrupt:
        stop(interrupted, INTERRUPTED)
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    except AppError as error:
        # The code tells a script whether trying again may help.
        stop(error.detail, NOT_AVAILABLE if error.status >= 500 else USAGE)
    except DATABASE_ERRORS as error:
        stop_for_database(error)


def administer(
    action: Callable[[Platform, Caller], Awaitable[T]],
    *,
    tenant: str = identity.DEFAULT_TENANT,
    as_user: str | None = None,
) -> T:
    """As `run`, without an embedding model: for what neither embeds nor searches.

    It is a tenth of a second faster, and works while a model's service is down.
    """
    nothing = cast(Embedder, NoEmbedder())
    return run(action, tenant=tenant, as_user=as_user, embedder=nothing)


async def announce_first_key(platform: Platform) -> None:
    """On a new installation, make the first tenant and write its key to a file of the operator.

    The key is printed on a terminal only, because more people read logs than may administer.
    """
    key = await identity.ensure_default_tenant(platform)
    if key is None:
        return
    path = platform.settings.home / FIRST_KEY_FILE
    await asyncio.to_thread(write_private, path, key.secret)
    err.print(f"API key: in {path} (make more with `citewell key create`)", markup=False)
    if err.is_terminal:
        err.print(f"  {key.secret}", markup=False)


def print_table(table: Table) -> None:
    """Print a table; outside of a terminal nothing is cut off."""
    if out.is_terminal:
        out.print(table)
        return
    width = out.measure(table, options=out.options.update(max_width=WIDEST)).maximum
    HarmlessConsole(soft_wrap=True, highlight=False, width=width).print(table)


def print_json(document: object) -> None:
    """Print the one JSON document of `--json`."""
    _print_text(_json(document))


class JsonList:
    """The one JSON document of `--json`, an object of one list, printed as its items come."""

    def __init__(self, name: str) -> None:
        self._head = f"{{{json.dumps(name)}: ["
        self._is_begun = False

    def add(self, items: Iterable[object]) -> None:
        """Print more items."""
        for each in items:
            before = "," if self._is_begun else self._head
            self._is_begun = True
            _print_text(f"{before}\n{_json(each)}", end="")

    def end(self) -> None:
        """Print the end of the document."""
        _print_text("\n]}" if self._is_begun else f"{self._head}]}}")


def _json(document: object) -> str:
    written = json.dumps(document, ensure_ascii=False, indent=2, default=str)
    # They stand in strings only, where JSON has an escape for each.
    return UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], written)


def _print_text(written: str, end: str = "\n") -> None:
    try:
        print(written, file=out.file, end=end, flush=True)
    # Not an error of ours: the reader (`head`) has what it wanted, and Python ends quietly.
    except BrokenPipeError:
        raise
    except OSError as error:
        stop(f"The result cannot be written: {error.strerror}.", NOT_AVAILABLE)
