"""Mail handed to the operator's server: certificates checked, bounded, told apart what can heal."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NoReturn
from urllib.parse import urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from citewell.core.mail_servers import MailPlace, MailSecurity, mail_place, sender_of
from citewell.core.settings import Settings
from citewell.kit.clock import utc_now
from citewell.kit.visible import harmless_line

LEAVING_SECONDS = 2.0
"""For the good-bye: the message is the server's by then."""

MOST_SUBJECT = 200

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
"""Status of a reply in figures (RFC 3463); the text behind it may repeat the address."""


class MailError(Exception):
    """A message was not taken; the text says why, without addresses and passwords."""

    def __init__(self, reason: str, *, is_final: bool = False, is_recipients: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final
        """Whether it would be refused again."""
        self.is_servers = not (is_final or is_recipients)
        """Whether it is the server's fault: a refused recipient or message says nothing of it."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server of this installation, and who writes by it."""

    place: MailPlace = field(repr=False)
    sender: str
    own_name: str
    """Name by which this machine greets the server."""
    ca_file: str | None
    seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "MailServer | None":
        """The server of the settings; None: none is set."""
        if settings.smtp_url is None or settings.mail_from is None or not settings.public_url:
            return None
        host = urlsplit(settings.public_url).hostname or "localhost"
        return cls(
            place=mail_place(settings.smtp_url.get_secret_value()),
            sender=settings.mail_from,
            # A number is written in brackets (RFC 5321, section 4.1.3).
            own_name=f"[{host}]" if re.fullmatch(r"[\d.]+", host) else host,
            ca_file=str(settings.smtp_ca_file) if settings.smtp_ca_file else None,
            seconds=settings.smtp_seconds,
        )


@dataclass(frozen=True, slots=True)
class MailText:
    """A message as it is read."""

    subject: str
    plain: str
    html: str


def composed(server: MailServer, address: str, text: MailText, name: str) -> EmailMessage:
    """A message with plain text and the same as HTML.

    Args:
        server: Has the sender.
        address: Of the recipient.
        text: Subject and both texts.
        name: Unique part of the message's id: sent twice, it is one message for mail programs.

    Raises:
        MailError: It cannot be written, for good.
    """
    try:
        return _composed(server, address, text, name)
    # The policy's parser of headers raises IndexError, too, for some addresses that it cannot read.
    except (ValueError, IndexError, MessageError) as error:
        raise MailError("The message cannot be written for this address", is_final=True) from error


def _composed(server: MailServer, address: str, text: MailText, name: str) -> EmailMessage:
    name_of_sender, sender = sender_of(server.sender)
    wired = _wired(address)
    message = EmailMessage(policy=policy.SMTP if wired.isascii() else policy.SMTPUTF8)
    message["From"] = Address(name_of_sender, addr_spec=sender)
    message["To"] = wired  # for people: where it goes is said to `send`
    # One line whatever it was made of; the policy would refuse a line end with an error.
    message["Subject"] = harmless_line(text.subject)[:MOST_SUBJECT]
    message["Date"] = format_datetime(utc_now())
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    # Keeps notes of absence from being sent in reply (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.plain)
    message.add_alternative(text.html, subtype="html")
    return message


def _wired(address: str) -> str:
    """The address with its domain in ASCII, where that is possible: not every server takes more."""
    local, _, domain = address.rpartition("@")
    with suppress(UnicodeError):
        return f"{local}@{domain.encode('idna').decode()}"
    return address


async def send(server: MailServer, message: EmailMessage, address: str) -> None:
    """Hand a message over to the server.

    Args:
        server: The server.
        message: The message.
        address: Of its one recipient, whatever stands in its head.

    Raises:
        MailError: It was not taken.
    """
    async with _visited(server) as client:
        await _hand_over(client, server, message, _wired(address))


async def try_out(server: MailServer) -> str:
    """A line on the server, after connecting, greeting and signing in as for a message.

    Raises:
        MailError: That did not work.
    """
    async with _visited(server) as client:
        await client.noop()
        tls = client.get_transport_info("ssl_object")
    secured = tls.version() if isinstance(tls, ssl.SSLObject) else "no encryption"
    signed = "signed in" if server.place.username else "without signing in"
    return f"{server.place.host}:{server.place.port} answers, {secured}, {signed}"


@asynccontextmanager
async def _visited(server: MailServer) -> AsyncGenerator[aiosmtplib.SMTP, None]:
    """A client that has greeted and signed in, within the time there is.

    Raises:
        MailError: That, or the block, did not work.
    """
    client = _client(server)
    try:
        async with asyncio.timeout(server.seconds):
            await client.connect()
            yield client
        # The server has it: what happens from here on must not have it sent again.
        await _leave(client)
    except (SMTPException, OSError, TimeoutError, ValueError) as error:
        _tell(error, server)
    finally:
        client.close()


def _client(server: MailServer) -> aiosmtplib.SMTP:
    place = server.place
    return aiosmtplib.SMTP(
        hostname=place.host,
        port=place.port,
        username=place.username,
        password=place.password,
        local_hostname=server.own_name,
        timeout=server.seconds,
        use_tls=place.security is MailSecurity.IMPLICIT,
        # True and not None: with None the client goes on in clear where TLS is not offered.
        start_tls=place.security is MailSecurity.STARTTLS,
        cert_bundle=server.ca_file,
    )


async def _hand_over(
    client: aiosmtplib.SMTP, server: MailServer, message: EmailMessage, recipient: str
) -> None:
    _, sender = sender_of(server.sender)
    try:
        await client.send_message(message, sender=sender, recipients=[recipient])
    except aiosmtplib.SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        raise MailError(
            f"The server refuses the recipient ({_code(refusal)})",
            is_final=refusal.code >= 500,
            is_recipients=True,
        ) from error
    except aiosmtplib.SMTPDataError as error:
        raise MailError(
            f"The server refuses the message ({_code(error)})", is_final=error.code >= 500
        ) from error
    except aiosmtplib.SMTPNotSupported as error:
        raise MailError(
            "The server takes no addresses with such letters (SMTPUTF8)", is_final=True
        ) from error


async def _leave(client: aiosmtplib.SMTP) -> None:
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(LEAVING_SECONDS):
            await client.quit()


def _tell(error: Exception, server: MailServer) -> NoReturn:
    """Raise the error in words for people; all of these can heal."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        reason = f"The server refuses user or password ({_code(error)})"
    elif isinstance(error, aiosmtplib.SMTPSenderRefused):
        reason = f"The server refuses the sender ({_code(error)})"
    elif (unproved := _unproved(error)) is not None:
        reason = f"The server's certificate cannot be trusted: {unproved}"
    elif isinstance(error, TimeoutError):
        reason = f"The server did not answer within {server.seconds:g} s"
    elif isinstance(error, SMTPResponseException):
        reason = f"The server refuses to go on ({_code(error)})"
    elif isinstance(error, SMTPException) and "STARTTLS" in str(error):
        reason = "The server offers no STARTTLS"
    elif isinstance(error, SMTPException) and "AUTH" in str(error):
        reason = "The server offers no way to sign in"
    else:
        reason = f"The server cannot be reached ({type(error.__cause__ or error).__name__})"
    raise MailError(reason) from error


def _unproved(error: BaseException) -> str | None:
    """Why the server's certificate does not hold; None if that is not the fault."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return found.verify_message
        found = found.__cause__ or found.__context__
    return None


def _code(error: SMTPResponseException) -> str:
    found = _ENHANCED.match(error.message)
    return f"{error.code} {found[1]}" if found else str(error.code)
