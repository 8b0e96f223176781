"""Checks of the Host and Origin headers, before anything else."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from citewell.core.errors import AppError, ForbiddenError
from citewell.core.settings import Settings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
WILDCARD_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound
CHANGING_METHODS = ("POST", "PUT", "PATCH", "DELETE")


class BadHostError(AppError):
    """The Host header names another server."""

    code = "bad_host"
    status = 421
    title = "Not the right server"

    def __init__(self) -> None:
        super().__init__(
            "This server does not answer under the name in the Host header. Its operator can add "
            "the name to CITEWELL_ALLOWED_HOSTS or set CITEWELL_PUBLIC_URL."
        )


class ForeignPageError(ForbiddenError):
    """A page of another site sent a request that changes something."""

    code = "foreign_origin"
    title = "Not from here"

    def __init__(self) -> None:
        super().__init__(
            "Pages of other sites may not change anything here. The operator can allow an origin: "
            "CITEWELL_CORS_ORIGINS, or CITEWELL_PUBLIC_URL if it is this server's own address."
        )


class HostGuard:
    """Refuses other host names, so that pages cannot reach the server by a name of their own.

    https://owasp.org/www-community/attacks/DNS_Rebinding
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = frozenset(_names(settings))
        self._suffixes = tuple(
            name.removeprefix("*") for name in settings.allowed_hosts if name.startswith("*.")
        )
        self._takes_any = "*" in settings.allowed_hosts
        self._takes_addresses = settings.host in WILDCARD_ADDRESSES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._takes_any:
            given = Headers(scope=scope).getlist("host")
            if len(given) != 1 or not self._knows(host_name(given[0])):
                raise BadHostError
        await self._app(scope, receive, send)

    def _knows(self, name: str | None) -> bool:
        if name is None:
            return False
        if name in self._names or name.endswith(self._suffixes or ("\0",)):
            return True
        # DNS rebinding needs a name: a Host header that is an address was not forged by a page.
        return self._takes_addresses and _is_address(name)


class OriginGuard:
    """Refuses changes by pages of other sites, whatever credentials the browser sends along."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._takes_any = "*" in settings.cors_origins
        known = [*settings.cors_origins, *([settings.public_url] if settings.public_url else [])]
        self._origins = frozenset(origin.lower().rstrip("/") for origin in known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" or (
            scope["type"] == "http" and scope["method"] in CHANGING_METHODS
        ):
            headers = Headers(scope=scope)
            if not self._is_ours(headers.getlist("origin"), headers):
                raise ForeignPageError
        await self._app(scope, receive, send)

    def _is_ours(self, given: list[str], headers: Headers) -> bool:
        if self._takes_any:
            return True
        if not given:  # no browser, or a request for which browsers send this header instead
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        origin = given[0].lower()
        if len(given) == 1 and origin in self._origins:
            return True
        scheme, separator, place = origin.partition("://")
        # The host was checked before. Its scheme is unknown: TLS may end in front of this server.
        is_web = separator and scheme in ("http", "https")
        return bool(len(given) == 1 and is_web and place == headers.get("host", "").lower())


def host_name(given: str) -> str | None:
    """The name of a Host header, without its port; None if it is not one."""
    # `urlsplit` would take what follows an @ for the host, and a slash for the begin of a path.
    if not given or any(mark in given for mark in "@/\\?#, \t"):
        return None
    try:
        parts = urlsplit(f"//{given}")
        _ = parts.port
    except ValueError:
        return None
    name = (parts.hostname or "").rstrip(".")
    return name or None


def _names(settings: Settings) -> Iterable[str]:
    yield from LOOPBACK_NAMES
    yield settings.host.lower()
    if settings.host in WILDCARD_ADDRESSES:
        yield socket.gethostname().lower()
    if settings.public_url and (name := urlsplit(settings.public_url).hostname):
        yield name
    for name in settings.allowed_hosts:
        yield name.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGES = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Policy for Swagger and ReDoc, whose pages start with an inline script."""

YEAR_SECONDS = 365 * 24 * 3600


def security_headers(*, is_page: bool, is_https: bool) -> dict[str, str]:
    """The security headers of a reply, for browsers and caches.

    Args:
        is_page: A page of the documentation, which is the same for everybody.
        is_https: Users reach this server by TLS.
    """
    headers = {
        "Content-Security-Policy": _PAGES if is_page else _NOTHING,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if not is_page:
        headers["Cache-Control"] = "private, no-store"
    if is_https:
        headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
    return headers
