"""Trying the mail server out: `citewell mail test`, and what `citewell doctor` says of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.entrypoints.conftest import Installation
from tests.mailbox import Mailbox

pytestmark = pytest.mark.usefixtures("logging_put_back")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mailbox on loopback."""
    made = Mailbox()
    made.open()
    yield made
    made.close()


@pytest.fixture
def mailing(installation: Installation, box: Mailbox) -> Installation:
    """The installation, sending there."""
    own = {
        "CITEWELL_SMTP_URL": f"smtp://127.0.0.1:{box.port}?tls=none",
        "CITEWELL_MAIL_FROM": "Citewell <no-reply@example.org>",
        "CITEWELL_PUBLIC_URL": "https://citewell.example.org",
    }
    return replace(installation, variables={**installation.variables, **own})


def test_a_message_is_sent_at_once_and_what_the_server_says_is_told(
    installation: Installation, mailing: Installation, box: Mailbox
) -> None:
    sent = mailing.json("mail", "test", "Ann@Example.org", "--language", "vi")
    assert sent == {"address": "ann@example.org"}
    [letter] = box.letters
    assert (letter.recipients, letter.message["Subject"]) == (
        ("ann@example.org",), "Citewell gửi được thư",
    )  # fmt: skip
    [found] = [each for each in mailing.json("doctor")["checks"] if each["name"] == "mail"]
    assert (found["problems"], found["detail"]) == (
        0, f"127.0.0.1:{box.port} answers, no encryption, without signing in",
    )  # fmt: skip
    box.refusals["ann@example.org"] = "550 5.1.1 no <ann@example.org>"
    refused = mailing.call("mail", "test", "ann@example.org")
    assert (refused.exit_code, refused.stderr.strip()) == (
        3, "The server refuses the recipient (550 5.1.1).",
    )  # fmt: skip
    box.shut()
    found = mailing.json("doctor", code=1)["checks"]
    assert [each["problems"] for each in found if each["name"] == "mail"] == [1]
    off = installation.call("mail", "test", "ann@example.org")
    assert off.exit_code == 2
    assert "CITEWELL_SMTP_URL" in off.stderr
