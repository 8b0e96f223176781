"""The application: its routes and what stands before them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import cast

from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline
from starlette.formparsers import MultiPartParser
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import citewell
from citewell.core import tracing
from citewell.core.caching.cache import OUTCOMES, SWEEP_SECONDS, Cache
from citewell.core.closing import Closing
from citewell.core.metrics import ProcessMetrics
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.entrypoints.http import description, problems
from citewell.entrypoints.http.connections import Connections
from citewell.entrypoints.http.draining import grace_seconds
from citewell.entrypoints.http.guards import HostGuard, OriginGuard
from citewell.entrypoints.http.health import router as health_router
from citewell.entrypoints.http.mcp import router as mcp_router
from citewell.entrypoints.http.measuring import Measuring
from citewell.entrypoints.http.middleware import (
    Authentication,
    BodyEnd,
    BodyLimit,
    ErrorBoundary,
    RequestContext,
)
from citewell.entrypoints.http.pages import BUNDLE, Pages
from citewell.entrypoints.http.policies import Policies
from citewell.entrypoints.http.protocol import CONNECTIONS
from citewell.entrypoints.http.protocols import CLOSING
from citewell.entrypoints.http.rates import AddressLimit, CallerLimit, Rates
from citewell.entrypoints.http.tracing import Traced
from citewell.entrypoints.http.uploads import Uploads
from citewell.entrypoints.http.warming import warming
from citewell.features.agents.endpoints import router as agents_router
from citewell.features.analytics.endpoints import router as analytics_router
from citewell.features.audit.endpoints import router as audit_router
from citewell.features.collections.endpoints import router as collections_router
from citewell.features.connections.endpoints import router as connections_router
from citewell.features.conversations.endpoints import router as conversations_router
from citewell.features.conversations.running import Runs
from citewell.features.documents.endpoints import router as documents_router
from citewell.features.embeds import service as embeds
from citewell.features.embeds.endpoints import public_router as boxes_router
from citewell.features.embeds.endpoints import router as embeds_router
from citewell.features.error_log import service as error_log
from citewell.features.error_log.endpoints import router as errors_router
from citewell.features.evaluations.endpoints import router as evaluations_router
from citewell.features.events.endpoints import router as events_router
from citewell.features.events.endpoints import socket_router
from citewell.features.events.streams import Streams
from citewell.features.http import PAGE, PROBE, PUBLIC, governed
from citewell.features.identity.endpoints import keys_router
from citewell.features.identity.endpoints import router as tenants_router
from citewell.features.jobs.endpoints import router as jobs_router
from citewell.features.likeness.endpoints import router as likeness_router
from citewell.features.oauth.endpoints import client_router as oauth_client_router
from citewell.features.oauth.endpoints import metadata_router as oauth_metadata_router
from citewell.features.oauth.endpoints import router as oauth_router
from citewell.features.openai_api.endpoints import router as openai_router
from citewell.features.personal_data.endpoints import router as personal_data_router
from citewell.features.queries.endpoints import router as queries_router
from citewell.features.question_policies.endpoints import router as question_policies_router
from citewell.features.search.endpoints import router as search_router
from citewell.features.sessions.credentials import Credentials
from citewell.features.sessions.endpoints import public_router as sign_in_router
from citewell.features.sessions.endpoints import router as sessions_router
from citewell.features.sharing import service as sharing
from citewell.features.sharing.endpoints import router as sharing_router
from citewell.features.transfers.endpoints import router as transfers_router
from citewell.features.trash.endpoints import collections_router as retention_router
from citewell.features.trash.endpoints import router as trash_router
from citewell.features.usage import service as usage
from citewell.features.usage.endpoints import router as usage_router
from citewell.features.users.endpoints import groups_router
from citewell.features.users.endpoints import router as users_router
from citewell.features.versions.endpoints import router as versions_router
from citewell.features.webhooks.endpoints import router as webhooks_router
from citewell.features.workflows.endpoints import router as workflows_router

PREFIX = "/api/v1"

SPOOL_BYTES = 64 * 1024
"""Longest part of a form that stays in memory."""
OPENAI_PREFIX = "/v1"
"""Without `/api`, as clients of OpenAI's API are given an address that ends in `/v1`."""

OpenPlatform = Callable[[], AbstractAsyncContextManager[Platform]]

USAGE_SECONDS = 2.0
"""How long counted queries may wait in memory; a killed process loses them."""

METRICS_SECONDS = 2.0
"""Interval at which figures of the cache are handed on, shorter than that of any scrape."""

DESCRIPTION = """
Answers from your organisation's own documents, every sentence cited to its passage.

Send an access token or an API key as `Authorization: Bearer ...`. Errors are problem details
(RFC 9457) with a stable `code`.
"""

API_KEY = Depends(
    HTTPBearer(scheme_name="API key", description="`cw_...`, or an access token.", auto_error=False)
)
"""Says in the API's description that a key is needed; the middleware is what asks for it."""


def create_app(
    settings: Settings,
    open_platform: OpenPlatform,
    *,
    bundle: Path = BUNDLE,
    is_warmed: bool = False,
) -> FastAPI:
    """The application over a platform that lives as long as it does.

    Args:
        settings: The settings of the installation.
        open_platform: Opens the platform when the application starts.
        bundle: Folder of the built web application; it need not be there.
        is_warmed: Whether it is ready only once a first question would be answered as quickly as
            later ones.
    """
    credentials = Credentials()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, object], None]:
        async with (
            open_platform() as platform,
            platform.state_of(Runs).open(platform.state_of(Closing)),
            _telling(platform, credentials) as streams,
            warming(platform) if is_warmed else nullcontext(),
        ):
            app.state.platform = platform
            connections = Connections.of(settings)
            connections.watch_accepting()
            closing = platform.state_of(Closing)

            def close() -> None:
                streams.close()
                closing.begin(grace_seconds(settings.drain_seconds))

            yield {"streams": streams, CLOSING: close, CONNECTIONS: connections}

    app = FastAPIOffline(
        docs_url="/api/docs",
        redoc_url="/api/redoc",
        openapi_url="/api/openapi.json",
        static_url="/api/static",
        swagger_ui_oauth2_redirect_url="/api/docs/oauth2-redirect",
        title="Citewell",
        version=citewell.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=description.operation_id,
    )
    for route in app.routes:  # the documentation's own
        if isinstance(route, Route):
            governed(PAGE)(route.endpoint)
    _add_routers(app)
    app.state.settings = settings
    app.state.view_as = sharing.viewed_as
    _add_pages(app, bundle)
    problems.install(app)
    description.install(app, settings.public_url or "/")
    _add_middleware(app, settings, credentials)
    return app


def _add_routers(app: FastAPI) -> None:
    for router in (
        # Questions first, as routes are tried one after the other. The trash before documents:
        # `trash` is no document's id.
        search_router, conversations_router, queries_router, trash_router, documents_router,
        versions_router, likeness_router, jobs_router, events_router, transfers_router,
        collections_router, retention_router, sharing_router, oauth_router, sessions_router,
        personal_data_router, evaluations_router, agents_router, workflows_router,
        connections_router, usage_router, audit_router, keys_router, users_router,
        groups_router, tenants_router, question_policies_router, analytics_router, webhooks_router,
        embeds_router, errors_router,
    ):  # fmt: skip
        # Each right below the application: a router around them would try all routes twice more.
        app.include_router(
            router, prefix=PREFIX, responses=problems.RESPONSES, dependencies=[API_KEY]
        )
    app.include_router(
        openai_router,
        prefix=OPENAI_PREFIX,
        responses=problems.OPENAI_RESPONSES,
        dependencies=[API_KEY],
    )
    app.include_router(mcp_router, responses=problems.RESPONSES, dependencies=[API_KEY])
    app.include_router(oauth_metadata_router)
    app.include_router(oauth_client_router, prefix=PREFIX, responses=problems.OAUTH_RESPONSES)
    app.include_router(sign_in_router, prefix=PREFIX, responses=problems.RESPONSES)
    app.include_router(boxes_router, prefix=PREFIX, responses=problems.RESPONSES)
    app.include_router(health_router, prefix=PREFIX)
    app.include_router(socket_router)


@asynccontextmanager
async def _telling(platform: Platform, credentials: Credentials) -> AsyncGenerator[Streams, None]:
    """The open streams of this process, told of what happens inside the block.

    Beside them the queries that the process has counted in memory are written down, and its
    cache is cleared of what has changed.
    """
    streams = Streams(platform, credentials)
    writing = platform.supervisor.repeat(
        "usage.write", lambda: usage.write_waiting(platform), USAGE_SECONDS
    )
    cache = platform.state_of(Cache)
    sweeping = platform.supervisor.repeat(
        "cache.sweep", lambda: cache.sweep(platform.database), SWEEP_SECONDS
    )
    noting = platform.supervisor.repeat(
        "metrics.note", lambda: _note_cache(platform, cache), METRICS_SECONDS
    )
    errors = platform.supervisor.repeat(
        "errors.write", lambda: error_log.write(platform), error_log.WRITING_SECONDS
    )
    async with asyncio.TaskGroup() as group:
        work = (streams.run(), writing, sweeping, noting, errors)
        tasks = [group.create_task(each) for each in work]
        try:
            yield streams
        finally:
            streams.close()
            for task in tasks:
                task.cancel()


async def _note_cache(platform: Platform, cache: Cache) -> None:
    """Hand on for Prometheus what the cache of this process counts by itself."""
    metrics = platform.state_of(ProcessMetrics)
    if not metrics.is_recording:
        return
    metrics.set("cache_bytes", cache.memory.bytes)
    for kind, counts in cache.counts.items():
        for outcome in OUTCOMES:
            total = counts.outcomes[outcome]
            metrics.count_up_to("cache_lookups_total", kind, outcome, total=total)


def _add_middleware(app: FastAPI, settings: Settings, credentials: Credentials) -> None:
    """Put everything before the routes; the last one added is the first a request meets."""
    rates = Rates.of(settings)
    # Parts of a form stay in memory up to this size each, and a form may have a thousand of them.
    MultiPartParser.spool_max_size = SPOOL_BYTES

    def platform() -> Platform:
        return cast(Platform, app.state.platform)

    app.add_middleware(BodyLimit, max_upload_bytes=settings.max_upload_bytes)
    app.add_middleware(Uploads, platform=platform)
    app.add_middleware(CallerLimit, platform=platform, rates=rates)
    app.add_middleware(Authentication, platform=platform, credentials=credentials)
    app.add_middleware(AddressLimit, platform=platform, rates=rates)
    app.add_middleware(OriginGuard, settings=settings)
    app.add_middleware(HostGuard, settings=settings)
    app.add_middleware(ErrorBoundary)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            # For the cookie of sessions; never for everybody's pages.
            allow_credentials="*" not in settings.cors_origins,
            expose_headers=[
                "X-Request-ID", "Content-Disposition", "Retry-After", "Idempotent-Replayed",
                "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
            ],
        )  # fmt: skip
    app.add_middleware(BodyEnd)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    app.add_middleware(ErrorBoundary)
    if tracing.is_wanted():
        app.add_middleware(Traced, platform=platform)
    if settings.metrics_port is not None:
        app.add_middleware(Measuring, platform=platform)
    app.add_middleware(
        RequestContext,
        policies=Policies(lambda: app.routes),
        is_https=(settings.public_url or "").startswith("https://"),
    )


def _add_pages(app: FastAPI, bundle: Path) -> None:
    """Serve the web application where no route of an interface is."""
    pages = Pages(bundle, app.router.default)
    app.router.default = pages
    app.add_api_route(
        "/", governed(PROBE)(_home(pages)), methods=["GET", "HEAD"], include_in_schema=False
    )
    app.add_api_route(
        "/embed/{token}", governed(PUBLIC)(_box(pages)), methods=["GET"], include_in_schema=False
    )


def _home(pages: Pages) -> Callable[[Request], Awaitable[Response]]:
    async def home(request: Request) -> Response:
        return pages.home(request.headers)

    return home


def _box(pages: Pages) -> Callable[[Request, str], Awaitable[Response]]:
    async def box(request: Request, token: str) -> Response:
        platform = cast(Platform, request.app.state.platform)
        return pages.box(request.headers, await embeds.origins(platform, token))

    return box
