"""`setup`, and the notice about the first account that a start prints."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.core.private_files import read_private, remove_private, write_private
from citewell.core.settings import Settings
from citewell.entrypoints.addresses import address_of
from citewell.entrypoints.commands.running import (
    COMMAND_LINE,
    USAGE,
    JsonOption,
    out,
    print_json,
    run,
    stop,
)
from citewell.features.identity import service as identity
from citewell.features.sessions import setting_up

TOKEN_FILE = "setup.token"  # noqa: S105 - a file's name
"""File in the home with the token that makes the first account, for readers of the home only."""

IN_USE = (
    "This installation is in use: it has an account, or a key made for somebody was used. "
    "Make an account with `citewell user create EMAIL --role director --admin`."
)


@dataclass(frozen=True, slots=True)
class SetupNotice:
    """Notice for the operator about a valid set-up token."""

    token: str | None
    """None if another machine keeps it."""
    path: Path
    expires_at: datetime

    def text(self, address: str, *, is_secret_shown: bool) -> str:
        """Instructions for the set-up: with the token on a terminal, else the path of its file."""
        if self.token is None:
            where = "Its token was shown on another machine; `citewell setup --renew` makes one."
        elif not is_secret_shown:
            where = f"Its token is in {self.path}; `citewell setup` shows what to do with it."
        else:
            where = _instructions(address, self.token)
        return (
            "Nobody has an account yet. The first one administers this installation; it is made "
            f"with a token, which works until then.\n{where}"
        )


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(setup)


def setup(
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new token; the one before stops working.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the token that makes the first account of a new installation."""

    async def shown(platform: Platform, _: Caller) -> tuple[SetupNotice | None, Settings]:
        notice = await setup_notice(platform)
        if notice is not None and (renew or notice.token is None):
            notice = await _renewed(platform)
        return notice, platform.settings

    notice, settings = run(shown)
    if notice is None or notice.token is None:
        stop(IN_USE, USAGE)
    if as_json:
        print_json({"token": notice.token, "expires_at": notice.expires_at.isoformat()})
        return
    out.print(_instructions(address_of(settings), notice.token), markup=False)
    out.print(f"It works once, until {notice.expires_at:%Y-%m-%d %H:%M} UTC.", markup=False)


async def setup_notice(platform: Platform) -> SetupNotice | None:
    """The set-up token of this installation, made if there is none; None once it is in use.

    The token is kept in a file of the home, so that the operator finds it wherever the output of
    a start goes.
    """
    path = platform.settings.home / TOKEN_FILE
    known = await asyncio.to_thread(read_private, path)
    async with unit_of_work(platform, await _operator(platform)) as ctx:
        offer = await setting_up.offer(ctx, known)
    return await _kept(path, offer, known)


async def _renewed(platform: Platform) -> SetupNotice | None:
    async with unit_of_work(platform, await _operator(platform)) as ctx:
        offer = await setting_up.renew(ctx)
    return await _kept(platform.settings.home / TOKEN_FILE, offer, None)


async def _kept(
    path: Path, offer: setting_up.SetupOffer | None, known: str | None
) -> SetupNotice | None:
    """The offer, after its token was written to the file; without an offer the file is removed."""
    if offer is None:
        await asyncio.to_thread(remove_private, path)
        return None
    if offer.token is not None and offer.token != known:
        await asyncio.to_thread(write_private, path, offer.token)
    return SetupNotice(offer.token, path, offer.expires_at)


async def _operator(platform: Platform) -> Caller:
    tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    return Caller(tenant_id, OPERATOR, COMMAND_LINE)


def _instructions(address: str, token: str) -> str:
    body = {"token": token, "email": "YOU@EXAMPLE.ORG", "password": "YOUR PASSWORD"}
    return (
        "Make the first account in a browser:\n"
        f"  {address}/setup#{token}\n"
        "or from here:\n"
        f"  curl -s {address}/api/v1/auth/setup -H 'Content-Type: application/json' \\\n"
        f"    -d '{json.dumps(body)}'"
    )
