"""`doctor`: checks the installation, and finds and repairs drift in a tenant's library."""

import shutil
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.markup import escape

from citewell.core.backups.opening import open_target
from citewell.core.backups.pruning import made_at
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError, StartupError
from citewell.core.platform import Platform
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import ModelRequest, complete
from citewell.engine.parsing.recognition import INSTALL, find_program, installed_languages
from citewell.entrypoints.commands.running import (
    SOME_FAILED,
    JsonOption,
    TenantOption,
    err,
    out,
    print_json,
    run,
)
from citewell.features.connections import service as connections
from citewell.features.connections.schemas import ConnectionTest, OpenableConnection
from citewell.features.doctor.schemas import CheckReport, Report
from citewell.features.doctor.service import check as check_library
from citewell.features.documents import service as documents
from citewell.features.documents.schemas import DocumentQuery
from citewell.features.identity import service as identity
from citewell.features.mail import service as mail
from citewell.kit.clock import utc_now
from citewell.kit.pagination import PageRequest

# The embedded database's log alone may take 1 GB (`max_wal_size`).
LOW_DISK_BYTES = 1024**3


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired, while it is in use.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Decrypt and hash every stored file too.")
    ] = False,
    tenant: TenantOption = identity.DEFAULT_TENANT,
    as_json: JsonOption = False,
) -> None:
    """Check that everything works, and that documents, passages, terms and files agree."""

    async def act(platform: Platform, caller: Caller) -> tuple[Report, dict[str, str]]:
        report, details = Report(), dict[str, str]()
        for check, detail in (
            await _check_database(platform),
            await _check_embedder(platform),
            _check_disk(platform),
            _check_recognition(platform),
            *await _check_backups(platform),
            *await _check_mail(platform),
            await _count_documents(platform, caller),
            *await _check_models(platform, caller),
        ):
            report.checks.append(check)
            details[check.name] = detail
        with err.status("Checking") if err.is_terminal and not as_json else nullcontext() as shown:
            compared = await check_library(
                platform,
                caller.tenant_id,
                repair=repair,
                deep=deep,
                on_step=lambda name: shown.update(f"Checking: {name}") if shown else None,
            )
        report.checks += compared.checks
        return report, details

    # A repair may queue documents to be read again, for which no server need be running.
    report, details = run(act, tenant=tenant, with_worker=repair)
    if as_json:
        print_json(_document(report, details))
    else:
        _print(report, details)
    if report.left:
        raise typer.Exit(SOME_FAILED)


def _document(report: Report, details: dict[str, str]) -> dict[str, object]:
    return {
        "checks": [
            {
                "name": check.name,
                "problems": check.problems,
                "repaired": check.repaired,
                "examples": check.examples,
                "detail": details.get(check.name),
            }
            for check in report.checks
        ],
        "problems": report.problems,
        "repaired": report.repaired,
        "ok": not report.left,
    }


def _print(report: Report, details: dict[str, str]) -> None:
    for check in report.checks:
        left = check.problems - check.repaired
        if left:
            mark, said = "[red]failed[/red]", f"{left} left of {check.problems}"
        elif check.problems:
            mark, said = "[yellow]mended[/yellow]", f"{check.problems}"
        else:
            mark, said = "[green]ok[/green]    ", ""
        said = details.get(check.name, said)
        out.print(f"{mark} {check.name}{': ' if said else ''}{escape(said)}")
        for example in check.examples if check.name not in details else ():
            out.print(f"         {escape(example)}")
    if report.left and not report.repaired:
        out.print("Run `citewell doctor --repair` to repair what can be repaired.")


async def _check_database(platform: Platform) -> tuple[CheckReport, str]:
    await platform.database.ping()
    kind = "embedded" if platform.settings.database_url is None else "CITEWELL_DATABASE_URL"
    return CheckReport("database"), f"answers ({kind}), schema up to date"


async def _check_embedder(platform: Platform) -> tuple[CheckReport, str]:
    spec = platform.embedder.spec
    try:
        await platform.embedder.embed_query("ready")
    except ProviderError as error:
        return CheckReport("embedding", 1, examples=[str(error)]), str(error)
    return CheckReport("embedding"), f"{spec.name}, {spec.dimensions} dimensions"


def _check_disk(platform: Platform) -> tuple[CheckReport, str]:
    free = shutil.disk_usage(platform.settings.home).free
    detail = f"{free / 1024**3:.1f} GB free in {platform.settings.home}"
    if free > LOW_DISK_BYTES:
        return CheckReport("disk"), detail
    return CheckReport("disk", 1, examples=[detail]), detail


async def _check_backups(platform: Platform) -> list[tuple[CheckReport, str]]:
    """Whether backups are made as the settings say; nothing where none are wanted."""
    settings = platform.settings
    if settings.backup_url is None or not settings.backup_hours:
        return []
    try:
        whole = await open_target(settings).whole()
    except (StartupError, OSError) as error:
        return [(CheckReport("backups", 1, examples=[str(error)]), str(error))]
    if not whole:
        detail = f"none yet in {settings.backup_url}"
        return [(CheckReport("backups", 1, examples=[detail]), detail)]
    hours = (utc_now() - made_at(whole[0])).total_seconds() / 3600
    detail = f"{len(whole)}, the newest is {hours:.0f} hours old"
    problems = [detail] if hours > 2 * settings.backup_hours else []
    return [(CheckReport("backups", len(problems), examples=problems), detail)]


async def _check_mail(platform: Platform) -> list[tuple[CheckReport, str]]:
    """Whether the mail server lets this installation in; nothing where none is set."""
    try:
        detail = await mail.state(platform)
    except AppError as error:
        return [(CheckReport("mail", 1, examples=[error.detail]), error.detail)]
    return [] if detail is None else [(CheckReport("mail"), detail)]


def _check_recognition(platform: Platform) -> tuple[CheckReport, str]:
    """Whether text in pictures can be recognised; where it cannot, that is no fault."""
    wanted = platform.settings.ocr_languages
    if not wanted:
        return CheckReport("recognition"), "off (CITEWELL_OCR_LANGUAGES is empty)"
    program = find_program()
    if program is None:
        return CheckReport("recognition"), f"not installed; to read scans and pictures, {INSTALL}"
    there = installed_languages(program)
    found = [name for name in wanted.split("+") if name in there]
    missing = [name for name in wanted.split("+") if name not in there]
    detail = f"Tesseract with {', '.join(found) or 'none of its languages'}"
    return CheckReport("recognition"), detail + (
        f"; not installed: {', '.join(missing)}" if missing else ""
    )


async def _count_documents(platform: Platform, caller: Caller) -> tuple[CheckReport, str]:
    """Numbers of documents by status; an unreadable file is no fault of the installation."""
    async with unit_of_work(platform, caller) as ctx:
        counts = {
            status: (
                await documents.page(ctx, PageRequest(1, 1), DocumentQuery(status=status))
            ).total
            for status in ("ready", "queued", "processing", "failed")
        }
    detail = ", ".join(f"{count} {status}" for status, count in counts.items())
    return CheckReport("documents"), detail


async def _check_models(platform: Platform, caller: Caller) -> list[tuple[CheckReport, str]]:
    """Whether the installation's model and the tenant's connections answer; some tokens each."""
    checks: list[tuple[CheckReport, str]] = []
    if (model := platform.llm) is not None:
        try:
            await complete(model, ModelRequest.of("Answer briefly.", "Say: ready.", max_tokens=400))
        except (ProviderError, ProviderConfigurationError) as error:
            checks.append((CheckReport("model", 1, examples=[str(error)]), str(error)))
        else:
            checks.append((CheckReport("model"), f"{model.name} answers"))
    async with unit_of_work(platform, caller) as ctx:
        active = await connections.active(ctx)
    for connection in active:
        name, tested = f"connection {connection.name}", await _tried(platform, connection)
        if isinstance(tested, str):
            checks.append((CheckReport(name, 1, examples=[tested]), tested))
            continue
        lacking = [each.name for each in tested.checks if not each.ok]
        why = next((each.detail for each in tested.checks if each.name == "text"), "")
        detail = f"answers after {tested.first_token_ms} ms" if tested.ok else why
        if tested.ok and lacking:
            detail += f", without {', '.join(lacking)}"
        problems = [] if tested.ok else [detail]
        checks.append((CheckReport(name, len(problems), examples=problems), detail))
    return checks


async def _tried(platform: Platform, connection: OpenableConnection) -> ConnectionTest | str:
    try:
        return await connections.try_connection(platform, connection)
    except (AppError, ProviderConfigurationError) as error:
        return str(error)
