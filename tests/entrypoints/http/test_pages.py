"""The web application as the server gives it: its files, their lifetimes, its addresses."""

from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from citewell.core.settings import Settings
from citewell.entrypoints.http.app import create_app
from citewell.entrypoints.http.pages import Pages

PAGE = "<!doctype html><title>the page</title>"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as the build leaves it, with one script."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "assets").mkdir()
    files = {
        "index.html": PAGE, "favicon.svg": "<svg/>", "assets/main-1a2b.js": "plain",
        "assets/main-1a2b.js.br": "brotli", "assets/main-1a2b.js.gz": "gzip",
        "assets/font-3c4d.woff2": "font",
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def browser(bundle: Path) -> httpx.AsyncClient:
    settings = Settings(_env_file=None, home=Path("unused"))
    app = create_app(settings, lambda: nullcontext(), bundle=bundle)  # type: ignore[arg-type, return-value]
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=HTML)


class TestPage:
    async def test_every_address_of_the_application_is_its_page(self, bundle: Path) -> None:
        async with browser(bundle) as client:
            for path in ("/", "/index.html", "/documents", "/setup", "/documents/12/versions.2"):
                reply = await client.get(path)
                assert (reply.status_code, reply.text) == (200, PAGE), path
                assert reply.headers["cache-control"] == "no-store", path
                assert (await client.head(path)).status_code == 200, path

    async def test_what_is_not_for_people_is_no_page(self, bundle: Path) -> None:
        async with browser(bundle) as client:
            for path in ("/api/nothing", "/v1/nothing", "/mcp", "/ws", "/assets/gone.js"):
                reply = await client.get(path)
                # As a problem document, or as the interface's own protocol has it.
                assert "json" in reply.headers["content-type"], path
                assert reply.status_code >= 400, path
            for reply in (
                await client.get("/documents", headers={"Accept": "application/json"}),
                await client.post("/documents"),
                await client.get("/../pyproject.toml", headers={"Accept": "*/*"}),
                await client.get("/assets/..%2findex.html", headers={"Accept": "*/*"}),
                await client.get("/assets/main-1a2b.js.br", headers={"Accept": "*/*"}),
            ):
                assert reply.status_code in (404, 405), reply.url

    async def test_no_script_but_its_own_may_run(self, bundle: Path) -> None:
        async with browser(bundle) as client:
            for path in ("/", "/assets/main-1a2b.js"):
                reply = await client.get(path, headers={"Accept-Encoding": "identity"})
                policy = reply.headers["content-security-policy"].split("; ")
                assert "default-src 'none'" in policy
                assert "script-src 'self'" in policy
                assert "connect-src 'self'" in policy
                assert "frame-ancestors 'none'" in policy
                assert reply.headers["x-content-type-options"] == "nosniff"

    async def test_without_a_bundle_it_says_how_to_build_one(self, tmp_path: Path) -> None:
        async with browser(tmp_path / "none") as client:
            reply = await client.get("/")
            assert reply.status_code == 503
            assert "make web" in reply.text
            assert "/api/docs" in reply.text

    async def test_a_bundle_that_is_built_later_is_served(self, tmp_path: Path) -> None:
        async with browser(tmp_path) as client:
            assert (await client.get("/")).status_code == 503
            (tmp_path / "assets").mkdir()
            (tmp_path / "assets" / "new-9f.js").write_text("new")
            (tmp_path / "index.html").write_text(PAGE)
            assert (await client.get("/documents")).text == PAGE
            assert (await client.get("/assets/new-9f.js")).text == "new"


class TestFiles:
    async def test_hashed_files_are_kept_for_good_in_the_best_encoding(self, bundle: Path) -> None:
        async with browser(bundle) as client:
            for accepted, encoding, content in (
                ("gzip, deflate, br, zstd", "br", b"brotli"),
                ("gzip", "gzip", b"gzip"),
                ("br;q=0, gzip;q=0.5", "gzip", b"gzip"),
                ("identity", None, b"plain"),
            ):
                asked = client.stream(
                    "GET", "/assets/main-1a2b.js", headers={"Accept-Encoding": accepted}
                )
                async with asked as reply:
                    raw = b"".join([part async for part in reply.aiter_raw()])
                    assert raw == content, accepted
                    assert reply.headers.get("content-encoding") == encoding
                    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
                    assert reply.headers["vary"] == "Accept-Encoding"
                    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
            font = await client.get("/assets/font-3c4d.woff2")
            assert font.headers["content-type"] == "font/woff2"
            assert "vary" not in font.headers
            icon = await client.get("/favicon.svg")
            assert icon.headers["cache-control"] == "public, max-age=3600"


class TestBox:
    def test_page_of_a_box_is_shown_by_its_sites_alone(self, bundle: Path) -> None:
        (bundle / "embed.html").write_text("<!doctype html><title>box</title>")
        pages = Pages(bundle, httpx.ASGITransport)  # type: ignore[arg-type] - never called
        reply = pages.box(Headers(), ["https://a.example", "http://localhost:3000"])
        policy = reply.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://a.example http://localhost:3000")
        assert "script-src 'self'" in policy
        assert reply.headers["cache-control"] == "no-store"
        missing = Pages(bundle / "nowhere", httpx.ASGITransport)  # type: ignore[arg-type] - never called
        assert missing.box(Headers(), []).status_code == 503

    async def test_script_of_boxes_is_for_other_sites_too(self, bundle: Path) -> None:
        (bundle / "embed.js").write_text("1")
        async with browser(bundle) as client:
            script = await client.get("/embed.js")
            assert script.headers["cross-origin-resource-policy"] == "cross-origin"
            other = await client.get("/favicon.svg")
            assert other.headers["cross-origin-resource-policy"] == "same-origin"
            # Without a box it is a page of the application like any other address.
            assert (
                "frame-ancestors 'none'"
                in (await client.get("/embed.html")).headers["content-security-policy"]
            )
