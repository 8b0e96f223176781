"""`serve` and `worker`."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from citewell.core.context import OPERATOR, Caller
from citewell.core.errors import StartupError
from citewell.core.platform import Platform
from citewell.core.settings import Settings, found_vendor_keys
from citewell.entrypoints.commands.library import ingest_paths
from citewell.entrypoints.commands.running import (
    NOT_AVAILABLE,
    announce_first_key,
    err,
    out,
    read_settings,
    stop,
)
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.installation import (
    DatabaseHandle,
    open_platform,
    running_database,
)
from citewell.features.identity import service as identity

EXAMPLE_QUESTION = "How many days of annual leave do employees get?"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(worker)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave jobs to `citewell worker`.")
    ] = False,
    preload: Annotated[
        Path | None,
        typer.Option(
            exists=True, help="Folder to ingest after the start; known files are skipped."
        ),
    ] = None,
) -> None:
    """Serve the API, and do jobs unless told not to."""
    given = {"host": host, "port": port}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    try:
        with running_database(settings) as database:
            if workers == 1:
                _serve_here(settings, database, has_worker=not no_worker, preload=preload)
            else:
                _serve_many(settings, database, workers, has_worker=not no_worker)
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Jobs done side by side.")
    ] = None,
) -> None:
    """Do jobs until stopped; start as many as you need."""
    settings = read_settings(**({"worker_concurrency": concurrency} if concurrency else {}))
    try:
        with running_database(settings) as database:

            async def work() -> None:
                async with open_platform(settings, database) as platform:
                    await platform.queue.run_worker(platform, adopt_all=database.is_first_user)

            asyncio.run(work())
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    except KeyboardInterrupt:
        err.print("Worker stopped; unfinished jobs go on when one starts again.")


def app_of_process() -> FastAPI:
    """The application in a process of `serve --workers N`; found by name."""
    settings = read_settings()

    @asynccontextmanager
    async def platform() -> AsyncGenerator[Platform, None]:
        with running_database(settings) as database:
            async with open_platform(settings, database) as opened:
                yield opened

    return create_app(settings, platform)


def _serve_here(
    settings: Settings, database: DatabaseHandle, *, has_worker: bool, preload: Path | None
) -> None:
    """One process that answers and works."""

    @asynccontextmanager
    async def platform() -> AsyncGenerator[Platform, None]:
        async with open_platform(settings, database) as opened:
            secret = await announce_first_key(opened)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_greet(opened, secret, preload))]
                if has_worker:
                    work = opened.queue.run_worker(opened, adopt_all=database.is_first_user)
                    tasks.append(group.create_task(work))
                yield opened
                for task in tasks:
                    task.cancel()

    server = uvicorn.Server(_config(settings, create_app(settings, platform)))
    server.run()
    if not server.started:
        raise StartupError(
            f"The server could not start on {settings.host}:{settings.port}; is the port in use? "
            "Choose another one with --port or CITEWELL_PORT."
        )


def _serve_many(
    settings: Settings, database: DatabaseHandle, workers: int, *, has_worker: bool
) -> None:
    """Several processes that answer, one beside them that works."""

    async def prepare() -> None:
        async with open_platform(settings, database) as platform:
            await _greet(platform, await announce_first_key(platform), None)

    asyncio.run(prepare())
    config = _config(settings, f"{__name__}:app_of_process", workers=workers)
    sockets = [config.bind_socket()]
    jobs = None
    if has_worker:
        jobs = subprocess.Popen([sys.executable, "-m", "citewell.entrypoints.cli", "worker"])
    try:
        Multiprocess(config, sockets=sockets).run()
    finally:
        if jobs is not None:
            jobs.terminate()
            jobs.wait()


def _config(settings: Settings, app: FastAPI | str, *, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        workers=workers,
        log_config=None,
        access_log=settings.log_level == "debug",
        server_header=False,
        timeout_graceful_shutdown=10,
    )


async def _greet(platform: Platform, secret: str | None, preload: Path | None) -> None:
    """Say where the server is, how to sign in and what to try; then load what is to be loaded."""
    settings = platform.settings
    shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{shown_host}:{settings.port}"
    out.print(f"Citewell answers on {address} (API documentation: {address}/api/docs)")
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        out.print("It can be reached from other machines; put TLS in front of it.")
    for name in found_vendor_keys() if settings.llm == "none" else ():
        out.print(
            f"{name} is set, but your documents stay here: answers are extracted without a model. "
            "To have one write them, set CITEWELL_LLM and CITEWELL_LLM_API_KEY."
        )
    if preload is not None:
        tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
        results = await ingest_paths(
            platform, Caller(tenant_id, OPERATOR), [preload], wait=True, show_progress=True
        )
        ready = sum(1 for item in results if item.status == "ready")
        out.print(f"{ready} of {len(results)} documents of {preload.name} are ready.")
    key = secret or "YOUR_API_KEY"
    if secret is None:
        out.print("Sign in with the key shown at the first start, or run `citewell key create`.")
    out.print(
        "Ask a question:\n"
        f"  curl -s {address}/api/v1/query -H 'Authorization: Bearer {key}' \\\n"
        f"    -H 'Content-Type: application/json' -d '{{\"query\": \"{EXAMPLE_QUESTION}\"}}'",
        markup=False,
    )
