"""The `citewell` command."""

import gc
import io
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "serve": ("Serve the API, and do jobs unless told not to.", "server"),
    "worker": ("Do jobs until stopped; start as many as you need.", "server"),
    "setup": ("Show the token that makes the first account of a new installation.", "setting_up"),
    "ingest": ("Take in files and folders; returns when they are searchable.", "documents"),
    "documents": ("List, show, compare and delete documents.", "documents"),
    "jobs": ("List, show, cancel and retry jobs.", "jobs"),
    "search": ("Find passages.", "search"),
    "ask": ("Answer a question from the documents, every sentence cited.", "search"),
    "agent": ("Agents: list, save, run, show and approve.", "agents"),
    "workflow": ("Workflows: keep, run and approve them.", "workflows"),
    "eval": (
        "Measure quality on sets with known results.",
        "evaluation",
        "evaluation_sets",
        "verification",
    ),
    "mcp": (
        "Speak the Model Context Protocol over standard input and output, for one client.",
        "mcp",
    ),
    "conversations": (
        "Conversations: list, show, export and delete them.",
        "conversations",
    ),
    "queries": ("Stored answers: list, show, replay and rate them.", "queries"),
    "analytics": ("What is asked, cited, rated and spent.", "analytics"),
    "usage": ("Metered usage, for the bill.", "analytics"),
    "user": ("The people of a tenant.", "accounts"),
    "group": ("Groups of users, to grant things to.", "groups"),
    "tenant": ("Organisations of this installation.", "tenants", "question_policies"),
    "access": ("Who sees what.", "granting"),
    "prompts": (
        "Show the prompts that a model writes answers and other questions with.",
        "prompts",
    ),
    "key": ("API keys (for keys that encrypt files: `keys`).", "keys"),
    "keys": ("Keys that stored files are encrypted with (for API keys: `key`).", "key_rotation"),
    "mail": ("Mail: try out the server that takes it.", "mail"),
    "webhooks": ("Webhooks: who is told of documents, jobs and answers.", "webhooks"),
    "errors": ("Errors of the program itself.", "errors"),
    "audit": ("The audit trail.", "trail"),
    "collections": ("Collections: list, make, change; as files.", "transfers", "collections"),
    "doctor": (
        "Check that everything works, and that documents, passages, terms and files agree.",
        "doctor",
    ),
    "reindex": (
        "Build a new index beside the one in use, then switch to it at once.",
        "reindexing",
    ),
    "backup": ("Backups: make, list, verify and restore them.", "backup"),
    "promote": (
        "Move this embedded installation into a PostgreSQL of yours; nothing is embedded again.",
        "promote",
    ),
    "settings": (
        "List the settings and their present values; secrets are not shown.",
        "operations",
    ),
    "openapi": ("Print the description of the HTTP API, or a Postman collection.", "description"),
    "upgrade": (
        "Say whether this version can be started on the installation now, and what that changes.",
        "upgrading",
    ),
    "db": ("The database.", "operations"),
}
"""Line of each command in the overview, and the modules in `commands/` that make it up.

The overview imports none of them: together they take a second and a half.
"""


ALIASES = {
    "users": "user", "groups": "group", "tenants": "tenant", "agents": "agent",
    "workflows": "workflow", "collection": "collections", "document": "documents", "job": "jobs",
    "conversation": "conversations", "query": "queries", "backups": "backup",
}  # fmt: skip
"""Other names of commands: each works in the singular and in the plural."""

OF_API_KEYS = ("create", "list", "revoke")
"""Commands of `key` that are called by `keys` as well, which has none of these names."""


def _meant(args: list[str]) -> list[str]:
    """The arguments with the first one as the command is called in the overview."""
    if args[:1] == ["keys"] and len(args) > 1 and args[1] in OF_API_KEYS:
        return ["key", *args[1:]]
    return [ALIASES.get(args[0], args[0]), *args[1:]] if args else args


@contextmanager
def _uncollected() -> Generator[None, None, None]:
    """Keep the garbage collector out of what the block makes, also afterwards.

    For modules, which stay to the end: among the 470,000 objects that are made by those of `serve`
    it finds 1,500 to free, and takes a fifth of the time that importing them takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@cache
def load(name: str) -> TyperCommand | TyperGroup:
    """A command with its arguments and its work; imports its modules."""
    part = typer.Typer()
    with _uncollected():
        for module in COMMANDS[name][1:]:
            import_module(f"citewell.entrypoints.commands.{module}").add_to(part)
    command = typer.main.get_group(part).commands[name]
    assert isinstance(command, (TyperCommand, TyperGroup))
    return command


class LazyGroup(TyperGroup):
    """All commands by name and summary, each of them loaded when it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (summary, *_) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to call: what `TyperGroup` finds, loaded."""
        args = _meant(args)
        if args and args[0] in COMMANDS:
            self.add_command(load(args[0]))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    name="citewell",
    help="Answers from your organisation's own documents, every sentence cited to its passage.",
    no_args_is_help=True,
    # Typer's own tracebacks print local variables, which hold keys and documents.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _citewell() -> None:
    """Keeps the group one: typer makes a group only of what has commands or a callback."""


def main() -> None:
    """Run the command line."""
    # SIGTERM and SIGHUP end it as Ctrl-C does, so that the embedded database is stopped too.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell's background job
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    # File names may hold bytes that are no UTF-8; they are shown escaped instead of failing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
