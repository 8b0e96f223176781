"""Middleware that every request passes before it reaches a route."""

import asyncio
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time
from email.utils import format_datetime
from typing import cast

import structlog
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewell.core.context import Caller, Origin
from citewell.core.errors import (
    AppError,
    NotFoundError,
    Problem,
    TooLargeError,
    UnauthorizedError,
)
from citewell.core.platform import Platform
from citewell.entrypoints.http.guards import security_headers
from citewell.entrypoints.http.policies import POLICY, Policies
from citewell.entrypoints.http.problems import (
    MAX_REASON_BYTES,
    close_code_of,
    headers_of,
    last_event,
    note_failure,
    problem_of,
    problem_response,
)
from citewell.features.http import PROBE, Admission, BodySize, Deprecation, RoutePolicy
from citewell.features.sessions.credentials import CHECK_SECONDS, Credentials
from citewell.kit.tasks import TaskGroup

JSON_BODY_BYTES = 1024 * 1024
DOCUMENT_BODY_BYTES = 32 * 1024 * 1024
FORM_OVERHEAD_BYTES = 1024 * 1024
"""Boundaries, names and fields around the files of an upload."""

MAX_EPILOGUE = 1024
"""Of what may follow a form's end, which hardly any client sends."""

LONG_BODY_BYTES = 64 * 1024
"""A shorter one has arrived by the time of a refusal; the connection can be used again."""

LINGER_SECONDS = 2.0
LINGER_BYTES = 8 * 1024 * 1024
"""How much of a refused body is waited for, so that its sender comes to read the reply."""


_REQUEST_ID = b"x-request-id"

_GIVEN_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
"""An id that a proxy or a client has given: plain, so that it cannot alter a log or a page. Shorter
ones would rarely be one request's alone; with any other the request gets an id of ours."""


class RequestContext:
    """Gives each request an id and the policy of its route, and each reply common headers."""

    def __init__(self, app: ASGIApp, *, policies: Policies, is_https: bool = False) -> None:
        self._app = app
        self._policies = policies
        self._common = {
            is_page: [
                (name.lower().encode(), value.encode())
                for name, value in security_headers(is_page=is_page, is_https=is_https).items()
            ]
            for is_page in (False, True)
        }
        """As they are sent; `MutableHeaders` would look through all headers for each."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        is_head = self._policies.takes_head(scope)
        if is_head:
            # The server goes by the method that it read, and sends no body (RFC 9110, 9.3.2).
            scope = {**scope, "method": "GET"}
        policy = self._policies.of(scope)
        state = scope.setdefault("state", {})
        state["request_id"], state[POLICY], state["is_head"] = request_id, policy, is_head

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = [pair for pair in message.get("headers", ()) if pair[0] != _REQUEST_ID]
                given = {name for name, _ in headers}
                headers.append((_REQUEST_ID, request_id.encode()))
                headers += [pair for pair in self._common[policy.is_page] if pair[0] not in given]
                if policy.deprecation is not None:
                    headers += _notice(policy.deprecation)
                message = {**message, "headers": headers}
            elif is_head and message.get("more_body"):
                # The rest of a stream is made for nobody: it ends as if its reader had gone.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise ClientDisconnect
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_headers)


def _notice(deprecation: Deprecation) -> list[tuple[bytes, bytes]]:
    """`Deprecation` (RFC 9745) and `Sunset` (RFC 8594) of a route."""
    since, sunset = (
        datetime.combine(day, time.min, UTC) for day in (deprecation.since, deprecation.sunset)
    )
    return [
        (b"deprecation", f"@{int(since.timestamp())}".encode()),
        (b"sunset", format_datetime(sunset, usegmt=True).encode()),
    ]


def _request_id(scope: Scope) -> str:
    """The id that came with the request, if it is one; else a new one."""
    given = [value for name, value in scope["headers"] if name == _REQUEST_ID]
    if len(given) == 1 and _GIVEN_ID.fullmatch(given[0]):
        return given[0].decode("ascii")
    return str(uuid.uuid4())


class BodyEnd:
    """Ends the connection after a reply that came before the body was read.

    For a moment, and a few megabytes, the rest is thrown away: closed at once, the connection would
    be reset and the reply lost with many a client. https://www.rfc-editor.org/rfc/rfc9112#section-9.6
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_long_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        is_read = False

        async def watched() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not message.get("more_body", False)
            return message

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and not is_read:
                MutableHeaders(scope=message)["Connection"] = "close"
            if message["type"] != "http.response.body" or message.get("more_body") or is_read:
                await send(message)
                return
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    thrown_away = 0
                    while not is_read and thrown_away < LINGER_BYTES:
                        thrown_away += len((await watched()).get("body", b""))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, watched, closing)


class ErrorBoundary:
    """Turns whatever ends a request into a problem; a stream that has begun ends with `error`.

    A socket that was accepted is closed with a code and, as its reason, code and detail.

    The boundary of HTTP: errors that routes did not handle are logged and end here. That includes
    cancellation, which is how a request ends when the server gives it up or a task it waited for
    was cancelled, and an application that returns without a reply: the server would answer both
    by plain text of its own. It stands twice in the stack, inside CORS so that pages of other
    origins can read the problem, and outside for what CORS and `BodyEnd` raise themselves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reply = _Reply(receive, send)
        try:
            await self._app(scope, reply.receive, reply.send)
            if not reply.is_settled:
                raise UnansweredError
        except BaseException as error:  # the HTTP boundary: nothing may escape as a raw 500
            if isinstance(error, ClientDisconnect) and reply.headers is not None:
                return  # there is nobody to tell
            if not await self._end(error, reply, scope):
                raise  # the server cuts the connection: nobody takes the part for the whole
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise

    @staticmethod
    async def _end(error: BaseException, reply: "_Reply", scope: Scope) -> bool:
        """Answer for an error; False if the reply has begun and cannot tell of it."""
        started = reply.headers
        # The framework wraps what it could have handled had the reply not begun.
        wrapped = error.__cause__ if started is not None and scope["type"] == "http" else None
        problem = problem_of(wrapped if isinstance(wrapped, Exception) else error)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Ended from outside, whatever its own clearing up has failed with since.
            problem = problem_of(asyncio.CancelledError())
        note_failure(problem, error)
        if started is None:
            response = problem_response(problem, scope, headers_of(error))
            await response(scope, reply.receive, reply.send)
        elif scope["type"] == "websocket":
            with suppress(OSError):  # it may have gone
                await reply.send(_closing(problem, error))
        elif started.get("content-type", "").startswith("text/event-stream"):
            last = last_event(problem, scope)
            await reply.send({"type": "http.response.body", "body": last, "more_body": False})
        else:
            return False
        return True


class _Reply:
    """How far a reply has come."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.headers: Headers | None = None
        """Of a reply that has begun."""
        self.is_settled = False
        """Whether nothing more needs to be said: it is complete, or nobody is there to read it."""

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_settled = True
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if self.headers is None:
            if kind == "websocket.close":
                # The router does it where no socket is; the server would answer by plain text.
                raise NotFoundError("There is no such socket.")
            self.headers = Headers(raw=message.get("headers", []))
        if kind == "websocket.accept" or not (
            kind == "http.response.start" or message.get("more_body")
        ):
            self.is_settled = True
        await self._send(message)


class UnansweredError(RuntimeError):
    """The application returned and had not answered, or not to the end."""


def _closing(problem: Problem, error: BaseException) -> Message:
    """The end of a socket, with code and detail of a problem as its reason."""
    reason = f"{problem.code}: {problem.detail}".encode()[:MAX_REASON_BYTES]
    code = close_code_of(problem, error)
    return {"type": "websocket.close", "code": code, "reason": reason.decode(errors="ignore")}


class Authentication:
    """Lets nobody into the API without a valid credential; the caller is set here alone.

    A stream, of events or an export, is ended once the credential it was opened with is not valid
    any more.
    """

    def __init__(
        self, app: ASGIApp, platform: Callable[[], Platform], credentials: Credentials
    ) -> None:
        self._app = app
        self._platform = platform
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy: RoutePolicy = scope["state"][POLICY] if scope["type"] == "http" else PROBE
        if policy.admission is Admission.PUBLIC:
            await self._app(scope, receive, send)
            return
        header = Headers(scope=scope).get("authorization", "")
        scheme, _, secret = header.partition(" ")
        is_needed = policy.admission is not Admission.OPTIONAL
        try:
            caller = await self._caller(secret.strip() if scheme.lower() == "bearer" else "")
        except UnauthorizedError:
            if is_needed:
                raise
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        origin = Origin(client[0] if client else None, scope["state"]["request_id"])
        scope["state"]["caller"] = replace(caller, origin=origin)
        # For the log, and by it for the error log of the tenant.
        with structlog.contextvars.bound_contextvars(tenant_id=str(caller.tenant_id)):
            await self._run_while_valid(secret.strip(), scope, receive, send)

    async def _run_while_valid(
        self, secret: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run the route; a stream it opens is cut once the credential has become invalid."""
        async with TaskGroup() as group:
            watchers: list[asyncio.Task[None]] = []

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start" and _is_stream(message):
                    watchers.append(group.create_task(self._watch(secret)))
                await send(message)

            try:
                await self._app(scope, receive, watched)
            finally:
                for watcher in watchers:
                    watcher.cancel()

    async def _watch(self, secret: str) -> None:
        """Ends the group it runs in, by its error, when the credential is refused."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self._caller(secret)

    async def _caller(self, secret: str) -> Caller:
        return await self._credentials.caller(self._platform(), secret)


class BodyLimit:
    """Refuses bodies over the limit of their route before they are read whole."""

    def __init__(self, app: ASGIApp, max_upload_bytes: int) -> None:
        self._app = app
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy: RoutePolicy = scope["state"][POLICY]
        limit = self._limit(policy.body)
        headers = Headers(scope=scope)
        declared, form = headers.get("content-length", "0"), _FormEnd.of(headers)
        if not declared.isdigit() or int(declared) > limit:
            raise _too_large(limit)
        received = 0
        is_refused = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            body = cast(bytes, message.get("body", b""))
            received += len(body)
            if received > limit:
                raise _too_large(limit)
            if form is not None and message["type"] == "http.request":
                form.see(body, is_last=not message.get("more_body", False))
            return message

        async def corrected(message: Message) -> None:
            # The framework answers 400 to any error while it reads a body; this one is a 413.
            nonlocal is_refused
            if received <= limit:
                await send(message)
            elif not is_refused:
                is_refused = True
                reply = problem_response(problem_of(_too_large(limit)), scope)
                await reply(scope, receive, send)

        await self._app(scope, counted, corrected)

    def _limit(self, size: BodySize) -> int:
        if size is BodySize.FILE:
            return self._max_upload_bytes + FORM_OVERHEAD_BYTES
        if size is BodySize.DOCUMENT:
            return min(self._max_upload_bytes, DOCUMENT_BODY_BYTES)
        return JSON_BODY_BYTES


class _FormEnd:
    """Refuses a form that was cut off: the parser would leave its last part out, and say nothing.

    https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
    """

    def __init__(self, boundary: bytes) -> None:
        self._end = b"--" + boundary + b"--"
        self._tail = b""

    @classmethod
    def of(cls, headers: Headers) -> "_FormEnd | None":
        kind, options = parse_options_header(headers.get("content-type"))
        boundary = options.get(b"boundary")
        return cls(boundary) if kind == b"multipart/form-data" and boundary else None

    def see(self, body: bytes, *, is_last: bool) -> None:
        self._tail = (self._tail + body)[-MAX_EPILOGUE - len(self._end) :]
        if is_last and self._end not in self._tail:
            raise MultiPartException("The form ends before its last boundary: it was cut off.")


def _has_long_body(headers: Headers) -> bool:
    length = headers.get("content-length", "0")  # the server lets no other than digits through
    return "transfer-encoding" in headers or int(length) > LONG_BODY_BYTES


def _is_stream(message: Message) -> bool:
    """Whether it goes on as long as there is something to say: events, an export."""
    return "content-length" not in Headers(raw=message["headers"])


def _too_large(limit: int) -> AppError:
    return TooLargeError(f"The body is larger than the {limit:,} bytes this route accepts.")
