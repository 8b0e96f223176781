"""The address that links in the output of commands begin with."""

from contextlib import suppress

from citewell.core.errors import StartupError
from citewell.core.private_files import read_private, write_private
from citewell.core.settings import Settings
from citewell.features.mail.letters import link_of
from citewell.models.notices import NoticeKind

ADDRESS_FILE = "server.address"
"""File in the home with the address that a server of this home answered on last."""


def note_address(settings: Settings, address: str) -> None:
    """Record the address of a server, for commands that run beside it."""
    # Without the file commands fall back to the settings, so a home that is read-only is no error.
    with suppress(StartupError):
        write_private(settings.home / ADDRESS_FILE, address)


def address_of(settings: Settings) -> str:
    """The address people reach this installation by, as far as this machine knows it.

    A port that was given to `serve` alone stands in no setting, hence the file.
    """
    noted = read_private(settings.home / ADDRESS_FILE)
    return settings.public_url or noted or address_at(settings.host, settings.port)


def address_at(host: str, port: int) -> str:
    """The address of a server that listens on a host and port, as this machine reaches it."""
    # Listening everywhere is no address to open; from elsewhere it takes CITEWELL_PUBLIC_URL.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def link_to(settings: Settings, kind: NoticeKind, token: str, email: str) -> str:
    """The address of the page that a token is for, as mails to `email` have it."""
    return link_of(address_of(settings), kind, token, email)
