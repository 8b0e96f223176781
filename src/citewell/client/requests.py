"""Requests of both clients, and when one is sent again."""

import json
import random
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import httpx

from citewell.client.replies import AnswerPiece, ApiError, read_answer

PREFIX = "/api/v1"
ATTEMPTS = 4
"""Tries of one request, the first included."""

LONGEST_WAIT = 60.0
"""Seconds that are waited for a `Retry-After`; a longer one is the caller's decision."""

Progress = Callable[[int, int], None]
"""Called with the bytes sent and the bytes there are, of all files together."""

File = str | Path | tuple[str, bytes]
"""A path, or a name with its content."""

_COME_AGAIN = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that can be sent again."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def arguments(self) -> dict[str, Any]:
        """The arguments of `httpx.Client.request`."""
        made: dict[str, Any] = {
            "method": self.method,
            "url": PREFIX + self.path,
            "headers": dict(self.headers),
        }
        if self.query:
            made["params"] = {
                name: value for name, value in self.query.items() if value is not None
            }
        if self.body is not None:
            made["json"] = {name: value for name, value in self.body.items() if value is not None}
        return made


def once() -> dict[str, str]:
    """A header by which a write that is sent again runs once."""
    return {"Idempotency-Key": uuid.uuid4().hex}


def question(
    path: str,
    query: str,
    top_k: int | None,
    filters: Mapping[str, Any] | None,
    collection_ids: Sequence[str] | None,
    as_of: str | None,
) -> Call:
    """A question to `/query`, `/query/stream` or `/search`."""
    ids = None if collection_ids is None else list(collection_ids)
    body = {
        "query": query, "top_k": top_k, "filters": filters, "collection_ids": ids, "as_of": as_of,
    }  # fmt: skip
    return Call("POST", path, body)


def wait_before_next(
    attempt: int, reply: httpx.Response | None, error: Exception | None
) -> float | None:
    """Seconds to wait before the next try; None: there is none.

    A server that is busy says how long; a connection that failed is tried again after half a
    second, one, two, each with some chance, so that many clients do not come at once.
    """
    if reply is not None:
        if reply.status_code not in _COME_AGAIN:
            return None
        named = retry_after(reply)
        if named is not None:
            return named if named <= LONGEST_WAIT else None
    elif not isinstance(error, httpx.TransportError):
        return None
    return 0.5 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret


def retry_after(reply: httpx.Response) -> float | None:
    """Seconds that a reply asks to wait."""
    try:
        return float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None


def error_of(reply: httpx.Response) -> ApiError:
    """The error in a reply that was read."""
    try:
        said = cast(dict[str, Any], reply.json())
    except ValueError:
        said = {}
    return ApiError(
        reply.status_code,
        str(said.get("code", "error")),
        str(said.get("detail", reply.reason_phrase)),
        reply.headers.get("x-request-id"),
        retry_after(reply),
    )


class EventReader:
    """Reads server-sent events of an answer, line by line."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []

    def take(self, line: str) -> AnswerPiece | None:
        """Take a line; the piece that it completes, if it is one.

        Raises:
            ApiError: The answer ends with an error.
        """
        if line:
            key, _, value = line.partition(":")
            if key == "event":
                self._name = value.strip()
            elif key == "data":
                self._data.append(value.removeprefix(" "))
            return None
        name, text = self._name, "\n".join(self._data)
        self._name, self._data = "", []
        if not text:
            return None
        data = json.loads(text)
        match name:
            case "token":
                return AnswerPiece(data["text"])
            case "done":
                return AnswerPiece(answer=read_answer(data))
            case "error":
                raise ApiError(data["status"], data["code"], data["detail"], data.get("request_id"))
            case _:
                return None


class _Counted:
    """A file that tells how far it was read."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self._file = file
        self._told = told

    def read(self, size: int = -1) -> bytes:
        part = self._file.read(size)
        self._told(len(part))
        return part

    def __iter__(self) -> Iterator[bytes]:
        while part := self.read(65_536):
            yield part

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()


@contextmanager
def opened(files: Iterable[File], on_progress: Progress | None) -> Generator[list[Any]]:
    """The files as httpx takes them, read while they are sent."""
    files = list(files)
    total = sum(
        len(each[1]) if isinstance(each, tuple) else Path(each).stat().st_size for each in files
    )
    sent = 0

    def told(number: int) -> None:
        nonlocal sent
        sent += number
        if on_progress is not None:
            on_progress(min(sent, total), total)

    with ExitStack() as stack:
        parts: list[Any] = []
        for each in files:
            if isinstance(each, tuple):
                told(len(each[1]))
                parts.append(("files", each))
                continue
            path = Path(each)
            file = stack.enter_context(path.open("rb"))
            parts.append(("files", (path.name, _Counted(file, told))))
        yield parts
