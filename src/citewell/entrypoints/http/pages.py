"""The web application: the files of its bundle, and its page for the addresses within it.

The bundle is built by `make web` (`make run` does it once) and never committed. Its file names
carry hashes, so browsers keep them for good; the page that names them is fetched every time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

BUNDLE = Path(__file__).with_name("bundle")
"""Folder that the build writes; wheels carry it."""

INDEX = "/index.html"
BOX = "/embed.html"
"""The page within a box on another site."""

BOX_SCRIPT = "/embed.js"
"""Loaded by pages of other sites."""

ASSETS = "/assets/"
RESERVED = ("/api", "/v1", "/mcp", "/ws")
"""Paths of interfaces for software: a mistaken one is a problem document, never a page."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
)
"""No script but the bundle's own. Styles: pdf.js places text by `style` attributes and gives the
fonts of a PDF as `data:`. Last come the sites whose pages may show it in a frame."""

POLICY = f"{_POLICY}'none'"

FOR_GOOD = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"
NEVER = "no-store"

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Names in `Accept-Encoding`, the smallest result first, and the suffixes of the build."""

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Citewell</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}
code{background:#eee;color:#111;padding:.1em .3em}</style>
<h1>Citewell is running</h1>
<p>Its web application has not been built in this installation. Run <code>make web</code> in the
folder of the source code, then start Citewell again; it needs a network once.</p>
<p>The <a href="/api/docs">API</a> and the command line work without it.</p></html>
"""


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of the bundle and the encodings it was compressed in."""

    path: Path
    media_type: str
    encodings: tuple[str, ...]


class Pages:
    """Serves the bundle, as the last resort of the router: for what no route has taken."""

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        """Read the names of the bundle.

        Args:
            folder: The bundle; it need not be there.
            otherwise: Called for every request that is not for the web application.
        """
        self._folder = folder
        self._otherwise = otherwise
        self._read()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self._reply(scope) if scope["type"] == "http" else None
        await (reply or self._otherwise)(scope, receive, send)

    def home(self, headers: Headers) -> Response:
        """The page of the application; without a bundle one that says how to build it."""
        if self._age() != self._read_at:  # built anew since: its names are other ones now
            self._read()
        page = self._files.get(INDEX)
        if page is None:
            return HTMLResponse(NOT_BUILT, 503, {"Content-Security-Policy": POLICY})
        return _response(page, headers, NEVER)

    def box(self, headers: Headers, origins: Sequence[str]) -> Response:
        """The page within a box, which pages of the origins may show.

        Browsers go by `frame-ancestors` where `X-Frame-Options` says otherwise (CSP Level 3).
        """
        if self._age() != self._read_at:
            self._read()
        page = self._files.get(BOX)
        if page is None:
            return HTMLResponse(NOT_BUILT, 503, {"Content-Security-Policy": POLICY})
        response = _response(page, headers, NEVER)
        response.headers["Content-Security-Policy"] = _POLICY + " ".join(origins)
        return response

    def _read(self) -> None:
        self._read_at = self._age()
        self._files = dict(_files(self._folder))

    def _age(self) -> int | None:
        """When the page was built; None without a bundle."""
        try:
            return self._folder.joinpath(INDEX[1:]).stat().st_mtime_ns
        except OSError:
            return None

    def _reply(self, scope: Scope) -> Response | None:
        path, headers = scope["path"], Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            return None
        if path not in (INDEX, BOX) and (found := self._files.get(path)) is not None:
            lifetime = FOR_GOOD if path.startswith(ASSETS) else FOR_AN_HOUR
            response = _response(found, headers, lifetime)
            if path == BOX_SCRIPT:
                response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            return response
        is_reserved = any(path == one or path.startswith(f"{one}/") for one in RESERVED)
        if is_reserved or path.startswith(ASSETS) or "text/html" not in headers.get("accept", ""):
            return None
        return self.home(headers)


def _files(folder: Path) -> list[tuple[str, BundleFile]]:
    """The files by the paths they are asked for; what is not listed cannot be asked for."""
    found = {path for path in folder.rglob("*") if path.is_file()}
    return [
        (
            f"/{path.relative_to(folder).as_posix()}",
            BundleFile(
                path,
                MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
                tuple(
                    name
                    for name, suffix in ENCODINGS.items()
                    if path.with_name(path.name + suffix) in found
                ),
            ),
        )
        for path in found
        if path.suffix not in ENCODINGS.values()
    ]


def _response(file: BundleFile, asked: Headers, lifetime: str) -> Response:
    accepted = {
        name.strip()
        for name, _, weight in (
            each.partition(";") for each in asked.get("accept-encoding", "").lower().split(",")
        )
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    }
    headers = {"Cache-Control": lifetime, "Content-Security-Policy": POLICY}
    path = file.path
    if file.encodings:
        headers["Vary"] = "Accept-Encoding"
    for encoding in file.encodings:
        if encoding in accepted:
            headers["Content-Encoding"] = encoding
            path = path.with_name(path.name + ENCODINGS[encoding])
            break
    return FileResponse(path, headers=headers, media_type=file.media_type)
