"""An embedding service on loopback: OpenAI's wire format, with faults on demand."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from tests.waiting import PATIENCE

DIMENSIONS = 48


@dataclass
class Fault:
    """The service's way with one request instead of its work."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent as it is; None with status 200 means the usual reply."""
    delay: float = 0.0
    until: threading.Event | None = None
    """The event the reply waits for."""
    trickles: bool = False
    drops: bool = False
    changes: Any = None
    """Function that spoils the usual reply's `data`."""


@dataclass
class Request:
    path: str
    authorization: str | None
    body: dict[str, Any]
    at: float


def words_vector(text: str, dimensions: int) -> list[float]:
    """Words in common make texts near, so that the contract's question finds its passage."""
    vector = np.full(dimensions, 0.01)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        vector += np.random.default_rng(seed).normal(size=dimensions)
    return [float(number) for number in vector * 3.0]


class EmbeddingService:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64  # the usual 5 makes a burst of connections wait a second

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, **settings: Any) -> Fault:
        return Fault(**settings)

    def refusal(self, status: int, body: bytes = b"{}", **settings: Any) -> Fault:
        return Fault(status=status, body=body, **settings)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self._lock:
            authorization = handler.headers["authorization"]
            self.requests.append(Request(handler.path, authorization, body, time.monotonic()))
            fault = self.faults.pop(0) if self.faults else Fault()
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(fault.delay)
            if fault.until is not None:
                fault.until.wait(PATIENCE)
            self._send(handler, fault, body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client gave up, as some tests want it to
        finally:
            with self._lock:
                self._at_once -= 1

    def _send(self, handler: BaseHTTPRequestHandler, fault: Fault, body: dict[str, Any]) -> None:
        if fault.drops:
            handler.close_connection = True
            handler.connection.close()
            return
        content = fault.body
        if content is None:
            content = json.dumps(self._reply(body, fault)).encode()
        handler.send_response(fault.status)
        for name, value in fault.headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        if fault.trickles:
            for byte in content:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.02)
        else:
            handler.wfile.write(content)

    def _reply(self, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
        dimensions = body.get("dimensions", DIMENSIONS)
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": words_vector(text, dimensions),
            }
            for index, text in enumerate(body["input"])
        ]
        data.reverse()  # the format promises the index, not the order
        if fault.changes:
            data = fault.changes(data)
        return {"object": "list", "data": data, "model": body["model"], "usage": {}}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingService]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = EmbeddingService()
    yield server
    server.stop()
