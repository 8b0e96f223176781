"""`keys`."""

from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, replace
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from citewell.core.blobs.encryption import Purpose
from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.core.secrets import adopt_next_key, load_master_keys, make_next_key
from citewell.entrypoints.commands.running import (
    SOME_FAILED,
    USAGE,
    JsonOption,
    err,
    out,
    print_json,
    readable,
    run,
    stop,
)
from citewell.features.documents import originals
from citewell.features.identity import tenants
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.tenancy import Tenant

keys = typer.Typer(
    no_args_is_help=True, help="Keys that stored files are encrypted with (for API keys: `key`)."
)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys")


@keys.callback()
def _keys() -> None:
    """Makes `keys` a group of commands although it has only one."""


@keys.command("rotate")
def rotate(
    tenant: Annotated[
        str | None,
        typer.Option(
            help="The tenant whose key is exchanged; all unless given.", callback=readable
        ),
    ] = None,
    master: Annotated[
        bool, typer.Option("--master", help="Exchange the master key that wraps the tenants' keys.")
    ] = False,
    is_reencrypting: Annotated[
        bool,
        typer.Option(
            "--reencrypt/--no-reencrypt",
            help="Whether stored files are encrypted anew and former keys removed.",
        ),
    ] = True,
    is_resuming: Annotated[
        bool, typer.Option("--resume", help="Finish what was interrupted, without new keys.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Exchange the keys of stored files for new ones, while everything goes on."""
    if is_resuming and not is_reencrypting:
        stop("With --no-reencrypt there is nothing to resume.", USAGE)
    if not master:
        _rotate_tenants(tenant, is_reencrypting, is_resuming, as_json)
    elif tenant is not None or is_resuming or not is_reencrypting:
        stop("--master stands alone: the master key is that of all tenants.", USAGE)
    else:
        _rotate_master(as_json)


@dataclass(frozen=True, slots=True)
class _Rotated:
    """Result for a tenant's files."""

    tenant: str
    key_id: str | None
    files: int = 0
    waiting: int = 0
    removed_keys: int = 0
    failures: dict[str, str] | None = None

    @property
    def line(self) -> str:
        """The result in one line for people."""
        if self.key_id is None:
            return f"{self.tenant}: no stored files."
        if self.failures is None:
            return f"{self.tenant}: new key; stored files stay under the former one."
        told = f"{self.tenant}: {self.files:,} files encrypted anew"
        if self.waiting:
            return f"{told}; {self.waiting:,} are under former keys, which stay."
        return f"{told}, {self.removed_keys:,} former keys removed."


def _rotate_tenants(
    slug: str | None, is_reencrypting: bool, is_resuming: bool, as_json: bool
) -> None:
    async def act(platform: Platform, caller: Caller) -> list[_Rotated]:
        rotated: list[_Rotated] = []
        with Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=as_json or not err.is_terminal,
        ) as progress:
            async for found in _tenants(platform, caller, slug):
                inside = replace(caller, tenant_id=found.id)
                made = None if is_resuming else await originals.replace_key(platform, inside)
                if not is_reencrypting:
                    key_id = None if made is None else str(made)
                    rotated.append(_Rotated(found.slug, key_id))
                    continue
                bar = progress.add_task(f"Encrypting {found.slug}", total=None)
                done = await originals.reencrypt(
                    platform,
                    inside,
                    lambda count, total, bar=bar: progress.update(
                        bar, completed=count, total=total
                    ),
                )
                rotated.append(_outcome(found.slug, done))
        return rotated

    rotated = run(act, interrupted="Stopped; `citewell keys rotate --resume` goes on from here.")
    if as_json:
        print_json({"tenants": [asdict(each) for each in rotated]})
    else:
        for each in rotated:
            out.print(each.line, markup=False)
    failures = [item for each in rotated for item in (each.failures or {}).items()]
    for name, reason in failures:
        err.print(f"{name}: {reason}", style="red", markup=False)
    # Former keys stay for what waits; the code tells a script to come again.
    if any(each.waiting for each in rotated):
        raise typer.Exit(SOME_FAILED)


def _outcome(slug: str, done: originals.Exchange | None) -> _Rotated:
    if done is None:
        return _Rotated(slug, None)
    return _Rotated(
        slug, str(done.key_id), done.files, done.waiting, done.removed_keys, done.failures
    )


async def _tenants(
    platform: Platform, caller: Caller, slug: str | None
) -> AsyncGenerator[Tenant, None]:
    """The tenant of that name, suspended ones too; without a name all."""
    if slug is not None:
        yield await tenants.get(platform, caller, await tenants.find(platform, slug))
        return
    number = 1
    while True:
        page = await tenants.page(platform, caller, PageRequest(number, MAX_LIMIT))
        for found in page.items:
            yield found
        if len(page.items) < MAX_LIMIT:
            return
        number += 1


def _rotate_master(as_json: bool) -> None:
    async def act(platform: Platform, caller: Caller) -> tuple[int, str | None]:
        settings = platform.settings
        # There must be a key whose row records afterwards which master key is a former one.
        await platform.keys.active(caller.tenant_id, Purpose.FILE_NAMES)
        if settings.secret_key is not None:
            # The operator has set the new key already; it only remains to use it.
            return await platform.keys.wrap_all(load_master_keys(settings).primary), None
        # The file takes its final name after the commit. If this is killed in between, both files
        # exist, both are accepted, and a repetition goes on with the same key.
        count = await platform.keys.wrap_all(make_next_key(settings.home))
        return count, str(adopt_next_key(settings.home))

    count, former = run(
        act, interrupted="Stopped; run `citewell keys rotate --master` again to finish."
    )
    if as_json:
        print_json({"rewrapped_keys": count, "former_key_file": former})
        return
    if former is not None:
        out.print(
            f"{count:,} keys are wrapped by the new secret.key. The former one is {former}: "
            "backups made so far need it. Keep it with them, then remove it here.",
            markup=False,
        )
    elif count:
        out.print(
            f"{count:,} keys are wrapped by CITEWELL_SECRET_KEY now. Remove "
            "CITEWELL_SECRET_KEY_PREVIOUS (or the file secret.key) and keep the former key with "
            "the backups made so far.",
            markup=False,
        )
    else:
        out.print(
            "All keys are wrapped by CITEWELL_SECRET_KEY already. To exchange it, set it to a new "
            "key and CITEWELL_SECRET_KEY_PREVIOUS to the present one, restart all processes, and "
            "run this again."
        )
        return
    out.print("Restart the other processes of this installation.")
