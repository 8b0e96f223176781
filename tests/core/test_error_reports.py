"""Reports of errors, as a Sentry on loopback gets them from the SDK's own transport."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from citewell.core.error_reports import ErrorReports
from citewell.core.errors import StartupError

SECRETS = ("ada@example.org", "marigold", "Bearer cw_")


class Sentry:
    """Takes envelopes."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        sentry = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                sentry.events.append(json.loads(body.splitlines()[2]))
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.dsn = f"http://key@127.0.0.1:{self._server.server_port}/7"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sentry]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sentry = Sentry()
    yield sentry
    sentry.stop()


def failed(message: str) -> Exception:
    """An error that was raised beside a secret."""
    password = SECRETS[1]
    try:
        raise ValueError(message + password[:0])
    except ValueError as error:
        return error


def logged(error: Exception, **more: object) -> dict[str, Any]:
    return {"event": "request_failed", "exc_info": error, "request_id": "request-1", **more}


class TestReport:
    def test_report_tells_where_and_nothing_of_whom(self, sentry: Sentry) -> None:
        reports = ErrorReports(sentry.dsn)
        error = failed("no 'marigold' for ada@example.org")
        entry = logged(error, headers={"authorization": "Bearer cw_secret"})
        assert reports(None, "error", dict(entry)) == entry
        reports.flush()
        [event] = sentry.events
        [thrown] = event["exception"]["values"]
        assert (thrown["type"], thrown["value"]) == ("ValueError", "no … for …")
        assert thrown["stacktrace"]["frames"][-1]["function"] == "failed"
        assert event["tags"] == {"source": "http", "request_id": "request-1"}
        written = json.dumps(event)
        assert not [secret for secret in SECRETS if secret in written]
        for name in ("request", "user", "breadcrumbs", "extra", "modules", "contexts"):
            assert not event.get(name), name
        assert not event.get("server_name")
        assert '"vars"' not in written
        assert '"context_line"' not in written

    def test_group_is_reported_as_the_first_error_in_it(self, sentry: Sentry) -> None:
        reports = ErrorReports(sentry.dsn)
        try:
            raise ExceptionGroup("several", [failed("number one"), KeyError("two")])
        except ExceptionGroup as error:
            reports(None, "error", logged(error))
        reports.flush()
        [thrown] = sentry.events[0]["exception"]["values"]
        assert thrown["type"] == "ValueError"
        assert [each["function"] for each in thrown["stacktrace"]["frames"]] == ["failed"]

    def test_same_error_is_reported_once_a_while_and_others_beside_it(self, sentry: Sentry) -> None:
        reports = ErrorReports(sentry.dsn)
        for number in range(5):
            reports(None, "error", logged(failed(f"number {number}")))
        reports(None, "error", logged(KeyError("another")))
        reports(None, "info", {"event": "started"})
        reports.flush()
        kinds = [event["exception"]["values"][0]["type"] for event in sentry.events]
        assert sorted(kinds) == ["KeyError", "ValueError"]

    def test_bad_address_is_one_line(self) -> None:
        with pytest.raises(StartupError, match="CITEWELL_SENTRY_DSN is no address"):
            ErrorReports("no address")
