"""An S3-like service on loopback."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from citewell.core.blobs.object_store import ObjectStorage


@dataclass
class Bucket:
    """Objects and address of an S3-like service."""

    address: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    is_broken: bool = False
    """Whether it refuses everything, as after its credentials were taken away."""
    is_away: bool = False
    """Whether it hangs up instead of answering."""


class _S3(BaseHTTPRequestHandler):
    """As much of the protocol as storing, reading, listing and removing needs."""

    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def _reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        url = urlsplit(self.path)
        return unquote(url.path).removeprefix("/bucket").strip("/"), parse_qs(
            url.query, keep_blank_values=True
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _handle(self) -> None:
        name, query = self._asked()
        body, held = self._body(), self.bucket
        if held.is_away:
            self.close_connection = True
        elif held.is_broken:
            self._reply(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif self.command == "PUT" and "partNumber" in query:
            number = int(query["partNumber"][0])
            held.parts.setdefault(query["uploadId"][0], {})[number] = body
            self._reply(200, ETag=f'"{number}"')
        elif self.command == "PUT":
            held.objects[name] = body
            self._reply(200, ETag='"1"')
        elif self.command == "POST" and "uploads" in query:
            root = "InitiateMultipartUploadResult"
            self._reply(200, f"<{root}><UploadId>u1</UploadId></{root}>".encode())
        elif self.command == "POST" and "delete" in query:
            keys = [key.decode() for key in re.findall(rb"<Key>(.*?)</Key>", body)]
            for key in keys:
                held.objects.pop(key, None)
            gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            self._reply(200, f"<DeleteResult>{gone}</DeleteResult>".encode())
        elif self.command == "POST":
            parts = held.parts.pop(query["uploadId"][0])
            held.objects[name] = b"".join(parts[number] for number in sorted(parts))
            result = "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>"
            self._reply(200, result.encode())
        elif self.command == "DELETE":
            held.objects.pop(name, None)
            self._reply(204)
        elif "list-type" in query:
            self._list(query["prefix"][0])
        elif name not in held.objects:
            self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            content = held.objects[name]
            self._reply(
                200,
                content,
                Content_Length=str(len(content)),
                ETag='"1"',
                Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT",
            )

    def _list(self, prefix: str) -> None:
        items = "".join(
            f"<Contents><Key>{name}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>1</ETag><Size>{len(content)}</Size></Contents>"
            for name, content in self.bucket.objects.items()
            if name.startswith(prefix)
        )
        self._reply(
            200,
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode(),
        )

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def serving_bucket() -> Iterator[Bucket]:
    """An S3-like service on loopback."""
    held = Bucket()
    handler = type("_Handler", (_S3,), {"bucket": held})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    held.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def object_storage(bucket: Bucket, folder: str = "files") -> ObjectStorage:
    """The storage in it."""
    options = {
        "endpoint": bucket.address,
        "access_key_id": "key",
        "secret_access_key": "secret",
        "region": "here",
        "virtual_hosted_style_request": "false",
    }
    return ObjectStorage(f"s3://bucket/{folder}", options=options, is_encrypted=False)
