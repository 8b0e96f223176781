"""The `citewell` command."""

import io
import signal
import sys

import typer

from citewell.entrypoints.commands import (
    accounts,
    doctor,
    documents,
    evaluation,
    groups,
    jobs,
    key_rotation,
    keys,
    operations,
    promote,
    reindexing,
    search,
    server,
    setting_up,
    tenants,
    trail,
    transfers,
    verification,
)

app = typer.Typer(
    name="citewell",
    help="Answers from your organisation's own documents, every sentence cited to its passage.",
    no_args_is_help=True,
    # Typer's own tracebacks print local variables, which hold keys and documents.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    server,
    setting_up,
    documents,
    jobs,
    search,
    evaluation,
    verification,
    accounts,
    groups,
    tenants,
    keys,
    key_rotation,
    trail,
    transfers,
    doctor,
    reindexing,
    promote,
    operations,
):
    module.add_to(app)


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
