"""`db` and `settings`."""

import re
from typing import cast

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.errors import StartupError
from citewell.core.settings import PREFIX, Settings
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    out,
    print_table,
    read_quiet_settings,
    read_settings,
    stop,
)
from citewell.entrypoints.installation import running_database

# Up to the last @, as a password may hold one that was not escaped.
_PASSWORD_OF_USER = re.compile(r"(://[^/@:]*:).*@")
# libpq takes the password as a parameter of the address, too.
_PASSWORD_PARAMETER = re.compile(r"([?&]password=)[^&]*")

db = typer.Typer(no_args_is_help=True, help="The database.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("settings")(show_settings)
    app.add_typer(db, name="db")


@db.command("migrate")
def migrate_database() -> None:
    """Bring the database to the newest schema."""
    settings = read_quiet_settings()
    try:
        with running_database(settings):
            out.print("The database is at the newest schema.")
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)


def show_settings() -> None:
    """List the settings and their present values; secrets are not shown."""
    settings = read_settings()
    table = Table("setting", "in force", "meaning")
    for name, field in Settings.model_fields.items():
        value = _shown(getattr(settings, name))
        table.add_row(PREFIX + name.upper(), Text(value), Text(field.description or ""))
    print_table(table)


def _shown(value: object) -> str:
    """A setting as text, without the password in an address."""
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in cast(tuple[object, ...], value))
    text = "" if value is None else str(value)
    text = _PASSWORD_OF_USER.sub(r"\1**********@", text)
    return _PASSWORD_PARAMETER.sub(r"\1**********", text)
