"""Traces of a whole server, as a collector gets them over HTTP."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from citewell.core.settings import Settings
from tests.conftest import LiveServer, Servers, serving
from tests.quiet import quiet_database
from tests.waiting import PATIENCE

TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET = "marigold"


class Collector:
    """Takes spans as OpenTelemetry's collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name: str) -> list[Span]:
        return [each for each in self.spans if each.name == name]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture
def traced(
    servers: Servers,
    template: str,
    tmp_path: Path,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LiveServer]:
    """A server whose spans the collector gets."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with quiet_database(servers, template) as url:
        settings = Settings(_env_file=None, home=tmp_path, database_url=url, threads=1)
        with serving(settings, url) as server:
            yield server


async def test_request_its_statements_and_the_job_it_queued_are_one_trace(
    traced: LiveServer, collector: Collector
) -> None:
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    async with traced.client(traced.new_key()) as client:
        body = {"title": "Vault", "content": f"The word of the vault is {SECRET}."}
        reply = await client.post("/api/v1/documents", json=body, headers=headers)
        assert reply.status_code == 202
        async with asyncio.timeout(PATIENCE):
            while not collector.named("job ingestion.process"):  # noqa: ASYNC110 - another thread
                await asyncio.sleep(0.05)
        question = {"query": f"Which word is it, {SECRET}?"}
        assert (await client.post("/api/v1/search", json=question)).status_code == 200
        async with asyncio.timeout(PATIENCE):
            while not collector.named("POST /api/v1/search"):  # noqa: ASYNC110 - another thread
                await asyncio.sleep(0.05)
    [posted] = collector.named("POST /api/v1/documents")
    [job] = collector.named("job ingestion.process")
    assert posted.trace_id.hex() == job.trace_id.hex() == TRACE
    values = {each.key: each.value for each in posted.attributes}
    assert values["http.response.status_code"].int_value == 202
    assert values["request_id"].string_value == reply.headers["x-request-id"]
    inside = {each.name for each in collector.spans if each.trace_id == job.trace_id}
    assert {"sql", "embed passages"} <= inside
    [asked] = collector.named("POST /api/v1/search")
    parts = {each.name for each in collector.spans if each.trace_id == asked.trace_id}
    assert {"embed question", "sql batch", "stage search"} <= parts
    assert SECRET.encode() not in b"".join(collector.bodies)
