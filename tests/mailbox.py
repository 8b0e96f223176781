# ruff: noqa: ARG002 - methods that a server of aiosmtpd calls, by their arguments' number
"""A mail server on loopback that takes messages, or refuses them as it is told."""

import asyncio
import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.waiting import PATIENCE


@dataclass(frozen=True)
class Letter:
    """A message as it arrived."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    was_encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)  # pyright: ignore[reportReturnType]

    @property
    def text(self) -> str:
        """Its plain text."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return body.get_content()

    @property
    def html(self) -> str:
        """Its HTML."""
        body = self.message.get_body(("html",))
        assert body is not None
        return body.get_content()

    @property
    def link(self) -> str:
        """The link in it."""
        [found] = [line for line in self.text.splitlines() if "#" in line and "://" in line]
        return found.strip()


@dataclass
class Mailbox:
    """Takes all messages; what it does otherwise is set on it at any time."""

    tls: ssl.SSLContext | None = None
    """Offered by STARTTLS."""
    implicit: ssl.SSLContext | None = None
    """Spoken from the first byte."""
    users: dict[str, str] = field(default_factory=dict)
    """Passwords by user; empty: nobody signs in."""
    has_utf8: bool = True
    refusals: dict[str, str] = field(default_factory=dict)
    """Replies to recipients."""
    data_reply: str = "250 OK"
    is_silent: bool = False
    """Whether it leaves messages without a reply."""
    letters: list[Letter] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    """As they were written on the wire."""
    greetings: list[str] = field(default_factory=list)
    port: int = 0
    nudge: Callable[[], object] | None = None
    """Called while a message is waited for: has the sender look for new ones at once."""

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None

    def open(self) -> None:
        """Listen; again on the same port."""
        self._server = self._run(self._listening())
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._run(self._shut(self._server))
            self._server = None

    def close(self) -> None:
        """End its thread."""
        self.shut()
        self._run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, count: int, address: str | None = None) -> list[Letter]:
        """The messages, once there are so many, to that address if one is given."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.to(address)) < count:
            assert time.monotonic() < deadline, [each.recipients for each in self.letters]
            if self.nudge is not None:
                self.nudge()
            time.sleep(0.02)
        return found

    async def arrived(self, count: int, address: str | None = None) -> list[Letter]:
        """The same, beside other work of the loop."""
        return await asyncio.to_thread(self.wait, count, address)

    def to(self, address: str | None) -> list[Letter]:
        """The messages to an address; None: all."""
        return [each for each in self.letters if address is None or address in each.recipients]

    async def _listening(self) -> asyncio.Server:
        made = partial(
            _Listening, self, hostname="mail.test", loop=self._loop, tls_context=self.tls,
            require_starttls=self.tls is not None, enable_SMTPUTF8=self.has_utf8,
            authenticator=self._authenticated if self.users else None,
            auth_require_tls=False,
        )  # fmt: skip
        return await self._loop.create_server(made, "127.0.0.1", self.port, ssl=self.implicit)

    async def _shut(self, server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()

    async def _end_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        is_right = self.users.get(user) == password
        if is_right:
            session.login_data = user.encode()
        return AuthResult(success=is_right, handled=is_right, auth_data=user)

    async def handle_EHLO(  # noqa: N802 - so it is called
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        self.greetings.append(hostname)
        session.host_name = hostname
        return replies

    async def handle_RCPT(  # noqa: N802 - as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (refusal := self.refusals.get(address)) is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.is_silent:
            await asyncio.sleep(PATIENCE)  # the client is gone by then
        if self.data_reply.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            was_encrypted = session.ssl is not None or self.implicit is not None
            user = session.auth_data if isinstance(session.auth_data, str) else None
            self.letters.append(
                Letter(
                    str(envelope.mail_from), tuple(envelope.rcpt_tos), content, was_encrypted, user
                )
            )
        return self.data_reply


class _Listening(SMTP):
    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - so it is called
        box = self.event_handler
        assert isinstance(box, Mailbox)
        box.recipients.append((arg or "").partition("<")[2].partition(">")[0])
        await super().smtp_RCPT(arg)


def server_context(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """TLS for a server of that name, and the authority its certificate is of."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A mail server")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / f"{host}.pem", folder / f"{host}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    return context, certificate
