"""`doctor`, `db` and `settings`."""

import re
import shutil
from typing import cast

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import StartupError
from citewell.core.platform import Platform
from citewell.core.settings import PREFIX, Settings
from citewell.engine.errors import ProviderError
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    SOME_FAILED,
    JsonOption,
    TenantOption,
    out,
    print_json,
    print_table,
    read_quiet_settings,
    read_settings,
    run,
    stop,
)
from citewell.entrypoints.installation import running_database
from citewell.features.documents import service as documents
from citewell.features.identity import service as identity
from citewell.features.usage import service as usage
from citewell.kit.pagination import PageRequest

LOW_DISK_BYTES = 1024**3

_PASSWORD_OF_USER = re.compile(r"(://[^/@:]*:).*@")
_PASSWORD_PARAMETER = re.compile(r"([?&]password=)[^&]*")

db = typer.Typer(no_args_is_help=True, help="The database.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(doctor)
    app.command("settings")(show_settings)
    app.add_typer(db, name="db")


def doctor(tenant: TenantOption = identity.DEFAULT_TENANT, as_json: JsonOption = False) -> None:
    """Check that everything this installation needs works."""

    async def act(platform: Platform, caller: Caller) -> list[dict[str, object]]:
        checks = [
            await _check_database(platform),
            await _check_embedder(platform),
            _check_disk(platform),
            await _check_documents(platform, caller),
            await _check_usage(platform, caller),
        ]
        return [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks]

    checks = run(act, tenant=tenant)
    if as_json:
        print_json({"checks": checks, "ok": all(check["ok"] for check in checks)})
    else:
        for check in checks:
            mark = "[green]ok[/green]    " if check["ok"] else "[red]failed[/red]"
            out.print(f"{mark} {check['check']}: {escape(str(check['detail']))}")
    if not all(check["ok"] for check in checks):
        raise typer.Exit(SOME_FAILED)


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
    """List the settings, their defaults and what is in force; secrets are not shown."""
    settings = read_settings()
    table = Table("setting", "in force", "meaning")
    for name, field in Settings.model_fields.items():
        value = _shown(getattr(settings, name))
        table.add_row(PREFIX + name.upper(), Text(value), Text(field.description or ""))
    print_table(table)


def _shown(value: object) -> str:
    """A setting as text; the password in an address is a secret too."""
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in cast(tuple[object, ...], value))
    text = "" if value is None else str(value)
    text = _PASSWORD_OF_USER.sub(r"\1**********@", text)
    return _PASSWORD_PARAMETER.sub(r"\1**********", text)


async def _check_database(platform: Platform) -> tuple[str, bool, str]:
    await platform.database.ping()
    kind = "embedded" if platform.settings.database_url is None else "CITEWELL_DATABASE_URL"
    return "database", True, f"answers ({kind}), schema up to date"


async def _check_embedder(platform: Platform) -> tuple[str, bool, str]:
    spec = platform.embedder.spec
    try:
        await platform.embedder.embed_query("ready")
    except ProviderError as error:
        return "embedding", False, str(error)
    return "embedding", True, f"{spec.name}, {spec.dimensions} dimensions"


def _check_disk(platform: Platform) -> tuple[str, bool, str]:
    free = shutil.disk_usage(platform.settings.home).free
    detail = f"{free / 1024**3:.1f} GB free in {platform.settings.home}"
    return "disk", free > LOW_DISK_BYTES, detail


async def _check_usage(platform: Platform, caller: Caller) -> tuple[str, bool, str]:
    async with unit_of_work(platform, caller) as ctx:
        wrong = await usage.differences(ctx)
    if not wrong:
        return "usage", True, "what is counted is what is there"
    told = [
        f"{metric}: {counted:,} counted, {there:,} there"
        for metric, (counted, there) in wrong.items()
    ]
    return "usage", False, "; ".join(told)


async def _check_documents(platform: Platform, caller: Caller) -> tuple[str, bool, str]:
    async with unit_of_work(platform, caller) as ctx:
        counts = {
            status: (await documents.page(ctx, PageRequest(1, 1), status=status)).total
            for status in ("ready", "queued", "processing", "failed")
        }
    detail = ", ".join(f"{count} {status}" for status, count in counts.items())
    return "documents", counts["failed"] == 0, detail
