"""`citewell openapi`: the API's description, without a running server."""

import json
from contextlib import nullcontext
from typing import Annotated, Any, cast

import typer

from citewell.entrypoints.commands.running import read_quiet_settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.postman import collection_of


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("openapi")(_openapi)


def _openapi(
    *,
    postman: Annotated[
        bool, typer.Option("--postman", help="As a collection for Postman instead.")
    ] = False,
) -> None:
    """Print the description of the HTTP API, or a Postman collection."""
    settings = read_quiet_settings()
    app = create_app(settings, cast(Any, nullcontext))
    document = app.openapi()
    if postman:
        document = collection_of(document, settings.public_url or "http://127.0.0.1:8000")
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
