import json
import logging
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from citewell.core.settings import Settings
from citewell.entrypoints import logs

SECRET = "cw_secret_in_a_local_variable"


def fail_with_a_secret() -> None:
    key = SECRET
    try:
        raise ZeroDivisionError(len(key))
    except ZeroDivisionError as error:
        structlog.get_logger("test").error("failed", exc_info=error)


@pytest.mark.usefixtures("logging_put_back")
class TestConfigure:
    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_tracebacks_hold_no_local_variables(
        self, capsys: pytest.CaptureFixture[str], log_format: str
    ) -> None:
        logs.configure(Settings(_env_file=None, home=Path("unused"), log_format=log_format))
        fail_with_a_secret()
        written = capsys.readouterr().err
        assert "ZeroDivisionError" in written
        assert "fail_with_a_secret" in written
        assert SECRET not in written

    def test_json_is_one_document_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure(Settings(_env_file=None, home=Path("unused"), log_format="json"))
        fail_with_a_secret()
        logging.getLogger("library").warning("two\nlines")
        first, second = map(json.loads, capsys.readouterr().err.splitlines())
        assert first["event"] == "failed"
        assert first["level"] == "error"
        assert second["event"] == "two\nlines"

    def test_level_of_the_settings_holds(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure(Settings(_env_file=None, home=Path("unused"), log_level="warning"))
        structlog.get_logger("test").info("unheard")
        logging.getLogger("library").info("unheard too")
        structlog.get_logger("test").warning("heard")
        written = capsys.readouterr().err
        assert "unheard" not in written
        assert "heard" in written

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_personal_data_that_libraries_tell_is_masked(
        self, capsys: pytest.CaptureFixture[str], log_format: str
    ) -> None:
        logs.configure(Settings(_env_file=None, home=Path("unused"), log_format=log_format))
        try:
            raise ValueError("no such caller: 0912 345 678")
        except ValueError as error:
            structlog.get_logger("test").error(
                "failed", exc_info=error, reason=error, job_id="0912345678"
            )
        logging.getLogger("library").warning("mail to %s refused", "an.le@example.com")
        written = capsys.readouterr().err
        assert "0912 345 678" not in written
        assert "an.le@example.com" not in written
        assert written.count("[PHONE]") >= 2  # text shows the line of source as well
        assert "mail to [EMAIL] refused" in written
        assert "0912345678" in written, "ids are ours"

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_personal_data_is_masked_in_whatever_form_it_is_told(
        self, capsys: pytest.CaptureFixture[str], log_format: str
    ) -> None:
        logs.configure(Settings(_env_file=None, home=Path("unused"), log_format=log_format))
        mail = "an.le@example.com"
        told = {
            "errors": [ValueError(mail)], "shown": Path(mail), "several": {mail},
            "sent": mail.encode(), "counts": {mail: 1}, "by_pair": {(mail, 1): 2},
            "message_id": f"<{mail}>", "job_id": UUID(int=912345678), "size": 84912345678,
        }  # fmt: skip
        structlog.get_logger("test").warning("failed", **told)
        written = capsys.readouterr().err
        assert mail not in written
        assert written.count("[EMAIL]") == 7
        assert str(UUID(int=912345678)) in written
        assert "84912345678" in written, "numbers are ours"
