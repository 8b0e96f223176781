"""`serve` and `worker`."""

import asyncio
import multiprocessing
import shlex
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.config import STARTUP_FAILURE

from citewell.core.context import OPERATOR, Caller
from citewell.core.database.embedded import SERVER_SETTINGS
from citewell.core.errors import AppError, StartupError
from citewell.core.jobs import MAIL_CONCURRENCY, SHUTDOWN_GRACE_SECONDS
from citewell.core.platform import Platform
from citewell.core.settings import Settings, found_vendor_keys
from citewell.entrypoints.addresses import address_at, note_address
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.entrypoints.commands.running import (
    DATABASE_ERRORS,
    FIRST_KEY_FILE,
    NOT_AVAILABLE,
    announce_first_key,
    err,
    out,
    read_settings,
    stop,
    stop_for_database,
)
from citewell.entrypoints.commands.setting_up import (
    setup_notice,
)
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.draining import DrainingProcesses, DrainingServer, ServerConfig
from citewell.entrypoints.http.protocols import SERVER_OPTIONS
from citewell.entrypoints.http.warming import Warming, keep_loaded
from citewell.entrypoints.installation import (
    DatabaseHandle,
    open_platform,
    running_database,
    running_worker,
)
from citewell.entrypoints.scraping import scraped
from citewell.entrypoints.supervision import end_with, job_worker
from citewell.features.identity import service as identity
from citewell.models.documents import VersionStatus

# Connections that may wait while a process is busy; uvicorn's own default.
LISTEN_BACKLOG = 2048

SPARE_CONNECTIONS = 14
"""Connections kept free: 4 for the queue, 3 reserved by the server, the rest for commands and
maintenance."""

HUNG_SECONDS = 60
"""Silence after which one of several answering processes is replaced. With uvicorn's five seconds,
processes that took longer to import the application were killed and started without end."""

IDLE_SECONDS = 5
"""Life of an idle connection; uvicorn's own default."""

PROXY_IDLE_SECONDS = 65
"""The same behind a proxy: longer than nginx and its like keep theirs (60), because a request that
meets a connection that is being closed fails."""

GIVE_UP_SECONDS = 2.0
"""Time for cancelled requests to send their last reply, which takes a moment."""

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
    has_worker = not no_worker
    try:
        if workers > 1:
            _check_connections(settings, workers)
        # The port first: if it is taken, nothing else has been started yet.
        with (
            _listening(settings) as listener,
            running_database(settings) as database,
            scraped(settings, database.url),
        ):
            site = _Site(settings, database, listener, preload, has_worker)
            if workers == 1:
                asyncio.run(_serve_here(site))
            else:
                _serve_many(site, workers)
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    except DATABASE_ERRORS as error:
        stop_for_database(error)
    except KeyboardInterrupt:
        err.print("Server stopped.")


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Jobs done side by side.")
    ] = None,
) -> None:
    """Do jobs until stopped; start as many as you need."""
    settings = read_settings(**({"worker_concurrency": concurrency} if concurrency else {}))
    try:
        with running_database(settings) as database, scraped(settings, database.url):

            async def work() -> None:
                grace = max(settings.drain_seconds, SHUTDOWN_GRACE_SECONDS)
                async with (
                    open_platform(settings, database) as platform,
                    running_worker(platform, adopt_all=database.is_first_user, grace=grace),
                ):
                    await asyncio.Event().wait()

            asyncio.run(work())
    except StartupError as error:
        stop(str(error), NOT_AVAILABLE)
    except DATABASE_ERRORS as error:
        stop_for_database(error)
    except KeyboardInterrupt:
        err.print("Worker stopped; unfinished jobs go on when one starts again.")


def app_of_process() -> FastAPI:
    """The application in a process of `serve --workers N`; found by name."""
    settings = read_settings()
    # A parent that was killed tells its processes nothing; they would keep the port.
    if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
        end_with(parent.pid)

    @asynccontextmanager
    async def platform() -> AsyncGenerator[Platform, None]:
        with running_database(settings) as database:
            async with open_platform(settings, database) as opened:
                keep_loaded()
                yield opened

    return create_app(settings, platform, is_warmed=True)


@dataclass(frozen=True, slots=True)
class _Site:
    """The parts of one `serve`."""

    settings: Settings
    database: DatabaseHandle
    listener: socket.socket
    preload: Path | None
    has_worker: bool

    @property
    def address(self) -> str:
        """Address for users, with the port the system chose if port 0 was asked for."""
        if self.settings.public_url is not None:
            return self.settings.public_url
        host, port = self.listener.getsockname()[:2]
        return address_at(host, port)


@contextmanager
def _listening(settings: Settings) -> Generator[socket.socket, None, None]:
    """A listening socket; connections wait in its backlog until they are accepted."""
    where = f"{settings.host} port {settings.port}"
    try:
        choices = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        # The first address only: a name with several, such as `localhost`, is listened to on one.
        family, _, _, _, address = choices[0]
        listener = socket.socket(family)
    except (OSError, UnicodeError) as error:
        raise StartupError(f"Citewell cannot listen on {where}: {_reason(error)}.") from error
    with listener:
        try:
            # Connections of the process before, which linger for a minute, must not keep it from
            # the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # asyncio does it only for sockets it made itself; without it every reply waits 40 ms
            # for the client's delayed acknowledgement.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.bind(address)
            # One of several servers takes no connections before it can answer: a proxy asks the
            # others meanwhile.
            if not settings.drain_seconds:
                listener.listen(LISTEN_BACKLOG)
        except OSError as error:
            raise StartupError(
                f"Citewell cannot listen on {where}: {_reason(error)}. "
                "Choose another one with --port or CITEWELL_PORT."
            ) from error
        yield listener


def _reason(error: OSError | UnicodeError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


async def _serve_here(site: _Site) -> None:
    """Serve in this process, which also works on jobs."""
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(open_platform(site.settings, site.database))
        await announce_first_key(platform)
        if site.has_worker:
            worker = running_worker(platform, adopt_all=site.database.is_first_user)
            await stack.enter_async_context(worker)
        app = create_app(site.settings, lambda: nullcontext(platform), is_warmed=True)
        keep_loaded()
        server = DrainingServer(_config(site, app))
        platform.state_of(Warming).begin()  # the application ends it
        async with asyncio.TaskGroup() as group:
            # Beside the server, not before it: preloading takes minutes, and health answers
            # meanwhile.
            greeting = group.create_task(
                platform.supervisor.attempt(
                    "greeting", lambda: _greet(site, platform, wait=site.has_worker)
                )
            )
            refused: StartupError | None = None
            try:
                await server.serve(sockets=[site.listener])
            except StartupError as error:
                refused = error  # raised behind the group, which would wrap it
            finally:
                await _give_up(server.server_state.tasks)
            greeting.cancel()
        if refused is not None:
            raise refused


async def _give_up(requests: set[asyncio.Task[None]]) -> None:
    """Cancel requests that a stop did not wait for, before the database and models are closed."""
    left = list(requests)
    for request in left:
        request.cancel()
    if left:
        await asyncio.wait(left, timeout=GIVE_UP_SECONDS)


def _serve_many(site: _Site, workers: int) -> None:
    """Serve in several processes, with another one beside them for jobs."""

    async def prepare() -> None:
        async with open_platform(site.settings, site.database) as platform:
            await announce_first_key(platform)
            await _greet(site, platform, wait=False)

    asyncio.run(prepare())
    config = _config(site, f"{__name__}:app_of_process", workers=workers)
    # The worker processes accept on the same socket; the system spreads connections over them.
    site.listener.set_inheritable(True)
    with job_worker() if site.has_worker else nullcontext():
        processes = DrainingProcesses(config, sockets=[site.listener])
        processes.run()
    if any(each.exitcode == STARTUP_FAILURE for each in processes.processes):
        raise StartupError("A process that answers could not start; its log says why.")


def _check_connections(settings: Settings, workers: int) -> None:
    """Refuse more processes than the embedded database has connections for.

    Each process has its pool and one connection that listens for events.
    """
    pool, limit = settings.database_pool_size, int(SERVER_SETTINGS["max_connections"])
    jobs = (
        settings.worker_concurrency
        + settings.worker_model_concurrency
        + settings.worker_agent_concurrency
        + settings.worker_outbound_concurrency
        + MAIL_CONCURRENCY
    )
    needed = workers * (pool + 1) + pool + jobs + SPARE_CONNECTIONS
    if settings.database_url is None and needed > limit:
        raise StartupError(
            f"{workers} processes with CITEWELL_DATABASE_POOL_SIZE={pool} need {needed} "
            f"connections, the embedded database has {limit}. Lower one of the two, or set "
            "CITEWELL_DATABASE_URL."
        )


def _config(site: _Site, app: FastAPI | str, *, workers: int = 1) -> ServerConfig:
    config = ServerConfig(
        app,
        factory=isinstance(app, str),
        workers=workers,
        log_config=None,
        access_log=site.settings.log_level == "debug",
        server_header=False,
        proxy_headers=False,  # the application does, for proxies the operator trusts
        backlog=LISTEN_BACKLOG,
        timeout_worker_healthcheck=HUNG_SECONDS,
        timeout_keep_alive=PROXY_IDLE_SECONDS if site.settings.trusted_proxies else IDLE_SECONDS,
        **SERVER_OPTIONS,
    )
    config.drain(site.settings.drain_seconds)
    return config


async def _greet(site: _Site, platform: Platform, *, wait: bool) -> None:
    """Print the address, how to sign in and a first question, and load the `--preload` folder."""
    settings, address = site.settings, site.address
    await asyncio.to_thread(note_address, settings, address)
    out.print(f"Citewell answers on {address} (API documentation: {address}/api/docs)")
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        out.print("It can be reached from other machines; put TLS in front of it.")
    for name in found_vendor_keys() if settings.llm == "none" else ():
        out.print(
            f"{name} is set, but your documents stay here: answers are extracted without a model. "
            "To have one write them, set CITEWELL_LLM and CITEWELL_LLM_API_KEY."
        )
    try:
        notice = await setup_notice(platform)
    except DATABASE_ERRORS:  # the server starts anyway; `citewell setup` shows the notice later
        notice = None
    preload = site.preload
    if preload is not None:
        try:
            await _preload(platform, preload, wait=wait)
        except (AppError, SQLAlchemyError) as error:
            err.print(f"{preload} could not be loaded: {error}", style="red", markup=False)
    if notice is not None:
        out.print(notice.text(address, is_secret_shown=out.is_terminal), markup=False)
    # A question is suggested when it can be asked.
    await platform.state_of(Warming).wait()
    path = settings.home / FIRST_KEY_FILE
    if path.exists():
        key = f"$(cat {shlex.quote(str(path))})"
    else:
        key = "YOUR_API_KEY"
        out.print("Sign in with the key of the first start, or run `citewell key create`.")
    out.print(
        "Ask a question:\n"
        f'  curl -s {address}/api/v1/query -H "Authorization: Bearer {key}" \\\n'
        f"    -H 'Content-Type: application/json' -d '{{\"query\": \"{EXAMPLE_QUESTION}\"}}'",
        markup=False,
    )


async def _preload(platform: Platform, folder: Path, *, wait: bool) -> None:
    tenant_id = await identity.find_tenant(platform, identity.DEFAULT_TENANT)
    results = await ingest_paths(
        platform, Caller(tenant_id, OPERATOR), [folder], wait=wait, show_progress=True
    )
    for result in results:
        if result.has_failed:
            err.print(f"failed  {result.path}: {result.error}", style="red", markup=False)
    ready = sum(1 for item in results if item.status == VersionStatus.READY)
    out.print(f"{ready} of {len(results)} documents of {folder.name} are ready.", markup=False)
