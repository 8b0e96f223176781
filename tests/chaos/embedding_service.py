"""An embedding service on loopback that costs next to nothing, and that can be told to wait."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.waiting import PATIENCE

DIMENSIONS = 16


class EmbeddingService:
    """Speaks OpenAI's format; a text's vector is made from its hash."""

    def __init__(self) -> None:
        self.embedded = 0
        """Texts so far."""
        self.delay = 0.0
        """Seconds each request takes at least."""
        self.waiting = threading.Semaphore(0)
        """Raised by each request that waits at the gate."""
        self._gate = threading.Event()
        self._gate.set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the client was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.variables = {
            "CITEWELL_EMBEDDING": "openai-compatible:cheap",
            "CITEWELL_EMBEDDING_BASE_URL": f"http://127.0.0.1:{self._server.server_port}/v1",
            "NO_PROXY": "127.0.0.1",
        }
        """Settings of a process that uses the service."""

    def stop(self) -> None:
        """Answer what waits, then no more."""
        self._gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Requests with passages of a document wait until the block ends."""
        self._gate.clear()
        try:
            yield
        finally:
            self._gate.set()

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Each request takes at least so long while the block lasts."""
        before, self.delay = self.delay, max(seconds, self.delay)
        try:
            yield
        finally:
            self.delay = before

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Reply to one request."""
        texts = json.loads(handler.rfile.read(int(handler.headers["content-length"])))["input"]
        if not self._gate.is_set() and texts != ["dimensions"]:
            self.waiting.release()
            self._gate.wait(PATIENCE)
        time.sleep(self.delay)
        self.embedded += len(texts)
        data = [{"index": place, "embedding": _vector(text)} for place, text in enumerate(texts)]
        content = json.dumps({"data": data}).encode()
        handler.send_response(200)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


def _vector(text: str) -> list[float]:
    digest = hashlib.blake2b(text.encode(), digest_size=DIMENSIONS).digest()
    return [byte - 127.5 for byte in digest]
