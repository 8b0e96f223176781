"""The mail server that the operator names: the shape of its settings."""

import re
from dataclasses import dataclass, field
from email.utils import getaddresses
from enum import StrEnum
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from citewell.core.emails import InvalidEmailError, normalise_email
from citewell.kit.addresses import is_loopback

EXAMPLE = "smtp://user:password@mail.example.org:587"


class MailSecurity(StrEnum):
    """Encryption of the way to a mail server."""

    IMPLICIT = "implicit"
    """TLS from the first byte (RFC 8314)."""
    STARTTLS = "starttls"
    """TLS before anything is said; a server that does not offer it is not used."""
    NONE = "none"


PORTS = {MailSecurity.IMPLICIT: 465, MailSecurity.STARTTLS: 587, MailSecurity.NONE: 25}


@dataclass(frozen=True, slots=True)
class MailPlace:
    """Where mail is handed over."""

    host: str
    port: int
    security: MailSecurity
    username: str | None
    password: str | None = field(repr=False)


def mail_place(url: str) -> MailPlace:
    """The server that an address names.

    Raises:
        ValueError: It names none; the message does not repeat it, as it holds a password.
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"it must look like {EXAMPLE} or smtps://...")
    if parts.fragment or given not in ([], [("tls", "none")]):
        raise ValueError("after the host and port only ?tls=none may stand")
    security = MailSecurity.IMPLICIT if parts.scheme == "smtps" else MailSecurity.STARTTLS
    if given:
        if security is MailSecurity.IMPLICIT:
            raise ValueError("smtps:// is TLS: leave ?tls=none out, or write smtp://")
        security = MailSecurity.NONE
    try:
        port = PORTS[security] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError("its port must lie between 1 and 65535")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("it needs user and password, or neither")
    if security is MailSecurity.NONE and parts.password and not is_loopback(parts.hostname):
        raise ValueError("with ?tls=none everybody on the way reads the password; use TLS")
    return MailPlace(
        parts.hostname,
        port,
        security,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def _smtp_url(value: SecretStr | None) -> SecretStr | None:
    if value is None or not value.get_secret_value():
        return None
    mail_place(value.get_secret_value())
    return value


def sender_of(value: str) -> tuple[str, str]:
    """Name and address in `Citewell <no-reply@example.org>`; the name may be missing.

    Raises:
        ValueError: It names none, or one that not every mail server takes.
    """
    found = getaddresses([value])
    name, address = found[0] if len(found) == 1 else ("", "")
    try:
        address = normalise_email(address)
    except InvalidEmailError:
        address = ""
    if not address.isascii() or not address or re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("it must look like Citewell <no-reply@example.org>")
    return name, address


def _mail_from(value: str | None) -> str | None:
    if not value:
        return None
    sender_of(value)
    return value


SmtpUrl = Annotated[SecretStr | None, AfterValidator(_smtp_url)]
MailFrom = Annotated[str | None, AfterValidator(_mail_from)]
