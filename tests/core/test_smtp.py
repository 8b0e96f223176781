"""Mail handed to a real server: encryption, what can heal, and no way to steer it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from citewell.core.settings import Settings
from citewell.core.smtp import MailError, MailServer, MailText, composed, send, try_out
from tests.mailbox import Mailbox, server_context

ANN = "ann@example.org"
TEXT = MailText(subject="Hello", plain="Good day.\n.\nBye.\n", html="<p>Good day.</p>")

Making = Callable[..., Mailbox]


@pytest.fixture
def making() -> Iterator[Making]:
    """Opens mail servers, and closes them in the end."""
    made: list[Mailbox] = []

    def make(**more: object) -> Mailbox:
        box = Mailbox(**more)  # pyright: ignore[reportArgumentType]
        box.open()
        made.append(box)
        return box

    yield make
    for box in made:
        box.close()


def server(
    url: str, *, ca_file: Path | None = None, seconds: float = 30, sender: str | None = None
) -> MailServer:
    found = MailServer.of(
        Settings(
            _env_file=None,
            smtp_url=SecretStr(url),
            smtp_ca_file=ca_file,
            smtp_seconds=seconds,
            mail_from=sender or "Citéwell <no-reply@example.org>",
            public_url="https://citewell.example.org",
        )
    )
    assert found is not None
    return found


async def delivered(to: MailServer, text: MailText = TEXT, address: str = ANN) -> None:
    await send(to, composed(to, address, text, "one"), address)


async def refused(to: MailServer, address: str = ANN) -> MailError:
    with pytest.raises(MailError) as caught:
        await delivered(to, address=address)
    return caught.value


class TestSending:
    async def test_a_message_arrives_as_it_was_written(self, making: Making) -> None:
        box = making()
        await delivered(server(f"smtp://127.0.0.1:{box.port}?tls=none"))
        [letter] = box.letters
        message = letter.message
        assert (letter.sender, letter.recipients) == ("no-reply@example.org", (ANN,))
        assert message["From"] == "Citéwell <no-reply@example.org>"
        assert (message["To"], message["Subject"]) == (ANN, "Hello")
        assert message["Message-ID"] == "<one@example.org>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert letter.text.replace("\r\n", "\n") == TEXT.plain
        assert letter.html.strip() == TEXT.html
        assert box.greetings == ["citewell.example.org"]

    async def test_line_ends_in_a_subject_make_no_headers(self, making: Making) -> None:
        box = making()
        to = server(f"smtp://127.0.0.1:{box.port}?tls=none")
        hostile = "Hi\r\nBcc: eve@example.org\r\n\r\nBody \x00\u202e\u2028X-Evil: 1"
        await delivered(to, MailText(subject=hostile, plain="x\n", html="<p>x</p>"))
        [letter] = box.letters
        assert letter.recipients == (ANN,)
        assert letter.message["Bcc"] is letter.message["X-Evil"] is None
        assert letter.message["Subject"].startswith("Hi Bcc: eve@example.org")

    async def test_an_address_is_one_recipient_whatever_it_looks_like(self, making: Making) -> None:
        box = making()
        to = server(f"smtp://127.0.0.1:{box.port}?tls=none")
        for address, wired in (
            ("=?utf-8?q?a=40evil.org=2c?=@example.org",) * 2,
            ("bob%evil.org@example.org",) * 2,
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("ấn@example.org",) * 2,
        ):
            await delivered(to, address=address)
            assert box.recipients == [wired]
            box.recipients.clear()
        plain = making(has_utf8=False)
        error = await refused(server(f"smtp://127.0.0.1:{plain.port}?tls=none"), "ấn@example.org")
        assert error.is_final


class TestRefusals:
    async def test_what_is_said_to_be_for_good_is_and_nothing_names_the_address(
        self, making: Making
    ) -> None:
        box = making()
        to = server(f"smtp://127.0.0.1:{box.port}?tls=none")
        for reply, is_final, said in (
            (f"550 5.1.1 <{ANN}> unknown", True, "The server refuses the recipient (550 5.1.1)"),
            (f"451 4.7.1 {ANN} greylisted", False, "The server refuses the recipient (451 4.7.1)"),
            ("452 full", False, "The server refuses the recipient (452)"),
        ):
            box.refusals[ANN] = reply
            error = await refused(to)
            assert (error.is_final, str(error)) == (is_final, said)
        box.refusals.clear()
        for reply, is_final in (("554 5.6.0 spam", True), ("421 4.3.0 later", False)):
            box.data_reply = reply
            error = await refused(to)
            assert error.is_final == is_final
        assert box.letters == []

    async def test_a_server_that_is_away_or_silent_can_heal_in_time(self, making: Making) -> None:
        box = making()
        port = box.port
        box.shut()
        error = await refused(server(f"smtp://127.0.0.1:{port}?tls=none"))
        assert (error.is_final, str(error)) == (
            False, "The server cannot be reached (ConnectionRefusedError)",
        )  # fmt: skip
        box.open()
        box.is_silent = True
        error = await refused(server(f"smtp://127.0.0.1:{port}?tls=none", seconds=0.5))
        assert (error.is_final, str(error)) == (False, "The server did not answer within 0.5 s")
        box.is_silent = False

    def test_an_address_that_no_header_holds_is_refused_for_good(self) -> None:
        # As a column may hold one from before it was refused: an encoded word with a line end.
        address = "=?utf-8?q?a=0ab?=@example.org"
        with pytest.raises(MailError) as caught:
            composed(server("smtp://127.0.0.1:25?tls=none"), address, TEXT, "one")
        assert caught.value.is_final
        assert address not in str(caught.value)


class TestEncryption:
    async def test_starttls_and_tls_carry_the_password(
        self, making: Making, tmp_path: Path
    ) -> None:
        context, authority = server_context(tmp_path)
        starttls = making(tls=context, users={"me@x": "p@ss word"})
        implicit = making(implicit=context, users={"me@x": "p@ss word"})
        for scheme, box in (("smtp", starttls), ("smtps", implicit)):
            url = f"{scheme}://me%40x:p%40ss%20word@127.0.0.1:{box.port}"
            await delivered(server(url, ca_file=authority))
            [letter] = box.letters
            assert (letter.was_encrypted, letter.user) == (True, "me@x")
            told = await try_out(server(url, ca_file=authority))
            assert told == f"127.0.0.1:{box.port} answers, TLSv1.3, signed in"
            wrong = url.replace("word@", "sword@")
            error = await refused(server(wrong, ca_file=authority))
            assert str(error).startswith("The server refuses user or password (535")
            assert not error.is_final
            assert "ss word" not in repr(server(url))

    async def test_a_certificate_must_be_trusted_and_for_this_name(
        self, making: Making, tmp_path: Path
    ) -> None:
        context, authority = server_context(tmp_path)
        other, its_authority = server_context(tmp_path, "mail.example.org")
        for box, ca_file in (
            (making(tls=context), None),
            (making(implicit=context), None),
            (making(tls=other), its_authority),
            (making(implicit=other), its_authority),
            (making(tls=other), authority),
        ):
            scheme = "smtp" if box.implicit is None else "smtps"
            error = await refused(server(f"{scheme}://127.0.0.1:{box.port}", ca_file=ca_file))
            assert "certificate cannot be trusted" in str(error)
            assert (error.is_final, box.letters) == (False, [])

    async def test_nothing_is_said_in_clear_where_starttls_is_not_offered(
        self, making: Making
    ) -> None:
        box = making()
        for call in (refused, _tried):
            error = await call(server(f"smtp://127.0.0.1:{box.port}"))
            assert str(error) == "The server offers no STARTTLS"
        assert box.letters == []


async def _tried(to: MailServer) -> MailError:
    with pytest.raises(MailError) as caught:
        await try_out(to)
    return caught.value


async def test_a_message_that_was_taken_is_not_lost_to_a_server_that_hangs_up(
    making: Making,
) -> None:
    box = making()

    async def quit_never(*_: object) -> str:
        await asyncio.sleep(60)
        return "221 Bye"

    box.handle_QUIT = quit_never  # pyright: ignore[reportAttributeAccessIssue]
    begun = time.monotonic()
    await delivered(server(f"smtp://127.0.0.1:{box.port}?tls=none"))
    assert (len(box.letters), time.monotonic() - begun < 50) == (1, True)
